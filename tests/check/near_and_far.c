/* Tests of test_tune.c: a choice holds near the work that it was measured for, and the built-in rule elsewhere. */
#include "tuning.h"

#include <stdio.h>
#include <string.h>

#include "runtime/device/choices.h"
#include "runtime/kernel/choice.h"
#include "runtime/kernel/forms.h"
#include "runtime/stream/stream_inside.h"

/* Another kernel for the pointwise layers than the built-in one of any work: of one output quad, a pixel a lane. */
static struct gvk_choice narrow_choice(const gvk_model *model, uint32_t work)
{
    return (struct gvk_choice){.shape = gvk_node_shape_of(&model->policy, node_named(model, "first")),
                               .shader = (uint32_t)GVK_SHADER_POINTWISE_UNIFORM_1X4,
                               .local_size = 64,
                               .work = work};
}

static gvk_model *create_for(gvk_device *device, const gvk_graph *graph, uint32_t batch)
{
    const gvk_model_params params = {
        .size = sizeof params, .width = batch ? SIDE : 0, .height = batch ? SIDE : 0, .batch = batch};
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, graph, &params, &model));
    return model;
}

/* A device that takes itself for a GPU of AMD's, and the network as the built-in rule has it. */
struct bench {
    gvk_device *device;
    gvk_graph *graph;
    gvk_model *built_in;
};

static struct bench set_up(uint32_t batch)
{
    cache.count = 0;
    struct bench bench = {.device = open_caching_device(), .graph = build_graph()};
    bend_to_gpu(bench.device, GVK_VENDOR_AMD);
    bench.built_in = create_for(bench.device, bench.graph, batch);
    return bench;
}

static void tear_down(struct bench *bench)
{
    gvk_model_destroy(bench->built_in);
    gvk_graph_destroy(bench->graph);
    gvk_device_destroy(bench->device);
}

/* The kernel that a stream of so many pictures runs the layer with. */
static struct gvk_pipeline_key kernel_in_stream(gvk_model *model, const char *name, uint32_t batch)
{
    const gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .batch = batch};
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(model, &params, &stream));
    struct gvk_pipeline_key key = {.shader = GVK_SHADER_COUNT};
    for (uint32_t i = 0; i < stream->program->command_count; i++)
        if (!strcmp(stream->program->commands[i].label, name))
            key = stream->program->commands[i].key;
    gvk_stream_destroy(stream);
    return key;
}

void a_choice_holds_from_half_to_double_of_what_it_was_measured_for(void **state)
{
    (void)state;
    static const struct {
        uint32_t batch;
        bool first, second; /* which of the two choices holds */
    } works[] = {{1, false, false}, {2, true, false},  {4, true, false},   {7, true, false},
                 {8, true, false},  {9, false, false}, {15, false, false}, {16, false, true},
                 {32, false, true}, {64, false, true}, {65, false, false}};
    struct bench bench = set_up(1);
    const struct gvk_pipeline_key before = kernel_of(bench.built_in, "first");
    struct gvk_choice first = narrow_choice(bench.built_in, 4 * WORK), second = first;
    second.work = 32 * WORK;
    second.local_size *= 2;
    keep_choice(bench.device, &second);
    keep_choice(bench.device, &first);
    for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
        gvk_model *model = create_for(bench.device, bench.graph, works[i].batch);
        const struct gvk_pipeline_key of_model = kernel_of(model, "second");
        const struct gvk_pipeline_key of_stream = kernel_in_stream(model, "second", works[i].batch);
        const struct gvk_choice *wanted = works[i].first ? &first : works[i].second ? &second : NULL;
        const struct gvk_pipeline_key own = kernel_in_stream(bench.built_in, "second", works[i].batch);
        bool is_right = wanted
                            ? (uint32_t)of_model.shader == wanted->shader &&
                                  of_model.constants[GVK_CONSTANT_LOCAL_SIZE] == wanted->local_size &&
                                  gvk_pipeline_keys_equal(&of_model, &of_stream)
                            : gvk_pipeline_keys_equal(&of_model, &before) && gvk_pipeline_keys_equal(&of_stream, &own);
        if (!is_right)
            fail_msg("batch %u: the model has %s with %u lanes, the stream %s with %u", works[i].batch,
                     gvk_shader_codes[of_model.shader].name, of_model.constants[GVK_CONSTANT_LOCAL_SIZE],
                     gvk_shader_codes[of_stream.shader].name, of_stream.constants[GVK_CONSTANT_LOCAL_SIZE]);
        gvk_model_destroy(model);
    }
    tear_down(&bench);
}

/* The weights are packed for the choice; of the tiles that read them so, the built-in rule takes one, proven like any.
 */
