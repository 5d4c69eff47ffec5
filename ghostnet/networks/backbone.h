/* A backbone: the part of a network that makes feature maps of a picture, which a detector's neck or a classifier's
 * head takes further. Each is one file beside this one. */
#ifndef GVK_BACKBONE_H
#define GVK_BACKBONE_H

#include "ghostnet/checkpoint/checkpoint.h"

/* The maps that a detector's neck starts from, by what a side of the input is divided by. */
struct gvk_backbone_maps {
    gvk_tensor stride8, stride16, stride32;
};

struct gvk_backbone {
    const char *name;
    /* A convolution's weight that a checkpoint of this backbone has under this name, and one of no other. */
    const char *mark;
    /* What the names of its own classifier begin with, which many a detector's file keeps and never runs; the last one
     * NULL. */
    const char *const *head_parts;
    /* Finds the width multiplier that explains the channel counts below `prefix`; GVK_ERROR_MISMATCH when most tensors
     * fit none. NULL: there is one width, 1.0. */
    gvk_result (*infer_width)(const gvk_host *host, const gvk_checkpoint *checkpoint, const char *prefix, double *out);
    struct gvk_backbone_maps (*add)(gvk_graph *graph, const char *prefix, gvk_tensor in, double width);
};

extern const struct gvk_backbone gvk_ghostnet, gvk_mobilenet_v1, gvk_mobilenet_v2, gvk_mobilenet_v3;

#endif
