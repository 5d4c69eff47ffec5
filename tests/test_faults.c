/* Faults: memory that runs out at every call and at every allocation, a device that is lost, a fence that never
 * signals, a device with too little of something. Each ends in the right gvk_result and one sentence, leaves nothing
 * behind, and what comes next works and computes the same.
 *
 * The Vulkan faults come from the layer in layer/, which must be loaded (its absence fails the tests). One session goes
 * the whole way of a frame: a device, a graph with every rewrite's pattern, its model, a detector's stream, a frame of
 * pixels and a frame of a tensor in flight together, everything that can be read of them. */
#include "harness.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "filler.h"
#include "ghostnet/detector.h"
#include "host_device.h"
#include "layer/faults.h"

#define SIDE        8u
#define CLASSES     2u
#define MAP_CHANNEL (3 * (5 + CLASSES))
#define CANDIDATES  (3 * (SIDE * SIDE + SIDE * SIDE / 4 + SIDE * SIDE / 16))
#define STEM        8u
#define FRAMES      2u

static const struct ghostvk_faults *faults;

/* ---- a host that counts -------------------------------------------------------------------------------------------
 */

struct counting {
    gvk_host host;
    uint64_t asked, fail_at; /* allocations; the one that fails, 0: none */
    int64_t live;
    uint32_t errors;
    char sentence[512]; /* the last error's */
};

static void *allocate_counted(void *user, size_t bytes, size_t alignment)
{
    struct counting *counting = user;
    (void)alignment;
    if (++counting->asked == counting->fail_at)
        return NULL;
    void *block = malloc(bytes);
    counting->live += block != NULL;
    return block;
}

static void release_counted(void *user, void *block)
{
    struct counting *counting = user;
    counting->live -= block != NULL;
    free(block);
}

static void log_counted(void *user, gvk_log_level level, const char *sentence)
{
    struct counting *counting = user;
    if (level != GVK_LOG_ERROR)
        return;
    counting->errors++;
    snprintf(counting->sentence, sizeof counting->sentence, "%s", sentence);
}

static void start_counting(struct counting *counting, uint64_t fail_at)
{
    *counting = (struct counting){
        .host = {sizeof(gvk_host), counting, log_counted, allocate_counted, release_counted},
        .fail_at = fail_at,
    };
}

/* ---- a session ----------------------------------------------------------------------------------------------------
 */

enum step {
    STEP_DEVICE,
    STEP_GRAPH,
    STEP_MODEL,
    STEP_STREAM,
    STEP_SUBMIT_PIXELS,
    STEP_SUBMIT_TENSOR,
    STEP_WAIT,
    STEP_READ,
    STEP_DETECTIONS,
    STEP_TIMINGS,
    STEP_LAYER_TIMINGS,
    STEP_COUNT
};
static const char *const step_names[STEP_COUNT] = {
    "device", "graph", "model",      "stream",  "submit pixels", "submit a tensor",
    "wait",   "read",  "detections", "timings", "layer timings",
};

struct outcome {
    float stem[STEM * SIDE * SIDE];
    gvk_detection detections[FRAMES][CANDIDATES];
    uint32_t counts[FRAMES];
};

struct session {
    struct counting counting;
    gvk_device *device;
    gvk_graph *graph;
    gvk_model *model;
    gvk_stream *stream;
    gvk_ticket tickets[FRAMES];
    struct outcome outcome;
    gvk_result result; /* of the step that failed first */
    enum step failed;
};

static float weight_values[1024], norm_values[STEM];
static uint8_t pixels[5 * 7 * 3];
static float tensor[3 * SIDE * SIDE];
static struct outcome expected;

