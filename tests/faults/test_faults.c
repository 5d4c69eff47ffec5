/* Faults: memory that runs out at every call and at every allocation, a device that is lost, or that has too little of
 * something. Each ends in the right gvk_result and one sentence, leaves nothing
 * behind, and what comes next works and computes the same.
 *
 * The Vulkan faults come from the layer in layer/, which must be loaded (its absence fails the tests). What fails is a
 * session (layer/session.h): a device, a graph, its model, a detector's stream, a frame of pixels and a frame of a
 * tensor in flight together, and everything that can be read of them. */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/layer/session.h"
#include "tests/support/host_device.h"

static uint64_t vulkan_points, host_points; /* faults injected */

/* ---- planned faults of Vulkan -------------------------------------------------------------------------------------
 */

static bool has_two_memories; /* the device at hand: one that the host sees, and one of its own */

/* Whether this is how a session, or one call of it, may end. */
static bool is_right(gvk_result result, const char *call, VkResult fault)
{
    /* Names are for people; extensions make things faster, though the loader, too, looks at them. */
    bool extensions = !strcmp(call, "vkEnumerateDeviceExtensionProperties");
    if (!strcmp(call, "vkSetDebugUtilsObjectNameEXT") || (extensions && result == GVK_OK))
        return result == GVK_OK;
    if (fault == VK_ERROR_OUT_OF_HOST_MEMORY)
        return result == GVK_ERROR_HOST_MEMORY;
    /* Where one type of memory is full, another is taken, if there is one for that use. */
    if (has_two_memories && !strcmp(call, "vkAllocateMemory") && fault == VK_ERROR_OUT_OF_DEVICE_MEMORY &&
        result == GVK_OK)
        return true;
    /* Before there is a device, the sentence says what stopped the search. */
    if (!strcmp(call, "vkCreateInstance") || !strcmp(call, "vkEnumeratePhysicalDevices"))
        return result == GVK_ERROR_NO_DEVICE;
    return result == (fault == VK_ERROR_OUT_OF_DEVICE_MEMORY ? GVK_ERROR_DEVICE_MEMORY : GVK_ERROR_DEVICE_LOST);
}

/* How the steps that ran since arm ended. `finished`: they would have been all, had nothing failed. */
static void check_fault(const struct session *session, VkResult fault, bool finished, char context[160])
{
    const char *call = faults->rejected();
    snprintf(context, 160, "VkResult %d from %s, at %s", (int)fault, call ? call : "no call",
             session->result ? step_names[session->failed] : "no step");
    if (!call)
        fail_msg("%s: the calls are fewer than counted", context);
    if (!is_right(session->result, call, fault))
        fail_msg("%s: ended in %s (%s)", context, gvk_result_name(session->result), session->counting.sentence);
    if (finished)
        assert_expected(&session->outcome, strcmp(call, "vkEnumerateDeviceExtensionProperties") != 0, context);
    vulkan_points++;
}

/* The nth call of this name, in a session with a device of its own. */
static void fail_call(const char *name, uint64_t nth, VkResult fault, bool again)
{
    static struct session session;
    char context[160];
    begin_session(&session, name, nth, fault);
    run_steps(&session, STEP_DEVICE, STEP_COUNT, again);
    check_fault(&session, fault, again || !session.result, context);
    close_session(&session, session.result ? 1 : 0, context);
}

static void open_warm(struct session *session)
{
    begin_session(session, "*", 0, VK_SUCCESS);
    run_steps(session, STEP_DEVICE, STEP_COUNT, false);
    assert_int_equal(session->result, GVK_OK);
    assert_expected(&session->outcome, true, "a new device");
    rewind_session(session);
}

/* The nth call after the device was opened, on a device that has its pipelines already: compiling them takes most of a
 * session's time. */
static void fail_call_when_warm(struct session *session, uint64_t nth, VkResult fault, bool again)
{
    char context[160];
    int64_t objects = faults->alive(), blocks = session->counting.live;
    session->counting.errors = 0;
    session->outcome.counts[0] = UINT32_MAX; /* of the round before */
    faults->arm("*", nth, fault);
    run_steps(session, STEP_GRAPH, STEP_COUNT, again);
    check_fault(session, fault, again || !session->result, context);
    uint32_t errors = session->result ? 1 : 0;
    rewind_session(session);
    assert_left(&session->counting, objects, blocks, errors, context);
    static const char *const losing[] = {"vkQueueSubmit", "vkWaitForFences", "vkGetQueryPoolResults"};
    for (int i = 0; i < 3 && fault == VK_ERROR_DEVICE_LOST; i++)
        if (!strcmp(faults->rejected(), losing[i])) {
            session->counting.errors = 0;
            close_session(session, 0, context);
            open_warm(session);
            break;
        }
}

