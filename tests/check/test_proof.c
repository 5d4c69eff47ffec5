/* Kernels prove themselves: every convolution kernel that a network takes is proven on the device, one that computes
 * wrongly is rejected and another taken, the verdict is kept, and where none is left the model is refused.
 *
 * The wrong kernels are planted by the fault layer (layer/), which must be loaded: it makes a shader subtract where it
 * adds, as a faulty driver might. */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernel/forms.h"
#include "runtime/model/model.h"
#include "runtime/op/table.h"
#include "runtime/stream/stream.h"
#include "tests/device/shader_words.h"
#include "tests/layer/session.h"

#define SIDE        16u
#define CHANNELS    8u /* in */
#define OUTPUTS     16u
#define MOST_VALUES (2 * OUTPUTS * SIDE * SIDE)

/* ---- a host that remembers ----------------------------------------------------------------------------------------
 */

struct notes {
    gvk_host host;
    char warnings[2048]; /* one a line */
    uint32_t errors, unproven, stores;
    char key[128];
    unsigned char block[1024]; /* the stored verdicts */
    size_t bytes;
};

static void note(void *user, gvk_log_level level, const char *sentence)
{
    struct notes *notes = user;
    size_t used = strlen(notes->warnings);
    if (level == GVK_LOG_WARNING && strstr(sentence, "kernel"))
        snprintf(notes->warnings + used, sizeof notes->warnings - used, "%s\n", sentence);
    notes->errors += level == GVK_LOG_ERROR;
    notes->unproven += strstr(sentence, "unproven") != NULL;
}

static gvk_result load(void *user, const char *key, void *bytes, size_t *count)
{
    struct notes *notes = user;
    if (!notes->bytes || strcmp(key, notes->key) != 0)
        return GVK_ERROR_FILE;
    if (bytes)
        memcpy(bytes, notes->block, *count < notes->bytes ? *count : notes->bytes);
    *count = notes->bytes;
    return GVK_OK;
}

static void store(void *user, const char *key, const void *bytes, size_t count)
{
    struct notes *notes = user;
    if (strncmp(key, "kernels-", 8) != 0 || count > sizeof notes->block)
        return;
    snprintf(notes->key, sizeof notes->key, "%s", key);
    memcpy(notes->block, bytes, count);
    notes->bytes = count;
    notes->stores++;
}

static void start_notes(struct notes *notes)
{
    *notes = (struct notes){
        .host = {.size = sizeof(gvk_host), .user = notes, .log = note, .cache_load = load, .cache_store = store}};
}

static gvk_device *open_noted(struct notes *notes)
{
    gvk_device *device = NULL;
    gvk_device_params params = {.size = sizeof params, .host = &notes->host};
    assert_ok(gvk_device_open(&params, &device));
    return device;
}

/* ---- graphs -------------------------------------------------------------------------------------------------------
 */

static float weights[OUTPUTS * CHANNELS * 9];

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    uint64_t random = 3;
    for (size_t i = 0; i < ARRAY_COUNT(weights); i++)
        weights[i] = quarter_step(&random);
    bool depthwise = !strcmp(name, "depthwise.weight");
    uint64_t second = depthwise ? 1 : CHANNELS, side = depthwise ? 3 : 1;
    *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 4, .shape = {OUTPUTS, second, side, side}, .data = weights};
    out->bytes = 4 * OUTPUTS * second * side * side;
    return GVK_OK;
}

/* A pointwise convolution; behind it a depthwise one; both of them side by side, a ghost module. */
enum kind { POINTWISE, DEPTHWISE, GHOST };

static gvk_graph *make_graph(const gvk_host *host, enum kind kind)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(host, find_weight, NULL, &graph));
    gvk_node pointwise = {.op = GVK_OP_CONVOLUTION,
                          .name = "pointwise",
                          .inputs = {gvk_graph_input(graph, "input", CHANNELS)},
                          .outputs = OUTPUTS,
                          .kernel = 1};
    gvk_tensor first = gvk_graph_add(graph, &pointwise), last = first;
    gvk_node cheap = {
        .op = GVK_OP_CONVOLUTION, .name = "depthwise", .inputs = {last}, .kernel = 3, .padding = 1, .groups = OUTPUTS};
    if (kind != POINTWISE)
        last = gvk_graph_add(graph, &cheap);
    gvk_node both = {.op = GVK_OP_CONCAT, .name = "both", .inputs = {first, last}};
    if (kind == GHOST)
        last = gvk_graph_add(graph, &both);
    gvk_graph_output(graph, "output", last);
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