static gvk_array weights_of(uint32_t rank, uint64_t first, uint64_t second, uint64_t side)
{
    uint64_t count = first * (rank > 1 ? second : 1) * side * side;
    assert_in_range(count, 1, sizeof weight_values / sizeof weight_values[0]);
    return (gvk_array){GVK_TYPE_F32, rank, {first, second, side, side}, weight_values, count * sizeof(float)};
}

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    const struct {
        const char *name;
        gvk_array array;
    } weights[] = {
        {"stem.weight", weights_of(4, STEM, 3, 3)},
        {"stem_norm.weight", weights_of(1, STEM, 0, 1)},
        {"stem_norm.bias", weights_of(1, STEM, 0, 1)},
        {"stem_norm.running_mean", weights_of(1, STEM, 0, 1)},
        {"stem_norm.running_var", weights_of(1, STEM, 0, 1)},
        {"cheap.weight", weights_of(4, STEM, 1, 3)},
        {"reduce.weight", weights_of(2, 4, STEM, 1)},
        {"reduce.bias", weights_of(1, 4, 0, 1)},
        {"expand.weight", weights_of(2, STEM, 4, 1)},
        {"expand.bias", weights_of(1, STEM, 0, 1)},
        {"stride32.weight", weights_of(4, MAP_CHANNEL, 3 * STEM, 1)},
        {"stride16.weight", weights_of(4, MAP_CHANNEL, 3 * STEM, 1)},
        {"stride8.weight", weights_of(4, MAP_CHANNEL, STEM, 1)},
        {"stride8.bias", weights_of(1, MAP_CHANNEL, 0, 1)},
    };
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        if (strcmp(weights[i].name, name))
            continue;
        *out = weights[i].array;
        if (strstr(name, "norm"))
            out->data = norm_values;
        return GVK_OK;
    }
    return GVK_ERROR_MISMATCH;
}

static gvk_tensor add(gvk_graph *graph, gvk_node node)
{
    return gvk_graph_add(graph, &node);
}

static void build_graph(gvk_graph *graph)
{
    gvk_tensor input = gvk_graph_input(graph, "input", 3);
    gvk_tensor stem = add(
        graph,
        (gvk_node){
            .op = GVK_OP_CONVOLUTION, .name = "stem", .inputs = {input}, .outputs = STEM, .kernel = 3, .padding = 1});
    stem = add(
        graph,
        (gvk_node){.op = GVK_OP_BATCH_NORM, .name = "stem_norm", .inputs = {stem}, .activation = GVK_ACTIVATION_RELU});
    gvk_tensor cheap = add(
        graph,
        (gvk_node){
            .op = GVK_OP_CONVOLUTION, .name = "cheap", .inputs = {stem}, .kernel = 3, .padding = 1, .groups = STEM});
    gvk_tensor gate = add(graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .name = "mean", .inputs = {cheap}});
    gate = add(
        graph,
        (gvk_node){
            .op = GVK_OP_LINEAR, .name = "reduce", .inputs = {gate}, .outputs = 4, .activation = GVK_ACTIVATION_RELU});
    gate = add(graph, (gvk_node){.op = GVK_OP_LINEAR,
                                 .name = "expand",
                                 .inputs = {gate},
                                 .outputs = STEM,
                                 .activation = GVK_ACTIVATION_HARD_SIGMOID});
    gvk_tensor gated = add(graph, (gvk_node){.op = GVK_OP_MULTIPLY, .name = "gated", .inputs = {cheap, gate}});
    gvk_tensor pool5 = add(graph, (gvk_node){.op = GVK_OP_MAX_POOL, .name = "pool5", .inputs = {stem}, .kernel = 5});
    gvk_tensor pool3 = add(graph, (gvk_node){.op = GVK_OP_MAX_POOL, .name = "pool3", .inputs = {stem}, .kernel = 3});
    gvk_tensor pools = add(graph, (gvk_node){.op = GVK_OP_CONCAT, .name = "pools", .inputs = {pool5, pool3, stem}});
    gvk_tensor map =
        add(graph,
            (gvk_node){
                .op = GVK_OP_CONVOLUTION, .name = "stride32", .inputs = {pools}, .outputs = MAP_CHANNEL, .stride = 4});
    gvk_graph_output(graph, "stride32", map);
    map =
        add(graph,
            (gvk_node){
                .op = GVK_OP_CONVOLUTION, .name = "stride16", .inputs = {pools}, .outputs = MAP_CHANNEL, .stride = 2});
    gvk_graph_output(graph, "stride16", map);
    map = add(
        graph,
        (gvk_node){.op = GVK_OP_CONVOLUTION, .name = "stride8", .inputs = {gated}, .outputs = MAP_CHANNEL, .bias = 1});
    gvk_graph_output(graph, "stride8", map);
}

