/* Choices of kernels that were measured: they are taken, kept between starts, and harmless when they are wrong. */
#include "tuning.h"

#include <stdio.h>
#include <string.h>

#include "runtime/kernel/choice.h"
#include "runtime/kernel/forms.h"
#include "runtime/model/model.h"
#include "runtime/op/table.h"

struct cache cache;

static gvk_result load(void *user, const char *key, void *bytes, size_t *count)
{
    (void)user;
    if (!cache.count || strcmp(key, cache.key) != 0)
        return GVK_ERROR_FILE;
    if (bytes)
        memcpy(bytes, cache.bytes, *count < cache.count ? *count : cache.count);
    *count = cache.count;
    return GVK_OK;
}

static void store(void *user, const char *key, const void *bytes, size_t count)
{
    (void)user;
    if (strncmp(key, "tuned", 5) != 0 || count > sizeof cache.bytes)
        return;
    snprintf(cache.key, sizeof cache.key, "%s", key);
    memcpy(cache.bytes, bytes, count);
    cache.count = count;
}

const gvk_host caching_host = {.size = sizeof(gvk_host), .cache_load = load, .cache_store = store};

static float weights[CHANNELS * CHANNELS], depthwise_weights[CHANNELS * 9], stem_weights[CHANNELS * 3 * 9];

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 4, .shape = {CHANNELS, CHANNELS, 1, 1}, .data = weights};
    if (!strcmp(name, "stem.weight"))
        *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 4, .shape = {CHANNELS, 3, 3, 3}, .data = stem_weights};
    else if (!strcmp(name, "depthwise.weight"))
        *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 4, .shape = {CHANNELS, 1, 3, 3}, .data = depthwise_weights};
    out->bytes = 4;
    for (uint32_t i = 0; i < out->rank; i++)
        out->bytes *= out->shape[i];
    return GVK_OK;
}

static void fill(float *values, size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count; i++)
        values[i] = quarter_step(random) / 4;
}

/* A dense stem, a depthwise layer, and two pointwise ones of one shape. */
gvk_graph *build_graph(void)
{
    uint64_t random = 9;
    fill(weights, CHANNELS * CHANNELS, &random);
    fill(depthwise_weights, CHANNELS * 9, &random);
    fill(stem_weights, CHANNELS * 3 * 9, &random);
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(NULL, find_weight, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", 3);
    gvk_node stem = {.op = GVK_OP_CONVOLUTION,
                     .name = "stem",
                     .inputs = {x},
                     .outputs = CHANNELS,
                     .kernel = 3,
                     .stride = 2,
                     .padding = 1};
    gvk_node depthwise = {.op = GVK_OP_CONVOLUTION,
                          .name = "depthwise",
                          .inputs = {gvk_graph_add(graph, &stem)},
                          .kernel = 3,
                          .padding = 1,
                          .groups = CHANNELS};
    gvk_node first = {.op = GVK_OP_CONVOLUTION, .name = "first", .inputs = {gvk_graph_add(graph, &depthwise)}};
    gvk_node second = {.op = GVK_OP_CONVOLUTION, .name = "second", .inputs = {gvk_graph_add(graph, &first)}};
    gvk_graph_output(graph, "out", gvk_graph_add(graph, &second));
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

/* A ghost module: a pointwise layer, and a depthwise one beside its output. */
static gvk_graph *build_ghost_graph(void)
{
    uint64_t random = 11;
    fill(weights, CHANNELS * CHANNELS, &random);
    fill(depthwise_weights, CHANNELS * 9, &random);
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(NULL, find_weight, NULL, &graph));
    gvk_node primary = {
        .op = GVK_OP_CONVOLUTION, .name = "primary", .inputs = {gvk_graph_input(graph, "input", CHANNELS)}};
    gvk_tensor first = gvk_graph_add(graph, &primary);
    gvk_node cheap = {.op = GVK_OP_CONVOLUTION,
                      .name = "depthwise",
                      .inputs = {first},
                      .kernel = 3,
                      .padding = 1,
                      .groups = CHANNELS};
    gvk_node both = {.op = GVK_OP_CONCAT, .name = "both", .inputs = {first, gvk_graph_add(graph, &cheap)}};
    gvk_graph_output(graph, "out", gvk_graph_add(graph, &both));
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

static bool has_ghost_module(gvk_device *device, const gvk_graph *graph, gvk_precision precision)
{
    gvk_model_params params = {.size = sizeof params, .precision = precision};
    gvk_model *model = NULL;
    bool found = false;
    assert_ok(gvk_model_create(device, graph, &params, &model));
    for (uint32_t i = 0; i < model->graph->node_count; i++)
        found = found || (model->graph->nodes[i].op == GVK_OP_GHOST && !model->graph->nodes[i].removed);
    gvk_model_destroy(model);
    return found;
}

void run_model(gvk_model *model, float *out)
{
    float input[3 * SIDE * SIDE];
    uint64_t random = 4;
    fill(input, 3 * SIDE * SIDE, &random);
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE};
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = input};
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    gvk_array got;
    assert_ok(gvk_stream_create(model, &params, &stream));
    assert_ok(gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "out", &got));
    assert_int_equal(got.bytes, CHANNELS * SIDE * SIDE / 4 * sizeof *out);
    memcpy(out, got.data, got.bytes);
    gvk_stream_destroy(stream);
}

