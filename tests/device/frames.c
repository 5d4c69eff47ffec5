/* Frames in flight: threads that share a model, tickets, unfinished frames, timings. */
#include "tiny.h"

#include <string.h>

#include "runtime/vulkan/device.h"

#define THREADS 4

struct job {
    gvk_model *model;
    pthread_t thread;
    float values[VALUES];
    gvk_result result;
    unsigned differing; /* frames that differ from the thread's first */
};

static void *run_job(void *user)
{
    struct job *job = user;
    float values[VALUES];
    for (int i = 0; i < 3; i++) { /* streams are made and destroyed while the others run */
        gvk_stream *stream = NULL;
        gvk_result result = make_stream(job->model, SIDE, 1 + (uint32_t)i, &stream);
        for (int j = 0; j < 8 && !result; j++) {
            result = run_frame(stream, values, VALUES);
            if (!i && !j)
                memcpy(job->values, values, sizeof values);
            else
                job->differing += memcmp(job->values, values, sizeof values) != 0;
        }
        gvk_stream_destroy(stream);
        if (result)
            job->result = result;
    }
    return NULL;
}

static void threads_share_a_model(void **state)
{
    (void)state;
    float expected[VALUES];
    gvk_device *device = create_device();
    assert_ok(run_once(device, expected));
    gvk_device_destroy(device);
    for (int round = 0; round < 3; round++) {
        device = create_device(); /* its pipelines are made by whichever thread comes first */
        struct job jobs[THREADS] = {0};
        gvk_model *model = create_model(device);
        for (int i = 0; i < THREADS; i++) {
            jobs[i].model = model;
            assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(jobs[i].thread, NULL);
        gvk_model_destroy(model);
        gvk_device_destroy(device);
        for (int i = 0; i < THREADS; i++) {
            if (jobs[i].result || jobs[i].differing)
                fail_msg("round %d, thread %d: %s, %u frames differ", round, i, gvk_result_name(jobs[i].result),
                         jobs[i].differing);
            expect_equal_values(jobs[i].values, expected, "a thread");
        }
    }
    expect_nothing_held("threads");
}

static void a_wait_of_no_time_says_whether_the_frame_is_done(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, 512, 1);
    unsigned early = 0;
    for (int i = 0; i < 5; i++) {
        gvk_ticket ticket = 0;
        assert_ok(submit_tiny(stream, &ticket));
        gvk_result result = gvk_stream_wait(stream, ticket, 0);
        assert_true(result == GVK_OK || result == GVK_NOT_READY);
        early += result == GVK_NOT_READY;
        result = gvk_stream_wait(stream, ticket, 1);
        assert_true(result == GVK_OK || result == GVK_TIMEOUT);
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        assert_ok(gvk_stream_wait(stream, ticket, 0));
    }
    print_message("             %u of 5 frames were not ready at once\n", early);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

static void a_frame_is_not_read_before_it_is_done(void **state)
{
    (void)state;
    reset_watch();
    gvk_device *device = import_watched();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, SIDE, 1);
    gvk_ticket ticket = 0;
    gvk_array array;
    gvk_timing timings[3];
    gvk_layer_timing layers[3];
    uint32_t count = 3;
    assert_ok(submit_tiny(stream, &ticket));
    watch.hold = true;
    reset_sentences();
    assert_int_equal(gvk_stream_wait(stream, ticket, 0), GVK_NOT_READY);
    assert_int_equal(gvk_stream_wait(stream, ticket, 1000), GVK_TIMEOUT);
    assert_int_equal(counter.sentences[GVK_LOG_ERROR], 0); /* neither is an error */
    expect_refusal(gvk_stream_read(stream, ticket, "head", &array), GVK_ERROR_ARGUMENT, "wait for it first");
    expect_refusal(gvk_stream_timings(stream, ticket, timings, sizeof(gvk_timing), &count), GVK_ERROR_ARGUMENT,
                   "wait for it first");
    expect_refusal(gvk_stream_layer_timings(stream, ticket, layers, sizeof(gvk_layer_timing), &count),
                   GVK_ERROR_ARGUMENT, "wait for it first");
    watch.hold = false;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "head", &array));
    expect_refusal(gvk_stream_read(stream, ticket, "deep", &array), GVK_ERROR_ARGUMENT, "neither an output nor kept");
    expect_refusal(gvk_stream_read(stream, ticket, "nowhere", &array), GVK_ERROR_ARGUMENT, "nowhere");
    expect_refusal(gvk_stream_read(stream, ticket, NULL, &array), GVK_ERROR_ARGUMENT, "a tensor's name");
    expect_refusal(gvk_stream_read(stream, ticket, "head", NULL), GVK_ERROR_ARGUMENT, "a place for the array");

    /* A GPU that never finishes is taken for lost, and its stream stays so. */
    device->info.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    assert_ok(submit_tiny(stream, &ticket));
    watch.hold = true;
    for (int i = 0; i < 2; i++)
        expect_refusal(submit_tiny(stream, &ticket), GVK_ERROR_DEVICE_LOST, "lost");
    watch.hold = false;
    expect_refusal(submit_tiny(stream, &ticket), GVK_ERROR_DEVICE_LOST, "lost");
    vkQueueWaitIdle(shared.queue);
    gvk_stream_destroy(stream);
    assert_ok(run_once(device, NULL));
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("unfinished frames");
}