static gvk_result create_graph(struct session *session)
{
    gvk_graph *graph = NULL;
    gvk_result result = gvk_graph_create(&session->counting.host, find_weight, NULL, &graph);
    if (result)
        return result;
    build_graph(graph);
    result = gvk_graph_finish(graph);
    if (result)
        gvk_graph_destroy(graph);
    else
        session->graph = graph;
    return result;
}

static gvk_result create_stream(struct session *session)
{
    static const char *const kept[] = {"stem_norm"};
    gvk_stream_params params = {.size = sizeof params,
                                .width = SIDE,
                                .height = SIDE,
                                .frames = FRAMES,
                                .kept_tensors = kept,
                                .kept_count = 1,
                                .profile = 1};
    struct gvk_detector_setup setup = {
        .maps = {"stride32", "stride16", "stride8"}, .classes = CLASSES, .confidence = 0.1f, .iou = 0.5f};
    for (int i = 0; i < 2 * GVK_ANCHORS; i++)
        setup.anchors[i] = 1.0f + (float)i / 4;
    return gvk_detector_create_for(session->model, &params, &setup, &session->stream);
}

static gvk_result submit(struct session *session, uint32_t frame)
{
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_PIXELS, .width = 5, .height = 7, .pixels = pixels, .letterbox = 1};
    if (frame % 2)
        picture = (gvk_picture){
            .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = tensor};
    return gvk_stream_submit(session->stream, &picture, 1, &session->tickets[frame]);
}

static gvk_result wait_for_all(struct session *session)
{
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < FRAMES && !result; i++)
        result = gvk_stream_wait(session->stream, session->tickets[i], UINT64_MAX);
    return result;
}

static gvk_result read_stem(struct session *session)
{
    gvk_array array;
    gvk_result result = gvk_stream_read(session->stream, session->tickets[0], "stem_norm", &array);
    if (result)
        return result;
    assert_int_equal(array.bytes, sizeof session->outcome.stem);
    memcpy(session->outcome.stem, array.data, sizeof session->outcome.stem);
    return GVK_OK;
}

static gvk_result read_detections(struct session *session)
{
    struct outcome *outcome = &session->outcome;
    for (uint32_t i = 0; i < FRAMES; i++) {
        const gvk_detection *found = NULL;
        gvk_result result = gvk_detector_read(session->stream, session->tickets[i], &found, &outcome->counts[i]);
        if (result)
            return result;
        assert_in_range(outcome->counts[i], 0, CANDIDATES);
        memset(outcome->detections[i], 0, sizeof outcome->detections[i]);
        memcpy(outcome->detections[i], found, outcome->counts[i] * sizeof *found);
    }
    return GVK_OK;
}

static gvk_result take_step(struct session *session, enum step step)
{
    gvk_device_params params = {.size = sizeof params, .host = &session->counting.host};
    switch (step) {
    case STEP_DEVICE: return gvk_device_open(&params, &session->device);
    case STEP_GRAPH: return create_graph(session);
    case STEP_MODEL: return gvk_model_create(session->device, session->graph, NULL, &session->model);
    case STEP_STREAM: return create_stream(session);
    case STEP_SUBMIT_PIXELS: return submit(session, 0);
    case STEP_SUBMIT_TENSOR: return submit(session, 1);
    case STEP_WAIT: return wait_for_all(session);
    case STEP_READ: return read_stem(session);
    case STEP_DETECTIONS: return read_detections(session);
    case STEP_TIMINGS: return gvk_stream_timings(session->stream, session->tickets[0], NULL, &(uint32_t){0});
    case STEP_LAYER_TIMINGS:
        return gvk_stream_layer_timings(session->stream, session->tickets[1], NULL, &(uint32_t){0});
    case STEP_COUNT: break;
    }
    return GVK_OK;
}

