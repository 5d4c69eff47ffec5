/* Which device the command line asks for, in which precision, and opening it. */
#ifndef GHOSTVK_CLI_DEVICE_H
#define GHOSTVK_CLI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program.h"

struct device_choice {
    gvk_device_choice kind;
    uint32_t index;
    const char *name;
    gvk_queue_kind queue;
};

/* The values of --device, --precision and --queue: all say what is wrong and return false. */
bool read_device(const char *value, struct device_choice *out);
bool read_precision(const char *value, gvk_precision *out);
bool read_queue(const char *value, gvk_queue_kind *out);

/* Opens the chosen device; says why not. Returns the exit code. */
int open_device(struct program *program, const struct device_choice *choice, gvk_device **out);

/* How the stream's tensors lie in memory: fp32 or fp16. */
gvk_precision precision_of(const gvk_stream *stream);
const char *precision_name(gvk_precision precision);
const char *queue_name(gvk_queue_kind queue);

/* The device's times of a frame's stages, by the stages' names; NaN for those that it has none of. */
gvk_result read_stage_times(gvk_stream *stream, gvk_ticket ticket, const char *const *names, size_t count, double *ms);

#endif
