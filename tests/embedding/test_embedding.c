/* Frames among those of a host: semaphores, pacing, the host's own submit and its own command buffers. Whatever the
 * way, a frame's values are those of a plain submit, bit for bit; the order is shown by what has not happened yet. */
#include "scene.h"

#define SHORT_NS ((uint64_t)50 * 1000 * 1000)

static gvk_submit_params submit_of(const struct scene *scene, uint32_t picture)
{
    return (gvk_submit_params){.size = sizeof(gvk_submit_params),
                               .pictures = &scene->pictures[picture],
                               .picture_size = sizeof(gvk_picture),
                               .picture_count = 1};
}

/* ---- semaphores ---- */

static void a_frame_waits_for_a_timeline_and_moves_another(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 1, 0, 0);
    const gvk_semaphore wait = {.semaphore = create_semaphore(scene, true), .value = 3};
    const gvk_semaphore signal = {.semaphore = create_semaphore(scene, true), .value = 7};
    gvk_submit_params params = submit_of(scene, 0);
    gvk_ticket ticket = 0;
    params.waits = &wait;
    params.signals = &signal;
    params.wait_count = params.signal_count = 1;
    assert_ok(gvk_stream_submit_with(stream, &params, &ticket));
    set_value(scene, wait.semaphore, 2);
    assert_int_equal(gvk_stream_wait(stream, ticket, SHORT_NS), GVK_TIMEOUT);
    assert_int_equal(gvk_stream_wait(stream, ticket, 0), GVK_NOT_READY);
    assert_int_equal(value_of(scene, signal.semaphore), 0);
    set_value(scene, wait.semaphore, 3);
    expect_timeline(scene, signal.semaphore, 7);
    expect_frame(scene, stream, ticket, 0, "between timelines");
    gvk_stream_destroy(stream);
    vkDestroySemaphore(scene->host.device, wait.semaphore, NULL);
    vkDestroySemaphore(scene->host.device, signal.semaphore, NULL);
}

static void a_frame_stands_between_two_submissions_of_the_host_by_binary_semaphores(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 1, 0, 0);
    const gvk_semaphore wait = {.semaphore = create_semaphore(scene, false),
                                .stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT};
    const gvk_semaphore signal = {.semaphore = create_semaphore(scene, false)};
    for (uint32_t i = 0; i < PICTURES; i++) {
        gvk_submit_params params = submit_of(scene, i);
        gvk_ticket ticket = 0;
        params.waits = &wait;
        params.signals = &signal;
        params.wait_count = params.signal_count = 1;
        submit_nothing(scene, VK_NULL_HANDLE, wait.semaphore, false);
        assert_ok(gvk_stream_submit_with(stream, &params, &ticket));
        submit_nothing(scene, signal.semaphore, VK_NULL_HANDLE, true);
        expect_frame(scene, stream, ticket, i, "between binary semaphores");
    }
    gvk_stream_destroy(stream);
    vkDestroySemaphore(scene->host.device, wait.semaphore, NULL);
    vkDestroySemaphore(scene->host.device, signal.semaphore, NULL);
}

static void a_picture_is_released_while_the_frame_still_runs(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 1, 1, 1);
    const gvk_semaphore release = {.semaphore = create_semaphore(scene, true), .value = 1};
    const gvk_semaphore signal = {.semaphore = create_semaphore(scene, true), .value = 1};
    gvk_submit_params params = submit_of(scene, 1);
    gvk_ticket ticket = 0;
    uint32_t left = 0, released_at = 0;
    params.releases = &release;
    params.signals = &signal;
    params.release_count = params.signal_count = 1;
    assert_ok(gvk_stream_submit_with(stream, &params, &ticket));
    assert_ok(gvk_stream_advance(stream, 0, &left));
    assert_true(left >= 3); /* the network's two, at least, and what resizes */
    /* The last two parts are the network's, so the picture has been read before them. */
    assert_ok(gvk_stream_advance(stream, left - 2, &released_at));
    assert_int_equal(released_at, 2);
    expect_timeline(scene, release.semaphore, 1);
    assert_int_equal(gvk_stream_wait(stream, ticket, 0), GVK_NOT_READY);
    assert_int_equal(value_of(scene, signal.semaphore), 0);
    assert_ok(gvk_stream_advance(stream, 9, &left));
    assert_int_equal(left, 0);
    expect_timeline(scene, signal.semaphore, 1);
    expect_frame(scene, stream, ticket, 1, "released early");
    gvk_stream_destroy(stream);
    /* The same without pacing: the release does not cost the frame its result. */
    stream = create_scene_stream(scene->model, 1, 0, 0);
    const gvk_semaphore again = {.semaphore = release.semaphore, .value = 2};
    params.releases = &again;
    params.signal_count = 0;
    assert_ok(gvk_stream_submit_with(stream, &params, &ticket));
    expect_timeline(scene, release.semaphore, 2);
    expect_frame(scene, stream, ticket, 1, "released, and not paced");
    gvk_stream_destroy(stream);
    vkDestroySemaphore(scene->host.device, release.semaphore, NULL);
    vkDestroySemaphore(scene->host.device, signal.semaphore, NULL);
}