#define WIDE_SIDE   64u /* which give kernels on matrix units their work */
#define WIDE_INPUTS 80u

/* Pictures of so many channels and pixels a side. *name: the kernel of the first node. Returns how many values came
 * out, at most `most`. */
static size_t run_square(gvk_model *model, uint32_t channels, uint32_t side, float *out, size_t most, const char **name)
{
    static float input[WIDE_INPUTS * WIDE_SIDE * WIDE_SIDE];
    size_t values = (size_t)channels * side * side;
    assert_true(values <= ARRAY_COUNT(input));
    uint64_t random = 5;
    for (size_t i = 0; i < values; i++)
        input[i] = quarter_step(&random);
    gvk_stream_params params = {.size = sizeof params, .width = side, .height = side};
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = side, .height = side, .pixels = input};
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    gvk_array array;
    assert_ok(gvk_stream_create(model, &params, &stream));
    *name = gvk_shader_codes[gvk_stream_program(stream)->commands[0].key.shader].name;
    assert_ok(gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "output", &array));
    assert_true(array.bytes <= most * sizeof *out);
    memcpy(out, array.data, array.bytes);
    size_t count = array.bytes / sizeof *out;
    gvk_stream_destroy(stream);
    return count;
}

static size_t run_model(gvk_model *model, float out[MOST_VALUES])
{
    const char *name;
    return run_square(model, CHANNELS, SIDE, out, MOST_VALUES, &name);
}

/* What a model of the graph computes, in parts of the reference path's largest value. */
static double deviation_of(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params)
{
    static float got[MOST_VALUES], expected[MOST_VALUES];
    gvk_model_params plain = {.size = sizeof plain, .rewrites_off = GVK_REWRITE_ALL};
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, graph, params, &model));
    size_t count = run_model(model, got);
    gvk_model_destroy(model);
    assert_ok(gvk_model_create(device, graph, &plain, &model));
    assert_int_equal(run_model(model, expected), count);
    gvk_model_destroy(model);
    return relative_error(got, expected, count);
}

/* The kernel that a fresh model of the graph takes for its last convolution. */
static enum gvk_shader chosen_shader(gvk_device *device, const gvk_graph *graph)
{
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    enum gvk_shader shader = model->packing.selections[model->graph->node_count - 1].key.shader;
    gvk_model_destroy(model);
    return shader;
}

static void spoil(enum gvk_shader shader)
{
    faults->spoil(shader_words(shader), gvk_shader_codes[shader].bytes);
}

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

static int heal(void **state)
{
    (void)state;
    faults->spoil(NULL, 0);
    faults->arm("*", 0, VK_SUCCESS);
    return 0;
}

/* Every kernel that the model selects is proven. Returns how many nodes have one. */
static uint32_t assert_proven(const gvk_device *device, const gvk_model *model)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < model->graph->node_count; i++) {
        const struct gvk_graph_node *node = &model->graph->nodes[i];
        if (node->removed || !gvk_kernel_of(node)->candidate)
            continue;
        struct gvk_pipeline_key key = gvk_kernel_of(node)->select(&model->policy, node).key;
        uint32_t bit = 2 * (uint32_t)key.shader + (key.constants[GVK_CONSTANT_EXTRA] == GVK_EXTRA_GATE);
        if (!(device->verdicts.proven[bit / 32] >> bit % 32 & 1))
            fail_msg("%s of \"%s\" was not proven", gvk_shader_codes[key.shader].name, node->name);
        nodes++;
    }
    return nodes;
}