const struct gvk_graph_node *node_named(const gvk_model *model, const char *name)
{
    for (uint32_t i = 0; i < model->graph->node_count; i++)
        if (!strcmp(model->graph->nodes[i].name, name))
            return &model->graph->nodes[i];
    fail_msg("there is no node %s", name);
    return NULL;
}

struct gvk_pipeline_key kernel_of(const gvk_model *model, const char *name)
{
    return model->packing.selections[node_named(model, name) - model->graph->nodes].key;
}

gvk_device *open_caching_device(void)
{
    gvk_device_params params = {.size = sizeof params, .host = &caching_host};
    gvk_device *device = NULL;
    assert_ok(gvk_device_open(&params, &device));
    return device;
}

void keep_choice(gvk_device *device, const struct gvk_choice *choice)
{
    struct gvk_choices *choices = gvk_allocate(&device->host, sizeof *choices + sizeof *choice);
    assert_non_null(choices);
    choices->count = 1;
    choices->list[0] = *choice;
    assert_ok(gvk_choices_keep(device, choices));
    gvk_release(&device->host, choices);
}

struct counts {
    uint32_t passes, shapes, layers, candidates;
};

static void count_pass(void *user, uint32_t pass, uint32_t passes)
{
    struct counts *counts = user;
    assert_int_equal(pass, counts->passes++);
    assert_true(pass < passes);
}

static void count_kernel(void *user, const gvk_tuned_kernel *kernel)
{
    struct counts *counts = user;
    counts->shapes++;
    counts->layers += kernel->layers;
    counts->candidates += kernel->candidates;
    assert_true(kernel->built_in_ms > 0 && kernel->chosen_ms > 0 && kernel->chosen_ms <= kernel->built_in_ms);
    assert_true(kernel->built_in_lanes && kernel->chosen_lanes && *kernel->built_in && *kernel->chosen);
}

/* Two rounds for each candidate; what it told on the way is counted. */
static gvk_tune_result tune_counted(gvk_device *device, const gvk_graph *graph, uint32_t batch, struct counts *counts)
{
    gvk_tune_result result = {.size = sizeof result};
    gvk_tune_params params = {.size = sizeof params,
                              .width = SIDE,
                              .height = SIDE,
                              .batch = batch,
                              .rounds = 2,
                              .user = counts,
                              .progress = count_pass,
                              .tuned = count_kernel};
    assert_ok(gvk_tune(device, graph, &params, &result));
    assert_true(result.deviation < 1e-4 && result.built_in_ms > 0 && result.tuned_ms > 0);
    return result;
}