/* In the small scope the three faults take turns: every second call fails once, in one of three ways. Of the host's
 * allocations, which are the same on every driver, every twentieth one fails. */
static bool is_in_turn(uint64_t call, VkResult fault)
{
    uint64_t turn = fault == VK_ERROR_OUT_OF_HOST_MEMORY ? 0 : fault == VK_ERROR_OUT_OF_DEVICE_MEMORY ? 1 : 2;
    return !is_small_scope() || call % 6 == 2 * turn;
}

/* Each call of a session: those that open the device, those that make pipelines, all others. */
static void fail_every_call(VkResult fault, bool again)
{
    uint64_t tried = 0;
    static struct session session;
    static const char *const compiling[] = {"vkCreateShaderModule", "vkCreateComputePipelines"};
    uint64_t before = vulkan_points, opening, pipelines, others;
    begin_session(&session, "*", 0, VK_SUCCESS);
    run_steps(&session, STEP_DEVICE, STEP_GRAPH, false);
    opening = faults->count("*");
    close_session(&session, 0, "a device");
    for (uint64_t i = 1; i <= opening; i++) {
        char context[160];
        if (!is_in_turn(i, fault))
            continue;
        tried++;
        begin_session(&session, "*", i, fault);
        run_steps(&session, STEP_DEVICE, STEP_GRAPH, again);
        check_fault(&session, fault, false, context);
        close_session(&session, session.result ? 1 : 0, context);
    }
    open_warm(&session);
    pipelines = faults->count(compiling[0]);
    assert_int_equal(faults->count(compiling[1]), pipelines);
    faults->arm("*", 0, VK_SUCCESS);
    run_steps(&session, STEP_GRAPH, STEP_COUNT, false);
    others = faults->count("*");
    assert_int_equal(faults->count(compiling[0]), 0);
    rewind_session(&session);
    for (uint64_t i = 1; i <= others; i++)
        if (is_in_turn(i, fault)) {
            tried++;
            fail_call_when_warm(&session, i, fault, again);
        }
    close_session(&session, session.counting.errors, "after all faults");
    for (uint64_t i = 1; i <= 2 * pipelines; i++)
        if (is_in_turn(i, fault)) {
            tried++;
            fail_call(compiling[i % 2], (i + 1) / 2, fault, again);
        }
    assert_clean("after all faults");
    assert_int_equal(vulkan_points - before, tried);
    if (!is_small_scope())
        assert_int_equal(tried, opening + others + 2 * pipelines);
    print_message("             %u calls failed, one at a time\n", (unsigned)(vulkan_points - before));
}

static void running_out_of_host_memory_at_any_vulkan_call_is_reported_and_can_be_tried_again(void **state)
{
    (void)state;
    fail_every_call(VK_ERROR_OUT_OF_HOST_MEMORY, true);
}

static void running_out_of_device_memory_at_any_vulkan_call_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    fail_every_call(VK_ERROR_OUT_OF_DEVICE_MEMORY, false);
}

static void losing_the_device_at_any_vulkan_call_is_reported_and_the_next_device_works(void **state)
{
    (void)state;
    fail_every_call(VK_ERROR_DEVICE_LOST, false);
}

