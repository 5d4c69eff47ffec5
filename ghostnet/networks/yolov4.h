/* The GhostNet-YOLOv4 detector as a graph. */
#ifndef GVK_YOLOV4_H
#define GVK_YOLOV4_H

#include "runtime/graph/graph.h"

/* Adds the whole detector behind `input` and its outputs "stride32", "stride16" and "stride8": raw maps of
 * 3 (5 + class_count) channels. */
void gvk_add_yolov4(gvk_graph *graph, gvk_tensor input, double width, uint32_t class_count);

#endif
