/* A finished graph with its weights as an ONNX file, node by node as it was built: what ONNX Runtime makes of it,
 * folded batch norms included, is its own. */
#ifndef GVK_TESTS_BENCH_ONNX_FILE_H
#define GVK_TESTS_BENCH_ONNX_FILE_H

#include "protobuf.h"
#include "runtime/graph/graph.h"

/* For an input of 1 x C x height x width. 0 when the graph has an operation that is not written here, or memory ran
 * out. The caller releases the message in both cases. */
int make_onnx(const struct gvk_graph *graph, uint32_t width, uint32_t height, struct message *out);

#endif
