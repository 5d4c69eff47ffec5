/* Numbers that have no place, and the places of boxes in letterboxed pictures. */
#include "maps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void a_number_that_is_not_finite_fails_its_frame_alone(void **state)
{
    (void)state;
    enum { CLASSES = 3, CHANNELS = 3 * (5 + CLASSES), SIDE = 8, PLANE = SIDE * SIDE };
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    /* In all three maps, in the finest, in two, in the finest. */
    static const uint32_t places[] = {0, 9, 34, PLANE - 1};
    gvk_model *model = create_one_map_model(CHANNELS);
    struct setup setup = setup_of(CLASSES, 0.5f, 0.3f, 0.125f);
    static const char *const kept[] = {"stride8"};
    gvk_stream_params params = {
        .size = sizeof params, .width = SIDE, .height = SIDE, .batch = 2, .kept_tensors = kept, .kept_count = 1};
    gvk_stream *stream = NULL;
    assert_ok(try_detector(model, &setup, &params, &stream));
    static float good[CHANNELS * PLANE], bad[CHANNELS * PLANE];
    for (uint32_t i = 0; i < CHANNELS * PLANE; i++)
        good[i] = i / PLANE % (5 + CLASSES) == 4 ? -6.0f : 0.25f; /* nothing passes the threshold */
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        for (uint32_t c = 0; c < CHANNELS; c++) {
            uint32_t place = places[(c + i) % ARRAY_COUNT(places)];
            memcpy(bad, good, sizeof good);
            bad[c * PLANE + place] = wrong[i];
            bool second = c / 3 % 2;
            gvk_picture pictures[2] = {tensor_picture(SIDE, SIDE, second ? good : bad),
                                       tensor_picture(SIDE, SIDE, second ? bad : good)};
            gvk_ticket ticket = submit(stream, pictures, 2);
            assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
            gvk_result result = gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), &count);
            if (result != GVK_ERROR_NUMBER)
                fail_msg("%g in channel %u, place %u, item %d: %s, not GVK_ERROR_NUMBER", (double)wrong[i], c, place,
                         second, gvk_result_name(result));
            gvk_array array;
            assert_int_equal(gvk_stream_read(stream, ticket, "stride8", &array), GVK_ERROR_NUMBER);
            pictures[second] = tensor_picture(SIDE, SIDE, good);
            assert_int_equal(read_detections(stream, submit(stream, pictures, 2), &found), 0);
        }
    /* A box whose side is beyond fp32 has no place either. */
    memcpy(bad, good, sizeof good);
    bad[2 * PLANE + 9] = 100;
    bad[4 * PLANE + 9] = 20;
    bad[5 * PLANE + 9] = 20;
    gvk_picture pictures[2] = {tensor_picture(SIDE, SIDE, good), tensor_picture(SIDE, SIDE, bad)};
    gvk_ticket ticket = submit(stream, pictures, 2);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_int_equal(gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), &count), GVK_ERROR_NUMBER);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

/* Maps of one value a channel, behind a picture of 608 x 320: every cell of two anchors has a small box at its place,
 * and the picture's size decides where that is. */
