/* Whole scenes against SORT's equations and the one-euro filter in NumPy (goldens/make_tracking.py), and what holds of
 * every scene: that predictions change nothing, that the size of the picture and the beginning of the clock do not
 * matter, that a lost call is lost alone. */
#include "tests/support/counting_host.h"
#include "tests/support/harness.h"

#include <ghostvk/tracker.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_KIND, EVENT_TIME, EVENT_DETECTIONS, EVENT_DETECTION_COUNT, EVENT_TRACKS, EVENT_TRACK_COUNT, EVENT_SIZE };
enum {
    TRACK_ID,
    TRACK_BOX,
    TRACK_VELOCITY = 5,
    TRACK_SCORE = 9,
    TRACK_CLASS,
    TRACK_AGE,
    TRACK_MISSED,
    TRACK_UNSEEN,
    TRACK_STATE,
    TRACK_SIZE
};

/* One scene of the golden. Detections' rows are x1, y1, x2, y2, score, class, item, candidate. */
struct scene {
    uint32_t number;
    const char *name;
    gvk_tracker_params params;
    float *events, *tracks;
    gvk_detection *detections;
    uint64_t event_count;
};

static struct golden *golden;

static float *load(uint32_t number, const char *part, uint64_t *count)
{
    char name[64];
    snprintf(name, sizeof name, "scene%02u.%s", number, part);
    return golden_floats(golden, name, count);
}

static struct scene open_scene(uint32_t number)
{
    char key[64];
    snprintf(key, sizeof key, "scene%02u.name", number);
    struct scene scene = {.number = number, .name = golden_text(golden, key)};
    assert_non_null(scene.name);
    uint64_t count;
    float *params = load(number, "params", &count), *detections;
    assert_int_equal(count, 12);
    scene.params = (gvk_tracker_params){.size = sizeof scene.params,
                                        .item = (uint32_t)params[0],
                                        .min_hits = (uint32_t)params[1],
                                        .max_tracks = (uint32_t)params[2],
                                        .give_tentative = (int)params[3],
                                        .iou = params[4],
                                        .max_age = params[5],
                                        .measurement_noise = params[6],
                                        .process_noise = params[7],
                                        .start_velocity = params[8],
                                        .min_cutoff = params[9],
                                        .beta = params[10],
                                        .derivative_cutoff = params[11]};
    free(params);
    scene.tracks = load(number, "tracks", &count);
    scene.events = load(number, "events", &count);
    scene.event_count = count / EVENT_SIZE;
    detections = load(number, "detections", &count);
    scene.detections = calloc(count / 8 + 1, sizeof *scene.detections);
    assert_non_null(scene.detections);
    for (uint64_t i = 0; i < count / 8; i++) {
        const float *row = detections + 8 * i;
        scene.detections[i] = (gvk_detection){.score = row[4], .class_id = (uint32_t)row[5], .item = (uint32_t)row[6]};
        memcpy(scene.detections[i].box, row, sizeof scene.detections[i].box);
    }
    free(detections);
    return scene;
}

static void close_scene(struct scene *scene)
{
    free(scene->events);
    free(scene->tracks);
    free(scene->detections);
}

static uint32_t count_scenes(void)
{
    uint32_t count = (uint32_t)strtoul(golden_text(golden, "scene_count"), NULL, 10);
    assert_true(count >= 10);
    return count;
}

static gvk_tracker *create_tracker(const struct scene *scene)
{
    gvk_tracker *tracker = NULL;
    assert_ok(gvk_tracker_create(&test_host, &scene->params, &tracker));
    return tracker;
}

static bool is_update(const struct scene *scene, uint64_t event)
{
    return scene->events[event * EVENT_SIZE + EVENT_KIND] < 0.5f;
}

static double time_of(const struct scene *scene, uint64_t event)
{
    return (double)scene->events[event * EVENT_SIZE + EVENT_TIME];
}