static void every_shape_is_measured_with_every_candidate(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_device *device = open_caching_device();
    gvk_graph *graph = build_graph();
    struct counts counts = {0};
    gvk_model *before = NULL, *after = NULL;
    static float expected[CHANNELS * SIDE * SIDE / 4], got[CHANNELS * SIDE * SIDE / 4];
    assert_ok(gvk_model_create(device, graph, NULL, &before));
    run_model(before, expected);
    gvk_tune_result result = tune_counted(device, graph, 2, &counts);
    assert_int_equal(counts.shapes, 3);
    assert_int_equal(counts.layers, 4);
    assert_true(counts.candidates >= 3 * 2 && counts.passes > 2);
    assert_int_equal(result.kept, result.tuned_ms < result.built_in_ms);
    assert_int_equal(cache.count > 0, result.kept);
    assert_ok(gvk_model_create(device, graph, NULL, &after));
    run_model(after, got);
    assert_true(relative_error(got, expected, ARRAY_COUNT(got)) < 1e-5);
    gvk_model_destroy(after);
    gvk_model_destroy(before);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

static void a_choice_is_taken_and_survives_the_device(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_device *device = open_caching_device();
    gvk_graph *graph = build_graph();
    gvk_model *built_in = NULL, *tuned = NULL, *again = NULL;
    static float expected[CHANNELS * SIDE * SIDE / 4], got[CHANNELS * SIDE * SIDE / 4];
    assert_ok(gvk_model_create(device, graph, NULL, &built_in));
    run_model(built_in, expected);
    /* The last candidate: another kernel or local size than the built-in one. */
    const struct gvk_graph_node *node = node_named(built_in, "first");
    struct gvk_choice choice = {.shape = gvk_node_shape_of(&built_in->policy, node), .work = WORK};
    enum gvk_shader shader = GVK_SHADER_COUNT, last = GVK_SHADER_COUNT;
    uint32_t local_size = 0;
    for (uint32_t i = 0; gvk_kernel_of(node)->candidate(&built_in->policy, node, i, &shader, &local_size); i++) {
        last = shader;
        choice.local_size = local_size;
    }
    choice.shader = (uint32_t)last;
    struct gvk_pipeline_key before = kernel_of(built_in, "first");
    assert_true(last != before.shader || choice.local_size != before.constants[GVK_CONSTANT_LOCAL_SIZE]);

    keep_choice(device, &choice);
    assert_ok(gvk_model_create(device, graph, NULL, &tuned));
    struct gvk_pipeline_key key = kernel_of(tuned, "second"); /* of the same shape */
    assert_int_equal(key.shader, last);
    assert_int_equal(key.constants[GVK_CONSTANT_LOCAL_SIZE], choice.local_size);
    run_model(tuned, got);
    assert_true(relative_error(got, expected, ARRAY_COUNT(got)) < 1e-5);
    key = kernel_of(built_in, "first"); /* a model stays what it was made as */
    assert_true(gvk_pipeline_keys_equal(&key, &before));
    gvk_model_destroy(tuned);
    gvk_model_destroy(built_in);
    gvk_device_destroy(device);

    device = open_caching_device();
    assert_ok(gvk_model_create(device, graph, NULL, &again));
    key = kernel_of(again, "first");
    assert_int_equal(key.shader, last);
    assert_int_equal(key.constants[GVK_CONSTANT_LOCAL_SIZE], choice.local_size);
    gvk_model_destroy(again);
    gvk_device_destroy(device);

    /* Damaged, it is left. */
    cache.bytes[cache.count - 1] ^= 1;
    device = open_caching_device();
    assert_ok(gvk_model_create(device, graph, NULL, &again));
    key = kernel_of(again, "first");
    assert_true(gvk_pipeline_keys_equal(&key, &before));
    gvk_model_destroy(again);
    gvk_device_destroy(device);
    gvk_graph_destroy(graph);
}

/* On a GPU they are one dispatch, unless that was found to be slower there: for one precision, and for later starts. */
static void ghost_modules_are_left_apart_where_that_was_chosen(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_graph *graph = build_ghost_graph();
    for (int start = 0; start < 2; start++) {
        gvk_device *device = open_caching_device();
        bend_to_gpu(device, GVK_VENDOR_AMD);
        struct gvk_policy policy;
        assert_true(gvk_policy_of(&device->traits, GVK_PRECISION_FP32, &policy));
        policy.work = WORK;
        struct gvk_choice choice = gvk_choice_of_ghosts(&policy, true);
        if (start == 0) {
            assert_true(has_ghost_module(device, graph, GVK_PRECISION_FP32));
            keep_choice(device, &choice);
        }
        assert_false(has_ghost_module(device, graph, GVK_PRECISION_FP32));
        assert_true(has_ghost_module(device, graph, GVK_PRECISION_FP16));
        gvk_device_destroy(device);
    }
    gvk_graph_destroy(graph);
}

/* A tuning for one precision, for another network or another batch, does not take back what was chosen for the other.
 */
static void choices_for_both_precisions_other_shapes_and_other_work_stay_side_by_side(void **state)
{
    (void)state;
    cache.count = 0;
    for (int start = 0; start < 2; start++) {
        gvk_device *device = open_caching_device();
        struct gvk_choice choices[] = {
            {.shape = {.op = GVK_OP_LINEAR, .input_channels = 4}, .shader = 1, .local_size = 64, .work = WORK},
            {.shape = {.op = GVK_OP_LINEAR, .input_channels = 8}, .shader = 2, .local_size = 64, .work = WORK},
            {.shape = {.op = GVK_OP_LINEAR, .input_channels = 4, .half = 1},
             .shader = 3,
             .local_size = 64,
             .work = WORK},
            {.shape = {.op = GVK_OP_LINEAR, .input_channels = 8, .half = 1},
             .shader = 4,
             .local_size = 64,
             .work = WORK},
            {.shape = {.op = GVK_OP_LINEAR, .input_channels = 4}, .shader = 6, .local_size = 64, .work = 8 * WORK},
            {.shape = {.op = GVK_OP_LINEAR, .input_channels = 4}, .shader = 7, .local_size = 64, .work = 32 * WORK},
        };
        struct gvk_choice older = choices[0];
        older.shader = 5; /* is displaced */
        if (start == 0)
            keep_choice(device, &older);
        for (size_t i = 0; i < ARRAY_COUNT(choices) && start == 0; i++)
            keep_choice(device, &choices[i]);
        assert_int_equal(device->choices->count, ARRAY_COUNT(choices));
        for (size_t i = 0; i < ARRAY_COUNT(choices); i++) {
            bool found = false;
            for (uint32_t j = 0; j < device->choices->count; j++)
                found = found || !memcmp(&device->choices->list[j], &choices[i], sizeof choices[i]);
            if (!found)
                fail_msg("choice %u is gone in start %d", (unsigned)i, start);
        }
        gvk_device_destroy(device);
    }
}

static void ghost_modules_are_timed_in_one_dispatch_and_in_two(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_device *device = open_caching_device();
    bend_to_gpu(device, GVK_VENDOR_AMD);
    gvk_graph *graph = build_ghost_graph();
    struct counts counts = {0};
    gvk_tune_result result = tune_counted(device, graph, 1, &counts);
    assert_true(counts.shapes == 2 || (counts.shapes == 1 && !result.ghosts_unfused)); /* as two layers, or as one */
    assert_true(!result.ghosts_unfused || result.kept);
    assert_int_equal(has_ghost_module(device, graph, GVK_PRECISION_FP32), !result.ghosts_unfused);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

/* Both ways would be the same, and noise would decide for networks that have some. */
static void a_network_without_ghost_modules_says_nothing_of_them(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_device *device = open_caching_device();
    bend_to_gpu(device, GVK_VENDOR_AMD);
    gvk_graph *graph = build_graph(), *ghosts = build_ghost_graph();
    for (int i = 0; i < 3; i++) {
        struct counts counts = {0};
        gvk_tune_result result = tune_counted(device, graph, 1, &counts);
        assert_false(result.ghosts_unfused);
        assert_true(has_ghost_module(device, ghosts, GVK_PRECISION_FP32));
    }
    gvk_graph_destroy(ghosts);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

static void a_wrong_choice_chooses_nothing(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_device *device = open_caching_device();
    gvk_graph *graph = build_graph();
    gvk_model *built_in = NULL;
    assert_ok(gvk_model_create(device, graph, NULL, &built_in));
    const struct gvk_pipeline_key before = kernel_of(built_in, "first");
    const struct gvk_node_shape shape = gvk_node_shape_of(&built_in->policy, node_named(built_in, "first"));
    const uint32_t own = (uint32_t)before.shader, size = before.constants[GVK_CONSTANT_LOCAL_SIZE];
    const struct gvk_choice wrong[] = {
        {shape, GVK_SHADER_COUNT, size, WORK},
        {shape, UINT32_MAX, size, WORK},
        {shape, GVK_BUILT_IN_KERNEL, 0, WORK},
        {shape, GVK_SHADER_DECODE, size, WORK},
        {shape, own + 1, size, WORK}, /* with a residual, which this node has not */
        {shape, own, 0, WORK},
        {shape, own, size + 1, WORK},
        {shape, own, UINT32_MAX, WORK},
        {shape, own, size * 8, WORK},
        {shape, own, size * 2, 0}, /* measured for nothing */
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        gvk_model *model = NULL;
        keep_choice(device, &wrong[i]);
        assert_ok(gvk_model_create(device, graph, NULL, &model));
        struct gvk_pipeline_key key = kernel_of(model, "first");
        if (!gvk_pipeline_keys_equal(&key, &before))
            fail_msg("choice %zu: shader %u with %u lanes was taken", i, wrong[i].shader, wrong[i].local_size);
        gvk_model_destroy(model);
    }
    gvk_model_destroy(built_in);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_measured_with_every_candidate),
        cmocka_unit_test(a_choice_is_taken_and_survives_the_device),
        cmocka_unit_test(ghost_modules_are_left_apart_where_that_was_chosen),
        cmocka_unit_test(choices_for_both_precisions_other_shapes_and_other_work_stay_side_by_side),
        NEAR_AND_FAR_TESTS,
        cmocka_unit_test(ghost_modules_are_timed_in_one_dispatch_and_in_two),
        cmocka_unit_test(a_network_without_ghost_modules_says_nothing_of_them),
        cmocka_unit_test(a_wrong_choice_chooses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
