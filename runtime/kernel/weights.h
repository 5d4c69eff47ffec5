/* A node's weights as fp32, with batch norms folded in, and their packing for convolutions. */
#ifndef GVK_WEIGHTS_H
#define GVK_WEIGHTS_H

#include "runtime/graph/graph.h"

/* The array as fp32, zeros when it holds nothing; the caller releases it. */
gvk_result gvk_read_weights(const gvk_host *host, const gvk_array *array, uint64_t count, float **out);
/* A convolution's weights, its batch norm folded into weight and bias in double. */
struct gvk_folded_weights {
    const gvk_array *array;
    uint64_t each;  /* weights of an output */
    double *scales; /* of the outputs; NULL: no norm */
    float *bias;    /* of the outputs, zeros when the node has none */
    float *row;
};
gvk_result gvk_fold_weights(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_folded_weights *out);
/* The weights of one output. They live until the next call: folding all of them at once would take new memory of their
 * whole size, which makes a start slower. */
const float *gvk_folded_row(const struct gvk_folded_weights *weights, uint64_t output);
void gvk_release_weights(const gvk_host *host, struct gvk_folded_weights *weights);

/* How the weights of a block of 4 * quads outputs for one input quad are laid out: in `weights` vectors of four, of
 * which the last may be unused. A vector has the four inputs of one output or, with by_input, four outputs of one
 * input. */
struct gvk_block_layout {
    uint32_t quads, weights;
    bool by_input;
};
/* Weights and bias of a convolution, batch norm folded in, as shaders/convolution/pointwise*.comp and depthwise*.comp
 * read them: in blocks; a quad's taps and bias together. The memory is zeroed. */
gvk_result gvk_pack_pointwise(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_block_layout layout,
                              float *weight, float *bias);
gvk_result gvk_pack_depthwise(const gvk_host *host, const struct gvk_graph_node *node, float *out);

#endif