static void a_submit_that_may_not_wait_says_so_and_touches_nothing(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 1, 0, 0);
    const gvk_semaphore wait = {.semaphore = create_semaphore(scene, true), .value = 1};
    gvk_submit_params held = submit_of(scene, 0), other = submit_of(scene, 1);
    gvk_ticket ticket = 0, refused = 5;
    held.waits = &wait;
    held.wait_count = 1;
    other.no_wait = 1;
    assert_ok(gvk_stream_submit_with(stream, &held, &ticket));
    assert_int_equal(gvk_stream_submit_with(stream, &other, &refused), GVK_NOT_READY);
    assert_int_equal(refused, 5);
    set_value(scene, wait.semaphore, 1);
    expect_frame(scene, stream, ticket, 0, "beside a refused one");
    assert_ok(gvk_stream_submit_with(stream, &other, &refused));
    expect_frame(scene, stream, refused, 1, "when there was room");
    gvk_stream_destroy(stream);
    vkDestroySemaphore(scene->host.device, wait.semaphore, NULL);
}

static void wrong_semaphores_are_refused(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 1, 0, 0);
    static const gvk_semaphore none[GVK_MAX_SEMAPHORES + 1];
    gvk_ticket ticket = 9;
    for (int kind = 0; kind < 3; kind++) {
        const uint32_t counts[] = {1, GVK_MAX_SEMAPHORES + 1, UINT32_MAX};
        for (size_t i = 0; i < ARRAY_COUNT(counts); i++)
            for (int named = 0; named < 2; named++) {
                gvk_submit_params params = submit_of(scene, 0);
                const gvk_semaphore *list = named ? none : NULL;
                params.waits = kind == 0 ? list : NULL;
                params.releases = kind == 1 ? list : NULL;
                params.signals = kind == 2 ? list : NULL;
                params.wait_count = kind == 0 ? counts[i] : 0;
                params.release_count = kind == 1 ? counts[i] : 0;
                params.signal_count = kind == 2 ? counts[i] : 0;
                if (gvk_stream_submit_with(stream, &params, &ticket) != GVK_ERROR_ARGUMENT)
                    fail_msg("%u semaphores of kind %d were taken", counts[i], kind);
            }
    }
    assert_int_equal(gvk_stream_submit_with(stream, NULL, &ticket), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_submit_with(NULL, NULL, &ticket), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_advance(NULL, 1, NULL), GVK_ERROR_ARGUMENT);
    assert_int_equal(ticket, 9);
    gvk_stream_destroy(stream);
}

/* ---- pacing ---- */

static void a_paced_frame_goes_on_only_when_it_is_told_to(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 2, 1, 1);
    gvk_ticket first = 0, second = 0;
    uint32_t left = 0, before = 0;
    assert_ok(gvk_stream_submit(stream, &scene->pictures[0], sizeof(gvk_picture), 1, &first));
    assert_ok(gvk_stream_advance(stream, 0, &before));
    assert_true(before > 1);
    assert_int_equal(gvk_stream_wait(stream, first, 0), GVK_NOT_READY);
    /* A second frame waits in line behind the first one's parts. */
    assert_ok(gvk_stream_submit(stream, &scene->pictures[1], sizeof(gvk_picture), 1, &second));
    assert_ok(gvk_stream_advance(stream, 0, &left));
    assert_int_equal(left, before + before + 1);
    for (uint32_t i = 1; i <= before; i++) {
        assert_ok(gvk_stream_advance(stream, 1, &left));
        assert_int_equal(left, before + before + 1 - i);
    }
    expect_frame(scene, stream, first, 0, "paced, the first");
    assert_int_equal(gvk_stream_wait(stream, second, 0), GVK_NOT_READY);
    assert_ok(gvk_stream_advance(stream, 1, NULL));
    expect_frame(scene, stream, second, 1, "paced, the second, which a wait brings to its end");
    assert_ok(gvk_stream_advance(stream, 100, &left));
    assert_int_equal(left, 0);
    /* A submit that needs a frame's place sends what is left of it. */
    gvk_ticket tickets[4];
    for (uint32_t i = 0; i < 4; i++)
        assert_ok(gvk_stream_submit(stream, &scene->pictures[i % PICTURES], sizeof(gvk_picture), 1, &tickets[i]));
    expect_frame(scene, stream, tickets[2], 2, "paced, the last but one");
    expect_frame(scene, stream, tickets[3], 0, "paced, the last");
    gvk_stream_destroy(stream);
}