/* Memory that the host cannot see is filled through a staging buffer, and host memory must be flushed. */
static void the_same_holds_for_uploads_and_flushes_of_a_device_with_memory_of_its_own(void **state)
{
    (void)state;
    static struct outcome kept;
    static struct session session;
    static const char *const ranges[] = {"vkFlushMappedMemoryRanges", "vkInvalidateMappedMemoryRanges"};
    assert_true(faults->limit("discrete"));
    has_two_memories = true;
    kept = expected_outcome;
    uint64_t calls, before = vulkan_points;
    run_clean(&expected_outcome, &calls); /* another kernel than a CPU device's */
    /* The upload, the run that times the commands, two that time the resize, and the frames, one of which has two
     * passes of a resize in front. */
    assert_int_equal(faults->count("vkQueueSubmit"), 2 + 2 + SESSION_FRAMES * SESSION_COMMANDS + 2);
    uint64_t range_calls[2] = {faults->count(ranges[0]), faults->count(ranges[1])};
    assert_true(range_calls[0] && range_calls[1]);
    begin_session(&session, "*", 0, VK_SUCCESS);
    run_steps(&session, STEP_DEVICE, STEP_MODEL, false);
    uint64_t first = faults->count("*") + 1;
    assert_ok(take_step(&session, STEP_MODEL));
    uint64_t last = faults->count("*");
    close_session(&session, 0, "a model of a discrete device");
    for (uint64_t i = first; i <= last; i++) {
        fail_call("*", i, VK_ERROR_OUT_OF_DEVICE_MEMORY, true);
        fail_call("*", i, VK_ERROR_DEVICE_LOST, false);
    }
    for (int i = 0; i < 2; i++)
        for (uint64_t j = 1; j <= range_calls[i]; j++) {
            fail_call(ranges[i], j, VK_ERROR_OUT_OF_HOST_MEMORY, true);
            assert_true(faults->count(ranges[i]) > range_calls[i]); /* the failed one was made up for */
        }
    print_message("             %u calls failed, one at a time\n", (unsigned)(vulkan_points - before));
    expected_outcome = kept;
    has_two_memories = false;
    assert_true(faults->limit(""));
}

/* ---- planned faults of the host's memory --------------------------------------------------------------------------
 */

#define STORED 2u /* the pipeline cache and choices of kernels: what there is no room for is left out */

static void fail_every_allocation(bool large, enum step end)
{
    static struct session session;
    faults->arm("*", 0, VK_SUCCESS);
    start_session(&session, large, 0);
    run_steps(&session, STEP_DEVICE, end, false);
    assert_int_equal(session.result, GVK_OK);
    uint64_t allocations = session.counting.asked;
    close_session(&session, 0, "without a fault");
    uint32_t unneeded = 0, step = is_small_scope() ? 20 : 1, tried = 0;
    for (uint64_t i = 1; i <= allocations; i += step, host_points++, tried++) {
        char context[96];
        faults->arm("*", 0, VK_SUCCESS);
        start_session(&session, large, i);
        run_steps(&session, STEP_DEVICE, end, true);
        snprintf(context, sizeof context, "allocation %u, at %s", (unsigned)i,
                 session.result ? step_names[session.failed] : "no step");
        if (session.result != GVK_ERROR_HOST_MEMORY && (session.result || unneeded++ >= STORED))
            fail_msg("%s: ended in %s", context, gvk_result_name(session.result));
        close_session(&session, session.result ? 1 : 0, context);
        if (end == STEP_COUNT)
            assert_expected(&session.outcome, true, context);
    }
    print_message("             %u allocations failed, one at a time\n", (unsigned)tried);
}

static void running_out_of_memory_at_any_allocation_of_the_host_is_reported_and_can_be_tried_again(void **state)
{
    (void)state;
    fail_every_allocation(false, STEP_COUNT);
}

static void the_same_holds_for_every_rewrite_of_a_graph_and_its_weights(void **state)
{
    (void)state;
    fail_every_allocation(true, STEP_STREAM);
}

/* The cache is written when the device is destroyed, which cannot fail. */
static void a_pipeline_cache_that_cannot_be_stored_is_left_out(void **state)
{
    (void)state;
    static struct session session;
    static const char *const contexts[] = {"a cache", "its size fails", "its data fail", "its memory fails"};
    for (uint32_t i = 0; i < 4; i++) {
        begin_session(&session, "*", 0, VK_SUCCESS);
        run_steps(&session, STEP_DEVICE, STEP_SUBMIT_PIXELS, false);
        assert_int_equal(session.result, GVK_OK);
        faults->arm("vkGetPipelineCacheData", i < 3 ? i : 0, VK_ERROR_OUT_OF_HOST_MEMORY);
        session.counting.fail_at = i == 3 ? session.counting.asked + 1 : 0;
        close_session(&session, 0, contexts[i]);
        assert_int_equal(session.counting.stores, i == 0);
        vulkan_points += i == 1 || i == 2;
        host_points += i == 3;
    }
}

