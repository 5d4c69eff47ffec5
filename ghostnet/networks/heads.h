/* What stands behind a backbone: YOLOv4's neck and heads, and GhostNet's classifier. */
#ifndef GVK_HEADS_H
#define GVK_HEADS_H

#include "backbone.h"

/* Adds the backbone and the rest of the detector behind `input`, and its outputs "stride32", "stride16" and "stride8":
 * raw maps of 3 (5 + class_count) channels. */
void gvk_add_yolov4(gvk_graph *graph, gvk_tensor input, const struct gvk_backbone *backbone, double width,
                    uint32_t class_count);
/* Adds GhostNet, the rest of its classifier, and its output "logits" of class_count channels. */
void gvk_add_classifier(gvk_graph *graph, gvk_tensor input, const struct gvk_backbone *backbone, double width,
                        uint32_t class_count);

#endif