void a_stream_far_from_what_was_measured_has_the_built_in_tile_of_its_weights(void **state)
{
    (void)state;
    struct bench bench = set_up(1);
    static float expected[CHANNELS * SIDE * SIDE / 4], got[CHANNELS * SIDE * SIDE / 4];
    run_model(bench.built_in, expected);
    /* Made for a frame of many pictures, run with one: a stream of one picture wants small tiles. */
    const uint32_t many = 64;
    struct gvk_choice choice = narrow_choice(bench.built_in, many * WORK);
    choice.shader = (uint32_t)GVK_SHADER_POINTWISE_UNIFORM_2X4;
    keep_choice(bench.device, &choice);
    const struct gvk_choice depthwise = {
        .shape = gvk_node_shape_of(&bench.built_in->policy, node_named(bench.built_in, "depthwise")),
        .shader = (uint32_t)kernel_of(bench.built_in, "depthwise").shader,
        .local_size = 2 * kernel_of(bench.built_in, "depthwise").constants[GVK_CONSTANT_LOCAL_SIZE],
        .work = many * WORK};
    keep_choice(bench.device, &depthwise);
    gvk_model *model = create_for(bench.device, bench.graph, many);
    assert_int_equal(kernel_in_stream(model, "first", many).shader, GVK_SHADER_POINTWISE_UNIFORM_2X4);
    const struct gvk_pipeline_key far = kernel_in_stream(model, "first", 1);
    if (far.shader != GVK_SHADER_POINTWISE_UNIFORM_2X1 && far.shader != GVK_SHADER_POINTWISE_UNIFORM_2X1_SPLIT)
        fail_msg("one picture runs with %s", gvk_shader_codes[far.shader].name);
    uint32_t bit = 2 * (uint32_t)far.shader;
    assert_true(bench.device->verdicts.proven[bit / 32] >> (bit % 32) & 1);
    assert_int_equal(kernel_in_stream(model, "depthwise", many).constants[GVK_CONSTANT_LOCAL_SIZE],
                     depthwise.local_size);
    assert_int_equal(kernel_in_stream(model, "depthwise", 1).constants[GVK_CONSTANT_LOCAL_SIZE],
                     depthwise.local_size / 2);
    run_model(model, got);
    assert_true(relative_error(got, expected, ARRAY_COUNT(got)) < 1e-5);
    gvk_model_destroy(model);
    tear_down(&bench);
}

/* A model's own tile, the widest, is what few streams run: to choose that is another thing. */
void a_choice_of_the_built_in_kernel_is_the_one_that_a_stream_of_that_size_takes(void **state)
{
    (void)state;
    struct bench bench = set_up(1);
    const struct gvk_pipeline_key of_stream = kernel_in_stream(bench.built_in, "first", 1);
    const struct gvk_pipeline_key of_model = kernel_of(bench.built_in, "first");
    struct gvk_choice choice = narrow_choice(bench.built_in, WORK);
    assert_int_not_equal(of_stream.shader, of_model.shader);
    const uint32_t chosen[] = {(uint32_t)of_model.shader, GVK_BUILT_IN_KERNEL};
    for (size_t i = 0; i < ARRAY_COUNT(chosen); i++) {
        choice.shader = chosen[i];
        keep_choice(bench.device, &choice);
        gvk_model *model = create_for(bench.device, bench.graph, 1);
        const struct gvk_pipeline_key key = kernel_in_stream(model, "first", 1);
        const enum gvk_shader wanted = i ? of_stream.shader : of_model.shader;
        if (key.shader != wanted)
            fail_msg("choice %zu: %s runs, not %s", i, gvk_shader_codes[key.shader].name,
                     gvk_shader_codes[wanted].name);
        gvk_model_destroy(model);
    }
    tear_down(&bench);
}

void a_model_for_unknown_work_takes_the_newest_choices(void **state)
{
    (void)state;
    struct bench bench = set_up(0);
    struct gvk_choice choice = narrow_choice(bench.built_in, 32 * WORK);
    for (uint32_t size = 64; size <= 128; size *= 2, choice.work /= 32) {
        choice.local_size = size;
        keep_choice(bench.device, &choice);
        gvk_model *model = create_for(bench.device, bench.graph, 0);
        assert_int_equal(kernel_of(model, "first").constants[GVK_CONSTANT_LOCAL_SIZE], size);
        gvk_model_destroy(model);
    }
    tear_down(&bench);
}

static char worst_sentence[256];
static gvk_log_level worst_level;

static void note_worst(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (!strstr(sentence, "choice of kernels"))
        return;
    if (level <= worst_level)
        snprintf(worst_sentence, sizeof worst_sentence, "%s", sentence);
    worst_level = level < worst_level ? level : worst_level;
}

/* Choices that did not know their work have another first word: they are measured anew, and nobody need worry. */
void what_an_older_program_stored_is_left_without_a_warning(void **state)
{
    (void)state;
    cache.count = 0;
    gvk_host host = caching_host;
    host.log = note_worst;
    gvk_device_params params = {.size = sizeof params, .host = &host};
    gvk_device *device = open_caching_device();
    const struct gvk_choice choice = {.shape = {.op = GVK_OP_LINEAR}, .shader = 1, .local_size = 64, .work = WORK};
    keep_choice(device, &choice);
    gvk_device_destroy(device);
    assert_memory_equal(cache.bytes, "GVKTUNE2", 8);
    memcpy(cache.bytes, "GVKTUNED", 8);
    worst_level = GVK_LOG_DEBUG;
    assert_ok(gvk_device_open(&params, &device));
    assert_null(device->choices);
    if (worst_level < GVK_LOG_INFO)
        fail_msg("the log says: %s", worst_sentence);
    gvk_device_destroy(device);
}