/* One event of a scene, its clock moved. */
static gvk_result play(gvk_tracker *tracker, const struct scene *scene, uint64_t event, double clock,
                       const gvk_track **tracks, uint32_t *count)
{
    const float *row = scene->events + event * EVENT_SIZE;
    double seconds = clock + time_of(scene, event);
    if (!is_update(scene, event))
        return gvk_tracker_predict(tracker, seconds, tracks, sizeof **tracks, count);
    return gvk_tracker_update(tracker, scene->detections + (size_t)row[EVENT_DETECTIONS], sizeof scene->detections[0],
                              (uint32_t)row[EVENT_DETECTION_COUNT], seconds, tracks, sizeof **tracks, count);
}

static void expect_near(const struct scene *scene, uint64_t event, const float *row, const char *what, float got,
                        float expected, float allowed)
{
    if (!(fabsf(got - expected) <= allowed))
        fail_msg("scene %u (%s), event %llu at %g s, track %g: %s is %.9g instead of %.9g", scene->number, scene->name,
                 (unsigned long long)event, time_of(scene, event), (double)row[TRACK_ID], what, (double)got,
                 (double)expected);
}

static void expect_track(const struct scene *scene, uint64_t event, const gvk_track *track, const float *row)
{
    static const char *const names[] = {"x1", "y1", "x2", "y2"};
    float side = fmaxf(row[TRACK_BOX + 2] - row[TRACK_BOX], row[TRACK_BOX + 3] - row[TRACK_BOX + 1]);
    expect_near(scene, event, row, "id", (float)track->id, row[TRACK_ID], 0);
    for (int i = 0; i < 4; i++) {
        expect_near(scene, event, row, names[i], track->box[i], row[TRACK_BOX + i], 1e-4f + 1e-5f * side);
        expect_near(scene, event, row, "a velocity", track->velocity[i], row[TRACK_VELOCITY + i], 1e-3f + 1e-5f * side);
    }
    expect_near(scene, event, row, "score", track->score, row[TRACK_SCORE], 0);
    expect_near(scene, event, row, "class", (float)track->class_id, row[TRACK_CLASS], 0);
    expect_near(scene, event, row, "age", (float)track->age, row[TRACK_AGE], 0);
    expect_near(scene, event, row, "missed", (float)track->missed, row[TRACK_MISSED], 0);
    expect_near(scene, event, row, "unseen", track->unseen, row[TRACK_UNSEEN], 1e-6f);
    expect_near(scene, event, row, "state", (float)track->state, row[TRACK_STATE], 0);
}

static void tracks_are_those_of_the_equations(void **state)
{
    (void)state;
    uint64_t compared = 0;
    for (uint32_t i = 0; i < count_scenes(); i++) {
        struct scene scene = open_scene(i);
        gvk_tracker *tracker = create_tracker(&scene);
        for (uint64_t event = 0; event < scene.event_count; event++) {
            const float *row = scene.events + event * EVENT_SIZE;
            const gvk_track *tracks = NULL;
            uint32_t count = 0;
            assert_ok(play(tracker, &scene, event, 0, &tracks, &count));
            if (count != (uint32_t)row[EVENT_TRACK_COUNT])
                fail_msg("scene %u (%s), event %llu at %g s: %u tracks instead of %g", i, scene.name,
                         (unsigned long long)event, time_of(&scene, event), count, (double)row[EVENT_TRACK_COUNT]);
            for (uint32_t j = 0; j < count; j++)
                expect_track(&scene, event, &tracks[j], scene.tracks + ((size_t)row[EVENT_TRACKS] + j) * TRACK_SIZE);
            compared += count;
        }
        gvk_tracker_destroy(tracker);
        close_scene(&scene);
    }
    assert_true(compared > 3000);
}

