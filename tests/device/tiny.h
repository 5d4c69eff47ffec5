/* A tiny graph of three convolutions, and one-call models, streams and frames of it. */
#ifndef GVK_TESTS_DEVICE_TINY_H
#define GVK_TESTS_DEVICE_TINY_H

#include "watch.h"

#define SIDE    16 /* of the input, where nothing else is said */
#define OUTPUTS 4
#define VALUES  ((size_t)OUTPUTS * SIDE * SIDE)

gvk_result make_model(gvk_device *device, gvk_model **out);
gvk_model *create_model(gvk_device *device);
gvk_result make_stream(gvk_model *model, uint32_t side, uint32_t frames, gvk_stream **out);
gvk_stream *create_stream(gvk_model *model, uint32_t side, uint32_t frames);
gvk_result submit_tiny(gvk_stream *stream, gvk_ticket *ticket);
/* One frame; the output's values are copied. */
gvk_result run_frame(gvk_stream *stream, float *out, size_t count);
/* Model, stream, frame and all of it away again. */
gvk_result run_once(gvk_device *device, float *out);
void expect_equal_values(const float *got, const float *expected, const char *what);

#endif
