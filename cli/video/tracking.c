/* See tracking.h. */
#include "tracking.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AGE_USUAL    2.0f /* seconds that a track lives without a detection; the library's default */
#define FRAMES_TO_GO 3    /* and so many frames at least */
#define AGE_MAX      3600.0

struct tracking {
    gvk_tracker *tracker;
};

struct tracking *tracking_create(double seconds_between)
{
    struct tracking *tracking = calloc(1, sizeof *tracking);
    double age = seconds_between > 0 ? FRAMES_TO_GO * seconds_between : 0;
    gvk_tracker_params params = {.size = sizeof params,
                                 .max_tracks = GVK_TRACKER_TRACKS,
                                 .max_age = age > AGE_MAX     ? (float)AGE_MAX
                                            : age > AGE_USUAL ? (float)age
                                                              : AGE_USUAL};
    if (tracking && gvk_tracker_create(NULL, &params, &tracking->tracker) != GVK_OK) {
        free(tracking);
        return NULL;
    }
    return tracking;
}

void tracking_destroy(struct tracking *tracking)
{
    if (!tracking)
        return;
    gvk_tracker_destroy(tracking->tracker);
    free(tracking);
}

void tracking_reset(struct tracking *tracking)
{
    gvk_tracker_reset(tracking->tracker);
}

static float overlap(const float a[4], const float b[4])
{
    float width = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), height = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (width <= 0 || height <= 0)
        return 0;
    float both = width * height;
    float all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;
    return all > 0 ? both / all : 0;
}

/* A track does not say which detection it took, but has that one's class and score; of several like this it is the
 * one that overlaps most. */
static void give_id(const gvk_track *track, const gvk_detection *detections, uint32_t count, uint64_t *ids)
{
    uint32_t best = count;
    float most = -1;
    for (uint32_t index = 0; index < count; index++) {
        const gvk_detection *detection = &detections[index];
        if (ids[index] || detection->class_id != track->class_id || detection->score != track->score)
            continue;
        float by = overlap(track->box, detection->box);
        if (by > most) {
            most = by;
            best = index;
        }
    }
    if (best < count)
        ids[best] = track->id;
}

gvk_result tracking_update(struct tracking *tracking, const gvk_detection *detections, uint32_t count, double seconds,
                           uint64_t *ids)
{
    const gvk_track *tracks = NULL;
    uint32_t track_count = 0;
    for (uint32_t index = 0; index < count; index++)
        ids[index] = 0;
    gvk_result result = gvk_tracker_update(tracking->tracker, detections, sizeof *detections, count, seconds, &tracks,
                                           sizeof *tracks, &track_count);
    for (uint32_t index = 0; !result && index < track_count; index++)
        if (tracks[index].missed == 0)
            give_id(&tracks[index], detections, count, ids);
    return result;
}

void tracking_label(char *label, size_t size, const char *class_name, uint64_t id)
{
    if (id)
        snprintf(label, size, "%s #%" PRIu64, class_name, id);
    else
        snprintf(label, size, "%s", class_name);
}

uint32_t tracking_colour(uint32_t class_id, uint64_t id)
{
    return id ? (uint32_t)(id % UINT32_MAX) : class_id;
}
