/* Which track is which detection: each at most one, so that the sum of their overlaps is the largest.
 *
 * What hangs together by pairs is decided apart from everything else. Where that is no more than GVK_EXACT_SIDE tracks
 * and as many detections, the assignment is the best one there is (Kuhn, "The Hungarian method", 1955, with the
 * shortest augmenting paths of Jonker and Volgenant, 1987, so that it takes n^3 steps for n of them, and
 * GVK_EXACT_SIDE^2 a track at most). Larger crowds get the pair that overlaps most, then the next of those that are
 * left. */
#ifndef GVK_ASSIGNMENT_H
#define GVK_ASSIGNMENT_H

#include "pairs.h"

#define GVK_EXACT_SIDE 64u
#define GVK_UNASSIGNED UINT32_MAX

struct gvk_assignment {
    uint32_t *detection_of; /* of each track, or GVK_UNASSIGNED */
    uint32_t *track_of;     /* of each detection */
    /* Scratch. */
    uint32_t *parent, *local; /* of tracks, then of detections */
    uint32_t node_capacity;
    struct gvk_sort_key *keys; /* of pairs */
    uint32_t key_capacity;
    double *costs; /* GVK_EXACT_SIDE squared */
};

/* The result is in detection_of and track_of. GVK_ERROR_HOST_MEMORY. */
gvk_result gvk_assign(const gvk_host *host, struct gvk_assignment *assignment, const struct gvk_pairs *pairs,
                      uint32_t track_count, uint32_t detection_count);
void gvk_assignment_release(const gvk_host *host, struct gvk_assignment *assignment);

#endif