static void a_paced_stream_that_is_destroyed_still_signals(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 2, 1, 1);
    const gvk_semaphore signals[2] = {{.semaphore = create_semaphore(scene, true), .value = 1},
                                      {.semaphore = create_semaphore(scene, true), .value = 1}};
    for (uint32_t i = 0; i < 2; i++) {
        gvk_submit_params params = submit_of(scene, i);
        gvk_ticket ticket;
        params.signals = &signals[i];
        params.signal_count = 1;
        assert_ok(gvk_stream_submit_with(stream, &params, &ticket));
    }
    gvk_stream_destroy(stream);
    for (int i = 0; i < 2; i++) {
        expect_timeline(scene, signals[i].semaphore, 1);
        vkDestroySemaphore(scene->host.device, signals[i].semaphore, NULL);
    }
}

/* ---- the host's own submit ---- */

#define MOST_KEPT 64

/* Keeps submissions until it is told to let them go, as an engine's render thread does. */
struct keeper {
    VkQueue queue;
    bool keeps;
    VkResult answer; /* VK_SUCCESS: takes them */
    uint32_t calls, kept;
    VkSubmitInfo submits[MOST_KEPT];
    VkCommandBuffer commands[MOST_KEPT][2];
    uint32_t counts[MOST_KEPT];
    VkFence fences[MOST_KEPT];
};

static VkResult keep_submit(void *user, uint32_t count, const VkSubmitInfo *submits, VkFence fence)
{
    struct keeper *keeper = user;
    keeper->calls++;
    if (keeper->answer != VK_SUCCESS)
        return keeper->answer;
    if (!keeper->keeps)
        return vkQueueSubmit(keeper->queue, count, submits, fence);
    assert_true(keeper->kept < MOST_KEPT && count <= 1);
    uint32_t at = keeper->kept++;
    keeper->counts[at] = count;
    keeper->fences[at] = fence;
    if (count) {
        assert_true(submits->commandBufferCount <= 2 && !submits->waitSemaphoreCount && !submits->signalSemaphoreCount);
        keeper->submits[at] = *submits;
        memcpy(keeper->commands[at], submits->pCommandBuffers, submits->commandBufferCount * sizeof(VkCommandBuffer));
        keeper->submits[at].pCommandBuffers = keeper->commands[at];
    }
    return VK_SUCCESS;
}

static void let_go(struct keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->kept; i++)
        assert_int_equal(vkQueueSubmit(keeper->queue, keeper->counts[i], &keeper->submits[i], keeper->fences[i]),
                         VK_SUCCESS);
    keeper->kept = 0;
}

