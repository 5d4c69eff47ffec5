/* Decode and non-maximum suppression behind a network, for given maps. detector.c alone implements it; the public call
 * gvk_detector_create and the tests of given maps use it. */
#ifndef GVK_DETECTOR_H
#define GVK_DETECTOR_H

#include "runtime/stream/stream.h"
#include <ghostvk/ghostnet.h>

struct gvk_detector_setup {
    const char *maps[3]; /* names of the graph's outputs: stride 32, 16, 8 */
    uint32_t classes;
    float anchors[2 * GVK_ANCHORS]; /* pixels of the input, smallest first */
    float confidence, iou;
    uint32_t max_detections; /* 0: all */
};

gvk_result gvk_detector_create_for(gvk_model *model, const gvk_stream_params *params,
                                   const struct gvk_detector_setup *setup, gvk_stream **out);

#endif
