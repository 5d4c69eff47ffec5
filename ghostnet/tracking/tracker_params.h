/* A tracker's params with the defaults in place, and checked. */
#ifndef GVK_TRACKER_PARAMS_H
#define GVK_TRACKER_PARAMS_H

#include <ghostvk/tracker.h>

#include "motion.h"
#include "smoothing.h"

struct gvk_tracker_settings {
    uint32_t item, min_hits, max_tracks;
    bool gives_tentative, smooths;
    double least_overlap, max_age;
    struct gvk_motion_noise noise;
    struct gvk_smoothing_params smoothing;
};

/* GVK_ERROR_ARGUMENT, with a sentence, for a number that is out of its range. */
gvk_result gvk_read_tracker_params(const gvk_host *host, const gvk_tracker_params *params,
                                   struct gvk_tracker_settings *out);

#endif
