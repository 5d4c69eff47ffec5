/* The pairs of a track and a detection that may be the same object: of one class, and overlapping enough. */
#ifndef GVK_PAIRS_H
#define GVK_PAIRS_H

#include "order.h"

#include "runtime/base/host.h"

/* A detection keeps so many pairs, those that overlap most. */
#define GVK_MOST_PAIRS 64u

struct gvk_labelled_box {
    double corners[4]; /* x1, y1, x2, y2, finite; one without area is in no pair */
    uint32_t class_id;
    float score; /* of a detection; no part in pairs */
};

struct gvk_pair {
    double overlap; /* intersection over union, above zero */
    uint32_t track, detection;
};

struct gvk_pairs {
    struct gvk_pair *list; /* those of a detection follow each other */
    uint32_t count, capacity;
    struct gvk_sort_key *keys; /* of tracks, then of detections */
    uint32_t key_capacity;
};

/* Intersection over union; 0 where a box has no area. */
double gvk_overlap(const double left[4], const double right[4]);

/* Fills the list with all pairs that overlap by `least` or more, or by anything where that is 0. Boxes that are apart
 * along x are not compared, so that it takes about the number of pairs, and in the worst case tracks times detections.
 * GVK_ERROR_HOST_MEMORY. */
gvk_result gvk_find_pairs(const gvk_host *host, struct gvk_pairs *pairs, const struct gvk_labelled_box *tracks,
                          uint32_t track_count, const struct gvk_labelled_box *detections, uint32_t detection_count,
                          double least);
void gvk_pairs_release(const gvk_host *host, struct gvk_pairs *pairs);

#endif
