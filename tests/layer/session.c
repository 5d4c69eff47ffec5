/* The steps of a session, and its counting host. */
#include "tests/support/harness.h"

#include "session.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/filler/filler.h"
#include "tests/support/host_device.h"
#include <ghostvk/ghostnet.h>

#define SIDE         SESSION_SIDE
#define STEM         SESSION_STEM
#define CLASSES      2u
#define MAP_CHANNELS (3 * (5 + CLASSES))

/* ---- a host that counts -------------------------------------------------------------------------------------------
 */

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
    if (level == GVK_LOG_WARNING) {
        counting->warnings++;
        snprintf(counting->warning, sizeof counting->warning, "%s", sentence);
    }
    if (level != GVK_LOG_ERROR)
        return;
    counting->errors++;
    snprintf(counting->sentence, sizeof counting->sentence, "%s", sentence);
}

static gvk_result load_rubbish(void *user, const char *key, void *bytes, size_t *count)
{
    (void)user;
    (void)key;
    if (bytes)
        memset(bytes, 0x5a, *count < 64 ? *count : 64);
    *count = 64;
    return GVK_OK;
}

static void count_store(void *user, const char *key, const void *bytes, size_t count)
{
    struct counting *counting = user;
    (void)key;
    (void)bytes;
    counting->stores += count != 0;
}

void start_counting(struct counting *counting, uint64_t fail_at)
{
    *counting = (struct counting){
        .host = {sizeof(gvk_host), counting, log_counted, allocate_counted, release_counted, load_rubbish, count_store},
        .fail_at = fail_at,
    };
}

/* ---- graphs -------------------------------------------------------------------------------------------------------
 */

static gvk_array array_of(const float *values, uint32_t rank, uint64_t first, uint64_t second, uint64_t side)
{
    uint64_t count = first * (rank > 1 ? second : 1) * side * side;
    return (gvk_array){GVK_TYPE_F32, rank, {first, second, side, side}, values, count * sizeof(float)};
}

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    static float values[MAP_CHANNELS * 3 * STEM], norm[STEM];
    uint64_t random = 7;
    (void)user;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        values[i] = quarter_step(&random) * 0.25f;
    for (size_t i = 0; i < STEM; i++)
        norm[i] = 0.5f + (float)i / 16;
    const struct {
        const char *name;
        gvk_array array;
    } weights[] = {
        {"pick.weight", array_of(values, 4, STEM, 3, 1)},
        {"stem.weight", array_of(values, 4, STEM, 3, 3)},
        {"stem_norm.weight", array_of(norm, 1, STEM, 0, 1)},
        {"stem_norm.bias", array_of(norm, 1, STEM, 0, 1)},
        {"stem_norm.running_mean", array_of(norm, 1, STEM, 0, 1)},
        {"stem_norm.running_var", array_of(norm, 1, STEM, 0, 1)},
        {"cheap.weight", array_of(values, 4, STEM, 1, 3)},
        {"reduce.weight", array_of(values, 2, 4, STEM, 1)},
        {"reduce.bias", array_of(values, 1, 4, 0, 1)},
        {"expand.weight", array_of(values, 2, STEM, 4, 1)},
        {"expand.bias", array_of(values, 1, STEM, 0, 1)},
        {"wide.weight", array_of(values, 4, MAP_CHANNELS, 3 * STEM, 1)},
        {"stride32.weight", array_of(values + 11, 4, MAP_CHANNELS, STEM, 1)},
        {"stride16.weight", array_of(values + 22, 4, MAP_CHANNELS, STEM, 1)},
        {"stride8.weight", array_of(values + 33, 4, MAP_CHANNELS, STEM, 1)},
    };
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        if (strcmp(weights[i].name, name))
            continue;
        *out = weights[i].array;
        return GVK_OK;
    }
    return GVK_ERROR_MISMATCH;
}

static gvk_tensor add(gvk_graph *graph, gvk_op op, const char *name, gvk_tensor input, gvk_node more)
{
    more.op = op;
    more.name = name;
    more.inputs[0] = input;
    return gvk_graph_add(graph, &more);
}

/* Four pointwise convolutions with one kernel. */
static void build_small(gvk_graph *graph)
{
    static const char *const maps[] = {"stride32", "stride16", "stride8"};
    gvk_tensor input = gvk_graph_input(graph, "input", 3);
    gvk_tensor stem = add(graph, GVK_OP_CONVOLUTION, "pick", input, (gvk_node){.outputs = STEM});
    for (int i = 0; i < 3; i++)
        gvk_graph_output(graph, maps[i],
                         add(graph, GVK_OP_CONVOLUTION, maps[i], stem, (gvk_node){.outputs = MAP_CHANNELS}));
}

