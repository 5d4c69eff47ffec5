/* The tracker of <ghostvk/tracker.h>: SORT's life of tracks (Bewley et al., 2016) over motion.h, assignment.h and
 * smoothing.h. A call allocates all that it needs before it changes anything. */
#include <ghostvk/tracker.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "assignment.h"
#include "ghostnet/detection/detector.h"
#include "runtime/base/structs.h"
#include "tracker_params.h"

/* Coordinates beyond are no pixels, and floats are no longer exact there. */
#define MOST_COORDINATE 16777216.0f
#define LEAST_SIDE      1e-6

static const struct gvk_layout layout_of_track = GVK_LAYOUT(gvk_track, state, state);

struct track {
    struct gvk_motion motion;
    struct gvk_smoothing smoothing;
    uint64_t id;
    float score;
    uint32_t class_id, age, missed, hits; /* hits up to min_hits, in a row until it is confirmed */
    bool is_confirmed;
};

struct gvk_tracker {
    gvk_host host;
    struct gvk_tracker_settings settings;
    struct track *tracks; /* oldest first */
    uint32_t count, capacity;
    uint64_t newest_id;
    bool has_time;  /* there was an update */
    double seconds; /* of the last one */

    struct gvk_labelled_box *boxes; /* of an update: where the tracks are expected, then the detections */
    uint32_t box_capacity, seen_count;
    struct gvk_pairs pairs;
    struct gvk_assignment assignment;

    unsigned char *given; /* what the last call gave */
    size_t given_bytes;
};

gvk_result gvk_tracker_create(const gvk_host *host, const gvk_tracker_params *params, gvk_tracker **out)
{
    gvk_host own;
    gvk_result result = gvk_host_read(host, &own);
    if (result)
        return result;
    if (!out)
        return gvk_fail(&own, GVK_ERROR_ARGUMENT, "gvk_tracker_create needs a place for the tracker.");
    struct gvk_tracker_settings settings;
    result = gvk_read_tracker_params(&own, params, &settings);
    if (result)
        return result;
    gvk_tracker *tracker = gvk_allocate(&own, sizeof *tracker);
    if (!tracker)
        return gvk_fail_memory(&own);
    tracker->host = own;
    tracker->settings = settings;
    *out = tracker;
    return GVK_OK;
}

void gvk_tracker_destroy(gvk_tracker *tracker)
{
    if (!tracker)
        return;
    gvk_host host = tracker->host;
    gvk_pairs_release(&host, &tracker->pairs);
    gvk_assignment_release(&host, &tracker->assignment);
    gvk_release(&host, tracker->tracks);
    gvk_release(&host, tracker->boxes);
    gvk_release(&host, tracker->given);
    gvk_release(&host, tracker);
}

void gvk_tracker_reset(gvk_tracker *tracker)
{
    if (!tracker)
        return;
    tracker->count = 0;
    tracker->has_time = false;
}

static bool is_time(double seconds)
{
    return fabs(seconds) <= DBL_MAX;
}

/* ---- room ---------------------------------------------------------------------------------------------------------
 */

static gvk_result make_room_for_tracks(gvk_tracker *tracker, uint32_t count)
{
    if (count <= tracker->capacity)
        return GVK_OK;
    uint32_t capacity = count > 2 * tracker->capacity ? count : 2 * tracker->capacity;
    struct track *tracks = gvk_grow_array(&tracker->host, tracker->tracks, tracker->count, capacity, sizeof *tracks);
    if (!tracks)
        return gvk_fail_memory(&tracker->host);
    tracker->tracks = tracks;
    tracker->capacity = capacity;
    return GVK_OK;
}

static gvk_result make_room_for_boxes(gvk_tracker *tracker, uint32_t count)
{
    if (count <= tracker->box_capacity)
        return GVK_OK;
    uint32_t capacity = count > 2 * tracker->box_capacity ? count : 2 * tracker->box_capacity;
    struct gvk_labelled_box *boxes = gvk_allocate_array(&tracker->host, capacity, sizeof *boxes);
    if (!boxes)
        return gvk_fail_memory(&tracker->host);
    gvk_release(&tracker->host, tracker->boxes);
    tracker->boxes = boxes;
    tracker->box_capacity = capacity;
    return GVK_OK;
}

static gvk_result make_room_to_give(gvk_tracker *tracker, uint32_t count, size_t track_size)
{
    size_t bytes = count * track_size; /* GVK_TRACKER_TRACKS of some thousand bytes at most */
    if (bytes <= tracker->given_bytes)
        return GVK_OK;
    bytes = bytes > 2 * tracker->given_bytes ? bytes : 2 * tracker->given_bytes;
    unsigned char *given = gvk_allocate(&tracker->host, bytes);
    if (!given)
        return gvk_fail_memory(&tracker->host);
    gvk_release(&tracker->host, tracker->given);
    tracker->given = given;
    tracker->given_bytes = bytes;
    return GVK_OK;
}

