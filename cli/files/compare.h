/* `ghostvk run --compare`: every tensor of the fast path against the reference path on one device. */
#ifndef GHOSTVK_CLI_COMPARE_H
#define GHOSTVK_CLI_COMPARE_H

#include "cli/host/program.h"

/* Prints a line a tensor and the worst; returns the exit code: 1 where they differ by more than 1e-4 (fp16 against
 * fp32: 2e-2) of a tensor's largest magnitude, or a value is not finite. */
int compare_paths(struct program *program, gvk_device *device, const gvk_graph *graph, gvk_precision precision,
                  const gvk_picture *pictures, uint32_t batch, uint32_t width, uint32_t height);

#endif