static void boxes_of_letterboxed_pictures_lie_where_the_family_puts_them(void **state)
{
    (void)state;
    enum { WIDTH = 608, HEIGHT = 320, CLASSES = 2, CHANNELS = 3 * (5 + CLASSES) };
    static const struct {
        uint32_t width, height;
        bool letterbox;
    } sizes[] = {{1216, 601, true}, {1005, 640, true}, {413, 777, true}, {1333, 751, false}, {608, 320, true},
                 {19, 10, true},    {1, 4000, true},   {4000, 1, true},  {123, 457, false},  {640, 480, true}};
    static const struct {
        int map, anchor;
        float raw[5]; /* x, y, width, height, objectness */
        uint32_t label;
    } seen[2] = {{0, 0, {0.5f, -0.25f, -2.0f, -1.75f, 3}, 0}, {2, 2, {-1, 1, -2.0f, -1.5f, 2}, 1}};
    struct weights weights;
    make_weights(&weights, CHANNELS, 3);
    for (int i = 0; i < MAPS; i++)
        for (int c = 0; c < CHANNELS; c++)
            weights.bias[i][c] = c % (5 + CLASSES) == 4 ? -20.0f : -1.0f;
    for (int i = 0; i < 2; i++) {
        float *bias = weights.bias[seen[i].map] + seen[i].anchor * (5 + CLASSES);
        memcpy(bias, seen[i].raw, sizeof seen[i].raw);
        bias[5 + seen[i].label] = 4;
    }
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, find_weight, &weights, &graph));
    gvk_tensor at[MAPS];
    at[2] = add_picker(graph, "pick8", add_picker(graph, "pick4", gvk_graph_input(graph, "input", 3), 4), 2);
    at[1] = add_picker(graph, "pick16", at[2], 2);
    at[0] = add_picker(graph, "pick32", at[1], 2);
    for (int i = 0; i < MAPS; i++) {
        gvk_node node = {
            .op = GVK_OP_CONVOLUTION, .name = map_names[i], .inputs = {at[i]}, .outputs = CHANNELS, .bias = 1};
        gvk_graph_output(graph, map_names[i], gvk_graph_add(graph, &node));
    }
    gvk_model *model = finish_model(graph);
    release_weights(&weights);
    struct setup setup = setup_of(CLASSES, 0.5f, 0.3f, 1);
    gvk_stream *stream = create_detector(model, &setup, WIDTH, HEIGHT, 2, 1);
    uint8_t *pixels = calloc((size_t)4000 * 1000, 3);
    assert_non_null(pixels);
    double worst = 0;
    for (size_t first = 0; first < ARRAY_COUNT(sizes); first++) {
        size_t of[2] = {first, (first + 3) % ARRAY_COUNT(sizes)};
        gvk_picture pictures[2];
        for (int item = 0; item < 2; item++)
            pictures[item] = (gvk_picture){.size = sizeof(gvk_picture),
                                           .width = sizes[of[item]].width,
                                           .height = sizes[of[item]].height,
                                           .letterbox = sizes[of[item]].letterbox,
                                           .pixels = pixels};
        const gvk_detection *found = NULL;
        uint32_t count = read_detections(stream, submit(stream, pictures, 2), &found), next = 0;
        for (uint32_t item = 0; item < 2; item++)
            for (int i = 0; i < 2; i++) {
                uint32_t stride = 8 * map_steps[seen[i].map];
                uint32_t map_width = WIDTH / stride, cells = map_width * (HEIGHT / stride);
                uint32_t row = seen[i].map ? 3 * (WIDTH / 32 * (HEIGHT / 32) + WIDTH / 16 * (HEIGHT / 16)) : 0;
                const float *anchor = anchors + (size_t)(MAPS - 1 - seen[i].map) * 6 + (size_t)seen[i].anchor * 2;
                for (uint32_t cell = 0; cell < cells; cell++, next++) {
                    uint32_t candidate = row + (uint32_t)seen[i].anchor * cells + cell;
                    if (next >= count || found[next].item != item || found[next].candidate != candidate ||
                        found[next].class_id != seen[i].label)
                        fail_msg("%ux%u: detection %u of %u is not candidate %u of item %u", pictures[item].width,
                                 pictures[item].height, next, count, candidate, item);
                    double picture[2] = {pictures[item].width, pictures[item].height};
                    const double given[2] = {WIDTH, HEIGHT};
                    for (int j = 0; j < 4; j++) {
                        int axis = j % 2;
                        double centre =
                            (1 / (1 + exp(-(double)seen[i].raw[axis])) + (axis ? cell / map_width : cell % map_width)) *
                            stride;
                        double size = exp((double)seen[i].raw[2 + axis]) * (double)anchor[axis];
                        double side =
                            to_picture(centre + (j < 2 ? -size : size) / 2, given[axis], picture[axis], given[axis],
                                       picture[1 - axis], given[1 - axis], pictures[item].letterbox);
                        double distance = fabs(side - (double)found[next].box[j]);
                        if (!(distance <= BOX_TOLERANCE))
                            fail_msg("%ux%u, letterbox %d, item %u: side %d of candidate %u is at %.6f, not %.6f",
                                     pictures[item].width, pictures[item].height, pictures[item].letterbox, item, j,
                                     candidate, (double)found[next].box[j], side);
                        worst = fmax(worst, distance);
                    }
                }
            }
        assert_int_equal(next, count);
    }
    print_message("             boxes off by %.1e px at most\n", worst);
    free(pixels);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

int run_box_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_that_is_not_finite_fails_its_frame_alone),
        cmocka_unit_test(boxes_of_letterboxed_pictures_lie_where_the_family_puts_them),
    };
    return cmocka_run_group_tests_name("boxes", tests, NULL, NULL);
}
