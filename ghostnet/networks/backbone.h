/* GhostNet as graph nodes: the stages that the detector and the classifier share, and how wide a checkpoint makes them.
 *
 * Source: Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020, Table 1. */
#ifndef GVK_BACKBONE_H
#define GVK_BACKBONE_H

#include "ghostnet/checkpoint/checkpoint.h"
#include "runtime/graph/graph.h"

/* ---- parts of any network that a PyTorch checkpoint names ---- */

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
    gvk_activation activation;
};

gvk_tensor gvk_add_layer(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct gvk_layer *layer);

/* ---- GhostNet ---- */

/* The maps that a detector's neck starts from. */
struct gvk_backbone_maps {
    gvk_tensor stride8, stride16, stride32; /* after stages 4, 6 and 8 */
};

/* A count of Table 1 at a width: rounded to a multiple of 4, never down by more than a tenth. */
uint32_t gvk_scale_channels(uint32_t channels, double width);

/* Finds the width multiplier that explains the channel counts of the checkpoint's backbone. A few tensors that do not
 * fit it are left for the graph to refuse by name; GVK_ERROR_MISMATCH when most do not fit. */
gvk_result gvk_infer_width(const gvk_host *host, const gvk_checkpoint *checkpoint, const char *prefix, double *out);

/* Adds the stem and the stages 0 to 8. */
struct gvk_backbone_maps gvk_add_backbone(gvk_graph *graph, const char *prefix, gvk_tensor in, double width);

#endif