/* ---- the ways in besides opening ----------------------------------------------------------------------------------
 */

static gvk_result import_once(struct host_device *host, struct counting *counting)
{
    gvk_device *device = NULL;
    gvk_import_params params = host_device_params(host);
    params.host = &counting->host;
    gvk_result result = gvk_device_import(&params, &device);
    gvk_device_destroy(device);
    return result;
}

static gvk_result list_once(struct host_device *host, struct counting *counting)
{
    gvk_device_info infos[8];
    uint32_t count = 8;
    (void)host;
    return gvk_device_list(&counting->host, infos, sizeof(gvk_device_info), &count);
}

/* Every failing call, then every failing allocation. */
static void fail_everything_in(gvk_result (*once)(struct host_device *host, struct counting *counting))
{
    struct host_device host;
    assert_true(host_device_create(&host));
    int64_t alive = faults->alive();
    struct counting counting;
    start_counting(&counting, 0);
    faults->arm("*", 0, VK_SUCCESS);
    assert_ok(once(&host, &counting));
    uint64_t calls = faults->count("*"), allocations = counting.asked;
    uint32_t unneeded = 0;
    assert_true(calls && allocations);
    for (uint64_t i = 1; i <= calls + allocations; i++) {
        bool vulkan = i <= calls;
        start_counting(&counting, vulkan ? 0 : i - calls);
        faults->arm("*", vulkan ? i : 0, VK_ERROR_OUT_OF_HOST_MEMORY);
        gvk_result result = once(&host, &counting);
        if (vulkan && !faults->rejected())
            fail_msg("there was no call %u of %u", (unsigned)i, (unsigned)calls);
        bool right = vulkan ? is_right(result, faults->rejected(), VK_ERROR_OUT_OF_HOST_MEMORY)
                            : result == GVK_ERROR_HOST_MEMORY || (!result && unneeded++ < STORED);
        if (!right || counting.errors != (result ? 1u : 0u) || counting.live || faults->alive() != alive)
            fail_msg("%s %u (%s): %s, %u errors, %d blocks and %d objects left", vulkan ? "call" : "allocation",
                     (unsigned)(vulkan ? i : i - calls), vulkan ? faults->rejected() : "", gvk_result_name(result),
                     counting.errors, (int)counting.live, (int)(faults->alive() - alive));
    }
    vulkan_points += calls;
    host_points += allocations;
    host_device_destroy(&host);
}

static void importing_a_device_withstands_the_same(void **state)
{
    (void)state;
    fail_everything_in(import_once);
}

static void listing_devices_withstands_the_same(void **state)
{
    (void)state;
    fail_everything_in(list_once);
}

/* ---- poor devices -------------------------------------------------------------------------------------------------
 */

static void a_device_below_the_floor_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const limits[][2] = {
        {"api=1.0", "Vulkan 1.0"},
        {"invocations=64", "128 invocations"},
        {"storage_buffers=3", "storage buffers"},
        {"push=64", "push constants"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        static struct session session;
        assert_true(faults->limit(limits[i][0]));
        open_to(&session, STEP_DEVICE);
        gvk_device_params params = {.size = sizeof params, .host = &session.counting.host, .choice = GVK_DEVICE_CPU};
        gvk_result result = gvk_device_open(&params, &session.device);
        if (!strstr(session.counting.sentence, limits[i][1]))
            fail_msg("%s: the sentence is \"%s\"", limits[i][0], session.counting.sentence);
        assert_fails(&session, result, GVK_ERROR_NO_DEVICE, limits[i][0]);
        close_session(&session, 0, limits[i][0]);
    }
    assert_true(faults->limit(""));
}

static void a_network_too_large_for_the_device_is_refused_and_names_the_node(void **state)
{
    (void)state;
    static const char *const limits[] = {"range=8192", "groups=1"};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        static struct session session;
        assert_true(faults->limit(limits[i]));
        open_to(&session, STEP_STREAM);
        gvk_result result = take_step(&session, STEP_STREAM);
        assert_non_null(strstr(session.counting.sentence, "is too large for this device"));
        assert_fails(&session, result, GVK_ERROR_UNSUPPORTED, limits[i]);
        close_session(&session, 0, limits[i]);
    }
    assert_true(faults->limit(""));
}