/* Of a whole detector: no kernel without a sample that fits it, none rejected, and none proven twice. */
static void every_convolution_kernel_of_the_detector_is_proven(void **state)
{
    (void)state;
    struct notes notes;
    start_notes(&notes);
    gvk_device *device = open_noted(&notes);
    gvk_network *network = NULL;
    gvk_model *model = NULL;
    gvk_network_params params = {.size = sizeof params, .path = GVK_MODEL_DIR "/blood-cells.safetensors"};
    assert_ok(gvk_network_open(&notes.host, &params, &network));
    assert_ok(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
    assert_string_equal(notes.warnings, "");
    assert_int_equal(notes.unproven, 0);
    assert_int_equal(notes.stores, 1);
    assert_true(assert_proven(device, model) > 100);
    gvk_model_destroy(model);
    faults->arm("*", 0, VK_SUCCESS);
    assert_ok(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
    assert_int_equal(faults->count("vkQueueSubmit"), device->traits.type == VK_PHYSICAL_DEVICE_TYPE_CPU ? 0 : 1);
    gvk_model_destroy(model);
    gvk_network_destroy(network);
    gvk_device_destroy(device);
}

/* A GPU's model may take any tile of a list, by the size of its streams' images: so each is proven. */
static void a_gpus_tiles_for_every_size_of_image_are_proven(void **state)
{
    (void)state;
    static const uint32_t vendors[] = {GVK_VENDOR_AMD, GVK_VENDOR_INTEL, GVK_VENDOR_QUALCOMM};
    for (size_t i = 0; i < ARRAY_COUNT(vendors); i++) {
        struct notes notes;
        start_notes(&notes);
        gvk_device *device = open_noted(&notes);
        bend_to_gpu(device, vendors[i]);
        gvk_network *network = NULL;
        gvk_model *model = NULL;
        gvk_network_params params = {.size = sizeof params, .path = GVK_MODEL_DIR "/blood-cells.safetensors"};
        assert_ok(gvk_network_open(&notes.host, &params, &network));
        assert_ok(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
        assert_string_equal(notes.warnings, "");
        assert_int_equal(notes.unproven, 0);
        assert_int_equal(model->policy.lane_work, 0);
        for (model->policy.lane_work = GVK_MOST_LANE_WORK; model->policy.lane_work; model->policy.lane_work /= 2)
            assert_true(assert_proven(device, model) > 90);
        gvk_model_destroy(model);
        gvk_network_destroy(network);
        gvk_device_destroy(device);
    }
}

/* One tile of several is rejected: the others of the same weights go on, and no image's size brings it back. */
static void a_rejected_tile_of_a_gpu_is_taken_for_no_size_of_image(void **state)
{
    (void)state;
    static const enum gvk_shader spoilt[] = {GVK_SHADER_POINTWISE_UNIFORM_2X4, GVK_SHADER_POINTWISE_UNIFORM_2X2,
                                             GVK_SHADER_POINTWISE_UNIFORM_2X1};
    for (size_t i = 0; i < ARRAY_COUNT(spoilt); i++) {
        struct notes notes;
        start_notes(&notes);
        faults->spoil(NULL, 0);
        spoil(spoilt[i]);
        gvk_device *device = open_noted(&notes);
        bend_to_gpu(device, GVK_VENDOR_AMD);
        gvk_graph *graph = make_graph(&notes.host, POINTWISE);
        double deviation = deviation_of(device, graph, NULL); /* a small image: of itself the last tile */
        const char *name = gvk_shader_codes[spoilt[i]].name;
        if (deviation > 1e-5 || !strstr(notes.warnings, name) || strchr(notes.warnings, '\n')[1])
            fail_msg("%s is spoilt: deviation %g, the log says \"%s\"", name, deviation, notes.warnings);
        gvk_graph_destroy(graph);
        gvk_device_destroy(device);
        assert_int_equal(notes.errors, 0);
    }
}

/* Without the proof, the planted fault reaches the results: so it is one. */
static void a_planted_kernel_computes_wrongly(void **state)
{
    (void)state;
    struct notes notes;
    start_notes(&notes);
    gvk_device *device = open_noted(&notes);
    gvk_graph *graph = make_graph(&notes.host, POINTWISE);
    gvk_model_params trusting = {.size = sizeof trusting, .trust_kernels = 1};
    spoil(chosen_shader(device, graph));
    gvk_device_destroy(device); /* its pipelines were made of the right code */
    device = open_noted(&notes);
    double deviation = deviation_of(device, graph, &trusting);
    if (deviation < 0.1)
        fail_msg("with the planted kernel the results deviate by %g", deviation);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

static void check_rejected(enum kind kind)
{
    struct notes notes;
    start_notes(&notes);
    faults->spoil(NULL, 0);
    gvk_device *device = open_noted(&notes);
    gvk_graph *graph = make_graph(&notes.host, kind);
    enum gvk_shader shader = chosen_shader(device, graph);
    const char *name = gvk_shader_codes[shader].name;
    gvk_device_destroy(device);
    spoil(shader);
    notes.bytes = 0; /* a driver not met before */
    device = open_noted(&notes);
    double deviation = deviation_of(device, graph, NULL);
    if (deviation > 1e-5)
        fail_msg("%s is spoilt, and the results deviate by %g", name, deviation);
    if (!strstr(notes.warnings, name) || strchr(notes.warnings, '\n')[1])
        fail_msg("%s is spoilt; the log says \"%s\"", name, notes.warnings);
    if (chosen_shader(device, graph) == shader)
        fail_msg("%s is spoilt, and chosen again", name);
    gvk_device_destroy(device);

    /* The next start knows it. */
    notes.warnings[0] = 0;
    device = open_noted(&notes);
    faults->arm("*", 0, VK_SUCCESS);
    if (chosen_shader(device, graph) == shader)
        fail_msg("%s is spoilt, and chosen at the next start", name);
    assert_string_equal(notes.warnings, "");
    assert_int_equal(faults->count("vkCreateShaderModule"), 0);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
    assert_int_equal(notes.errors, 0);
}

static void a_planted_kernel_is_rejected_and_another_taken(void **state)
{
    (void)state;
    check_rejected(POINTWISE);
    check_rejected(DEPTHWISE);
}

/* On a GPU a ghost module is one dispatch: with one tile rejected by another, with all rejected as two convolutions. */
static void a_ghost_module_that_computes_wrongly_is_taken_apart(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct notes notes;
        start_notes(&notes);
        faults->spoil(NULL, 0);
        for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++)
            if (!strcmp(gvk_shader_codes[i].name, "ghost_uniform_2x1") ||
                (all && !strncmp(gvk_shader_codes[i].name, "ghost_", 6)))
                spoil((enum gvk_shader)i);
        for (int start = 0; start < 2; start++) { /* the second knows it */
            gvk_device *device = open_noted(&notes);
            bend_to_gpu(device, GVK_VENDOR_AMD);
            gvk_graph *graph = make_graph(&notes.host, GHOST);
            gvk_model *model = NULL;
            assert_ok(gvk_model_create(device, graph, NULL, &model));
            bool fused = false;
            for (uint32_t i = 0; i < model->graph->node_count; i++)
                fused = fused || (!model->graph->nodes[i].removed && model->graph->nodes[i].op == GVK_OP_GHOST);
            gvk_model_destroy(model);
            double deviation = deviation_of(device, graph, NULL);
            bool warned = strstr(notes.warnings, "ghost_uniform_2x1") != NULL;
            if (fused == (all == 1) || deviation > 1e-5 || warned != (start == 0))
                fail_msg("%s spoilt, start %d: %s, deviation %g, the log says \"%s\"", all ? "all tiles" : "one tile",
                         start, fused ? "fused" : "apart", deviation, notes.warnings);
            notes.warnings[0] = 0;
            gvk_graph_destroy(graph);
            gvk_device_destroy(device);
            assert_int_equal(notes.errors, 0);
        }
    }
}

/* Tiles of a layer share its weights, which lie in another order for sums in fp16: one rejected kernel ends them all.
 */
static void a_kernel_that_sums_wrongly_in_fp16_leaves_sums_in_fp32(void **state)
{
    (void)state;
    struct notes notes;
    start_notes(&notes);
    gvk_device *device = open_noted(&notes);
    if (!device->traits.half_sums) {
        gvk_device_destroy(device);
        skip(); /* this device does not compute in fp16 */
    }
    gvk_graph *graph = make_graph(&notes.host, POINTWISE);
    gvk_model_params half = {.size = sizeof half, .precision = GVK_PRECISION_FP16};
    gvk_model_params trusting = half;
    trusting.trust_kernels = 1;
    double deviation = deviation_of(device, graph, &half);
    assert_true(deviation < 1e-2);
    assert_string_equal(notes.warnings, "");
    gvk_device_destroy(device);
    for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++)
        if (strstr(gvk_shader_codes[i].name, "_half_sums"))
            spoil((enum gvk_shader)i);
    notes.bytes = 0;                          /* a driver not met before */
    for (int start = 0; start < 2; start++) { /* the second knows it */
        gvk_model *model = NULL;
        device = open_noted(&notes);
        assert_ok(gvk_model_create(device, graph, &half, &model));
        assert_false(model->policy.half_sums);
        gvk_model_destroy(model);
        deviation = deviation_of(device, graph, &half);
        bool warned = strstr(notes.warnings, "_half_sums") && !strchr(notes.warnings, '\n')[1];
        if (deviation > 1e-2 || (start == 0 ? !warned : notes.warnings[0]))
            fail_msg("start %d: deviation %g, the log says \"%s\"", start, deviation, notes.warnings);
        notes.warnings[0] = 0;
        gvk_device_destroy(device);
    }
    device = open_noted(&notes); /* and without the proof it would have been wrong */
    deviation = deviation_of(device, graph, &trusting);
    if (deviation < 0.1)
        fail_msg("with the planted kernels the results deviate by %g", deviation);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
    assert_int_equal(notes.errors, 0);
}

static gvk_result find_wide_weight(void *user, const char *name, gvk_array *out)
{
    static float wide[64 * WIDE_INPUTS];
    uint64_t random = 7;
    (void)user;
    (void)name;
    for (size_t i = 0; i < ARRAY_COUNT(wide); i++)
        wide[i] = quarter_step(&random);
    *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 4, .shape = {64, WIDE_INPUTS, 1, 1}, .data = wide};
    out->bytes = sizeof wide;
    return GVK_OK;
}

