/* The graph as the runtime's own files see it: nodes, tensors, shapes. build.c makes it, rewrite.c changes a copy of
 * it, the kernels read it. */
#ifndef GVK_GRAPH_H
#define GVK_GRAPH_H

#include "runtime/base/host.h"

#define GVK_MAX_INPUTS         4
#define GVK_BATCH_NORM_EPSILON 1e-5

/* Behind gvk_op: what only the rewrites make. */
enum gvk_fused_op {
    GVK_OP_MAX_POOLS = GVK_OP_LINEAR + 1, /* up to three max pools of inputs[0], concatenated */
    GVK_OP_SQUEEZE_EXCITE,                /* average pool, reduce, relu, expand, `activation` of inputs[0]: the gate */
    GVK_OP_GHOST, /* a pointwise convolution, and beside its output a depthwise 3 x 3 of that output */
    GVK_OP_END
};

/* The four vectors of a batch norm. */
struct gvk_norm {
    bool present;
    double epsilon; /* added to the variance */
    gvk_array weight, bias, mean, variance;
};

struct gvk_graph_node {
    int op; /* gvk_op or gvk_fused_op */
    char *name;
    gvk_tensor inputs[GVK_MAX_INPUTS];
    uint32_t input_count;
    gvk_tensor output;
    gvk_tensor built; /* the tensor that held this node's value when the graph was built; 0 once a rewrite has removed
                       * that tensor or stores another value in it */
    uint32_t input_channels, output_channels;
    uint32_t kernel, stride, padding, groups;
    gvk_activation activation;
    gvk_array weight, bias; /* data NULL where the graph has no weights; rank 0 where it has no bias */
    struct gvk_norm norm;   /* a batch norm's own, or one folded into a convolution */

    bool removed;              /* by a rewrite */
    gvk_tensor residual, gate; /* fused inputs; 0: none */
    bool upsample;             /* each value goes to 2 x 2 pixels */
    bool ghost_tail;           /* the depthwise convolution that ends a ghost bottleneck: it stores both halves */
    uint32_t pool_kernels[3];
    /* The weights of a fused node's second part: of a squeeze-excite, whose weight and bias are those of `reduce`,
     * those of `expand`; of a ghost module those of the depthwise convolution. */
    gvk_array second_weight, second_bias;
    struct gvk_norm second_norm;
    uint32_t reduced_channels;
};

struct gvk_graph_tensor {
    uint32_t producer; /* index of the node; UINT32_MAX: a graph input */
    uint32_t channels;
    gvk_tensor parent; /* the concat whose memory holds it, from first_channel on; 0: it has memory of its own */
    uint32_t first_channel;
    bool removed; /* a rewrite made it disappear */
    bool tapped;  /* the host wants to read it: no rewrite may remove it or change what it holds */
};

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

struct gvk_shape {
    uint32_t channels, height, width;
};

/* A copy with memory of its own, weights still shared. */
gvk_result gvk_graph_copy(const gvk_host *host, const struct gvk_graph *graph, struct gvk_graph **out);
/* Shapes of all tensors for one input size; `shapes` has room for tensor_count. Refuses sizes that do not fit together.
 */
gvk_result gvk_graph_shapes(const gvk_host *host, const struct gvk_graph *graph, uint32_t width, uint32_t height,
                            struct gvk_shape *shapes);
/* The tensor of that name: a node's output, or an output or input of the graph; 0 when there is none. */
gvk_tensor gvk_graph_find_tensor(const struct gvk_graph *graph, const char *name);
/* gvk_graph_copy with the tensors of these names tapped. GVK_ERROR_ARGUMENT when there is none of a name. */
gvk_result gvk_graph_copy_tapped(const gvk_host *host, const struct gvk_graph *graph, const char *const *taps,
                                 uint32_t count, struct gvk_graph **out);
/* How many live nodes and outputs use the tensor; a tap is one more. */
uint32_t gvk_graph_uses(const struct gvk_graph *graph, gvk_tensor tensor);

static inline bool gvk_is_pointwise(const struct gvk_graph_node *node)
{
    return (node->op == GVK_OP_CONVOLUTION && node->kernel == 1 && node->stride == 1 && node->padding == 0 &&
            node->groups == 1) ||
           node->op == GVK_OP_LINEAR;
}

static inline bool gvk_is_depthwise(const struct gvk_graph_node *node)
{
    return node->op == GVK_OP_CONVOLUTION && node->groups == node->input_channels && node->groups > 1;
}

static inline uint32_t gvk_quads(uint32_t channels)
{
    return channels / 4 + (channels % 4 != 0);
}

#endif