/* Up to `end`. A step that fails is taken `again`, and then must do. */
static void run_to(struct session *session, enum step end, bool again)
{
    for (enum step step = STEP_DEVICE; step < end; step++) {
        gvk_result result = take_step(session, step);
        if (!result)
            continue;
        assert_int_equal(session->result, GVK_OK);
        session->result = result;
        session->failed = step;
        if (!again)
            return;
        result = take_step(session, step);
        if (result)
            fail_msg("%s: failed with %s, and with %s when tried again (%s)", step_names[step],
                     gvk_result_name(session->result), gvk_result_name(result), session->counting.sentence);
    }
}

/* Destroys all, and nothing may be left. The errors of the whole session must be as many as expected. */
static void close_session(struct session *session, uint32_t errors, const char *context)
{
    gvk_stream_destroy(session->stream);
    gvk_model_destroy(session->model);
    gvk_graph_destroy(session->graph);
    gvk_device_destroy(session->device);
    if (faults->alive())
        fail_msg("%s: %d Vulkan objects are left", context, (int)faults->alive());
    if (session->counting.live)
        fail_msg("%s: %d blocks of the host are left", context, (int)session->counting.live);
    if (session->counting.errors != errors)
        fail_msg("%s: %u errors were logged, not %u; the last: %s", context, session->counting.errors, errors,
                 session->counting.sentence);
    if (faults->misuse())
        fail_msg("%s: %s", context, faults->misuse());
}

static void assert_expected(const struct outcome *got, bool bit_for_bit, const char *context)
{
    bool same = !memcmp(got, &expected, sizeof expected);
    if (!same && !bit_for_bit) /* another kernel, which may round otherwise */
        same = relative_error(got->stem, expected.stem, STEM * SIDE * SIDE) < 1e-5 &&
               got->counts[0] == expected.counts[0] && got->counts[1] == expected.counts[1];
    if (!same)
        fail_msg("%s: the result changed", context);
}

/* A session from end to end without a fault. */
static void run_clean(struct outcome *out, uint64_t *calls, uint64_t *allocations)
{
    static struct session session;
    session = (struct session){0};
    start_counting(&session.counting, 0);
    faults->arm("*", 0, VK_SUCCESS);
    run_to(&session, STEP_COUNT, false);
    if (session.result)
        fail_msg("without a fault, %s: %s (%s)", step_names[session.failed], gvk_result_name(session.result),
                 session.counting.sentence);
    *calls = faults->count("*");
    *allocations = session.counting.asked;
    *out = session.outcome;
    close_session(&session, 0, "without a fault");
}

static void assert_clean(const char *context)
{
    static struct outcome outcome;
    uint64_t calls, allocations;
    run_clean(&outcome, &calls, &allocations);
    assert_expected(&outcome, true, context);
}

/* ---- planned faults of Vulkan -------------------------------------------------------------------------------------
 */

static uint64_t vulkan_points, host_points;

/* Names are for people, and extensions are asked for to be faster: going on without either is right. */
static bool is_optional(const char *call)
{
    return !strcmp(call, "vkSetDebugUtilsObjectNameEXT") || !strcmp(call, "vkEnumerateDeviceExtensionProperties");
}

static gvk_result result_of(const char *call, VkResult fault)
{
    if (is_optional(call))
        return GVK_OK;
    if (fault == VK_ERROR_OUT_OF_HOST_MEMORY)
        return GVK_ERROR_HOST_MEMORY;
    /* Before there is a device, the sentence says what stopped the search. */
    if (!strcmp(call, "vkCreateInstance") || !strcmp(call, "vkEnumeratePhysicalDevices"))
        return GVK_ERROR_NO_DEVICE;
    return fault == VK_ERROR_OUT_OF_DEVICE_MEMORY ? GVK_ERROR_DEVICE_MEMORY
           : fault == VK_ERROR_DEVICE_LOST        ? GVK_ERROR_DEVICE_LOST
                                                  : GVK_ERROR_DRIVER;
}

