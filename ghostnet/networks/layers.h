/* What networks are made of that a PyTorch checkpoint names: names below names, a convolution with its batch norm, and
 * channel counts at a width. */
#ifndef GVK_LAYERS_H
#define GVK_LAYERS_H

#include <ghostvk/gvk.h>

struct gvk_name {
    char text[96];
};

/* "PARENT.PART", or PART alone below an empty parent. What does not fit is empty, which no graph takes. */
struct gvk_name gvk_join(const char *parent, const char *part);

/* A convolution without bias, padded so that stride 1 keeps the size, and the batch norm with activation behind it. */
struct gvk_layer {
    const char *convolution, *norm; /* their names below the prefix */
    uint32_t outputs;               /* 0: depthwise, as many as the input has */
    uint32_t kernel, stride;
    double epsilon; /* of the batch norm; 0: 1e-5 */
    gvk_activation activation;
};

gvk_tensor gvk_add_layer(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct gvk_layer *layer);

/* What MobileNets begin with: PREFIX.0, a dense 3 x 3 convolution of stride 2, and PREFIX.1, its batch norm. */
gvk_tensor gvk_add_stem(gvk_graph *graph, const char *prefix, gvk_tensor in, uint32_t outputs,
                        gvk_activation activation);

/* A pointwise convolution with bias and no batch norm. */
gvk_tensor gvk_add_biased(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t outputs,
                          gvk_activation activation);

/* The tensor times a gate of one factor a channel: the average pool PREFIX.pool, whatever `add_gate` makes of it, and
 * the product PREFIX.multiply. */
gvk_tensor gvk_add_gated(gvk_graph *graph, const char *prefix, gvk_tensor in,
                         gvk_tensor (*add_gate)(gvk_graph *graph, const char *prefix, gvk_tensor pooled));

/* The sum PREFIX.add of two tensors of one shape. */
gvk_tensor gvk_add_sum(gvk_graph *graph, const char *prefix, gvk_tensor left, gvk_tensor right);

/* A count times a factor, rounded to a multiple of `divisor`, never down by more than a tenth. */
uint32_t gvk_scale_channels(uint32_t channels, double factor, uint32_t divisor);

#endif
