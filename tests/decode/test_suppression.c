/* Suppression on whatever maps there may be: hundreds of random scenes, and the largest that there are, each checked
 * against the definition (decode/greedy.h). Every driver is held to the same, so that they agree with each other. */
#include "greedy.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How raw maps are drawn. */
struct style {
    const char *name;
    double position;            /* deviation of raw x and y */
    double side_low, side_high; /* raw width and height */
    uint32_t scores;            /* levels of objectness */
};

enum { SPREAD, CLUSTERS, EQUAL_SCORES, FEW_SCORES, TINY, EVERY_SIZE, LARGE_AREAS, LARGE_SIDES, STYLES, ALIKE = STYLES };

static const struct style styles[] = {
    [SPREAD] = {"spread", 1.5, -1.5, 0.5, 4000},
    [CLUSTERS] = {"clusters", 0.5, 1, 3, 4000},
    [EQUAL_SCORES] = {"equal scores", 1.5, -1.5, 0.5, 1},
    [FEW_SCORES] = {"few scores", 0.5, -0.5, 1.5, 7},
    [TINY] = {"tiny boxes", 1, -9, -7, 300},
    [EVERY_SIZE] = {"boxes of every size", 1, -8, 8, 300},
    [LARGE_AREAS] = {"areas up to the largest", 1, 36, 43, 300},
    [LARGE_SIDES] = {"sides up to the largest", 1, 60, 80, 300},
    [ALIKE] = {"boxes alike", 0.5, 2, 2.1, 4000},
};

static double draw(uint64_t *random, double low, double high)
{
    return low + (high - low) * random_below(random, 1u << 20) / (double)(1u << 20);
}

static void draw_maps(struct scene *scene, const struct style *style)
{
    uint64_t random = scene->seed;
    size_t plane = (size_t)scene->width * scene->height, each = 5 + scene->classes;
    scene->maps = malloc(scene->batch * 3 * each * plane * sizeof *scene->maps);
    assert_non_null(scene->maps);
    for (size_t i = 0; i < scene->batch * 3 * each * plane; i++) {
        size_t channel = i / plane % each;
        double value;
        if (channel < 2)
            value = draw(&random, -style->position, style->position);
        else if (channel < 4)
            value = draw(&random, style->side_low, style->side_high);
        else if (channel == 4)
            value = style->scores == 1 ? 0.5 : -6 + 10.0 * random_below(&random, style->scores) / style->scores;
        else
            value = -4;
        scene->maps[i] = (float)value;
    }
    /* One class of each candidate stands out; its logit is the same everywhere, so that scores are as apart as levels.
     */
    for (uint32_t anchor = 0; anchor < scene->batch * 3; anchor++)
        for (size_t cell = 0; cell < plane; cell++) {
            uint32_t label = random_below(&random, scene->classes);
            scene->maps[(anchor * each + 5 + label) * plane + cell] = 2;
        }
}

static gvk_picture *pictures_of(const struct scene *scene)
{
    size_t item = (size_t)scene->width * scene->height * 3 * (5 + scene->classes);
    gvk_picture *pictures = calloc(scene->batch, sizeof *pictures);
    assert_non_null(pictures);
    for (uint32_t i = 0; i < scene->batch; i++)
        pictures[i] = tensor_picture(scene->width, scene->height, scene->maps + i * item);
    return pictures;
}

/* Milliseconds of decode and suppression, -1 where the device tells no times. */
static double decode_milliseconds(gvk_stream *stream, gvk_ticket ticket)
{
    gvk_timing timings[3];
    uint32_t count = ARRAY_COUNT(timings);
    assert_ok(gvk_stream_timings(stream, ticket, timings, sizeof(gvk_timing), &count));
    return count ? timings[count - 1].ms : -1;
}

/* Runs the scene: right, and where it is run `times` 2, the same bytes. Returns the number of detections. */
static uint32_t prove(const struct scene *scene, gvk_model *model, int times, uint32_t *candidates, double *ms)
{
    struct setup setup = setup_of(scene->classes, scene->confidence, scene->iou, 0.125f);
    gvk_stream *stream = create_detector(model, &setup, scene->width, scene->height, scene->batch, 1);
    gvk_picture *pictures = pictures_of(scene);
    uint32_t count;
    gvk_ticket ticket = submit(stream, pictures, scene->batch);
    gvk_detection *found = copy_detections(stream, ticket, &count);
    *candidates = candidates_of(stream, ticket);
    *ms = decode_milliseconds(stream, ticket);
    check_greedy(scene, found, count, *candidates);
    for (int i = 1; i < times; i++) {
        uint32_t again;
        ticket = submit(stream, pictures, scene->batch);
        gvk_detection *other = copy_detections(stream, ticket, &again);
        if (again != count || memcmp(found, other, count * sizeof *found))
            fail_msg("%s, seed %llu: the second frame differs", scene->name, (unsigned long long)scene->seed);
        free(other);
    }
    free(found);
    free(pictures);
    gvk_stream_destroy(stream);
    return count;
}