static void a_device_that_misses_all_it_may_miss_computes_the_same(void **state)
{
    (void)state;
    static const char *const limits[] = {
        "api=1.1,no_timeline,no_fp16,no_synchronization2,no_subgroup_size_control,no_timestamps,subgroup=unknown,"
        "invocations=128,shared=16384,storage_buffers=4,range=134217728,texels=65536,groups=65535,push=128,"
        "alignment=256",
        "discrete,no_timestamps",
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        static struct outcome outcome;
        uint64_t calls;
        assert_true(faults->limit(limits[i]));
        run_clean(&outcome, &calls);
        assert_expected(&outcome, false, limits[i]);
        assert_int_equal(faults->count("vkCreateQueryPool"), 0);
    }
    assert_true(faults->limit(""));
}

/* ---- the layer itself ---------------------------------------------------------------------------------------------
 */

static void the_layer_sees_the_calls(void **state)
{
    (void)state;
    static struct outcome outcome;
    uint64_t calls;
    run_clean(&outcome, &calls);
    static const char *const seen[] = {"vkCreateInstance",
                                       "vkEnumeratePhysicalDevices",
                                       "vkEnumerateDeviceExtensionProperties",
                                       "vkCreateDevice",
                                       "vkCreateBuffer",
                                       "vkAllocateMemory",
                                       "vkBindBufferMemory",
                                       "vkMapMemory",
                                       "vkCreateDescriptorSetLayout",
                                       "vkCreatePipelineLayout",
                                       "vkCreatePipelineCache",
                                       "vkCreateShaderModule",
                                       "vkCreateComputePipelines",
                                       "vkCreateDescriptorPool",
                                       "vkAllocateDescriptorSets",
                                       "vkCreateCommandPool",
                                       "vkAllocateCommandBuffers",
                                       "vkBeginCommandBuffer",
                                       "vkEndCommandBuffer",
                                       "vkCreateQueryPool",
                                       "vkGetQueryPoolResults",
                                       "vkCreateFence",
                                       "vkResetFences",
                                       "vkQueueSubmit",
                                       "vkWaitForFences"};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        if (!faults->count(seen[i]))
            fail_msg("the layer saw no %s", seen[i]);
        print_message("             %3u %s\n", (unsigned)faults->count(seen[i]), seen[i]);
    }
    assert_true(outcome.counts[0] && outcome.counts[1]);
    assert_false(faults->limit("no_such_limit"));
    assert_false(faults->limit("push"));
    assert_false(faults->limit("push=many"));
}

static int find_layer(void **state)
{
    (void)state;
    return find_fault_layer() ? 0 : -1;
}

static int print_points(void **state)
{
    (void)state;
    print_message("             failure points: %u of Vulkan, %u of the host's memory\n", (unsigned)vulkan_points,
                  (unsigned)host_points);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layer_sees_the_calls),
        cmocka_unit_test(running_out_of_host_memory_at_any_vulkan_call_is_reported_and_can_be_tried_again),
        cmocka_unit_test(running_out_of_device_memory_at_any_vulkan_call_is_reported_and_leaves_nothing),
        cmocka_unit_test(losing_the_device_at_any_vulkan_call_is_reported_and_the_next_device_works),
        cmocka_unit_test(the_same_holds_for_uploads_and_flushes_of_a_device_with_memory_of_its_own),
        cmocka_unit_test(running_out_of_memory_at_any_allocation_of_the_host_is_reported_and_can_be_tried_again),
        cmocka_unit_test(the_same_holds_for_every_rewrite_of_a_graph_and_its_weights),
        cmocka_unit_test(a_pipeline_cache_that_cannot_be_stored_is_left_out),
        cmocka_unit_test(importing_a_device_withstands_the_same),
        cmocka_unit_test(listing_devices_withstands_the_same),
        cmocka_unit_test(a_device_below_the_floor_is_refused_by_name),
        cmocka_unit_test(a_network_too_large_for_the_device_is_refused_and_names_the_node),
        cmocka_unit_test(a_device_that_misses_all_it_may_miss_computes_the_same),
    };
    return cmocka_run_group_tests(tests, find_layer, print_points);
}
