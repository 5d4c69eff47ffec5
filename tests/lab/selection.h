/* Which pipelines a frame of the detector takes on a device, and how much of the work each one does. */
#ifndef GVK_LAB_SELECTION_H
#define GVK_LAB_SELECTION_H

#include "runtime/plan/program.h"

struct selected {
    struct gvk_pipeline_key key;
    uint32_t dispatches;
    uint64_t macs;       /* multiply-adds of all its dispatches */
    uint64_t workgroups; /* of its smallest dispatch */
};

#define MAX_SELECTED 128

/* The whole network at 416 x 416 with 80 classes, and the steps before and behind it; most work first. 0: it failed. */
uint32_t select_pipelines(const struct gvk_policy *policy, struct selected out[MAX_SELECTED]);

#endif