#define SCENES 200

static void two_hundred_random_scenes_are_suppressed_as_defined(void **state)
{
    (void)state;
    static const uint32_t class_counts[] = {1, 2, 3, 11, 20, 80};
    gvk_model *model = NULL;
    uint64_t candidates = 0, detections = 0;
    for (uint32_t i = 0; i < SCENES; i++) {
        uint64_t random = 77000 + i;
        uint32_t classes = class_counts[i / 34 % ARRAY_COUNT(class_counts)];
        const struct style *style = &styles[i % STYLES];
        struct scene scene = {
            .seed = 77000 + i,
            .width = 4 + 4 * random_below(&random, 6),
            .height = 4 + 4 * random_below(&random, 6),
            .classes = classes,
            .batch = 1 + random_below(&random, 3),
            .confidence = random_below(&random, 3) ? (float)draw(&random, 0, 0.6) : 0,
            .iou = random_below(&random, 6) ? (float)draw(&random, 0.05, 0.95) : (float)random_below(&random, 2),
        };
        snprintf(scene.name, sizeof scene.name, "scene %u, %s", i, style->name);
        scene.picture_width = scene.width;
        scene.picture_height = scene.height;
        draw_maps(&scene, style);
        if (i % 34 == 0) {
            gvk_model_destroy(model);
            model = create_one_map_model(3 * (5 + classes));
        }
        uint32_t count;
        double ms;
        detections += prove(&scene, model, 2, &count, &ms);
        candidates += count;
        free(scene.maps);
    }
    gvk_model_destroy(model);
    print_message("             %u scenes: %llu candidates, %llu detections\n", SCENES, (unsigned long long)candidates,
                  (unsigned long long)detections);
}

/* 170,352 candidates of 1664 x 1664 pixels, and 340,704 of a batch of eight at 832 x 832. SwiftShader, whose lanes have
 * no bound and which takes minutes, meets a quarter of them. */
static void the_largest_frames_are_suppressed_as_defined(void **state)
{
    (void)state;
    static const struct {
        uint32_t side, classes, batch, style;
        float confidence, iou;
        bool equal;
    } cases[] = {
        {208, 1, 1, ALIKE, 0, 0.5f, false},       {208, 3, 1, ALIKE, 0, 0.3f, true},
        {208, 1, 1, LARGE_AREAS, 0, 0.5f, false}, {208, 1, 1, SPREAD, 0, 1, false},
        {104, 1, 8, ALIKE, 0, 0.5f, false},       {104, 80, 8, ALIKE, 0, 0.5f, true},
    };
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(device, &info);
    bool slow = strstr(info.name, "SwiftShader") != NULL;
    if (slow)
        say_left_out("frames of 1664 x 1664 pixels, and of eight of 832 x 832: half a side instead");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct style drawn = styles[cases[i].style], *style = &drawn;
        uint32_t side = slow ? cases[i].side / 2 : cases[i].side;
        drawn.scores = cases[i].equal ? 1 : drawn.scores;
        struct scene scene = {
            .seed = 99 + i,
            .width = side,
            .height = side,
            .classes = cases[i].classes,
            .batch = cases[i].batch,
            .confidence = cases[i].confidence,
            .iou = cases[i].iou,
            .picture_width = side,
            .picture_height = side,
        };
        snprintf(scene.name, sizeof scene.name, "large, %s%s", style->name, cases[i].equal ? ", equal scores" : "");
        draw_maps(&scene, style);
        gvk_model *model = create_one_map_model(3 * (5 + scene.classes));
        double ms;
        uint32_t candidates, count = prove(&scene, model, i == 0 ? 2 : 1, &candidates, &ms); /* they take long */
        print_message("             %s, %u classes, batch %u, IoU %g: %u of %u kept, %.0f ms\n", scene.name,
                      scene.classes, scene.batch, (double)scene.iou, count, candidates, ms);
        gvk_model_destroy(model);
        free(scene.maps);
    }
}

/* What a driver that computes wrongly may leave in the result: each of these would be an index into the host's lists,
 * or a box nowhere. The result's layout is that of shaders/shared.h. */