static void predictions_change_nothing_that_updates_give(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < count_scenes(); i++) {
        struct scene scene = open_scene(i);
        gvk_tracker *with = create_tracker(&scene), *without = create_tracker(&scene);
        for (uint64_t event = 0; event < scene.event_count; event++) {
            const gvk_track *left = NULL, *right = NULL;
            uint32_t left_count = 0, right_count = 0;
            assert_ok(play(with, &scene, event, 0, &left, &left_count));
            if (!is_update(&scene, event))
                continue;
            assert_ok(play(without, &scene, event, 0, &right, &right_count));
            if (left_count != right_count || (left_count && memcmp(left, right, left_count * sizeof *left)))
                fail_msg("scene %u (%s), event %llu: predictions have changed the tracks", i, scene.name,
                         (unsigned long long)event);
        }
        gvk_tracker_destroy(with);
        gvk_tracker_destroy(without);
        close_scene(&scene);
    }
}

/* Scaling by a power of two is exact in floats, and so is moving the clock by a power of two of seconds. */
static void the_picture_s_size_and_the_clock_s_beginning_do_not_matter(void **state)
{
    (void)state;
    const float factor = 8;
    for (uint32_t i = 0; i < count_scenes(); i++) {
        struct scene scene = open_scene(i), larger = open_scene(i);
        uint64_t count;
        free(load(i, "detections", &count));
        for (uint64_t j = 0; j < count / 8; j++)
            for (int k = 0; k < 4; k++)
                larger.detections[j].box[k] *= factor;
        gvk_tracker *one = create_tracker(&scene), *other = create_tracker(&larger);
        for (uint64_t event = 0; event < scene.event_count; event++) {
            const gvk_track *small = NULL, *large = NULL;
            uint32_t small_count = 0, large_count = 0;
            assert_ok(play(one, &scene, event, 0, &small, &small_count));
            assert_ok(play(other, &larger, event, 1 << 20, &large, &large_count));
            assert_int_equal(small_count, large_count);
            for (uint32_t j = 0; j < small_count; j++)
                for (int k = 0; k < 4; k++) {
                    float expected = factor * small[j].box[k];
                    if (large[j].id != small[j].id || !(fabsf(large[j].box[k] - expected) <= 1e-3f * factor))
                        fail_msg("scene %u (%s), event %llu: %g in a picture %g times as large instead of %g", i,
                                 scene.name, (unsigned long long)event, (double)large[j].box[k], (double)factor,
                                 (double)expected);
                }
        }
        gvk_tracker_destroy(one);
        gvk_tracker_destroy(other);
        close_scene(&scene);
        close_scene(&larger);
    }
}

static gvk_detection detection_at(float x, float y, float width, float height)
{
    return (gvk_detection){.box = {x, y, x + width, y + height}, .score = 0.9f};
}

/* Refused calls between the others change nothing: the tracks are those of a tracker that never saw them. */
static void a_refused_call_leaves_the_tracker_as_it_was(void **state)
{
    (void)state;
    const gvk_host silent = {.size = sizeof silent};
    struct scene scene = open_scene(2);
    gvk_tracker *troubled = NULL, *calm = create_tracker(&scene);
    assert_ok(gvk_tracker_create(&silent, &scene.params, &troubled));
    gvk_detection bad[2] = {detection_at(10, 10, 50, 50), detection_at(10, 10, 50, 50)};
    bad[0].item = bad[1].item = scene.params.item;
    bad[1].box[3] = NAN;
    for (uint64_t event = 0; event < scene.event_count; event++) {
        const gvk_track *left = NULL, *right = NULL;
        uint32_t left_count = 0, right_count = 0;
        assert_ok(play(calm, &scene, event, 0, &left, &left_count));
        assert_ok(play(troubled, &scene, event, 0, &right, &right_count));
        if (left_count != right_count || (left_count && memcmp(left, right, left_count * sizeof *left)))
            fail_msg("event %llu: refused calls have changed the tracks", (unsigned long long)event);
        assert_int_equal(gvk_tracker_update(troubled, bad, sizeof bad[0], 2, 1000, NULL, 0, NULL), GVK_ERROR_ARGUMENT);
        if (is_update(&scene, event)) /* the same picture again, and one that is late */
            for (int late = 0; late < 2; late++)
                assert_int_equal(
                    gvk_tracker_update(troubled, bad, sizeof bad[0], 1, time_of(&scene, event) - late, NULL, 0, NULL),
                    GVK_ERROR_ARGUMENT);
        assert_int_equal(gvk_tracker_predict(troubled, NAN, &right, sizeof *right, &right_count), GVK_ERROR_ARGUMENT);
    }
    gvk_tracker_destroy(troubled);
    gvk_tracker_destroy(calm);
    close_scene(&scene);
}