#define WIDE_VALUES (64 * WIDE_SIDE * WIDE_SIDE)

/* What the graph's only node computes; *name: the kernel that it was given. */
static void run_wide(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params, float *out,
                     const char **name)
{
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, graph, params, &model));
    assert_int_equal(run_square(model, WIDE_INPUTS, WIDE_SIDE, out, WIDE_VALUES, name), WIDE_VALUES);
    gvk_model_destroy(model);
}

static void a_kernel_on_matrix_units_that_computes_wrongly_gives_way_to_others(void **state)
{
    (void)state;
    static float expected[WIDE_VALUES], got[WIDE_VALUES];
    struct notes notes;
    start_notes(&notes);
    gvk_device *device = open_noted(&notes);
    if (!device->traits.matrix_side || !device->traits.half_sums) {
        gvk_device_destroy(device);
        say_not_here("matrix units: VK_KHR_cooperative_matrix with fp16, sums in fp32 and a subgroup's scope");
        skip();
    }
    bend_to_gpu(device, GVK_VENDOR_AMD);
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&notes.host, find_wide_weight, NULL, &graph));
    gvk_node node = {.op = GVK_OP_CONVOLUTION,
                     .name = "wide",
                     .inputs = {gvk_graph_input(graph, "input", WIDE_INPUTS)},
                     .outputs = 64,
                     .kernel = 1};
    gvk_graph_output(graph, "output", gvk_graph_add(graph, &node));
    assert_ok(gvk_graph_finish(graph));
    gvk_model_params plain = {.size = sizeof plain, .rewrites_off = GVK_REWRITE_ALL};
    gvk_model_params half = {.size = sizeof half, .precision = GVK_PRECISION_FP16};
    const char *name = NULL;
    run_wide(device, graph, &plain, expected, &name);
    run_wide(device, graph, &half, got, &name);
    double deviation = relative_error(got, expected, WIDE_VALUES);
    if (deviation > 1e-2 || !strstr(name, "_matrix_") || strstr(notes.warnings, "wrongly"))
        fail_msg("%s: deviation %g, the log says \"%s\"", name, deviation, notes.warnings);
    gvk_device_destroy(device);
    for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++)
        if (strstr(gvk_shader_codes[i].name, "_matrix_"))
            spoil((enum gvk_shader)i);
    notes.bytes = 0; /* a driver not met before */
    device = open_noted(&notes);
    bend_to_gpu(device, GVK_VENDOR_AMD);
    run_wide(device, graph, &half, got, &name);
    deviation = relative_error(got, expected, WIDE_VALUES);
    if (deviation > 1e-2 || strstr(name, "_matrix_") || !strstr(notes.warnings, "_matrix_16x64") ||
        !strstr(notes.warnings, "_matrix_8x32"))
        fail_msg("spoilt, %s: deviation %g, the log says \"%s\"", name, deviation, notes.warnings);
    half.trust_kernels = 1; /* and without the proof it would have been wrong */
    gvk_device_destroy(device);
    device = open_noted(&notes);
    bend_to_gpu(device, GVK_VENDOR_AMD);
    run_wide(device, graph, &half, got, &name);
    deviation = relative_error(got, expected, WIDE_VALUES);
    if (deviation < 0.1 || !strstr(name, "_matrix_"))
        fail_msg("trusted, %s: deviation %g", name, deviation);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
    assert_int_equal(notes.errors, 0);
}