static void a_ticket_lives_until_frames_take_its_place(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    for (uint32_t frames = 1; frames <= 3; frames++) {
        gvk_stream *stream = create_stream(model, SIDE, frames);
        gvk_ticket tickets[7] = {0};
        gvk_array array;
        reset_sentences();
        expect_refusal(gvk_stream_wait(stream, 1, 0), GVK_ERROR_ARGUMENT, "Ticket 1 is unknown");
        for (uint32_t i = 1; i < ARRAY_COUNT(tickets); i++) {
            assert_ok(submit_tiny(stream, &tickets[i]));
            assert_true(tickets[i] > tickets[i - 1]);
            for (uint32_t j = 1; j <= i; j++) {
                if (j + frames > i) {
                    assert_ok(gvk_stream_wait(stream, tickets[j], UINT64_MAX));
                    assert_ok(gvk_stream_read(stream, tickets[j], "head", &array));
                } else {
                    expect_refusal(gvk_stream_wait(stream, tickets[j], UINT64_MAX), GVK_ERROR_ARGUMENT, "later frames");
                    expect_refusal(gvk_stream_read(stream, tickets[j], "head", &array), GVK_ERROR_ARGUMENT,
                                   "later frames");
                }
            }
            expect_refusal(gvk_stream_wait(stream, 0, 0), GVK_ERROR_ARGUMENT, "Ticket 0 is unknown");
            expect_refusal(gvk_stream_wait(stream, tickets[i] + 1, 0), GVK_ERROR_ARGUMENT, "is unknown");
        }
        gvk_stream_destroy(stream);
    }
    gvk_stream *stream = NULL;
    expect_refusal(make_stream(model, SIDE, 9, &stream), GVK_ERROR_ARGUMENT, "at most 8 frames");
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("tickets");
}

static void a_refused_frame_takes_no_result_away(void **state)
{
    (void)state;
    static const uint8_t pixels[4 * 4 * 3];
    const gvk_picture right = {.size = sizeof right, .width = 4, .height = 4, .pixels = pixels};
    gvk_picture wrong[5] = {right, right, right, right, right};
    wrong[0].pixels = NULL;
    wrong[1].width = 0;
    wrong[2].kind = (gvk_picture_kind)7;
    wrong[3].row_pitch = 1;
    wrong[4].kind = GVK_PICTURE_TENSOR; /* of another size than the input's */
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, SIDE, 1);
    gvk_ticket ticket = 0, none = 0;
    gvk_array array;
    float before[VALUES];
    assert_ok(submit_tiny(stream, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "head", &array));
    memcpy(before, array.data, sizeof before);
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_int_equal(gvk_stream_submit(stream, &wrong[i], sizeof wrong[i], 1, &none), GVK_ERROR_ARGUMENT);
        gvk_result result = gvk_stream_wait(stream, ticket, UINT64_MAX);
        if (!result)
            result = gvk_stream_read(stream, ticket, "head", &array);
        if (result)
            fail_msg("after wrong picture %zu the frame before it cannot be read: %s, \"%s\"", i,
                     gvk_result_name(result), counter.last);
        expect_equal_values(array.data, before, "after a wrong picture");
    }
    assert_int_equal(none, 0);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("refused frames");
}

static gvk_result submit_zeros(gvk_stream *stream, uint32_t side, gvk_ticket *ticket)
{
    static const uint8_t pixels[64 * 64 * 3];
    const gvk_picture picture = {.size = sizeof picture, .width = side, .height = side, .pixels = pixels};
    return gvk_stream_submit(stream, &picture, sizeof picture, 1, ticket);
}

/* The driver takes the first submission of a frame and refuses the second: what runs is waited for before the next
 * frame, of which nothing is recorded that an undisturbed one has not. */
