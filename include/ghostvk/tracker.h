/* Tracks: detections followed from frame to frame, and boxes for the frames between detections. No device is needed.
 *
 * A detector is slower than a display, and its boxes come late. A tracker takes the detections of each picture with the
 * time at which the picture was taken, and tells where the boxes are at any later time:
 *
 *     gvk_tracker_update(tracker, boxes, sizeof boxes[0], count, taken_at, NULL, 0, NULL);       once a detection
 *     gvk_tracker_predict(tracker, shown_at, &tracks, sizeof tracks[0], &track_count);           once a frame shown
 *
 * Times are seconds of one clock, from any beginning, at uneven intervals. The picture of an update may lie before
 * predictions that were already given: the next prediction is of what is known by then.
 *
 * Sources: Bewley et al., "Simple online and realtime tracking" (SORT), 2016: a Kalman filter of constant velocity over
 * a box's centre, area and ratio of width to height, and the assignment of detections to tracks, class by class, with
 * the largest sum of overlaps. Casiez et al., "1 Euro filter", 2012: smooths what is shown, the less the faster it
 * moves. Different from SORT: steps are times, not frames; noise is in sides of the box, so that a track is the same in
 * a picture of any size; and pairs that overlap too little are left out before the assignment instead of behind it.
 *
 * The rules of gvk.h hold here too. A tracker belongs to one thread at a time; several trackers share nothing. A call
 * that fails leaves the tracker as it was. Memory grows with the number of tracks and detections and is kept until the
 * tracker is destroyed: a tracker that has seen as many before allocates nothing. */
#ifndef GVK_TRACKER_H
#define GVK_TRACKER_H

#include <ghostvk/detector.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GVK_TRACKER_TRACKS     4096     /* gvk_tracker_params.max_tracks, at most */
#define GVK_TRACKER_DETECTIONS 16777216 /* of an update, those of other items included, at most */

typedef struct gvk_tracker gvk_tracker;

typedef struct gvk_tracker_params {
    size_t size;
    uint32_t item;       /* of a batch: the tracker follows this one's detections and passes over all others */
    uint32_t min_hits;   /* updates in a row that detect a track until it is confirmed; 0: 3 */
    uint32_t max_tracks; /* at once, and detections of an update that are looked at: the first; 0: 1024 */
    int give_tentative;  /* also give tracks that are not confirmed yet */
    float iou;           /* least overlap of a detection with where its track is expected, at most 1; 0: 0.3; negative:
                            any */
    float max_age;       /* seconds without a detection after which a track ends, at most 3600; 0: 2. Give more than the
                            time between two detections and the time that one takes, together. */
    /* How much to trust, each from 1e-4 to 1e4, in sides of a box, where its side is the root of its area. */
    float measurement_noise; /* deviation of a detection's centre; twice that, of area and ratio; 0: 0.05 */
    float process_noise;     /* by which a velocity, in sides a second, wanders in a second; 0: 0.5 */
    float start_velocity;    /* deviation of the unknown velocity of a new track, in sides a second; 0: 2 */
    /* The one-euro filter of predictions, each at most 1e6. */
    float min_cutoff;        /* in Hz, of a box at rest: lower is smoother, and later; 0: 1; negative: no smoothing */
    float beta;              /* Hz that the cutoff rises by for each side a second; 0: 1; negative: zero */
    float derivative_cutoff; /* in Hz, of the velocity that this looks at; 0: 1 */
    /* 0.1 ends here. */
} gvk_tracker_params;

typedef enum gvk_track_state {
    GVK_TRACK_TENTATIVE, /* not detected often enough yet; the first update that does not detect it ends it */
    GVK_TRACK_CONFIRMED
} gvk_track_state;

typedef struct gvk_track {
    uint64_t id;       /* from 1; no track of a tracker ever gets one again */
    float box[4];      /* x1, y1, x2, y2 as the detections', not clipped to the picture */
    float velocity[4]; /* of these, a second */
    float score;       /* of the last detection */
    uint32_t class_id;
    uint32_t age;    /* updates since it began; 1 in its first */
    uint32_t missed; /* updates since its last detection; 0: the last update detected it */
    float unseen;    /* seconds from its last detection to the time asked for, 0 where that is earlier */
    uint32_t state;  /* a gvk_track_state */
    /* 0.1 ends here. */
} gvk_track;

/* Params and host may be NULL. Both structs are copied. A tracker without tracks takes a kilobyte. GVK_ERROR_ARGUMENT
 * when a number is out of its range or not finite. GVK_ERROR_HOST_MEMORY. */
GVK_API gvk_result gvk_tracker_create(const gvk_host *host, const gvk_tracker_params *params, gvk_tracker **out);
/* With all that it gave. */
GVK_API void gvk_tracker_destroy(gvk_tracker *tracker);
/* Ends all tracks and forgets the time, as for another scene or another clock. Params and memory stay; ids go on. It
 * costs nothing. */
GVK_API void gvk_tracker_reset(gvk_tracker *tracker);

/* Takes the detections of a picture that was taken at `seconds`; none are fine, and count as a miss of every track.
 * Detections lie `detection_size` bytes apart, as gvk_detector_read gives them: best first, because of more than
 * max_tracks the first ones are looked at, and in this order new tracks begin. One without area (a side below 1e-6) is
 * passed over. They are read during the call.
 *
 * *out are the confirmed tracks (with give_tentative all) at `seconds`, oldest first, not smoothed, `track_size` bytes
 * apart: sizeof(gvk_track). They live until the tracker's next call. `out` and `count_out` may both be NULL.
 *
 * GVK_ERROR_ARGUMENT, and nothing changed, when the time is not finite or not later than that of the last update (drop
 * what arrives out of order), and when a detection of the item holds what is not finite, a coordinate beyond 2^24, or a
 * right side left of its left. GVK_ERROR_HOST_MEMORY.
 *
 * Cost, on one core of a server of 2020: some microseconds for 10 detections, under 1 ms for 1000 that are spread over
 * a picture. The assignment has the largest sum of overlaps wherever no more than 64 tracks and 64 detections of a
 * class hang together by overlaps; in larger crowds, the largest overlap is taken first, among each detection's
 * best 64. So an update takes n^2 overlaps at most, for n of max_tracks: 40 ms for 1024 detections in one heap, 0.3 s
 * for 4096. */
GVK_API gvk_result gvk_tracker_update(gvk_tracker *tracker, const gvk_detection *detections, size_t detection_size,
                                      uint32_t count, double seconds, const gvk_track **out, size_t track_size,
                                      uint32_t *count_out);

/* The tracks at `seconds`, as gvk_tracker_update gives them, and smoothed. To be called once a frame shown, with rising
 * times: the one-euro filter goes from one time to the next. The same time again gives the same boxes, and an earlier
 * one gives them unsmoothed and leaves the filter alone. A track that was not detected for max_age is not given.
 * Nothing else changes: updates give the same whether there were predictions between them or not.
 *
 * A box goes on with its velocity, shrinks to no less than a quarter of its area when it was last detected, and grows
 * to no more than four times that. Times before the last update are allowed; max_age before a track's last detection it
 * stands still. GVK_ERROR_ARGUMENT when the time is not finite. GVK_ERROR_HOST_MEMORY. Cost: under 0.1 us a track. */
GVK_API gvk_result gvk_tracker_predict(gvk_tracker *tracker, double seconds, const gvk_track **out, size_t track_size,
                                       uint32_t *count_out);

#ifdef __cplusplus
}
#endif
#endif