static void a_box_that_cannot_be_is_the_drivers_error(void **state)
{
    (void)state;
    struct scene scene = {.seed = 5,
                          .width = 16,
                          .height = 16,
                          .classes = 3,
                          .batch = 2,
                          .confidence = 0.25f,
                          .iou = 0.5f,
                          .picture_width = 16,
                          .picture_height = 16};
    draw_maps(&scene, &styles[SPREAD]);
    gvk_model *model = create_one_map_model(3 * (5 + scene.classes));
    struct setup setup = setup_of(scene.classes, scene.confidence, scene.iou, 0.125f);
    gvk_stream *stream = create_detector(model, &setup, scene.width, scene.height, scene.batch, 1);
    gvk_picture *pictures = pictures_of(&scene);
    gvk_ticket ticket = submit(stream, pictures, scene.batch);
    const gvk_detection *found = NULL;
    uint32_t count = read_detections(stream, ticket, &found), again;
    assert_in_range(count, 10, 10000);
    const void *seen = NULL;
    assert_ok(gvk_stream_result(stream, ticket, &seen));
    enum { DRAW = 4, HEADER = 12, EACH = 8, SCORE = 4, CLASS, ITEM, ROW };
    enum { VERTICES, INSTANCES, FIRST_VERTEX, FIRST_INSTANCE };
    uint32_t *words = (uint32_t *)(uintptr_t)seen; /* the frame's own memory, which the driver writes */
    const uint32_t rows = 3 * (16 * 16 + 8 * 8 + 4 * 4), second = HEADER + EACH;
    const struct {
        const char *name;
        uint32_t word, value;
    } wrong[] = {
        {"more detections than candidates", 0, words[1] + 1},
        {"more candidates than there can be", 1, 2 * rows + 1},
        {"a draw of no vertices", DRAW + VERTICES, 0},
        {"a draw of more boxes than the picture has", DRAW + INSTANCES, words[DRAW + INSTANCES] + 1},
        {"a draw of fewer boxes than the picture has", DRAW + INSTANCES, words[DRAW + INSTANCES] - 1},
        {"a draw that begins in the middle of a box", DRAW + FIRST_VERTEX, 1},
        {"a draw that begins at another picture's box", DRAW + 4 + FIRST_INSTANCE, words[DRAW + INSTANCES] - 1},
        {"a class that there is not", second + CLASS, scene.classes},
        {"an item that there is not", second + ITEM, scene.batch},
        {"a row that there is not", second + ROW, rows},
        {"a score of 5.29", second + SCORE, 0x40a947ae},
        {"a score that is no number", second + SCORE, 0x7fc00000},
        {"a score below the confidence", second + SCORE, 0x3e700000},
        {"a side that is no number", second + 2, 0x7fc00000},
        {"a side at infinity", second + 3, 0x7f800000},
        {"a left side of -1", second, 0xbf800000},
        {"a left side behind the right one", second, 0x41880000},
        {"the first score after the second", HEADER + SCORE, 0x3e820000},
        {"the items in the wrong order", HEADER + ITEM, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        uint32_t right = words[wrong[i].word];
        words[wrong[i].word] = wrong[i].value;
        gvk_result result = gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), &again);
        words[wrong[i].word] = right;
        if (result != GVK_ERROR_DRIVER)
            fail_msg("%s: %s, not GVK_ERROR_DRIVER", wrong[i].name, gvk_result_name(result));
        assert_ok(gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), &again));
        assert_int_equal(again, count);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    free(pictures);
    free(scene.maps);
}

/* Below the least normal number there are none for many devices: SwiftShader takes such a threshold for zero, and finds
 * scores of zero not below it. */