static void fail_call(uint64_t nth, VkResult fault)
{
    static struct session session;
    char context[160];
    session = (struct session){0};
    start_counting(&session.counting, 0);
    faults->arm("*", nth, fault);
    run_to(&session, STEP_COUNT, fault != VK_ERROR_DEVICE_LOST);
    const char *call = faults->struck();
    snprintf(context, sizeof context, "VkResult %d from call %u, %s, at %s", (int)fault, (unsigned)nth,
             call ? call : "none", session.result ? step_names[session.failed] : "no step");
    if (!call)
        fail_msg("%s: there was no such call", context);
    gvk_result right = result_of(call, fault);
    if (session.result != right)
        fail_msg("%s: ended in %s, not in %s (%s)", context, gvk_result_name(session.result), gvk_result_name(right),
                 session.counting.sentence);
    close_session(&session, right ? 1 : 0, context);
    if (!session.result || fault != VK_ERROR_DEVICE_LOST)
        assert_expected(&session.outcome, strcmp(call, "vkEnumerateDeviceExtensionProperties") != 0, context);
    vulkan_points++;
}

/* After a fault of memory the failed step is taken again on the same objects. After a loss all is destroyed, and the
 * next round's device is new. */
static void fail_every_call(VkResult fault)
{
    static struct outcome outcome;
    uint64_t calls, allocations;
    run_clean(&outcome, &calls, &allocations);
    for (uint64_t i = 1; i <= calls; i++)
        fail_call(i, fault);
    assert_clean("after all faults");
    print_message("             %u calls failed, one at a time\n", (unsigned)calls);
}

static void running_out_of_host_memory_at_any_vulkan_call_is_reported_and_can_be_tried_again(void **state)
{
    (void)state;
    fail_every_call(VK_ERROR_OUT_OF_HOST_MEMORY);
}