static void what_follows_a_cut_off_frame_waits_for_it_on_the_host(void **state)
{
    (void)state;
    reset_watch();
    gvk_device *device = import_watched();
    gvk_model *model = create_model(device);
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .frames = 2, .max_submit_us = 1};
    gvk_stream_info undisturbed = {.size = sizeof undisturbed}, after = {.size = sizeof after};
    gvk_ticket ticket = 0;
    for (int disturbed = 0; disturbed < 2; disturbed++) {
        gvk_stream *stream = NULL;
        assert_ok(gvk_stream_create(model, &params, &stream));
        assert_ok(submit_zeros(stream, 8, &ticket));
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        if (disturbed) {
            watch.submit_fails_at = 2;
            assert_int_equal(submit_zeros(stream, 16, &ticket), GVK_ERROR_HOST_MEMORY);
            assert_int_equal(watch.submit_fails_at, 0);
            assert_non_null(watch.last_fence); /* of the empty submission behind what was taken */
        }
        assert_ok(submit_zeros(stream, 64, &ticket));
        assert_int_equal(watch.overtaking, 0);
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        gvk_stream_describe(stream, disturbed ? &after : &undisturbed);
        gvk_stream_destroy(stream);
    }
    assert_true(after.submissions > 1);
    if (after.frame.barriers != undisturbed.frame.barriers)
        fail_msg("the frame behind one that was cut off has %u barriers, an undisturbed one %u", after.frame.barriers,
                 undisturbed.frame.barriers);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("a frame cut off");
}

static void stages_and_layers_are_timed(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    for (int profile = 0; profile < 2; profile++) {
        gvk_stream_params params = {.size = sizeof params, .width = 128, .height = 128, .profile = profile};
        gvk_stream *stream = NULL;
        assert_ok(gvk_stream_create(model, &params, &stream));
        gvk_ticket ticket = 0;
        assert_ok(submit_tiny(stream, &ticket));
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        gvk_timing timings[4];
        uint32_t count = 0;
        assert_ok(gvk_stream_timings(stream, ticket, NULL, sizeof(gvk_timing), &count));
        uint32_t stages = count; /* 0 on a device without timestamps */
        assert_true(stages == 0 || stages == 2);
        count = ARRAY_COUNT(timings);
        assert_ok(gvk_stream_timings(stream, ticket, timings, sizeof(gvk_timing), &count));
        assert_int_equal(count, stages);
        static const char *const names[] = {"resize", "network"};
        for (uint32_t i = 0; i < stages; i++) {
            assert_string_equal(timings[i].name, names[i]);
            assert_true(timings[i].ms >= 0 && timings[i].ms < 60000);
        }
        gvk_layer_timing layers[16] = {{0}};
        count = ARRAY_COUNT(layers);
        assert_ok(gvk_stream_layer_timings(stream, ticket, layers, sizeof(gvk_layer_timing), &count));
        if (!profile || !stages) {
            assert_int_equal(count, 0);
        } else {
            static const char *const nodes[] = {"resize, horizontal", "resize, vertical", "wide", "deep", "head"};
            assert_int_equal(count, ARRAY_COUNT(nodes));
            for (uint32_t i = 0; i < count; i++) {
                assert_string_equal(layers[i].name, nodes[i]);
                assert_true(layers[i].kernel && layers[i].kernel[0]);
                assert_true(layers[i].ms >= 0 && layers[i].ms < 60000);
                print_message("             %s by %s: %.3f ms\n", layers[i].name, layers[i].kernel, layers[i].ms);
            }
            gvk_layer_timing one[2] = {{0}};
            count = 1;
            assert_ok(gvk_stream_layer_timings(stream, ticket, one, sizeof(gvk_layer_timing), &count));
            assert_int_equal(count, ARRAY_COUNT(nodes));
            assert_null(one[1].name);
        }
        reset_sentences();
        expect_refusal(gvk_stream_timings(stream, ticket, timings, sizeof(gvk_timing), NULL), GVK_ERROR_ARGUMENT,
                       "needs a count");
        expect_refusal(gvk_stream_layer_timings(stream, ticket, layers, sizeof(gvk_layer_timing), NULL),
                       GVK_ERROR_ARGUMENT, "needs a count");
        count = 1;
        expect_refusal(gvk_stream_timings(stream, ticket, NULL, sizeof(gvk_timing), &count), GVK_ERROR_ARGUMENT,
                       "room for that many");
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

static void a_stream_may_go_with_frames_in_flight(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    for (int i = 0; i < 5; i++) {
        gvk_stream *stream = create_stream(model, 512, 3);
        gvk_ticket ticket;
        for (int j = 0; j < 3; j++)
            assert_ok(submit_tiny(stream, &ticket));
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("frames in flight");
}

int run_frame_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_share_a_model),
        TEST(a_wait_of_no_time_says_whether_the_frame_is_done),
        TEST(a_frame_is_not_read_before_it_is_done),
        TEST(a_ticket_lives_until_frames_take_its_place),
        TEST(a_refused_frame_takes_no_result_away),
        TEST(what_follows_a_cut_off_frame_waits_for_it_on_the_host),
        TEST(stages_and_layers_are_timed),
        TEST(a_stream_may_go_with_frames_in_flight),
    };
    return cmocka_run_group_tests_name("frames in flight", tests, NULL, NULL);
}