static void everything_goes_through_the_hosts_submit_which_may_keep_it(void **state)
{
    const struct scene *scene = *state;
    struct host_device host = scene->host;
    struct keeper keeper = {.queue = host.queue};
    gvk_import_params params = host_device_params(&host);
    gvk_device *device = NULL;
    params.host = &test_host;
    params.queue = VK_NULL_HANDLE;
    params.lock_queue = params.unlock_queue = NULL;
    assert_int_equal(gvk_device_import(&params, &device), GVK_ERROR_ARGUMENT); /* neither a queue nor a submit */
    params.submit = keep_submit;
    params.submit_user = &keeper;
    host.lock_count = 0;
    assert_ok(gvk_device_import(&params, &device));
    gvk_model *model = create_scene_model(device);
    gvk_stream *stream = create_scene_stream(model, 2, 1, 0);
    uint32_t before = keeper.calls;
    gvk_ticket ticket = 0, second = 0;
    keeper.keeps = true;
    assert_ok(gvk_stream_submit(stream, &scene->pictures[0], sizeof(gvk_picture), 1, &ticket));
    gvk_stream_info info = {.size = sizeof info};
    gvk_stream_describe(stream, &info);
    assert_int_equal(keeper.calls - before, info.submissions);
    assert_true(info.submissions >= 2);
    assert_int_equal(gvk_stream_wait(stream, ticket, SHORT_NS), GVK_TIMEOUT);
    let_go(&keeper);
    expect_frame(scene, stream, ticket, 0, "kept and let go");
    /* What it returns is the submission's result. */
    keeper.keeps = false;
    keeper.answer = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    assert_int_equal(gvk_stream_submit(stream, &scene->pictures[1], sizeof(gvk_picture), 1, &second),
                     GVK_ERROR_DEVICE_MEMORY);
    assert_int_equal(second, 0);
    keeper.answer = VK_SUCCESS;
    assert_ok(gvk_stream_submit(stream, &scene->pictures[1], sizeof(gvk_picture), 1, &second));
    expect_frame(scene, stream, second, 1, "after a refusal");
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    assert_int_equal(host.lock_count, 0);
}

/* ---- the host's command buffers ---- */

struct recording {
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkFence fence;
};

static struct recording begin_recording(const struct scene *scene)
{
    struct recording made = {VK_NULL_HANDLE, VK_NULL_HANDLE, VK_NULL_HANDLE};
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .queueFamilyIndex = scene->host.queue_family};
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    assert_int_equal(vkCreateCommandPool(scene->host.device, &pool, NULL, &made.pool), VK_SUCCESS);
    assert_int_equal(vkCreateFence(scene->host.device, &fence, NULL, &made.fence), VK_SUCCESS);
    allocate.commandPool = made.pool;
    assert_int_equal(vkAllocateCommandBuffers(scene->host.device, &allocate, &made.commands), VK_SUCCESS);
    assert_int_equal(vkBeginCommandBuffer(made.commands, &begin), VK_SUCCESS);
    return made;
}

static void submit_recording(const struct scene *scene, const struct recording *recording)
{
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &recording->commands};
    assert_int_equal(vkEndCommandBuffer(recording->commands), VK_SUCCESS);
    assert_int_equal(vkQueueSubmit(scene->host.queue, 1, &submit, recording->fence), VK_SUCCESS);
}

static void end_recording(const struct scene *scene, const struct recording *recording)
{
    const uint64_t minute = (uint64_t)60 * 1000 * 1000 * 1000;
    assert_int_equal(vkWaitForFences(scene->host.device, 1, &recording->fence, VK_TRUE, minute), VK_SUCCESS);
    vkDestroyFence(scene->host.device, recording->fence, NULL);
    vkDestroyCommandPool(scene->host.device, recording->pool, NULL);
}

static void a_frame_in_the_hosts_command_buffer_is_done_when_the_host_says_so(void **state)
{
    const struct scene *scene = *state;
    static const uint32_t limits[] = {0, 1}; /* max_submit_us: a frame in one piece, and in many */
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        gvk_stream *stream = create_scene_stream(scene->model, 1, limits[i], 0);
        for (uint32_t j = 0; j < PICTURES; j++) {
            struct recording recording = begin_recording(scene);
            gvk_ticket ticket = 0, other = 0;
            assert_ok(
                gvk_stream_record(stream, recording.commands, &scene->pictures[j], sizeof(gvk_picture), 1, &ticket));
            assert_int_equal(gvk_stream_wait(stream, ticket, 0), GVK_NOT_READY);
            assert_int_equal(gvk_stream_wait(stream, ticket, UINT64_MAX), GVK_ERROR_ARGUMENT);
            /* Its place is taken until then. */
            assert_int_equal(gvk_stream_submit(stream, &scene->pictures[0], sizeof(gvk_picture), 1, &other),
                             GVK_NOT_READY);
            assert_int_equal(other, 0);
            submit_recording(scene, &recording);
            end_recording(scene, &recording);
            assert_ok(gvk_stream_retire(stream, ticket));
            expect_frame(scene, stream, ticket, j, "in the host's command buffer");
            assert_int_equal(gvk_stream_retire(stream, ticket), GVK_ERROR_ARGUMENT);
        }
        gvk_stream_destroy(stream);
    }
}

