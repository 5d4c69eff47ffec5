/* A graph as the runtime's own files see it: nodes and tensors in the order in which they were added. A model has a
 * copy, which rewrites change. */
#ifndef GVK_GRAPH_H
#define GVK_GRAPH_H

#include "node.h"

struct gvk_graph_port {
    char *name;
    gvk_tensor tensor;
};

struct gvk_graph {
    gvk_host host;
    gvk_find_weight find;
    void *user;
    gvk_result error; /* sticks */
    bool finished;
    struct gvk_graph_node *nodes;
    uint32_t node_count, node_capacity;
    struct gvk_graph_tensor *tensors; /* [0] is unused: 0 is no tensor */
    uint32_t tensor_count, tensor_capacity;
    struct gvk_graph_port inputs[1];
    uint32_t input_count;
    struct gvk_graph_port outputs[4];
    uint32_t output_count;
};

/* A copy with memory of its own, weights still shared. */
gvk_result gvk_graph_copy(const gvk_host *host, const struct gvk_graph *graph, struct gvk_graph **out);
/* Shapes of all tensors for one input size; `shapes` has room for tensor_count. Refuses sizes that do not fit together.
 */
gvk_result gvk_graph_shapes(const gvk_host *host, const struct gvk_graph *graph, uint32_t width, uint32_t height,
                            struct gvk_shape *shapes);
/* The tensor of that name: a node's output, or an output or input of the graph; 0 when there is none. */
gvk_tensor gvk_graph_find_tensor(const struct gvk_graph *graph, const char *name);
/* How many live nodes and outputs use the tensor. */
uint32_t gvk_graph_uses(const struct gvk_graph *graph, gvk_tensor tensor);

#endif