/* ---- detections ----------------------------------------------------------------------------------------------------
 */

static bool is_sound(const gvk_detection *detection)
{
    for (int i = 0; i < 4; i++)
        if (!(fabsf(detection->box[i]) <= MOST_COORDINATE))
            return false;
    return isfinite(detection->score) && detection->box[0] <= detection->box[2] &&
           detection->box[1] <= detection->box[3];
}

/* Checks all of the item's detections, and copies those behind the expected boxes that are looked at. */
static gvk_result take_detections(gvk_tracker *tracker, const gvk_detection *detections, size_t detection_size,
                                  uint32_t count)
{
    uint32_t most = count < tracker->settings.max_tracks ? count : tracker->settings.max_tracks;
    gvk_result result = make_room_for_boxes(tracker, tracker->count + most);
    tracker->seen_count = 0;
    for (uint32_t i = 0; i < count && !result; i++) {
        gvk_detection detection;
        gvk_element_copy(&gvk_layout_of_detection, detections, detection_size, i, &detection);
        if (detection.item != tracker->settings.item)
            continue;
        if (!is_sound(&detection))
            return gvk_fail(&tracker->host, GVK_ERROR_ARGUMENT,
                            "Detection %u cannot be tracked: score %g, box %g %g %g %g.", i, (double)detection.score,
                            (double)detection.box[0], (double)detection.box[1], (double)detection.box[2],
                            (double)detection.box[3]);
        struct gvk_labelled_box box = {.class_id = detection.class_id, .score = detection.score};
        for (int j = 0; j < 4; j++)
            box.corners[j] = (double)detection.box[j];
        bool has_area = box.corners[2] - box.corners[0] >= LEAST_SIDE && box.corners[3] - box.corners[1] >= LEAST_SIDE;
        if (has_area && tracker->seen_count < most)
            tracker->boxes[tracker->count + tracker->seen_count++] = box;
    }
    return result;
}

/* The detections of this update, behind the tracks; NULL where there never was one of either. */
static const struct gvk_labelled_box *seen_boxes(const gvk_tracker *tracker)
{
    return tracker->boxes ? tracker->boxes + tracker->count : NULL;
}

/* Where the tracks are expected; one that is too old is nowhere, and so in no pair. */
static void expect_tracks(gvk_tracker *tracker, double seconds)
{
    for (uint32_t i = 0; i < tracker->count; i++) {
        const struct track *track = &tracker->tracks[i];
        tracker->boxes[i] = (struct gvk_labelled_box){.class_id = track->class_id};
        double step = seconds - track->motion.seconds;
        if (step > tracker->settings.max_age)
            continue;
        struct gvk_place place = gvk_motion_at(&track->motion, step);
        gvk_place_corners(&place, tracker->boxes[i].corners, NULL);
    }
}

/* ---- tracks live and end --------------------------------------------------------------------------------------------
 */

static void count_up(uint32_t *number)
{
    if (*number < UINT32_MAX)
        ++*number;
}

static void detect_track(const struct gvk_tracker_settings *settings, struct track *track,
                         const struct gvk_labelled_box *box, double seconds)
{
    gvk_motion_correct(&track->motion, &settings->noise, box->corners, seconds);
    track->score = box->score;
    track->missed = 0;
    count_up(&track->hits);
    track->is_confirmed |= track->hits >= settings->min_hits;
}

static void begin_track(gvk_tracker *tracker, const struct gvk_labelled_box *box, double seconds)
{
    struct track *track = &tracker->tracks[tracker->count++];
    *track = (struct track){.id = ++tracker->newest_id,
                            .score = box->score,
                            .class_id = box->class_id,
                            .age = 1,
                            .hits = 1,
                            .is_confirmed = tracker->settings.min_hits == 1};
    gvk_motion_begin(&track->motion, &tracker->settings.noise, box->corners, seconds);
}

/* Every track is corrected, missed or ended, and detections that are no track's begin new ones. */
static void apply(gvk_tracker *tracker, double seconds)
{
    const struct gvk_assignment *assignment = &tracker->assignment;
    const struct gvk_labelled_box *seen = seen_boxes(tracker);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tracker->count; i++) {
        struct track track = tracker->tracks[i];
        count_up(&track.age);
        if (assignment->detection_of[i] != GVK_UNASSIGNED)
            detect_track(&tracker->settings, &track, &seen[assignment->detection_of[i]], seconds);
        else
            count_up(&track.missed);
        bool is_too_old = seconds - track.motion.seconds > tracker->settings.max_age;
        if (!is_too_old && (track.is_confirmed || !track.missed))
            tracker->tracks[kept++] = track;
    }
    tracker->count = kept;
    for (uint32_t i = 0; i < tracker->seen_count && tracker->count < tracker->settings.max_tracks; i++)
        if (assignment->track_of[i] == GVK_UNASSIGNED)
            begin_track(tracker, &seen[i], seconds);
    tracker->has_time = true;
    tracker->seconds = seconds;
}

