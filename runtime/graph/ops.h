/* What is known of an op apart from any device: a line of a table for each. Its kernel's line is in runtime/op/table.c.
 */
#ifndef GVK_OPS_H
#define GVK_OPS_H

#include "graph.h"

/* Every op, and a word for its lines: what a table made of this list has no line for does not compile. */
#define GVK_OPS(X)                                                                                                     \
    X(CONVOLUTION, convolution)                                                                                        \
    X(BATCH_NORM, batch_norm)                                                                                          \
    X(ACTIVATION, activation)                                                                                          \
    X(CONCAT, concat)                                                                                                  \
    X(UPSAMPLE, upsample)                                                                                              \
    X(MAX_POOL, max_pool)                                                                                              \
    X(AVERAGE_POOL, average_pool)                                                                                      \
    X(MULTIPLY, multiply)                                                                                              \
    X(ADD, add)                                                                                                        \
    X(LINEAR, linear)                                                                                                  \
    X(MAX_POOLS, max_pools)                                                                                            \
    X(SQUEEZE_EXCITE, squeeze_excite)                                                                                  \
    X(GHOST, ghost)

/* A weight that a node has: NAME.suffix, of this shape to the last dimension. */
struct gvk_wanted_weight {
    const char *suffix;
    gvk_array *to; /* of the node */
    uint64_t shape[4];
    uint32_t rank;
    bool is_measured; /* not learned: it is no parameter of the network */
};
#define GVK_MOST_WANTED_WEIGHTS 4

enum gvk_channels {
    GVK_CHANNELS_OF_INPUT, /* as many as the first input has */
    GVK_CHANNELS_ASKED,    /* as gvk_node.outputs says */
    GVK_CHANNELS_OF_ALL    /* those of all inputs together */
};

struct gvk_op_line {
    const char *name;
    const char *(*name_of)(const struct gvk_graph_node *node); /* where it depends on the node; NULL: `name` */
    bool is_fused;                                             /* made by rewrites alone: no host can add it */
    bool ends_in_activation;                                   /* gvk_node.activation may be set */
    bool pads_half_its_kernel;                                 /* whatever gvk_node.padding says */
    uint32_t least_inputs, most_inputs;
    enum gvk_channels channels; /* of the output */
    /* What the op asks beyond that: the fault as the end of a sentence, NULL when there is none. NULL: nothing. */
    const char *(*check)(const struct gvk_graph_node *node, const struct gvk_graph_tensor *tensors);
    /* Its weights; returns how many. `bias`: as gvk_node.bias says. NULL: it has none. */
    uint32_t (*list_weights)(struct gvk_graph_node *node, bool bias, struct gvk_wanted_weight *out);
    /* Sets width and height of the output, which are the first input's when it is called, or refuses. NULL: so they
     * stay. */
    gvk_result (*shape)(const gvk_host *host, const struct gvk_graph_node *node, const struct gvk_shape *shapes,
                        struct gvk_shape *out);
    /* Multiply-adds for one item of the batch, of `pixels` sums a channel. NULL: it has none. */
    uint64_t (*count_macs)(const struct gvk_graph_node *node, uint64_t pixels);
};

/* NULL: there is no such op. */
const struct gvk_op_line *gvk_op_line_of(int op);
const char *gvk_op_name(const struct gvk_graph_node *node);
/* Multiply-adds of the node's matrix products and convolutions, for one item of the batch. */
uint64_t gvk_count_macs(const struct gvk_graph_node *node, const struct gvk_shape *shapes);
/* Refuses a node whose inputs differ in width or height. */
gvk_result gvk_compare_maps(const gvk_host *host, const struct gvk_graph_node *node, const struct gvk_shape *left,
                            const struct gvk_shape *right);

/* Turns of a lane of shaders/planes/excite.comp, as if no lanes shared a sum; where they do it is less. A
 * squeeze-excite of more than GVK_MOST_TURNS stays the layers that it was built of. */
uint64_t gvk_count_excite_turns(uint64_t channel_quads, uint64_t reduced_quads);

#endif