/* A batch norm to fold, an activation to fuse, squeeze-excite, pools, a residual, an upsample and a concat to place. */
static void build_large(gvk_graph *graph)
{
    gvk_tensor input = gvk_graph_input(graph, "input", 3);
    gvk_tensor stem =
        add(graph, GVK_OP_CONVOLUTION, "stem", input, (gvk_node){.outputs = STEM, .kernel = 3, .padding = 1});
    stem = add(graph, GVK_OP_BATCH_NORM, "stem_norm", stem, (gvk_node){.activation = GVK_ACTIVATION_RELU});
    gvk_tensor cheap =
        add(graph, GVK_OP_CONVOLUTION, "cheap", stem, (gvk_node){.kernel = 3, .padding = 1, .groups = STEM});
    gvk_tensor gate = add(graph, GVK_OP_AVERAGE_POOL, "mean", cheap, (gvk_node){0});
    gate = add(graph, GVK_OP_LINEAR, "reduce", gate, (gvk_node){.outputs = 4, .activation = GVK_ACTIVATION_RELU});
    gate = add(graph, GVK_OP_LINEAR, "expand", gate,
               (gvk_node){.outputs = STEM, .activation = GVK_ACTIVATION_HARD_SIGMOID});
    gvk_tensor gated = add(graph, GVK_OP_MULTIPLY, "gated", cheap, (gvk_node){.inputs = {0, gate}});
    gvk_tensor map = add(graph, GVK_OP_CONVOLUTION, "stride16", gated, (gvk_node){.outputs = MAP_CHANNELS});
    gvk_graph_output(graph, "stride16", add(graph, GVK_OP_UPSAMPLE, "larger", map, (gvk_node){0}));
    gvk_tensor pool5 = add(graph, GVK_OP_MAX_POOL, "pool5", stem, (gvk_node){.kernel = 5});
    gvk_tensor pool3 = add(graph, GVK_OP_MAX_POOL, "pool3", stem, (gvk_node){.kernel = 3});
    gvk_tensor pools = add(graph, GVK_OP_CONCAT, "pools", pool5, (gvk_node){.inputs = {0, pool3, stem}});
    gvk_tensor wide = add(graph, GVK_OP_CONVOLUTION, "wide", pools, (gvk_node){.outputs = MAP_CHANNELS});
    map = add(graph, GVK_OP_CONVOLUTION, "stride8", stem, (gvk_node){.outputs = MAP_CHANNELS});
    gvk_graph_output(graph, "stride8", add(graph, GVK_OP_ADD, "sum", map, (gvk_node){.inputs = {0, wide}}));
}

/* ---- steps --------------------------------------------------------------------------------------------------------
 */

const char *const step_names[STEP_COUNT] = {
    "the device",          "the graph", "the plan",         "the model",          "the stream",  "submitting pixels",
    "submitting a tensor", "waiting",   "reading a tensor", "reading detections", "the timings", "the layers' timings",
};

static gvk_result create_graph(struct session *session)
{
    gvk_graph *graph = NULL;
    gvk_result result = gvk_graph_create(&session->counting.host, find_weight, NULL, &graph);
    if (result)
        return result;
    if (session->large)
        build_large(graph);
    else
        build_small(graph);
    result = gvk_graph_finish(graph);
    if (result)
        gvk_graph_destroy(graph);
    else
        session->graph = graph;
    return result;
}

static gvk_result describe_plan(struct session *session)
{
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE};
    gvk_description description = {.size = sizeof description};
    gvk_result result = gvk_plan_describe(session->device, session->graph, NULL, &params, &description);
    if (!result)
        gvk_description_release(&session->counting.host, &description);
    return result;
}

