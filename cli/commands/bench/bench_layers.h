/* What `ghostvk bench` measured of each layer: as a table, and as a trace of one frame. */
#ifndef GHOSTVK_CLI_BENCH_LAYERS_H
#define GHOSTVK_CLI_BENCH_LAYERS_H

#include "bench_report.h"

/* Sorted by time, with a total. False when memory ran out. */
bool bench_print_layers(const struct bench *bench);
/* For Chrome's trace viewer and Perfetto: an event a dispatch, the stages as a track of their own. */
void bench_write_trace(const struct bench *bench, struct json *json);

#endif