static void running_out_of_device_memory_at_any_vulkan_call_is_reported_and_can_be_tried_again(void **state)
{
    (void)state;
    fail_every_call(VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

static void losing_the_device_at_any_vulkan_call_is_reported_and_the_next_device_works(void **state)
{
    (void)state;
    fail_every_call(VK_ERROR_DEVICE_LOST);
}

/* Memory that the host cannot see is filled through a staging buffer, and host memory must be flushed. */
static void the_same_holds_on_a_device_with_memory_of_its_own(void **state)
{
    (void)state;
    assert_true(faults->limit("discrete"));
    static struct outcome before;
    before = expected;
    uint64_t calls, allocations;
    run_clean(&expected, &calls, &allocations); /* another kernel form than a CPU device's */
    assert_true(faults->count("vkFlushMappedMemoryRanges") && faults->count("vkInvalidateMappedMemoryRanges"));
    assert_int_equal(faults->count("vkQueueSubmit"), FRAMES + 1);
    fail_every_call(VK_ERROR_OUT_OF_DEVICE_MEMORY);
    fail_every_call(VK_ERROR_DEVICE_LOST);
    expected = before;
    assert_true(faults->limit(""));
}

static void running_out_of_memory_at_any_allocation_of_the_host_is_reported_and_can_be_tried_again(void **state)
{
    (void)state;
    static struct outcome outcome;
    static struct session session;
    uint64_t calls, allocations;
    run_clean(&outcome, &calls, &allocations);
    for (uint64_t i = 1; i <= allocations; i++, host_points++) {
        char context[96];
        session = (struct session){0};
        start_counting(&session.counting, i);
        faults->arm("*", 0, VK_SUCCESS);
        run_to(&session, STEP_COUNT, true);
        snprintf(context, sizeof context, "allocation %u, at %s", (unsigned)i,
                 session.result ? step_names[session.failed] : "no step");
        if (session.result != GVK_ERROR_HOST_MEMORY)
            fail_msg("%s: ended in %s", context, gvk_result_name(session.result));
        close_session(&session, 1, context);
        assert_expected(&session.outcome, true, context);
    }
    print_message("             %u allocations failed, one at a time\n", (unsigned)allocations);
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
    return gvk_device_list(&counting->host, infos, &count);
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
    assert_true(calls && allocations);
    for (uint64_t i = 1; i <= calls + allocations; i++) {
        bool vulkan = i <= calls;
        start_counting(&counting, vulkan ? 0 : i - calls);
        faults->arm("*", vulkan ? i : 0, VK_ERROR_OUT_OF_HOST_MEMORY);
        gvk_result result = once(&host, &counting);
        gvk_result right = vulkan && is_optional(faults->struck()) ? GVK_OK : GVK_ERROR_HOST_MEMORY;
        if (result != right || counting.errors != (right ? 1u : 0u) || counting.live || faults->alive() != alive)
            fail_msg("%s %u (%s): %s, %u errors, %d blocks and %d objects left", vulkan ? "call" : "allocation",
                     (unsigned)(vulkan ? i : i - calls), vulkan ? faults->struck() : "", gvk_result_name(result),
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

/* ---- lost devices and fences that never signal --------------------------------------------------------------------
 */

static void open_to(struct session *session, enum step end)
{
    *session = (struct session){0};
    start_counting(&session->counting, 0);
    faults->arm("*", 0, VK_SUCCESS);
    run_to(session, end, false);
    assert_int_equal(session->result, GVK_OK);
}

/* One error more, and of this kind. */
static void assert_fails(struct session *session, gvk_result result, gvk_result right, const char *what)
{
    if (result != right || session->counting.errors != 1)
        fail_msg("%s: %s with %u errors, not %s with one (%s)", what, gvk_result_name(result), session->counting.errors,
                 gvk_result_name(right), session->counting.sentence);
    session->counting.errors = 0;
}

static void a_device_lost_with_frames_in_flight_fails_every_later_call_and_can_be_destroyed(void **state)
{
    (void)state;
    static const char *const calls[] = {"vkWaitForFences", "vkQueueSubmit"};
    static struct session session;
    for (size_t i = 0; i < 2; i++) {
        open_to(&session, i ? STEP_SUBMIT_TENSOR : STEP_WAIT);
        faults->arm(calls[i], 1, VK_ERROR_DEVICE_LOST);
        assert_fails(&session, submit(&session, 0), GVK_ERROR_DEVICE_LOST, "the submit that loses it");
        assert_string_equal(faults->struck(), calls[i]);
        assert_fails(&session, submit(&session, 1), GVK_ERROR_DEVICE_LOST, "the next submit");
        gvk_ticket running = session.tickets[i ? 0 : 1];
        assert_fails(&session, gvk_stream_wait(session.stream, running, UINT64_MAX), GVK_ERROR_DEVICE_LOST, "a wait");
        close_session(&session, 0, "a lost device");
        assert_clean("after a lost device");
        vulkan_points++;
    }
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

static void a_fence_that_never_signals_times_out_and_is_taken_for_a_lost_device(void **state)
{
    (void)state;
    static struct session session;
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    open_to(&session, STEP_WAIT);
    faults->withhold_fences(true);
    assert_int_equal(gvk_stream_wait(session.stream, session.tickets[0], 0), GVK_NOT_READY);
    assert_int_equal(gvk_stream_wait(session.stream, session.tickets[0], 1000), GVK_TIMEOUT);
    assert_int_equal(session.counting.errors, 0);
    assert_fails(&session, read_stem(&session), GVK_ERROR_ARGUMENT, "reading a frame that is not done");
    assert_fails(&session, submit(&session, 0), GVK_ERROR_DEVICE_LOST, "a submit with all frames in flight");
    assert_fails(&session, submit(&session, 0), GVK_ERROR_DEVICE_LOST, "a submit after that");
    close_session(&session, 0, "a stream whose frame does not end");
    faults->withhold_fences(false);
    assert_clean("after a fence that never signals");
    assert_true(seconds_since(&start) < 30);
    vulkan_points++;
}

static void a_stream_whose_frames_never_end_is_destroyed_in_finite_time(void **state)
{
    (void)state;
    static struct session session;
    open_to(&session, STEP_WAIT);
    faults->withhold_fences(true);
    close_session(&session, 1, "a stream destroyed with frames that do not end");
    faults->withhold_fences(false);
    assert_clean("after such a stream");
    vulkan_points++;
}

static void a_fence_that_signals_late_gives_the_result_after_all(void **state)
{
    (void)state;
    static struct session session;
    open_to(&session, STEP_WAIT);
    faults->withhold_fences(true);
    assert_int_equal(gvk_stream_wait(session.stream, session.tickets[1], 1000), GVK_TIMEOUT);
    faults->withhold_fences(false);
    assert_ok(wait_for_all(&session));
    assert_ok(read_stem(&session));
    assert_ok(read_detections(&session));
    close_session(&session, 0, "a late fence");
    assert_expected(&session.outcome, true, "a late fence");
    vulkan_points++;
}

static void an_upload_that_never_ends_fails_its_model(void **state)
{
    (void)state;
    static struct session session;
    assert_true(faults->limit("discrete"));
    open_to(&session, STEP_MODEL);
    faults->withhold_fences(true);
    assert_fails(&session, take_step(&session, STEP_MODEL), GVK_ERROR_DEVICE_LOST, "the model");
    close_session(&session, 0, "an upload that does not end");
    faults->withhold_fences(false);
    assert_true(faults->limit(""));
    vulkan_points++;
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
        uint64_t calls, allocations;
        assert_true(faults->limit(limits[i]));
        run_clean(&outcome, &calls, &allocations);
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
    uint64_t calls, allocations;
    run_clean(&outcome, &calls, &allocations);
    static const char *const seen[] = {
        "vkCreateInstance",
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
        "vkWaitForFences",
    };
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
    void *library = dlopen(GVK_FAULT_LAYER, RTLD_NOW | RTLD_LOCAL);
    faults = library ? dlsym(library, "ghostvk_faults") : NULL;
    if (!faults) {
        print_error("The fault layer cannot be loaded: %s\n", dlerror());
        return -1;
    }
    uint64_t random = 7, calls, allocations;
    for (size_t i = 0; i < sizeof weight_values / sizeof weight_values[0]; i++)
        weight_values[i] = quarter_step(&random) * 0.25f;
    for (size_t i = 0; i < STEM; i++)
        norm_values[i] = 0.5f + (float)i / 16;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
    for (size_t i = 0; i < sizeof tensor / sizeof tensor[0]; i++)
        tensor[i] = quarter_step(&random);
    run_clean(&expected, &calls, &allocations);
    if (!calls)
        print_error("The fault layer is not in the chain: VK_INSTANCE_LAYERS does not name it, or not its folder.\n");
    return calls ? 0 : -1;
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
        cmocka_unit_test(running_out_of_device_memory_at_any_vulkan_call_is_reported_and_can_be_tried_again),
        cmocka_unit_test(losing_the_device_at_any_vulkan_call_is_reported_and_the_next_device_works),
        cmocka_unit_test(the_same_holds_on_a_device_with_memory_of_its_own),
        cmocka_unit_test(running_out_of_memory_at_any_allocation_of_the_host_is_reported_and_can_be_tried_again),
        cmocka_unit_test(importing_a_device_withstands_the_same),
        cmocka_unit_test(listing_devices_withstands_the_same),
        cmocka_unit_test(a_device_lost_with_frames_in_flight_fails_every_later_call_and_can_be_destroyed),
        cmocka_unit_test(a_fence_that_never_signals_times_out_and_is_taken_for_a_lost_device),
        cmocka_unit_test(a_stream_whose_frames_never_end_is_destroyed_in_finite_time),
        cmocka_unit_test(a_fence_that_signals_late_gives_the_result_after_all),
        cmocka_unit_test(an_upload_that_never_ends_fails_its_model),
        cmocka_unit_test(a_device_below_the_floor_is_refused_by_name),
        cmocka_unit_test(a_network_too_large_for_the_device_is_refused_and_names_the_node),
        cmocka_unit_test(a_device_that_misses_all_it_may_miss_computes_the_same),
    };
    return cmocka_run_group_tests(tests, find_layer, print_points);
}