/* Each allocation fails once; the call that it fails is made again, and everything is as if it had not failed. */
static void a_failed_allocation_loses_nothing(void **state)
{
    (void)state;
    struct scene scene = open_scene(3);
    long failures = 0;
    for (long fail_at = 1;; fail_at++) {
        gvk_tracker *troubled = NULL, *calm = create_tracker(&scene);
        atomic_store(&counter.calls, 0);
        atomic_store(&counter.fail_at, fail_at);
        gvk_result result = gvk_tracker_create(&counting_host, &scene.params, &troubled);
        bool has_failed = result == GVK_ERROR_HOST_MEMORY;
        if (has_failed)
            assert_ok(gvk_tracker_create(&counting_host, &scene.params, &troubled));
        for (uint64_t event = 0; event < scene.event_count; event++) {
            const gvk_track *left = NULL, *right = NULL;
            uint32_t left_count = 0, right_count = 0;
            assert_ok(play(calm, &scene, event, 0, &left, &left_count));
            result = play(troubled, &scene, event, 0, &right, &right_count);
            if (result == GVK_ERROR_HOST_MEMORY) {
                has_failed = true;
                result = play(troubled, &scene, event, 0, &right, &right_count);
            }
            assert_ok(result);
            if (left_count != right_count || (left_count && memcmp(left, right, left_count * sizeof *left)))
                fail_msg("allocation %ld failed, and event %llu differs", fail_at, (unsigned long long)event);
        }
        atomic_store(&counter.fail_at, 0);
        gvk_tracker_destroy(troubled);
        gvk_tracker_destroy(calm);
        assert_int_equal(atomic_load(&counter.live), 0);
        if (!has_failed)
            break;
        failures++;
    }
    print_message("             %ld allocations failed\n", failures);
    assert_true(failures >= 7);
    close_scene(&scene);
}

static void a_tracker_that_has_seen_as_many_allocates_nothing(void **state)
{
    (void)state;
    gvk_tracker *tracker = NULL;
    assert_ok(gvk_tracker_create(&counting_host, NULL, &tracker));
    gvk_detection boxes[60];
    long calls = 0;
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < ARRAY_COUNT(boxes); i++)
            boxes[i] = detection_at((float)(i % 10 * 60 + round), (float)(i / 10 * 70), 80, 80);
        const gvk_track *tracks;
        uint32_t count = 0;
        assert_ok(gvk_tracker_update(tracker, boxes, sizeof boxes[0], ARRAY_COUNT(boxes), 0.1 * round, &tracks,
                                     sizeof tracks[0], &count));
        assert_ok(gvk_tracker_predict(tracker, 0.1 * round + 0.15, &tracks, sizeof tracks[0], &count));
        if (round == 4)
            calls = atomic_load(&counter.calls);
        if (round >= 2)
            assert_int_equal(count, ARRAY_COUNT(boxes));
    }
    assert_int_equal(atomic_load(&counter.calls), calls);
    gvk_tracker_destroy(tracker);
    assert_int_equal(atomic_load(&counter.live), 0);
}