static gvk_result create_stream(struct session *session)
{
    static const char *const kept[] = {"pick"};
    gvk_stream_params params = {
        .size = sizeof params,
        .width = SIDE,
        .height = SIDE,
        .frames = SESSION_FRAMES,
        .kept_tensors = kept,
        .kept_count = 1,
        .profile = 1,
        .max_submit_us = 1, /* a submission a command */
    };
    static const char *const outputs[] = {"stride32", "stride16", "stride8"};
    gvk_detector_map maps[3];
    for (int i = 0; i < 3; i++) {
        maps[i] = (gvk_detector_map){.output = outputs[i]};
        for (int j = 0; j < 2 * GVK_MAP_ANCHORS; j++) /* the coarsest map has the largest */
            maps[i].anchors[j] = 1.0f + (float)((2 - i) * 2 * GVK_MAP_ANCHORS + j) / 4;
    }
    const gvk_detector_heads heads = {
        .size = sizeof heads, .maps = maps, .map_size = sizeof maps[0], .map_count = 3, .class_count = CLASSES};
    const gvk_detector_params detector = {.size = sizeof detector, .stream = &params, .confidence = 0.25f, .iou = 0.5f};
    return gvk_detector_create_for(session->model, &heads, &detector, &session->stream);
}

gvk_result submit_frame(struct session *session, uint32_t frame)
{
    uint8_t pixels[5 * 7 * 3];
    float tensor[3 * SIDE * SIDE];
    uint64_t random = 11;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
    for (size_t i = 0; i < sizeof tensor / sizeof tensor[0]; i++)
        tensor[i] = quarter_step(&random);
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_PIXELS, .width = 5, .height = 7, .pixels = pixels, .letterbox = 1};
    if (frame == 1)
        picture = (gvk_picture){
            .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = tensor};
    return gvk_stream_submit(session->stream, &picture, sizeof(gvk_picture), 1, &session->tickets[frame]);
}

static gvk_result wait_for_all(struct session *session)
{
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < SESSION_FRAMES && !result; i++)
        result = gvk_stream_wait(session->stream, session->tickets[i], UINT64_MAX);
    return result;
}

static gvk_result read_stem(struct session *session)
{
    gvk_array array;
    gvk_result result = gvk_stream_read(session->stream, session->tickets[0], "pick", &array);
    if (result)
        return result;
    assert_int_equal(array.bytes, sizeof session->outcome.stem);
    memcpy(session->outcome.stem, array.data, sizeof session->outcome.stem);
    return GVK_OK;
}

static gvk_result read_detections(struct session *session)
{
    struct outcome *outcome = &session->outcome;
    for (uint32_t i = 0; i < SESSION_FRAMES; i++) {
        const gvk_detection *found = NULL;
        gvk_result result =
            gvk_detector_read(session->stream, session->tickets[i], &found, sizeof(gvk_detection), &outcome->counts[i]);
        if (result)
            return result;
        assert_in_range(outcome->counts[i], 0, SESSION_CANDIDATES);
        memset(outcome->detections[i], 0, sizeof outcome->detections[i]);
        memcpy(outcome->detections[i], found, outcome->counts[i] * sizeof *found);
    }
    return GVK_OK;
}

gvk_result take_step(struct session *session, enum step step)
{
    gvk_device_params params = {.size = sizeof params, .host = &session->counting.host};
    uint32_t none = 0;
    switch (step) {
    case STEP_DEVICE: return gvk_device_open(&params, &session->device);
    case STEP_GRAPH: return create_graph(session);
    case STEP_PLAN: return session->large ? describe_plan(session) : GVK_OK;
    case STEP_MODEL: {
        /* test_proof.c breaks the proofs. */
        gvk_model_params trusting = {.size = sizeof trusting, .trust_kernels = 1};
        return gvk_model_create(session->device, session->graph, &trusting, &session->model);
    }
    case STEP_STREAM: return create_stream(session);
    case STEP_SUBMIT_PIXELS: return submit_frame(session, 0);
    case STEP_SUBMIT_TENSOR: return submit_frame(session, 1);
    case STEP_WAIT: return wait_for_all(session);
    case STEP_READ: return read_stem(session);
    case STEP_DETECTIONS: return read_detections(session);
    case STEP_TIMINGS: return gvk_stream_timings(session->stream, session->tickets[0], NULL, sizeof(gvk_timing), &none);
    case STEP_LAYER_TIMINGS:
        return gvk_stream_layer_timings(session->stream, session->tickets[1], NULL, sizeof(gvk_layer_timing), &none);
    case STEP_COUNT: break;
    }
    return GVK_OK;
}

void start_session(struct session *session, bool large, uint64_t fail_at)
{
    *session = (struct session){.large = large};
    start_counting(&session->counting, fail_at);
}

void run_steps(struct session *session, enum step first, enum step end, bool again)
{
    for (enum step step = first; step < end; step++) {
        gvk_result result = take_step(session, step);
        if (!result)
            continue;
        if (!session->result) {
            session->result = result;
            session->failed = step;
        }
        if (!again)
            return;
        result = take_step(session, step);
        if (result)
            fail_msg("%s: failed with %s, and with %s when tried again (%s)", step_names[step],
                     gvk_result_name(session->result), gvk_result_name(result), session->counting.sentence);
    }
}

