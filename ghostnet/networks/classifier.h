/* The GhostNet image classifier as a graph. */
#ifndef GVK_CLASSIFIER_H
#define GVK_CLASSIFIER_H

#include "runtime/graph/graph.h"

/* Adds the whole classifier behind `input` and its output "logits". */
void gvk_add_classifier(gvk_graph *graph, gvk_tensor input, double width, uint32_t class_count);

#endif