static void a_confidence_below_the_least_normal_number_is_zero(void **state)
{
    (void)state;
    static const float confidences[] = {0, 1e-45f, 1e-39f, 1.1e-38f, 1.2e-38f, 1e-30f};
    static const float logits[] = {-20, -75, -100}; /* of objectness; the scores are 2e-9, 2e-33 and 0 */
    const uint32_t plane = 8 * 8, all = 3 * (8 * 8 + 4 * 4 + 2 * 2);
    struct scene scene = {.width = 8, .height = 8, .classes = 1, .batch = 1};
    draw_maps(&scene, &styles[SPREAD]);
    gvk_model *model = create_one_map_model(3 * 6);
    gvk_picture *pictures = pictures_of(&scene);
    for (size_t i = 0; i < ARRAY_COUNT(confidences); i++) {
        struct setup setup = setup_of(1, confidences[i], 1, 0.125f);
        gvk_stream *stream = create_detector(model, &setup, 8, 8, 1, 1);
        for (size_t j = 0; j < ARRAY_COUNT(logits); j++) {
            for (uint32_t k = 0; k < 3 * 6 * plane; k++)
                if (k / plane % 6 == 4)
                    scene.maps[k] = logits[j];
            gvk_ticket ticket = submit(stream, pictures, 1);
            const gvk_detection *found;
            uint32_t count = read_detections(stream, ticket, &found);
            bool passes = confidences[i] < FLT_MIN || exp((double)logits[j]) / (1 + exp(-2)) >= (double)confidences[i];
            if (count != (passes ? all : 0))
                fail_msg("%u of %u candidates have a score of %g or more, with an objectness of %g", count, all,
                         (double)confidences[i], (double)logits[j]);
        }
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
    free(pictures);
    free(scene.maps);
}

/* The frame that is timed has no maps that mean anything, so that hardly a candidate of it would pass: each must. */
static void max_submit_us_cuts_suppression_as_it_runs_when_every_candidate_passes(void **state)
{
    (void)state;
    struct scene scene = {.width = 64, .height = 64, .classes = 1, .batch = 1};
    draw_maps(&scene, &styles[CLUSTERS]);
    gvk_model *model = create_one_map_model(3 * 6);
    struct setup setup = setup_of(1, 0.7f, 0.5f, 0.125f); /* zeros have a score of a quarter */
    gvk_picture *pictures = pictures_of(&scene);
    double whole_ms = 0;
    uint32_t submissions = 0;
    for (int i = 0; i < 2; i++) {
        setup.confidence = i ? 0.7f : 0.0f;
        gvk_stream_params params = {.size = sizeof params, .width = 64, .height = 64};
        params.max_submit_us = whole_ms > 0 ? (uint32_t)(whole_ms * 1000 / 8) : 0;
        gvk_stream *stream = NULL;
        gvk_stream_info info = {.size = sizeof info};
        assert_ok(try_detector(model, &setup, &params, &stream));
        gvk_ticket ticket = submit(stream, pictures, 1);
        const gvk_detection *found;
        read_detections(stream, ticket, &found);
        if (!i)
            whole_ms = decode_milliseconds(stream, ticket);
        gvk_stream_describe(stream, &info);
        submissions = info.submissions;
        gvk_stream_destroy(stream);
        assert_true(whole_ms > 0.01 || whole_ms < 0); /* told, or the device tells no times */
    }
    /* One of the steps takes longer than the limit alone, and there are others before and behind it. */
    if (whole_ms > 0 && submissions < 3)
        fail_msg("%u submissions of at most an eighth of %.3f ms each", submissions, whole_ms);
    gvk_model_destroy(model);
    free(pictures);
    free(scene.maps);
}

/* Tiles are as large as the overlaps that a device can bind: here a lower limit makes them small, and many. */
static void small_and_many_tiles_suppress_as_defined(void **state)
{
    (void)state;
    static const uint32_t words[] = {10, 21, 42}, classes[] = {1, 3};
    static const uint32_t drawn[] = {SPREAD, CLUSTERS, EQUAL_SCORES, ALIKE};
    const uint32_t capacity = 3 * (32 * 32 + 16 * 16 + 8 * 8);
    const uint64_t limit = device->traits.max_storage_bytes;
    for (size_t i = 0; i < ARRAY_COUNT(words) * ARRAY_COUNT(classes) * ARRAY_COUNT(drawn); i++) {
        uint32_t tile_words = words[i % ARRAY_COUNT(words)], style = drawn[i / 3 % ARRAY_COUNT(drawn)];
        struct scene scene = {.seed = 400 + i,
                              .width = 32,
                              .height = 32,
                              .classes = classes[i / 12],
                              .batch = 1,
                              .iou = 0.5f,
                              .picture_width = 32,
                              .picture_height = 32};
        snprintf(scene.name, sizeof scene.name, "tiles of %u words, %s", tile_words, styles[style].name);
        draw_maps(&scene, &styles[style]);
        uint32_t candidates;
        double ms;
        /* Room for the overlaps of tiles of so many words, not twice as many. */
        device->traits.max_storage_bytes = (uint64_t)capacity * 4 * (tile_words / 2 + 1) + 128 * tile_words + 32768;
        gvk_model *model = create_one_map_model(3 * (5 + scene.classes));
        prove(&scene, model, 2, &candidates, &ms);
        device->traits.max_storage_bytes = limit;
        assert_int_equal(candidates, capacity);
        gvk_model_destroy(model);
        free(scene.maps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confidence_below_the_least_normal_number_is_zero),
        cmocka_unit_test(max_submit_us_cuts_suppression_as_it_runs_when_every_candidate_passes),
        cmocka_unit_test(small_and_many_tiles_suppress_as_defined),
        cmocka_unit_test(two_hundred_random_scenes_are_suppressed_as_defined),
        cmocka_unit_test(the_largest_frames_are_suppressed_as_defined),
        cmocka_unit_test(a_box_that_cannot_be_is_the_drivers_error),
    };
    device = open_test_device();
    if (!device)
        return 1;
    int failed = cmocka_run_group_tests_name("suppression", tests, NULL, NULL);
    close_test_device(device);
    return failed;
}