static void a_reset_ends_all_tracks_and_no_id_comes_again(void **state)
{
    (void)state;
    gvk_tracker *tracker = NULL;
    const gvk_tracker_params params = {.size = sizeof params, .min_hits = 1};
    assert_ok(gvk_tracker_create(NULL, &params, &tracker));
    const gvk_track *tracks = NULL;
    uint32_t count = 0;
    gvk_detection box = detection_at(10, 10, 50, 50);
    for (uint64_t round = 1; round < 4; round++) {
        assert_ok(
            gvk_tracker_update(tracker, &box, sizeof box, 1, 100 - (double)round, &tracks, sizeof tracks[0], &count));
        assert_int_equal(count, 1);
        assert_int_equal(tracks[0].id, round);
        assert_int_equal(tracks[0].age, 1);
        gvk_tracker_reset(tracker);
        assert_ok(gvk_tracker_predict(tracker, 100, &tracks, sizeof tracks[0], &count));
        assert_int_equal(count, 0);
    }
    gvk_tracker_destroy(tracker);
}

/* Objects that the defaults are meant for: a box that rests does not jump as its detections do, and one that moves is
 * shown near where it is, though its detections come late. */
static void what_rests_is_still_and_what_moves_is_where_it_is(void **state)
{
    (void)state;
    gvk_tracker *tracker = NULL;
    assert_ok(gvk_tracker_create(NULL, NULL, &tracker));
    uint64_t random = 5;
    double detected = 0, shown = 0, away = 0, speed = 80, jump = 0, detected_jump = 0, before = 100;
    float tremble_before = 0;
    uint32_t detections = 0, frames = 0, next = 0;
    const double rate = 10, late = 0.15;
    for (uint32_t frame = 0; frame < 600; frame++) {
        double now = frame / 60.0;
        for (; next / rate + late <= now; next++) {
            double taken = next / rate;
            float tremble = 2 * quarter_step(&random);
            gvk_detection boxes[2] = {detection_at(100 + tremble, 100, 80, 120),
                                      detection_at((float)(50 + speed * taken), 400, 80, 120)};
            detected += fabs((double)tremble);
            detections++;
            detected_jump = fmax(detected_jump, fabs((double)(tremble - tremble_before)));
            tremble_before = tremble;
            assert_ok(gvk_tracker_update(tracker, boxes, sizeof boxes[0], 2, taken, NULL, 0, NULL));
        }
        const gvk_track *tracks = NULL;
        uint32_t count = 0;
        assert_ok(gvk_tracker_predict(tracker, now, &tracks, sizeof tracks[0], &count));
        if (now < 4)
            continue;
        assert_int_equal(count, 2);
        if (frames)
            jump = fmax(jump, fabs((double)tracks[0].box[0] - before));
        before = (double)tracks[0].box[0];
        shown += fabs((double)tracks[0].box[0] - 100);
        away = fmax(away, fabs((double)tracks[1].box[0] - (50 + speed * now)));
        frames++;
    }
    print_message(
        "             at rest off by %.2f px, detections by %.2f; jumps of %.2f px at most, of detections %.2f; "
        "moving off by %.2f px at most\n",
        shown / frames, detected / detections, jump, detected_jump, away);
    assert_true(shown / frames < detected / detections);
    assert_true(jump < detected_jump / 4);
    assert_true(away < 8); /* a detection alone would be off by 12 to 20 */
    gvk_tracker_destroy(tracker);
}

static int open_the_golden(void **state)
{
    (void)state;
    golden = open_golden("tracking.safetensors");
    return golden ? 0 : 1;
}

static int close_the_golden(void **state)
{
    (void)state;
    close_golden(golden);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tracks_are_those_of_the_equations),
        cmocka_unit_test(predictions_change_nothing_that_updates_give),
        cmocka_unit_test(the_picture_s_size_and_the_clock_s_beginning_do_not_matter),
        cmocka_unit_test(a_refused_call_leaves_the_tracker_as_it_was),
        cmocka_unit_test(a_failed_allocation_loses_nothing),
        cmocka_unit_test(a_tracker_that_has_seen_as_many_allocates_nothing),
        cmocka_unit_test(a_reset_ends_all_tracks_and_no_id_comes_again),
        cmocka_unit_test(what_rests_is_still_and_what_moves_is_where_it_is),
    };
    return cmocka_run_group_tests_name("tracking", tests, open_the_golden, close_the_golden);
}
