/* Frames in several submissions: as many as the host's limit asks for, and the same numbers. */
#include "tests/support/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/stream/stream_inside.h"

#define LAYERS   6u
#define CHANNELS 16u
#define SIDE     24u

static float weights[LAYERS][CHANNELS * CHANNELS];

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    *out = (gvk_array){.type = GVK_TYPE_F32,
                       .rank = 4,
                       .shape = {CHANNELS, CHANNELS, 1, 1},
                       .data = weights[name[5] - '0'],
                       .bytes = sizeof weights[0]};
    return GVK_OK;
}

/* Pointwise convolutions, one behind the other. */
static gvk_model *create_model(gvk_device *device)
{
    static char names[LAYERS][8];
    uint64_t random = 3;
    gvk_graph *graph = NULL;
    gvk_model *model = NULL;
    assert_ok(gvk_graph_create(NULL, find_weight, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", CHANNELS);
    for (uint32_t i = 0; i < LAYERS; i++) {
        for (uint32_t j = 0; j < CHANNELS * CHANNELS; j++)
            weights[i][j] = quarter_step(&random) / 8;
        snprintf(names[i], sizeof names[i], "layer%u", i);
        x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = names[i], .inputs = {x}});
    }
    gvk_graph_output(graph, "out", x);
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    gvk_graph_destroy(graph);
    return model;
}

/* Runs two frames at once, both of the same input; the second one's output, and the number of submissions. */
static void run_frames(gvk_model *model, uint32_t max_submit_us, float *out, uint32_t *submissions)
{
    float input[CHANNELS * SIDE * SIDE];
    uint64_t random = 5;
    for (size_t i = 0; i < CHANNELS * SIDE * SIDE; i++)
        input[i] = quarter_step(&random);
    gvk_stream_params params = {
        .size = sizeof params, .width = SIDE, .height = SIDE, .frames = 2, .max_submit_us = max_submit_us};
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = input};
    gvk_stream *stream = NULL;
    gvk_ticket tickets[2];
    gvk_array got;
    gvk_stream_info info = {.size = sizeof info};
    assert_ok(gvk_stream_create(model, &params, &stream));
    for (int i = 0; i < 2; i++)
        assert_ok(gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &tickets[i]));
    assert_ok(gvk_stream_wait(stream, tickets[1], UINT64_MAX));
    assert_ok(gvk_stream_wait(stream, tickets[0], UINT64_MAX));
    assert_ok(gvk_stream_read(stream, tickets[1], "out", &got));
    assert_int_equal(got.bytes, sizeof input);
    memcpy(out, got.data, sizeof input);
    gvk_stream_describe(stream, &info);
    assert_int_equal(info.network.dispatches, LAYERS);
    *submissions = info.submissions;
    uint32_t stages = 0;
    assert_ok(gvk_stream_timings(stream, tickets[1], NULL, sizeof(gvk_timing), &stages));
    gvk_stream_destroy(stream);
}

static void a_split_frame_computes_what_a_whole_one_does(void **state)
{
    gvk_model *model = create_model(*state);
    float whole[CHANNELS * SIDE * SIDE], split[CHANNELS * SIDE * SIDE];
    uint32_t submissions = 0;
    run_frames(model, 0, whole, &submissions);
    assert_int_equal(submissions, 1);
    run_frames(model, 1, split, &submissions);
    assert_int_equal(submissions, LAYERS); /* nothing takes a microsecond at most here */
    assert_memory_equal(split, whole, sizeof whole);
    run_frames(model, UINT32_MAX, split, &submissions);
    assert_int_equal(submissions, 1);
    assert_memory_equal(split, whole, sizeof whole);
    gvk_model_destroy(model);
}