/* ---- what is given --------------------------------------------------------------------------------------------------
 */

/* The box as centre and sides is what is smoothed: a box that moves keeps its size. */
static void smooth(const struct gvk_tracker_settings *settings, struct gvk_smoothing *smoothing, double seconds,
                   double side, double box[4])
{
    double values[4] = {(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]};
    gvk_smooth(smoothing, &settings->smoothing, seconds, side, values);
    box[0] = values[0] - values[2] / 2;
    box[1] = values[1] - values[3] / 2;
    box[2] = values[0] + values[2] / 2;
    box[3] = values[1] + values[3] / 2;
}

/* There is room for all tracks. */
static uint32_t give(gvk_tracker *tracker, double seconds, bool smooths, size_t track_size)
{
    const struct gvk_tracker_settings *settings = &tracker->settings;
    uint32_t given = 0;
    for (uint32_t i = 0; i < tracker->count; i++) {
        struct track *track = &tracker->tracks[i];
        double step = fmax(seconds - track->motion.seconds, -settings->max_age);
        if ((!track->is_confirmed && !settings->gives_tentative) || step > settings->max_age)
            continue;
        struct gvk_place place = gvk_motion_at(&track->motion, step);
        double box[4], velocity[4];
        gvk_place_corners(&place, box, velocity);
        if (smooths)
            smooth(settings, &track->smoothing, seconds, sqrt(place.area), box);
        gvk_track to = {.id = track->id,
                        .score = track->score,
                        .class_id = track->class_id,
                        .age = track->age,
                        .missed = track->missed,
                        .unseen = (float)fmax(step, 0),
                        .state = track->is_confirmed ? GVK_TRACK_CONFIRMED : GVK_TRACK_TENTATIVE};
        for (int j = 0; j < 4; j++) {
            to.box[j] = (float)box[j];
            to.velocity[j] = (float)velocity[j];
        }
        gvk_element_write(&layout_of_track, &to, tracker->given, track_size, given++);
    }
    return given;
}

static gvk_result check_places(const gvk_host *host, const gvk_track **out, size_t *track_size,
                               const uint32_t *count_out)
{
    if (!out != !count_out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Tracks are given with their number, or neither of the two.");
    return gvk_element_size(host, &layout_of_track, *track_size, track_size);
}

gvk_result gvk_tracker_update(gvk_tracker *tracker, const gvk_detection *detections, size_t detection_size,
                              uint32_t count, double seconds, const gvk_track **out, size_t track_size,
                              uint32_t *count_out)
{
    if (!tracker)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &tracker->host;
    gvk_result result = check_places(host, out, &track_size, count_out);
    if (!result)
        result = gvk_element_size(host, &gvk_layout_of_detection, detection_size, &detection_size);
    if (result)
        return result;
    if ((count && !detections) || count > GVK_TRACKER_DETECTIONS || count > SIZE_MAX / detection_size)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "An update takes up to %u detections, and not %u at %p.",
                        GVK_TRACKER_DETECTIONS, count, (const void *)detections);
    if (!is_time(seconds) || (tracker->has_time && !(seconds > tracker->seconds)))
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "An update's time is finite and later than the last one's, %.9g: it is %.9g.",
                        tracker->has_time ? tracker->seconds : 0, seconds);

    result = take_detections(tracker, detections, detection_size, count);
    if (result)
        return result;
    expect_tracks(tracker, seconds);
    const struct gvk_labelled_box *seen = seen_boxes(tracker);
    result = gvk_find_pairs(host, &tracker->pairs, tracker->boxes, tracker->count, seen, tracker->seen_count,
                            tracker->settings.least_overlap);
    if (!result)
        result = gvk_assign(host, &tracker->assignment, &tracker->pairs, tracker->count, tracker->seen_count);
    uint32_t most = tracker->count + tracker->seen_count;
    most = most < tracker->settings.max_tracks ? most : tracker->settings.max_tracks;
    if (!result)
        result = make_room_for_tracks(tracker, most);
    if (!result && out)
        result = make_room_to_give(tracker, most, track_size);
    if (result)
        return result;
    apply(tracker, seconds);
    if (out) {
        *count_out = give(tracker, seconds, false, track_size);
        *out = (const gvk_track *)(const void *)tracker->given;
    }
    return GVK_OK;
}

gvk_result gvk_tracker_predict(gvk_tracker *tracker, double seconds, const gvk_track **out, size_t track_size,
                               uint32_t *count_out)
{
    if (!tracker)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &tracker->host;
    if (!out || !count_out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_tracker_predict needs places for the tracks.");
    if (!is_time(seconds))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A prediction's time is finite, and not %g.", seconds);
    gvk_result result = check_places(host, out, &track_size, count_out);
    if (!result)
        result = make_room_to_give(tracker, tracker->count, track_size);
    if (result)
        return result;
    *count_out = give(tracker, seconds, tracker->settings.smooths, track_size);
    *out = (const gvk_track *)(const void *)tracker->given;
    return GVK_OK;
}