void rewind_session(struct session *session)
{
    gvk_stream_destroy(session->stream);
    gvk_model_destroy(session->model);
    gvk_graph_destroy(session->graph);
    session->stream = NULL;
    session->model = NULL;
    session->graph = NULL;
    session->result = GVK_OK;
}

void destroy_session(struct session *session)
{
    rewind_session(session);
    gvk_device_destroy(session->device);
    session->device = NULL;
}

/* ---- what must hold after a session -------------------------------------------------------------------------------
 */

const struct ghostvk_faults *faults;
struct outcome expected_outcome;
/* For the life of the process, so that the driver's library stays loaded: loading it again for each session takes time,
 * and what it keeps of its own would count as leaked. */
static struct host_device resident;
static int64_t resident_objects;

void assert_left(const struct counting *counting, int64_t objects, int64_t blocks, uint32_t errors, const char *context)
{
    if (faults->alive() != objects)
        fail_msg("%s: %d Vulkan objects are left", context, (int)(faults->alive() - objects));
    if (counting->live != blocks)
        fail_msg("%s: %d blocks of the host are left", context, (int)(counting->live - blocks));
    if (counting->errors != errors)
        fail_msg("%s: %u errors were logged, not %u; the last: %s", context, counting->errors, errors,
                 counting->sentence);
    if (faults->misuse())
        fail_msg("%s: %s", context, faults->misuse());
}

void close_session(struct session *session, uint32_t errors, const char *context)
{
    destroy_session(session);
    assert_left(&session->counting, resident_objects, 0, errors, context);
}

void assert_expected(const struct outcome *got, bool bit_for_bit, const char *context)
{
    bool same = !memcmp(got, &expected_outcome, sizeof expected_outcome);
    if (!same && !bit_for_bit) /* another kernel, which may round otherwise */
        same = relative_error(got->stem, expected_outcome.stem, STEM * SIDE * SIDE) < 1e-5 &&
               got->counts[0] == expected_outcome.counts[0] && got->counts[1] == expected_outcome.counts[1];
    if (!same)
        fail_msg("%s: the result changed", context);
}

void begin_session(struct session *session, const char *call, uint64_t nth, VkResult fault)
{
    start_session(session, false, 0);
    faults->arm(call, nth, fault);
}

void run_clean(struct outcome *out, uint64_t *calls)
{
    static struct session session;
    begin_session(&session, "*", 0, VK_SUCCESS);
    run_steps(&session, STEP_DEVICE, STEP_COUNT, false);
    if (session.result)
        fail_msg("without a fault, %s: %s (%s)", step_names[session.failed], gvk_result_name(session.result),
                 session.counting.sentence);
    *calls = faults->count("*");
    *out = session.outcome;
    close_session(&session, 0, "without a fault");
}

void assert_clean(const char *context)
{
    static struct outcome outcome;
    uint64_t calls;
    run_clean(&outcome, &calls);
    assert_expected(&outcome, true, context);
}

bool find_fault_layer(void)
{
    void *library = dlopen(GVK_FAULT_LAYER, RTLD_NOW | RTLD_LOCAL);
    faults = library ? dlsym(library, "ghostvk_faults") : NULL;
    if (!faults) {
        print_error("The fault layer cannot be loaded: %s\n", dlerror());
        return false;
    }
    if (!host_device_create(&resident)) {
        print_error("No Vulkan device could be created: %s\n", resident.fault);
        return false;
    }
    resident_objects = faults->alive();
    uint64_t calls;
    run_clean(&expected_outcome, &calls);
    if (!calls)
        print_error("The fault layer is not in the chain: VK_INSTANCE_LAYERS does not name it, or not its folder.\n");
    return calls != 0;
}

void open_to(struct session *session, enum step end)
{
    begin_session(session, "*", 0, VK_SUCCESS);
    run_steps(session, STEP_DEVICE, end, false);
    assert_int_equal(session->result, GVK_OK);
}

void assert_fails(struct session *session, gvk_result result, gvk_result right, const char *what)
{
    if (result != right || session->counting.errors != 1)
        fail_msg("%s: %s with %u errors, not %s with one (%s)", what, gvk_result_name(result), session->counting.errors,
                 gvk_result_name(right), session->counting.sentence);
    session->counting.errors = 0;
}
