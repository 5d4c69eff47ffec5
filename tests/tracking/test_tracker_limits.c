/* Whatever detections and times there may be: no crash, no number that is not finite, no more tracks than were asked
 * for, and no update that takes long. Prints what an update costs. */
#define _POSIX_C_SOURCE 200809L
#include "tests/support/harness.h"
#include "tests/support/promise.h"

#include <ghostvk/tracker.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double uniform(uint64_t *random)
{
    return random_below(random, 1u << 20) / (double)(1u << 20);
}

static gvk_tracker *create(uint32_t max_tracks, int give_tentative)
{
    const gvk_tracker_params params = {
        .size = sizeof params, .max_tracks = max_tracks, .give_tentative = give_tentative};
    gvk_tracker *tracker = NULL;
    assert_ok(gvk_tracker_create(&test_host, &params, &tracker));
    return tracker;
}

static void check_tracks(const gvk_track *tracks, uint32_t count, uint32_t most, uint64_t seed)
{
    if (count > most)
        fail_msg("seed %llu: %u tracks, and %u were allowed", (unsigned long long)seed, count, most);
    for (uint32_t i = 0; i < count; i++) {
        bool is_sound = tracks[i].box[0] <= tracks[i].box[2] && tracks[i].box[1] <= tracks[i].box[3];
        for (int j = 0; j < 4; j++)
            is_sound &= isfinite(tracks[i].box[j]) && isfinite(tracks[i].velocity[j]);
        is_sound &= !i || tracks[i].id > tracks[i - 1].id;
        if (!is_sound)
            fail_msg("seed %llu: track %u of %u, id %llu: box %g %g %g %g, velocity %g %g %g %g",
                     (unsigned long long)seed, i, count, (unsigned long long)tracks[i].id, (double)tracks[i].box[0],
                     (double)tracks[i].box[1], (double)tracks[i].box[2], (double)tracks[i].box[3],
                     (double)tracks[i].velocity[0], (double)tracks[i].velocity[1], (double)tracks[i].velocity[2],
                     (double)tracks[i].velocity[3]);
    }
}

/* A number as nobody means it. */
static float wild(uint64_t *random)
{
    static const float numbers[] = {0,         -0.0f,    1,       1e-6f,    1e-7f, FLT_MIN, 1e-42f,   16777216,
                                    -16777216, 16777218, FLT_MAX, -FLT_MAX, 1e9f,  100,     100.0001f};
    uint32_t index = random_below(random, ARRAY_COUNT(numbers) + 3);
    switch (index) {
    case ARRAY_COUNT(numbers): return NAN;
    case ARRAY_COUNT(numbers) + 1: return INFINITY;
    case ARRAY_COUNT(numbers) + 2: return -INFINITY;
    default: return numbers[index];
    }
}

static double wild_step(uint64_t *random)
{
    static const double steps[] = {1e-300, 1e-12, 1e-6, 0.03, 0.3, 1.9, 2.1, 1e3, 1e18, 1e300, -1, 0, 0.1, 0.1, 0.1};
    return steps[random_below(random, ARRAY_COUNT(steps))];
}

static void any_boxes_and_times_are_taken_or_refused(void **state)
{
    (void)state;
    uint32_t taken = 0, refused = 0, matched = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        uint64_t random = seed * 48271;
        const gvk_tracker_params params = {
            .size = sizeof params,
            .max_tracks = 1 + random_below(&random, 12),
            .min_hits = 1 + random_below(&random, 2),
            .give_tentative = 1,
            .iou = seed % 2 ? -1.0f : 0,
            .max_age = seed % 3 ? 0 : 3600.0f,
            .measurement_noise = seed % 5    ? 0
                                 : seed % 10 ? 1e-4f
                                             : 1e4f,
            .process_noise = seed % 7    ? 0
                             : seed % 14 ? 1e-4f
                                         : 1e4f,
            .start_velocity = seed % 11   ? 0
                              : seed % 22 ? 1e-4f
                                          : 1e4f,
            .min_cutoff = seed % 13 ? 0 : 1e6f,
            .beta = seed % 17 ? 0 : 1e6f,
        };
        gvk_tracker *tracker = NULL;
        assert_ok(gvk_tracker_create(NULL, &params, &tracker)); /* in silence: half of all calls are refused */
        double seconds = 0;
        for (uint32_t round = 0; round < 30; round++) {
            gvk_detection boxes[12];
            uint32_t count = random_below(&random, ARRAY_COUNT(boxes) + 1);
            bool sane = random_below(&random, 4) > 0;
            for (uint32_t i = 0; i < count; i++) {
                boxes[i] = (gvk_detection){.score = 1, .class_id = random_below(&random, 2) ? UINT32_MAX : 0};
                for (int j = 0; j < 4; j++)
                    boxes[i].box[j] = sane ? 20 * (float)uniform(&random) + (j > 1 ? 20 : 0) : wild(&random);
                if (sane && random_below(&random, 3) == 0)
                    for (int j = 0; j < 4; j++) /* some are large, some are tiny */
                        boxes[i].box[j] *= seed % 2 ? 4e5f : 1e-5f;
            }
            double step = wild_step(&random);
            const gvk_track *tracks = NULL;
            uint32_t track_count = 0;
            gvk_result result = gvk_tracker_update(tracker, boxes, sizeof boxes[0], count, seconds + step, &tracks,
                                                   sizeof tracks[0], &track_count);
            assert_true(result == GVK_OK || result == GVK_ERROR_ARGUMENT);
            taken += result == GVK_OK;
            refused += result != GVK_OK;
            if (!result) {
                seconds += step;
                check_tracks(tracks, track_count, params.max_tracks, seed);
                for (uint32_t i = 0; i < track_count; i++)
                    matched += tracks[i].age > 1 && !tracks[i].missed;
            }
            for (uint32_t i = 0; i < 4; i++) {
                double when = seconds + (i ? 1 : -1) * fabs(wild_step(&random));
                assert_ok(gvk_tracker_predict(tracker, when, &tracks, sizeof tracks[0], &track_count));
                check_tracks(tracks, track_count, params.max_tracks, seed);
            }
        }
        gvk_tracker_destroy(tracker);
    }
    print_message("             %u updates taken, %u refused, %u detections of tracks\n", taken, refused, matched);
    assert_true(taken > 10000 && refused > 10000 && matched > 10000);
}