/* A clock is not believed where it tells far less than the host's, or more than that at all. */
static void times_of_a_device_are_held_against_the_hosts_clock(void **state)
{
    (void)state;
    static const struct {
        double device_ms, host_ms, correction;
    } cases[] = {
        {3, 3.25, 1},       /* a GPU */
        {0.25, 1, 1},       /* small work, and what it takes to submit it */
        {2.5, 19, 1},       /* behind a frame of a game's */
        {112, 118, 1},      /* lavapipe */
        {11.25, 112.5, 10}, /* lavapipe's tenth */
        {1, 100, 100},      /* a kernel compiled late, or a wrong period: more parts than are needed at worst */
        {112, 11.2, 0.1},   {1.5, 1, 1}, {0, 100, 0}, {0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double got = gvk_timestamp_correction(cases[i].device_ms, cases[i].host_ms);
        if (fabs(got - cases[i].correction) > 1e-9)
            fail_msg("%g ms of the device's, %g of the host's: %g times instead of %g", cases[i].device_ms,
                     cases[i].host_ms, got, cases[i].correction);
    }
}

/* ---- pictures ---- */

#define PICTURE_WIDTH  1500u
#define PICTURE_HEIGHT 1100u

static gvk_result find_small_weight(void *user, const char *name, gvk_array *out)
{
    static float values[4 * 3];
    (void)user;
    (void)name;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        values[i] = 0.25f * (float)(i % 5);
    *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 4, .shape = {4, 3, 1, 1}, .data = values, .bytes = sizeof values};
    return GVK_OK;
}

static gvk_model *create_picture_model(gvk_device *device)
{
    gvk_graph *graph = NULL;
    gvk_model *model = NULL;
    assert_ok(gvk_graph_create(NULL, find_small_weight, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", 3);
    x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "layer", .inputs = {x}, .outputs = 4});
    gvk_graph_output(graph, "out", x);
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    gvk_graph_destroy(graph);
    return model;
}

/* A large picture and then one of four pixels. */
static void run_pictures(gvk_model *model, uint32_t max_submit_us, float *out, size_t count, gvk_stream_info info[2])
{
    static uint8_t pixels[PICTURE_WIDTH * PICTURE_HEIGHT * 3];
    uint64_t random = 9;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
    gvk_stream_params params = {.size = sizeof params, .width = 64, .height = 96, .max_submit_us = max_submit_us};
    gvk_stream *stream = NULL;
    gvk_ticket ticket;
    gvk_array got;
    assert_ok(gvk_stream_create(model, &params, &stream));
    for (int i = 0; i < 2; i++) {
        gvk_picture picture = {.size = sizeof picture,
                               .width = i ? 2 : PICTURE_WIDTH,
                               .height = i ? 2 : PICTURE_HEIGHT,
                               .letterbox = 1,
                               .pixels = pixels};
        assert_ok(gvk_stream_submit(stream, &picture, sizeof picture, 1, &ticket));
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        assert_ok(gvk_stream_read(stream, ticket, "out", &got));
        assert_int_equal(got.bytes, count * sizeof *out);
        memcpy(out + (size_t)i * count, got.data, got.bytes);
        info[i].size = sizeof info[i];
        gvk_stream_describe(stream, &info[i]);
    }
    gvk_stream_destroy(stream);
}

static void a_large_pictures_resize_is_split_too(void **state)
{
    enum { COUNT = 4 * 64 * 96 };
    static float whole[2 * COUNT], split[2 * COUNT];
    gvk_stream_info of_whole[2], of_split[2];
    gvk_model *model = create_picture_model(*state);
    run_pictures(model, 0, whole, COUNT, of_whole);
    for (int i = 0; i < 2; i++)
        assert_int_equal(of_whole[i].submissions, 1);
    run_pictures(model, 1, split, COUNT, of_split);
    print_message("             at most a microsecond: %u submissions with %u dispatches; a small picture: %u, %u\n",
                  of_split[0].submissions, of_split[0].frame.dispatches, of_split[1].submissions,
                  of_split[1].frame.dispatches);
    assert_true(of_split[0].submissions > 3); /* the network is one dispatch */
    assert_memory_equal(split, whole, sizeof whole);
    run_pictures(model, UINT32_MAX, split, COUNT, of_split);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(of_split[i].submissions, 1);
        assert_int_equal(of_split[i].frame.dispatches, of_whole[i].frame.dispatches);
    }
    assert_memory_equal(split, whole, sizeof whole);
    gvk_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_frame_computes_what_a_whole_one_does),
        cmocka_unit_test(times_of_a_device_are_held_against_the_hosts_clock),
        cmocka_unit_test(a_large_pictures_resize_is_split_too),
    };
    return cmocka_run_group_tests(tests, open_device_fixture, close_device_fixture);
}