static void no_kernel_left_is_an_error_that_names_the_layer(void **state)
{
    (void)state;
    struct notes notes;
    start_notes(&notes);
    gvk_device *device = open_noted(&notes);
    gvk_graph *graph = make_graph(&notes.host, POINTWISE);
    gvk_model *model = NULL;
    for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++)
        if (!strncmp(gvk_shader_codes[i].name, "pointwise", 9))
            spoil((enum gvk_shader)i);
    assert_result(gvk_model_create(device, graph, NULL, &model), GVK_ERROR_DRIVER, "gvk_model_create", __FILE__,
                  __LINE__);
    assert_null(model);
    assert_int_equal(notes.errors, 1);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

/* Each Vulkan call of a proof, failing once: an error, or the model all the same, and nothing left over. */
static void a_failing_call_within_a_proof_leaves_nothing(void **state)
{
    (void)state;
    uint64_t calls = 1;
    for (uint64_t nth = 0; nth <= calls; nth++) {
        struct notes notes;
        start_notes(&notes);
        gvk_device *device = open_noted(&notes);
        gvk_graph *graph = make_graph(&notes.host, POINTWISE);
        gvk_model *model = NULL;
        int64_t pipelines = 0, objects = faults->alive();
        faults->arm("*", nth, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        gvk_result result = gvk_model_create(device, graph, NULL, &model);
        const char *rejected = faults->rejected();
        if (!nth)
            calls = faults->count("*");
        if (nth && (!rejected || (result && result != GVK_ERROR_DEVICE_MEMORY) || notes.warnings[0]))
            fail_msg("call %u of %u, %s: %s, warnings \"%s\"", (unsigned)nth, (unsigned)calls, rejected,
                     gvk_result_name(result), notes.warnings);
        gvk_model_destroy(model);
        pipelines = faults->alive() - objects; /* which the device keeps */
        if (pipelines < 0 || pipelines > 1)
            fail_msg("call %u of %u, %s: %d objects are left", (unsigned)nth, (unsigned)calls, rejected,
                     (int)pipelines);
        gvk_graph_destroy(graph);
        gvk_device_destroy(device);
    }
    assert_true(calls > 20);
}

int main(void)
{
    if (!find_fault_layer())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_convolution_kernel_of_the_detector_is_proven, heal),
        cmocka_unit_test_teardown(a_gpus_tiles_for_every_size_of_image_are_proven, heal),
        cmocka_unit_test_teardown(a_rejected_tile_of_a_gpu_is_taken_for_no_size_of_image, heal),
        cmocka_unit_test_teardown(a_planted_kernel_computes_wrongly, heal),
        cmocka_unit_test_teardown(a_planted_kernel_is_rejected_and_another_taken, heal),
        cmocka_unit_test_teardown(a_ghost_module_that_computes_wrongly_is_taken_apart, heal),
        cmocka_unit_test_teardown(a_kernel_that_sums_wrongly_in_fp16_leaves_sums_in_fp32, heal),
        cmocka_unit_test_teardown(a_kernel_on_matrix_units_that_computes_wrongly_gives_way_to_others, heal),
        cmocka_unit_test_teardown(no_kernel_left_is_an_error_that_names_the_layer, heal),
        cmocka_unit_test_teardown(a_failing_call_within_a_proof_leaves_nothing, heal),
    };
    const struct CMUnitTest on_matrices[] = {
        cmocka_unit_test_teardown(a_kernel_on_matrix_units_that_computes_wrongly_gives_way_to_others, heal)};
    const char *forms = getenv("GVK_TEST_FORMS");
    if (forms && !strcmp(forms, "matrix")) /* tests/lab/run.sh */
        return cmocka_run_group_tests_name("proof", on_matrices, NULL, NULL);
    return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