static void recorded_and_submitted_frames_take_turns(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 2, 0, 0);
    for (int round = 0; round < 2; round++) {
        struct recording recording = begin_recording(scene);
        gvk_ticket recorded = 0, submitted = 0;
        assert_ok(
            gvk_stream_record(stream, recording.commands, &scene->pictures[2], sizeof(gvk_picture), 1, &recorded));
        submit_recording(scene, &recording);
        assert_ok(gvk_stream_submit(stream, &scene->pictures[1], sizeof(gvk_picture), 1, &submitted));
        expect_frame(scene, stream, submitted, 1, "behind a recorded one");
        end_recording(scene, &recording);
        assert_ok(gvk_stream_retire(stream, recorded));
        expect_frame(scene, stream, recorded, 2, "in front of a submitted one");
        assert_int_equal(gvk_stream_retire(stream, submitted), GVK_ERROR_ARGUMENT);
    }
    /* One that is never submitted is given back. */
    struct recording recording = begin_recording(scene);
    gvk_ticket never = 0, after = 0;
    assert_ok(gvk_stream_record(stream, recording.commands, &scene->pictures[0], sizeof(gvk_picture), 1, &never));
    assert_int_equal(vkEndCommandBuffer(recording.commands), VK_SUCCESS);
    assert_ok(gvk_stream_retire(stream, never));
    vkDestroyFence(scene->host.device, recording.fence, NULL);
    vkDestroyCommandPool(scene->host.device, recording.pool, NULL);
    assert_ok(gvk_stream_submit(stream, &scene->pictures[0], sizeof(gvk_picture), 1, &after));
    expect_frame(scene, stream, after, 0, "after one that was never submitted");
    gvk_stream_destroy(stream);
}

static void wrong_recordings_are_refused(void **state)
{
    const struct scene *scene = *state;
    gvk_stream *stream = create_scene_stream(scene->model, 2, 1, 1);
    struct recording recording = begin_recording(scene);
    const gvk_picture *picture = &scene->pictures[0];
    gvk_ticket ticket = 4, paced = 0;
    assert_int_equal(gvk_stream_record(NULL, recording.commands, picture, sizeof *picture, 1, &ticket),
                     GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_record(stream, VK_NULL_HANDLE, picture, sizeof *picture, 1, &ticket),
                     GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_record(stream, recording.commands, NULL, sizeof *picture, 1, &ticket),
                     GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_record(stream, recording.commands, picture, sizeof *picture, 2, &ticket),
                     GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_record(stream, recording.commands, picture, sizeof *picture, 1, NULL),
                     GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_retire(NULL, 1), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_retire(stream, 1), GVK_ERROR_ARGUMENT);
    /* Parts of an older frame that are still to come would run behind the newer one. */
    assert_ok(gvk_stream_submit(stream, picture, sizeof *picture, 1, &paced));
    assert_int_equal(gvk_stream_record(stream, recording.commands, picture, sizeof *picture, 1, &ticket),
                     GVK_ERROR_ARGUMENT);
    assert_int_equal(ticket, 4);
    expect_frame(scene, stream, paced, 0, "beside refused recordings");
    gvk_stream_destroy(stream);
    assert_int_equal(vkEndCommandBuffer(recording.commands), VK_SUCCESS);
    vkDestroyFence(scene->host.device, recording.fence, NULL);
    vkDestroyCommandPool(scene->host.device, recording.pool, NULL);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_waits_for_a_timeline_and_moves_another),
        TEST(a_frame_stands_between_two_submissions_of_the_host_by_binary_semaphores),
        TEST(a_picture_is_released_while_the_frame_still_runs),
        TEST(a_submit_that_may_not_wait_says_so_and_touches_nothing),
        TEST(wrong_semaphores_are_refused),
        TEST(a_paced_frame_goes_on_only_when_it_is_told_to),
        TEST(a_paced_stream_that_is_destroyed_still_signals),
        TEST(everything_goes_through_the_hosts_submit_which_may_keep_it),
        TEST(a_frame_in_the_hosts_command_buffer_is_done_when_the_host_says_so),
        TEST(recorded_and_submitted_frames_take_turns),
        TEST(wrong_recordings_are_refused),
    };
    return cmocka_run_group_tests(tests, open_scene, close_scene);
}
