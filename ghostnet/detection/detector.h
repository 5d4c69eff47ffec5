/* What is kept of the detector's public structs beside detector.c. */
#ifndef GVK_DETECTION_DETECTOR_H
#define GVK_DETECTION_DETECTOR_H

#include "runtime/base/structs.h"

extern const struct gvk_layout gvk_layout_of_detector_params, gvk_layout_of_detection;

#endif
