/* What a file's metadata say of a network, and what the caller says instead: classes, anchors, input size, thresholds.
 * The network's kind and class count must be known. */
#ifndef GVK_METADATA_H
#define GVK_METADATA_H

#include "network_inside.h"

/* A sentence that names the key, its value and what was wanted. */
gvk_result gvk_refuse_metadata(const gvk_network *network, const char *key, const char *value, const char *wanted);
/* Input size, letterbox, score and overlap. */
gvk_result gvk_read_defaults(gvk_network *network);
/* The caller's, or the file's, or YOLOv4's. A classifier has none. */
gvk_result gvk_take_anchors(gvk_network *network, const float *given);
/* The caller's, or the file's, or numbers. */
gvk_result gvk_take_classes(gvk_network *network, const gvk_network_params *params);

#endif
