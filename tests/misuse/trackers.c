/* Wrong calls about trackers. */
#include "misuse.h"

#include <ghostvk/tracker.h>

#include <math.h>

static const struct {
    const char *name;
    gvk_tracker_params params;
} wrong_params[] = {
    {"more tracks than there can be", {.max_tracks = GVK_TRACKER_TRACKS + 1}},
    {"tracks without end", {.max_tracks = UINT32_MAX}},
    {"an overlap above 1", {.iou = 1.01f}},
    {"an overlap that is no number", {.iou = NAN}},
    {"an endless overlap", {.iou = INFINITY}},
    {"a negative age", {.max_age = -1}},
    {"an age of more than an hour", {.max_age = 3601}},
    {"an age that is no number", {.max_age = NAN}},
    {"no noise", {.measurement_noise = 1e-5f}},
    {"negative noise", {.measurement_noise = -0.05f}},
    {"endless noise", {.measurement_noise = INFINITY}},
    {"negative noise of velocities", {.process_noise = -1}},
    {"endless noise of velocities", {.process_noise = INFINITY}},
    {"noise of velocities that is no number", {.process_noise = NAN}},
    {"a negative deviation", {.start_velocity = -1}},
    {"an endless deviation", {.start_velocity = INFINITY}},
    {"a cutoff that is no number", {.min_cutoff = NAN}},
    {"an endless cutoff", {.min_cutoff = INFINITY}},
    {"a beta that is no number", {.beta = NAN}},
    {"an endless beta", {.beta = INFINITY}},
    {"a negative cutoff of the derivative", {.derivative_cutoff = -1}},
    {"an endless cutoff of the derivative", {.derivative_cutoff = INFINITY}},
};

static void creating(void **state)
{
    (void)state;
    gvk_tracker *tracker = NULL;
    const gvk_tracker_params right = {.size = sizeof right};
    REFUSED_IN_SILENCE(gvk_tracker_create(NULL, NULL, NULL));
    REFUSED(gvk_tracker_create(&counting_host, &right, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_params); i++)
        LINE_REFUSED(wrong_params[i].name, gvk_tracker_create(&counting_host, &wrong_params[i].params, &tracker));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_tracker_params params = right;
        gvk_host host = counting_host;
        params.size = host.size = impossible_sizes[i];
        REFUSED(gvk_tracker_create(&counting_host, &params, &tracker));
        REFUSED(gvk_tracker_create(&host, &right, &tracker));
    }
    assert_null(tracker);
    gvk_tracker_reset(NULL);
    gvk_tracker_destroy(NULL);
}

static const struct {
    const char *name;
    gvk_detection detection;
} wrong_detections[] = {
    {"a side that is no number", {.box = {NAN, 0, 1, 1}}},
    {"an endless side", {.box = {0, 0, INFINITY, 1}}},
    {"an endless side on the left", {.box = {-INFINITY, 0, 1, 1}}},
    {"a side too far off", {.box = {0, 0, 1, 16777218}}},
    {"a side too far up", {.box = {0, -16777218, 1, 1}}},
    {"a right side left of the left", {.box = {2, 0, 1, 1}}},
    {"a lower side above the upper", {.box = {0, 2, 1, 1}}},
    {"a score that is no number", {.box = {0, 0, 1, 1}, .score = NAN}},
    {"an endless score", {.box = {0, 0, 1, 1}, .score = INFINITY}},
};

static void tracking(void **state)
{
    (void)state;
    gvk_tracker *tracker = NULL;
    const gvk_tracker_params params = {.size = sizeof params, .min_hits = 1};
    assert_ok(gvk_tracker_create(&counting_host, &params, &tracker));
    const gvk_detection box = {.box = {10, 10, 50, 50}, .score = 0.5f};
    const gvk_track *tracks = NULL;
    uint32_t count = 77;
    REFUSED_IN_SILENCE(gvk_tracker_update(NULL, &box, sizeof box, 1, 1, &tracks, sizeof *tracks, &count));
    REFUSED_IN_SILENCE(gvk_tracker_predict(NULL, 1, &tracks, sizeof *tracks, &count));
    REFUSED(gvk_tracker_update(tracker, NULL, sizeof box, 1, 1, &tracks, sizeof *tracks, &count));
    REFUSED(gvk_tracker_update(tracker, &box, sizeof box, 1, 1, NULL, sizeof *tracks, &count));
    REFUSED(gvk_tracker_update(tracker, &box, sizeof box, 1, 1, &tracks, sizeof *tracks, NULL));
    REFUSED(gvk_tracker_update(tracker, &box, sizeof box, GVK_TRACKER_DETECTIONS + 1, 1, NULL, 0, NULL));
    REFUSED(gvk_tracker_update(tracker, &box, sizeof box, UINT32_MAX, 1, &tracks, sizeof *tracks, &count));
    REFUSED(gvk_tracker_predict(tracker, 1, NULL, sizeof *tracks, &count));
    REFUSED(gvk_tracker_predict(tracker, 1, &tracks, sizeof *tracks, NULL));
    static const double no_times[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < ARRAY_COUNT(no_times); i++) {
        REFUSED(gvk_tracker_update(tracker, &box, sizeof box, 1, no_times[i], &tracks, sizeof *tracks, &count));
        REFUSED(gvk_tracker_predict(tracker, no_times[i], &tracks, sizeof *tracks, &count));
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        REFUSED(gvk_tracker_update(tracker, &box, impossible_sizes[i], 1, 1, &tracks, sizeof *tracks, &count));
        REFUSED(gvk_tracker_update(tracker, &box, sizeof box, 1, 1, &tracks, impossible_sizes[i], &count));
        REFUSED(gvk_tracker_predict(tracker, 1, &tracks, impossible_sizes[i], &count));
    }
    for (size_t i = 0; i < ARRAY_COUNT(wrong_detections); i++) {
        const gvk_detection two[] = {box, wrong_detections[i].detection};
        LINE_REFUSED(wrong_detections[i].name, gvk_tracker_update(tracker, two, sizeof two[0], 2, 1, NULL, 0, NULL));
    }
    assert_true(!tracks && count == 77);

    assert_ok(gvk_tracker_predict(tracker, 1, &tracks, sizeof *tracks, &count));
    assert_int_equal(count, 0);
    assert_ok(gvk_tracker_update(tracker, &box, sizeof box, 1, 1, NULL, 0, NULL));
    REFUSED(gvk_tracker_update(tracker, &box, sizeof box, 1, 1, NULL, 0, NULL));
    REFUSED(gvk_tracker_update(tracker, NULL, 0, 0, 0.5, NULL, 0, NULL));
    assert_ok(gvk_tracker_predict(tracker, 1, &tracks, 0, &count));
    assert_true(count == 1 && tracks[0].id == 1 && tracks[0].age == 1);
    gvk_tracker_reset(tracker);
    assert_ok(gvk_tracker_update(tracker, NULL, 0, 0, 0.5, &tracks, 0, &count));
    assert_int_equal(count, 0);
    gvk_tracker_destroy(tracker);
}

int run_tracker_misuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),
        cmocka_unit_test(tracking),
    };
    return cmocka_run_group_tests_name("misuse of trackers", tests, NULL, NULL);
}
