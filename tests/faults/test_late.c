/* Devices that are lost, slow, or never come back: what is late is not what has failed, every wait ends or says what it
 * waits for, and nothing is freed that a device may still use. The fault layer (layer/) makes them. */
#include "tests/support/harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/layer/session.h"

static void a_device_lost_with_frames_in_flight_fails_every_later_call_and_can_be_destroyed(void **state)
{
    (void)state;
    static const char *const calls[] = {"vkWaitForFences", "vkQueueSubmit"};
    static struct session session;
    for (size_t i = 0; i < 2; i++) {
        open_to(&session, i ? STEP_SUBMIT_TENSOR : STEP_WAIT);
        faults->arm(calls[i], 1, VK_ERROR_DEVICE_LOST);
        assert_fails(&session, submit_frame(&session, 0), GVK_ERROR_DEVICE_LOST, "the submit that loses it");
        assert_string_equal(faults->rejected(), calls[i]);
        assert_fails(&session, submit_frame(&session, 1), GVK_ERROR_DEVICE_LOST, "the next submit");
        gvk_ticket running = session.tickets[i ? 0 : 1];
        assert_fails(&session, gvk_stream_wait(session.stream, running, UINT64_MAX), GVK_ERROR_DEVICE_LOST, "a wait");
        close_session(&session, 0, "a lost device");
        assert_clean("after a lost device");
    }
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* So many waits are more than the runtime gives a GPU. */
#define MANY_WAITS 1000u

static void a_fence_that_never_signals_times_out_and_is_taken_for_a_lost_device(void **state)
{
    (void)state;
    static struct session session;
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_true(faults->limit("discrete"));
    open_to(&session, STEP_WAIT);
    faults->withhold_fences(true);
    assert_int_equal(gvk_stream_wait(session.stream, session.tickets[0], 0), GVK_NOT_READY);
    assert_int_equal(gvk_stream_wait(session.stream, session.tickets[0], 1000), GVK_TIMEOUT);
    assert_int_equal(session.counting.errors, 0);
    assert_fails(&session, take_step(&session, STEP_READ), GVK_ERROR_ARGUMENT, "reading a frame that is not done");
    assert_fails(&session, submit_frame(&session, 0), GVK_ERROR_DEVICE_LOST, "a submit with all frames in flight");
    assert_fails(&session, submit_frame(&session, 0), GVK_ERROR_DEVICE_LOST, "a submit after that");
    gvk_stream_destroy(session.stream);
    session.stream = NULL;
    faults->withhold_fences(false);
    close_session(&session, 1, "a stream whose frame does not end before the device does");
    assert_true(faults->limit(""));
    assert_clean("after a fence that never signals");
    assert_true(seconds_since(&start) < 30);
}

/* A GPU: its stream is not freed under it. If it comes back before the device's end, everything is freed then; if not,
 * nothing is. */
static void a_stream_whose_frames_never_end_is_destroyed_in_finite_time_and_not_freed(void **state)
{
    (void)state;
    static struct session session;
    for (int returns = 1; returns >= 0; returns--) {
        assert_true(faults->limit("discrete"));
        open_to(&session, STEP_WAIT);
        int64_t alive = faults->alive();
        faults->withhold_fences(true);
        rewind_session(&session); /* the stream, the model and the graph */
        if (faults->misuse())
            fail_msg("destroyed under a running device: %s", faults->misuse());
        assert_int_equal(faults->alive(), alive);
        assert_int_equal(session.counting.errors, 1);
        assert_non_null(strstr(session.counting.sentence, "memory stays allocated"));
        if (returns) {
            faults->withhold_fences(false);
            close_session(&session, 1, "a stream whose frames ended after all");
        } else {
            gvk_device_destroy(session.device);
            if (faults->misuse())
                fail_msg("destroyed under a running device: %s", faults->misuse());
            assert_int_equal(faults->alive(), alive);
            assert_int_equal(session.counting.errors, 1);
            assert_non_null(strstr(session.counting.warning, "until the process ends"));
            /* A host could not do this. Here it ends what was left, so that the next session finds nothing of it. */
            faults->withhold_fences(false);
            close_session(&session, 1, "a device that was left open");
        }
        assert_true(faults->limit(""));
        assert_clean("after such a stream");
    }
}

/* A CPU device is waited for as long as it takes: what is slow is not what has failed. Destroying its stream takes a
 * minute at most; what it still uses is kept until the device's end. */
static void a_slow_cpu_device_is_waited_for_and_said_to_be_slow_once(void **state)
{
    (void)state;
    static struct session session;
    open_to(&session, STEP_WAIT);
    session.counting.warnings = 0; /* there was one, about the device */
    faults->withhold_waits(MANY_WAITS);
    assert_ok(submit_frame(&session, 0)); /* waits for the oldest frame */
    assert_int_equal(session.counting.warnings, 1);
    assert_non_null(strstr(session.counting.warning, "a frame"));
    faults->withhold_waits(MANY_WAITS);
    assert_ok(gvk_stream_wait(session.stream, session.tickets[0], UINT64_MAX));
    assert_ok(submit_frame(&session, 0));
    int64_t alive = faults->alive();
    faults->withhold_waits(MANY_WAITS);
    gvk_stream_destroy(session.stream);
    session.stream = NULL;
    if (faults->misuse())
        fail_msg("destroyed under a slow device: %s", faults->misuse());
    assert_int_equal(faults->alive(), alive);
    assert_int_equal(session.counting.errors, 1);
    assert_non_null(strstr(session.counting.sentence, "memory stays allocated"));
    faults->withhold_waits(0);
    close_session(&session, 1, "a stream destroyed while its device is slow");
    assert_int_equal(session.counting.warnings, 1);
    assert_clean("after a slow device");
}

/* Parts of a frame run, and the driver takes neither the next part nor the fence behind them. */
static void parts_that_run_without_a_fence_are_not_freed_either(void **state)
{
    (void)state;
    static struct session session;
    open_to(&session, STEP_SUBMIT_PIXELS);
    faults->arm_from("vkQueueSubmit", 3, VK_ERROR_OUT_OF_HOST_MEMORY);
    gvk_result result = submit_frame(&session, 0);
    assert_fails(&session, result, GVK_ERROR_HOST_MEMORY, "the submit whose third part is refused");
    int64_t alive = faults->alive();
    rewind_session(&session);
    assert_int_equal(faults->alive(), alive);
    assert_int_equal(session.counting.errors, 1);
    faults->arm("*", 0, VK_SUCCESS);
    close_session(&session, 1, "parts without a fence");
    assert_clean("after parts without a fence");
}

static void a_fence_that_signals_late_gives_the_result_after_all(void **state)
{
    (void)state;
    static struct session session;
    open_to(&session, STEP_WAIT);
    faults->withhold_fences(true);
    assert_int_equal(gvk_stream_wait(session.stream, session.tickets[1], 1000), GVK_TIMEOUT);
    faults->withhold_fences(false);
    assert_ok(take_step(&session, STEP_WAIT));
    assert_ok(take_step(&session, STEP_READ));
    assert_ok(take_step(&session, STEP_DETECTIONS));
    close_session(&session, 0, "a late fence");
    assert_expected(&session.outcome, true, "a late fence");
}

static void an_upload_that_never_ends_fails_its_model_and_is_not_freed(void **state)
{
    (void)state;
    static struct session session;
    assert_true(faults->limit("discrete"));
    open_to(&session, STEP_MODEL);
    faults->withhold_fences(true);
    assert_fails(&session, take_step(&session, STEP_MODEL), GVK_ERROR_DEVICE_LOST, "the model");
    if (faults->misuse())
        fail_msg("destroyed under a running device: %s", faults->misuse());
    faults->withhold_fences(false);
    close_session(&session, 0, "an upload that does not end before the device does");
    assert_true(faults->limit(""));
}

static int find_layer(void **state)
{
    (void)state;
    return find_fault_layer() ? 0 : -1;
}

/* ---- a clock that tells too little ---- */

#define HEAVY_LAYERS   3u
#define HEAVY_CHANNELS 256u
#define HEAVY_SIDE     64u
#define HEAVY_MOST     24u  /* pictures in a frame */
#define HEAVY_MS       80.0 /* that a frame takes at least: too long for the wait behind other programs' work */

static float heavy_weights[HEAVY_CHANNELS * HEAVY_CHANNELS];

static gvk_result find_heavy(void *user, const char *name, gvk_array *out)
{
    (void)user;
    (void)name;
    *out = (gvk_array){.type = GVK_TYPE_F32,
                       .rank = 4,
                       .shape = {HEAVY_CHANNELS, HEAVY_CHANNELS, 1, 1},
                       .data = heavy_weights,
                       .bytes = sizeof heavy_weights};
    return GVK_OK;
}

/* Submissions of a frame of so many pictures, where one may take a millisecond; *ms is what the device tells of it. */
static uint32_t count_submissions(const char *limits, uint32_t batch, double *ms)
{
    static char names[HEAVY_LAYERS][8];
    static float input[HEAVY_CHANNELS * HEAVY_SIDE * HEAVY_SIDE];
    gvk_device *device = NULL;
    gvk_graph *graph = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_ticket ticket;
    gvk_timing timings[4] = {{0}};
    uint32_t stages = 4;
    assert_true(faults->limit(limits));
    assert_ok(gvk_device_open(NULL, &device));
    assert_ok(gvk_graph_create(NULL, find_heavy, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", HEAVY_CHANNELS);
    for (uint32_t i = 0; i < HEAVY_LAYERS; i++) {
        snprintf(names[i], sizeof names[i], "layer%u", i);
        x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = names[i], .inputs = {x}});
    }
    gvk_graph_output(graph, "out", x);
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    const gvk_stream_params params = {
        .size = sizeof params, .width = HEAVY_SIDE, .height = HEAVY_SIDE, .batch = batch, .max_submit_us = 1000};
    gvk_picture pictures[HEAVY_MOST];
    for (uint32_t i = 0; i < batch; i++)
        pictures[i] = (gvk_picture){.size = sizeof pictures[i],
                                    .kind = GVK_PICTURE_TENSOR,
                                    .width = HEAVY_SIDE,
                                    .height = HEAVY_SIDE,
                                    .pixels = input};
    gvk_stream_info info = {.size = sizeof info};
    assert_ok(gvk_stream_create(model, &params, &stream));
    assert_ok(gvk_stream_submit(stream, pictures, sizeof pictures[0], batch, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    gvk_stream_describe(stream, &info);
    assert_ok(gvk_stream_timings(stream, ticket, timings, sizeof timings[0], &stages));
    *ms = timings[1].ms;
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
    assert_true(faults->limit(""));
    return info.submissions;
}

/* As lavapipe's is after graphics. A clock that does not move tells nothing at all. */
static void frames_are_cut_by_the_hosts_clock_where_the_devices_tells_too_little(void **state)
{
    (void)state;
    static const char *const clocks[] = {"", "slow_clock=1000", "slow_clock=4294967295"};
    double ms;
    count_submissions("", 1, &ms);
    uint32_t batch = ms * HEAVY_MOST > HEAVY_MS ? 1 + (uint32_t)(HEAVY_MS / ms) : HEAVY_MOST;
    for (size_t i = 0; i < ARRAY_COUNT(clocks); i++) {
        double told;
        uint32_t submissions = count_submissions(clocks[i], batch, &told);
        if (submissions != HEAVY_LAYERS)
            fail_msg("with \"%s\": %u submissions for %u layers of %u pictures that take %g ms each", clocks[i],
                     submissions, HEAVY_LAYERS, batch, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_lost_with_frames_in_flight_fails_every_later_call_and_can_be_destroyed),
        cmocka_unit_test(a_fence_that_never_signals_times_out_and_is_taken_for_a_lost_device),
        cmocka_unit_test(a_stream_whose_frames_never_end_is_destroyed_in_finite_time_and_not_freed),
        cmocka_unit_test(a_slow_cpu_device_is_waited_for_and_said_to_be_slow_once),
        cmocka_unit_test(parts_that_run_without_a_fence_are_not_freed_either),
        cmocka_unit_test(a_fence_that_signals_late_gives_the_result_after_all),
        cmocka_unit_test(an_upload_that_never_ends_fails_its_model_and_is_not_freed),
        cmocka_unit_test(frames_are_cut_by_the_hosts_clock_where_the_devices_tells_too_little),
    };
    return cmocka_run_group_tests_name("late devices", tests, find_layer, NULL);
}