/* Boxes so that every one overlaps every other, enough to be a pair. */
static void fill_heap(gvk_detection *boxes, uint32_t count, uint64_t *random)
{
    for (uint32_t i = 0; i < count; i++) {
        float x = 100 + 10 * (float)uniform(random), y = 100 + 10 * (float)uniform(random);
        boxes[i] = (gvk_detection){.box = {x, y, x + 90, y + 90}, .score = 0.5f};
    }
}

static void thousands_of_boxes_in_one_heap_do_not_stall(void **state)
{
    (void)state;
    static const struct {
        uint32_t tracks, detections;
        double most; /* seconds of an update */
    } cases[] = {{0, 1024, 0.2}, {0, 100000, 0.2}, {GVK_TRACKER_TRACKS, 20000, 2}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        gvk_tracker *tracker = create(cases[i].tracks, 1);
        uint64_t random = 3;
        gvk_detection *boxes = malloc(cases[i].detections * sizeof *boxes);
        assert_non_null(boxes);
        double longest = 0;
        uint32_t count = 0;
        const gvk_track *tracks = NULL;
        for (int round = 0; round < 3; round++) {
            fill_heap(boxes, cases[i].detections, &random);
            double begin = processor_seconds();
            assert_ok(gvk_tracker_update(tracker, boxes, sizeof boxes[0], cases[i].detections, round * 0.1, &tracks,
                                         sizeof tracks[0], &count));
            longest = fmax(longest, processor_seconds() - begin);
            check_tracks(tracks, count, cases[i].tracks ? cases[i].tracks : 1024, 3);
        }
        print_message("             %u detections in one heap, %u tracks: %.1f ms at most\n", cases[i].detections,
                      count, longest * 1e3);
        if (longest > cases[i].most * SLOWER)
            fail_msg("%u detections took %g s", cases[i].detections, longest);
        free(boxes);
        gvk_tracker_destroy(tracker);
    }
}

static int is_less(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Objects strewn over a picture of 1920 x 1080, in 10 classes, that move a little each time. */
static void an_update_of_a_thousand_detections_takes_a_part_of_a_frame(void **state)
{
    (void)state;
    static const uint32_t counts[] = {10, 100, 1000};
    enum { ROUNDS = 101 };
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        gvk_tracker *tracker = create(0, 0);
        static gvk_detection boxes[1000];
        uint64_t random = 17;
        for (uint32_t j = 0; j < counts[i]; j++) {
            float x = 1800 * (float)uniform(&random), y = 1000 * (float)uniform(&random);
            float width = 30 + 90 * (float)uniform(&random), height = 30 + 90 * (float)uniform(&random);
            boxes[j] = (gvk_detection){
                .box = {x, y, x + width, y + height}, .score = 0.5f, .class_id = random_below(&random, 10)};
        }
        double updates[ROUNDS], predictions[ROUNDS];
        const gvk_track *tracks = NULL;
        uint32_t count = 0;
        for (int round = 0; round < ROUNDS; round++) {
            for (uint32_t j = 0; j < counts[i]; j++) {
                float step = quarter_step(&random);
                for (int k = 0; k < 4; k++)
                    boxes[j].box[k] += step;
            }
            double begin = processor_seconds();
            assert_ok(gvk_tracker_update(tracker, boxes, sizeof boxes[0], counts[i], round * 0.1, NULL, 0, NULL));
            double between = processor_seconds();
            assert_ok(gvk_tracker_predict(tracker, round * 0.1 + 0.05, &tracks, sizeof tracks[0], &count));
            updates[round] = between - begin;
            predictions[round] = processor_seconds() - between;
        }
        assert_true(count >= counts[i] * 9 / 10);
        qsort(updates, ROUNDS, sizeof updates[0], is_less);
        qsort(predictions, ROUNDS, sizeof predictions[0], is_less);
        print_message(
            "             %u detections: an update takes %.1f us, a prediction %.1f us (median; at most %.1f)\n",
            counts[i], updates[ROUNDS / 2] * 1e6, predictions[ROUNDS / 2] * 1e6, updates[ROUNDS - 1] * 1e6);
        if (updates[ROUNDS / 2] > 0.01 * SLOWER) /* ten times what it took when this was written */
            fail_msg("%u detections took %g s", counts[i], updates[ROUNDS / 2]);
        gvk_tracker_destroy(tracker);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_boxes_and_times_are_taken_or_refused),
        cmocka_unit_test(thousands_of_boxes_in_one_heap_do_not_stall),
        cmocka_unit_test(an_update_of_a_thousand_detections_takes_a_part_of_a_frame),
    };
    return cmocka_run_group_tests_name("limits of the tracker", tests, NULL, NULL);
}
