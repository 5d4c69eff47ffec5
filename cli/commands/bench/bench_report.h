/* What `ghostvk bench` measured, and its report: a table for people, one JSON object for programs. */
#ifndef GHOSTVK_CLI_BENCH_REPORT_H
#define GHOSTVK_CLI_BENCH_REPORT_H

#include "cli/base/json.h"
#include "cli/host/program.h"

#define BENCH_PICTURE_WIDTH  640u
#define BENCH_PICTURE_HEIGHT 480u
#define BENCH_WARM_UP        3u

/* The stages by the names that the library gives them, and the whole frame as the host's clock sees it. */
enum bench_stage { BENCH_RESIZE, BENCH_NETWORK, BENCH_DECODE, BENCH_TOTAL, BENCH_STAGES };
extern const char *const bench_stage_names[BENCH_STAGES];

/* Milliseconds over all measured frames; NaN where the device has no timestamps, or the stage is not there. */
struct bench_spread {
    double median, p5, p95;
};

struct bench_layer {
    gvk_layer_timing timing; /* of the traced frame */
    double median_ms;
};

struct bench {
    struct program *program;
    /* What is measured. */
    const char *model_name;
    uint32_t class_count, runs;
    gvk_device_info device;
    gvk_queue_kind queue; /* as it was asked for */
    gvk_stream_info stream;
    /* What came out. */
    struct bench_spread spreads[BENCH_STAGES];
    double frames_per_second; /* with stream.frames in flight */
    uint32_t box_count;       /* of the last frame */
    struct bench_layer *layers;
    uint32_t layer_count;
    double traced_ms[BENCH_STAGES]; /* stages of the traced frame */
};

/* Sorts `samples`. Of none everything is NaN. */
struct bench_spread bench_spread_of(double *samples, size_t count);

void bench_print(const struct bench *bench);
/* One object, without the line's end. */
void bench_write_json(const struct bench *bench, struct json *json);

#endif
