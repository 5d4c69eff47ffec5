/* Every kernel against plain C in double precision: random shapes and odd sizes, each form that a device may be given,
 * the rewrites on and off, and canaries in all memory that a kernel must not write or whose content it must not use.
 * Then what the runtime refuses, and a network that is no GhostNet. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference_kernels.h"
#include "runtime/kernel/kernel.h"
#include "runtime/model.h"
#include "runtime/stream.h"

/* Where divisions, batch norms or long sums round: this part of the sum of magnitudes behind a value. Elsewhere inputs
 * and weights are quarter steps and the results must be equal. */
#define TOLERANCE 2e-6
#define CANARY    0x7fc5a5a5u /* a quiet not-a-number: whatever is computed from it is none either */

/* What all tests share: the device, and what it has shown. */
static struct bench {
    gvk_device *device;
    struct gvk_traits traits; /* as the driver gave them; tests lend others and these come back */
    bool seen[GVK_SHADER_COUNT];
    uint32_t sentences; /* errors logged since the last reset */
    char sentence[512];
    double worst; /* error in parts of the tolerance */
} bench;

static void keep_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level != GVK_LOG_ERROR)
        return;
    bench.sentences++;
    snprintf(bench.sentence, sizeof bench.sentence, "%s", sentence);
}

static const gvk_host quiet_host = {.size = sizeof(gvk_host), .log = keep_sentence};

static int set_up_bench(void **state)
{
    bench.device = open_test_device();
    if (!bench.device)
        return -1;
    bench.traits = bench.device->traits;
    bench.device->host.log = keep_sentence;
    *state = &bench;
    return 0;
}

static int tear_down_bench(void **state)
{
    (void)state;
    print_message("             largest rounding error: %.3f of what is allowed\n", bench.worst);
    close_test_device(bench.device);
    return 0;
}

static int restore_traits(void **state)
{
    (void)state;
    bench.device->traits = bench.traits;
    return 0;
}

/* ---- one run of one graph ---- */

/* How the runtime is asked to run a graph. */
struct way {
    const char *name;
    bool plain_gpu;   /* the traits are bent so that the device is given a GPU's kernels */
    bool full_arrays; /* and so that no model's weights fit into an array of chunks */
    uint32_t rewrites_off;
    bool keep_all; /* every node's output is read */
};

struct trial {
    const char *title;
    const struct way *way;
    struct reference_graph *graph;
    gvk_model *model;
    gvk_stream *stream;
};

static void print_trial(const struct trial *trial)
{
    print_error("%s, %s (form %d, rewrites off 0x%02x)\n", trial->title, trial->way->name,
                (int)gvk_form_of(trial->model ? &trial->model->traits : &bench.device->traits),
                trial->way->rewrites_off);
    if (bench.sentence[0])
        print_error("last error of the runtime: %s\n", bench.sentence);
    reference_print(trial->graph);
    const struct gvk_program *program = trial->stream ? gvk_stream_program(trial->stream) : NULL;
    for (uint32_t i = 0; program && i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        print_error("  command %u, %s: %s, groups %u %u %u, local size %u, extra %u, mode %u\n", i,
                    command->label, gvk_shader_codes[command->key.shader].name, command->groups[0], command->groups[1],
                    command->groups[2], command->key.constants[GVK_CONSTANT_LOCAL_SIZE],
                    command->key.constants[GVK_CONSTANT_EXTRA],
                    command->key.constants[GVK_CONSTANT_MODE]);
    }
}

static void require_ok(const struct trial *trial, gvk_result result, const char *call)
{
    if (!result)
        return;
    print_trial(trial);
    fail_msg("%s returned %s", call, gvk_result_name(result));
}

static gvk_graph *build_graph(struct reference_graph *reference)
{
    gvk_graph *graph = NULL;
    gvk_tensor numbers[REFERENCE_MAX_NODES + 2] = {0};
    assert_ok(gvk_graph_create(&quiet_host, reference_find_weight, reference, &graph));
    numbers[1] = gvk_graph_input(graph, "input", reference->input_channels);
    for (uint32_t i = 0; i < reference->node_count; i++) {
        gvk_node node = reference->nodes[i];
        for (int j = 0; j < 4; j++)
            node.inputs[j] = numbers[node.inputs[j]];
        numbers[i + 2] = gvk_graph_add(graph, &node);
        assert_int_equal(gvk_graph_channels(graph, numbers[i + 2]), reference->tensors[i + 2].channels);
    }
    for (uint32_t i = 0; i < reference->output_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "out%u", i);
        gvk_graph_output(graph, name, numbers[reference->outputs[i]]);
    }
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

static void fill_canaries(unsigned char *memory, uint64_t first, uint64_t end)
{
    const uint32_t canary = CANARY;
    for (uint64_t i = first; i < end; i += 4)
        memcpy(memory + i, &canary, 4);
}

/* Between one node's weights and the next one's, and behind the last: lanes may read there, and use nothing of it. */
static void poison_weights(const gvk_model *model)
{
    if (!model->weights.mapped)
        return;
    uint64_t end = 0;
    for (uint32_t i = 0; i < model->graph->node_count; i++) {
        if (!model->packing.sizes[i])
            continue;
        fill_canaries(model->weights.mapped, end, model->packing.offsets[i] * 16);
        end = (model->packing.offsets[i] + model->packing.sizes[i]) * 16;
    }
    fill_canaries(model->weights.mapped, end, model->packing.vec4s * 16);
    assert_ok(gvk_buffer_flush(model->device, &model->weights));
}

/* A vec4 of the arena for each byte: 1 where the program may write. */
static unsigned char *map_written(const struct trial *trial)
{
    const struct gvk_program *program = gvk_stream_program(trial->stream);
    unsigned char *written = calloc((size_t)(program->arena_bytes / 16) + 1, 1);
    assert_non_null(written);
    gvk_tensor input = trial->model->graph->inputs[0].tensor;
    struct gvk_operand intake = gvk_tensor_operand(program, input, 0, GVK_WRITE);
    memset(written + program->blocks[intake.block].offset / 16, 1, (size_t)(intake.bytes / 16));
    for (uint32_t i = 0; i < program->command_count; i++)
        for (uint32_t j = 0; j < program->commands[i].operand_count; j++) {
            const struct gvk_operand *operand = &program->commands[i].operands[j];
            if (operand->place == GVK_PLACE_ARENA && (operand->access & GVK_WRITE))
                memset(written + (program->blocks[operand->block].offset + operand->offset) / 16, 1,
                       (size_t)(operand->bytes / 16));
        }
    return written;
}

/* What lies outside every output is untouched, and no lane of an output was forgotten or made from such memory. */
static void check_canaries(const struct trial *trial)
{
    const struct gvk_buffer *arena = gvk_stream_arena(trial->stream);
    if (!arena->mapped)
        return;
    assert_ok(gvk_buffer_invalidate(bench.device, arena));
    unsigned char *written = map_written(trial);
    const unsigned char *memory = arena->mapped;
    for (uint64_t i = 0; i < arena->bytes / 4; i++) {
        uint32_t bits;
        float value;
        memcpy(&bits, memory + i * 4, 4);
        memcpy(&value, &bits, 4);
        if (written[i / 4] ? isfinite(value) : bits == CANARY)
            continue;
        print_trial(trial);
        const struct gvk_program *program = gvk_stream_program(trial->stream);
        for (uint32_t j = 0; j < program->block_count; j++)
            print_error("  block %u: bytes %llu to %llu, commands %u to %u\n", j,
                        (unsigned long long)program->blocks[j].offset,
                        (unsigned long long)(program->blocks[j].offset + program->blocks[j].bytes),
                        program->blocks[j].first, program->blocks[j].last);
        free(written);
        fail_msg("byte %llu of the arena: %s (0x%08x)", (unsigned long long)i * 4,
                 bits == CANARY ? "an output was not written, or made from memory that nobody wrote"
                 : isnan(value) ? "memory was used that nobody wrote"
                                : "it was written outside every output",
                 bits);
    }
    free(written);
}

/* Blocks that hold something at the same time lie apart. */
static void check_plan(const struct trial *trial)
{
    const struct gvk_program *program = gvk_stream_program(trial->stream);
    for (uint32_t i = 0; i < program->block_count; i++)
        for (uint32_t j = 0; j < i; j++) {
            const struct gvk_block *left = &program->blocks[i], *right = &program->blocks[j];
            bool apart = left->offset + left->bytes <= right->offset || right->offset + right->bytes <= left->offset ||
                         left->last < right->first || right->last < left->first;
            if (apart || !left->used || !right->used)
                continue;
            print_trial(trial);
            fail_msg("blocks %u and %u overlap", j, i);
        }
}

static void compare_tensor(const struct trial *trial, gvk_ticket ticket, const char *name, gvk_tensor number)
{
    const struct reference_tensor *expected = &trial->graph->tensors[number];
    gvk_array got = {0};
    require_ok(trial, gvk_stream_read(trial->stream, ticket, name, &got), "gvk_stream_read");
    const uint64_t shape[4] = {trial->graph->batch, expected->channels, expected->height, expected->width};
    if (got.rank != 4 || memcmp(got.shape, shape, sizeof shape) != 0) {
        print_trial(trial);
        fail_msg("%s has the wrong shape", name);
    }
    const float *values = got.data;
    double allowed = expected->exact ? 0 : TOLERANCE * fmax(1, expected->magnitude);
    for (uint64_t i = 0; i < got.bytes / 4; i++) {
        double error = fabs((double)values[i] - expected->values[i]);
        if (allowed > 0)
            bench.worst = fmax(bench.worst, error / allowed);
        if (error <= allowed)
            continue;
        uint64_t pixels = shape[2] * shape[3], channel = i / pixels % shape[1];
        print_trial(trial);
        fail_msg("%s (tensor %u), item %u, channel %u, y %u, x %u: %.9g, not %.9g (allowed %.3g)", name, number,
                 (unsigned)(i / pixels / shape[1]), (unsigned)channel, (unsigned)(i % pixels / shape[3]),
                 (unsigned)(i % shape[3]), (double)values[i], expected->values[i], allowed);
    }
}

static void submit_batch(gvk_stream *stream, const struct reference_graph *graph, const float *input,
                         gvk_ticket *ticket)
{
    gvk_picture pictures[4];
    size_t item = (size_t)graph->input_channels * graph->height * graph->width;
    for (uint32_t i = 0; i < graph->batch; i++)
        pictures[i] = (gvk_picture){.size = sizeof(gvk_picture),
                                    .kind = GVK_PICTURE_TENSOR,
                                    .width = graph->width,
                                    .height = graph->height,
                                    .pixels = input + i * item};
    assert_ok(gvk_stream_submit(stream, pictures, graph->batch, ticket));
}

/* Runs the graph once and compares. Returns how many commands it took. */
static uint32_t run_trial(const char *title, struct reference_graph *reference, const float *input,
                          const struct way *way)
{
    struct trial trial = {.title = title, .way = way, .graph = reference};
    bench.sentence[0] = 0;
    bench.device->traits = bench.traits;
    if (way->plain_gpu)
        bench.device->traits.subgroup_size_control = false;
    if (way->full_arrays)
        bench.device->traits.max_chunks = 1;
    gvk_graph *graph = build_graph(reference);
    gvk_model_params model_params = {.size = sizeof model_params, .rewrites_off = way->rewrites_off};
    require_ok(&trial, gvk_model_create(bench.device, graph, &model_params, &trial.model), "gvk_model_create");
    gvk_graph_destroy(graph);
    poison_weights(trial.model);

    const char *kept[REFERENCE_MAX_NODES];
    for (uint32_t i = 0; i < reference->node_count; i++)
        kept[i] = reference->names[i];
    gvk_stream_params stream_params = {.size = sizeof stream_params,
                                       .width = reference->width,
                                       .height = reference->height,
                                       .batch = reference->batch,
                                       .kept_tensors = kept,
                                       .kept_count = way->keep_all ? reference->node_count : 0};
    require_ok(&trial, gvk_stream_create(trial.model, &stream_params, &trial.stream), "gvk_stream_create");
    check_plan(&trial);
    const struct gvk_buffer *arena = gvk_stream_arena(trial.stream);
    if (arena->mapped) {
        fill_canaries(arena->mapped, 0, arena->bytes);
        assert_ok(gvk_buffer_flush(bench.device, arena));
    }
    gvk_ticket ticket = 0;
    submit_batch(trial.stream, reference, input, &ticket);
    require_ok(&trial, gvk_stream_wait(trial.stream, ticket, UINT64_MAX), "gvk_stream_wait");
    check_canaries(&trial);
    for (uint32_t i = 0; i < reference->output_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "out%u", i);
        compare_tensor(&trial, ticket, name, reference->outputs[i]);
    }
    for (uint32_t i = 0; way->keep_all && i < reference->node_count; i++)
        compare_tensor(&trial, ticket, reference->names[i], i + 2);

    const struct gvk_program *program = gvk_stream_program(trial.stream);
    uint32_t commands = program->command_count;
    for (uint32_t i = 0; i < commands; i++)
        bench.seen[program->commands[i].key.shader] = true;
    gvk_stream_destroy(trial.stream);
    gvk_model_destroy(trial.model);
    return commands;
}

static float *draw_input(uint64_t *random, size_t count)
{
    float *input = malloc(count * sizeof *input);
    assert_non_null(input);
    for (size_t i = 0; i < count; i++)
        input[i] = quarter_step(random);
    return input;
}

struct size {
    uint32_t batch, height, width;
};

/* A size from 1 x 1 up, odd ones and long ones among them. */
static struct size draw_size(uint64_t *random, uint32_t limit)
{
    struct size size = {1 + random_below(random, 3), 1 + random_below(random, limit), 1 + random_below(random, limit)};
    if (random_below(random, 8) == 0)
        size.height = 1;
    if (random_below(random, 8) == 0)
        size.width = 1;
    return size;
}

/* Runs the graph every way and releases it. `fused` is the number of commands with all rewrites; 0: not looked at. */
static void prove(const char *title, struct reference_graph *graph, struct size size, uint32_t fused)
{
    static const struct way fast = {.name = "this driver's kernels"};
    static const struct way gpu = {.name = "a GPU's kernels", .plain_gpu = true};
    static const struct way broadcast = {.name = "no room for weight chunks", .full_arrays = true};
    static const struct way plain = {.name = "node by node", .rewrites_off = GVK_REWRITE_ALL, .keep_all = true};
    struct way some = {.name = "some rewrites", .rewrites_off = random_below(&graph->random, GVK_REWRITE_ALL)};
    /* Unfused, its layers would want pipelines of their own. "Node by node" has them, and test_parity.c. */
    some.rewrites_off &= ~(uint32_t)(GVK_REWRITE_FAST_KERNELS | GVK_REWRITE_FUSE_SQUEEZE_EXCITE);
    if (!graph->output_count)
        reference_output(graph, graph->node_count + 1);
    float *input = draw_input(&graph->random, (size_t)size.batch * graph->input_channels * size.height * size.width);
    reference_evaluate(graph, input, size.batch, size.height, size.width);
    uint32_t commands = run_trial(title, graph, input, &fast);
    if (fused)
        assert_int_equal(commands, fused);
    if (gvk_form_of(&bench.traits) != GVK_FORM_UNIFORM)
        run_trial(title, graph, input, &gpu);
    if (gvk_form_of(&bench.traits) == GVK_FORM_CHUNKS_4)
        run_trial(title, graph, input, &broadcast);
    run_trial(title, graph, input, &plain);
    if (graph->node_count > 1)
        run_trial(title, graph, input, &some);
    free(input);
    reference_release(graph);
}

/* ---- pointwise ---- */

/* Channels that fill so many quads, the last one perhaps in part. */
static uint32_t channels_of_quads(uint64_t *random, uint32_t quads)
{
    return quads * 4 - random_below(random, 4);
}

/* Output quads that make each tile of each form the best one, and mixes of full and partly filled blocks. */
static const uint32_t output_quads[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 16};
#define OUTPUT_QUAD_COUNT (sizeof output_quads / sizeof output_quads[0])

/* Some drivers take up to a second for a pipeline of a wide tile. So each form meets all activations, but the wide
 * tiles only those two that ask most and least. */
static gvk_activation activation_of(uint32_t quads, uint32_t round)
{
    if (quads > 2)
        return round % 2 ? GVK_ACTIVATION_RELU6 : GVK_ACTIVATION_NONE;
    return round % 2 ? GVK_ACTIVATION_HARD_SIGMOID : GVK_ACTIVATION_RELU;
}

static void pointwise_convolutions_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 2 * OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 1000 + i, 1 + random_below(&(uint64_t){i}, 40));
        struct size size = draw_size(&graph.random, i % 4 == 3 ? 45 : 12);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)random_below(&graph.random, 2)};
        node.outputs = channels_of_quads(&graph.random, output_quads[i % OUTPUT_QUAD_COUNT]);
        node.activation = activation_of(output_quads[i % OUTPUT_QUAD_COUNT], i / OUTPUT_QUAD_COUNT);
        reference_add(&graph, node);
        prove("pointwise", &graph, size, 1);
    }
}

static void pointwise_convolutions_add_a_residual(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 2000 + i, 1 + i * 3);
        struct size size = draw_size(&graph.random, 19);
        uint32_t outputs = channels_of_quads(&graph.random, output_quads[i]);
        gvk_tensor first =
            reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = outputs, .bias = 1});
        x = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                             .inputs = {x},
                                             .outputs = outputs,
                                             .activation = GVK_ACTIVATION_RELU6});
        gvk_node add = {.op = GVK_OP_ADD, .inputs = {i % 2 ? x : first, i % 2 ? first : x}};
        reference_add(&graph, add);
        prove("pointwise, residual", &graph, size, 2);
    }
    /* A graph's input, and a tensor that another node reads too. */
    gvk_tensor x = reference_start(&graph, 2100, 10);
    gvk_tensor y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}});
    y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, y}});
    gvk_tensor z = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {y}, .bias = 1});
    reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {y, z}});
    prove("pointwise, two residuals", &graph, (struct size){2, 5, 7}, 2);
}

/* Average pool, two linear layers, multiply: a gate for `x`. `linear` says which op makes the layers. */
static gvk_tensor add_squeeze_excite(struct reference_graph *graph, gvk_tensor x, uint32_t reduced, gvk_op linear)
{
    gvk_tensor gate = reference_add(graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
    gate = reference_add(
        graph,
        (gvk_node){.op = linear, .inputs = {gate}, .outputs = reduced, .bias = 1, .activation = GVK_ACTIVATION_RELU});
    gate = reference_add(graph, (gvk_node){.op = linear,
                                           .inputs = {gate},
                                           .outputs = reference_channels(graph, x),
                                           .bias = 1,
                                           .activation = GVK_ACTIVATION_HARD_SIGMOID});
    return reference_add(graph, (gvk_node){.op = GVK_OP_MULTIPLY, .inputs = {x, gate}});
}

static void pointwise_convolutions_take_a_gate(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 3000 + i, 1 + random_below(&(uint64_t){i}, 30));
        struct size size = draw_size(&graph.random, 19);
        x = reference_add(&graph,
                          (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU6});
        x = add_squeeze_excite(&graph, x, 1 + random_below(&graph.random, 12),
                               i % 2 ? GVK_OP_LINEAR : GVK_OP_CONVOLUTION);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)(i % 3 == 0)};
        node.outputs = channels_of_quads(&graph.random, output_quads[i]);
        node.activation = activation_of(output_quads[i], 0);
        reference_add(&graph, node);
        prove("pointwise, gate", &graph, size, 4);
    }
}

static void squeeze_excite_without_a_convolution_behind_it_equals_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    static const uint32_t channels[] = {1, 7, 24, 61, 300};
    for (uint32_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        gvk_tensor x = reference_start(&graph, 3500 + i, channels[i]);
        struct size size = draw_size(&graph.random, 15);
        x = add_squeeze_excite(&graph, x, 1 + random_below(&graph.random, 70), GVK_OP_CONVOLUTION);
        if (i % 2) /* two users: the product must stay */
            reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}}));
        reference_output(&graph, x);
        prove("squeeze-excite", &graph, size, i % 2 ? 4 : 3);
    }
}

static void pointwise_convolutions_store_upsampled(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 4000 + i, 1 + i * 2);
        struct size size = draw_size(&graph.random, 13);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = 1};
        node.outputs = channels_of_quads(&graph.random, output_quads[i]);
        node.activation = activation_of(output_quads[i], 1);
        x = reference_add(&graph, node);
        reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}});
        prove("pointwise, upsampled", &graph, size, 1);
    }
}

static void linear_layers_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 6; i++) {
        gvk_tensor x = reference_start(&graph, 4500 + i, 1 + random_below(&(uint64_t){i}, 200));
        gvk_node node = {.op = GVK_OP_LINEAR, .inputs = {x}, .outputs = 1 + random_below(&graph.random, 60)};
        node.activation = activation_of((node.outputs + 3) / 4, i);
        reference_add(&graph, node);
        prove("linear", &graph, (struct size){1 + i % 3, 1, 1}, 1);
    }
}

/* ---- depthwise and dense ---- */

static gvk_node depthwise_node(const struct reference_graph *graph, gvk_tensor x, uint32_t kernel, uint32_t stride,
                               uint32_t padding)
{
    return (gvk_node){.op = GVK_OP_CONVOLUTION,
                      .inputs = {x},
                      .kernel = kernel,
                      .stride = stride,
                      .padding = padding,
                      .groups = reference_channels(graph, x)};
}

static void depthwise_convolutions_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 32; i++) {
        gvk_tensor x = reference_start(&graph, 5000 + i, 2 + random_below(&(uint64_t){i}, 22));
        struct size size = draw_size(&graph.random, i % 8 > 5 ? 40 : 11);
        uint32_t kernel = i % 2 ? 3 : 5;
        gvk_node node = depthwise_node(&graph, x, kernel, 1 + i / 2 % 2, kernel / 2);
        node.bias = (int)random_below(&graph.random, 2);
        node.activation = (gvk_activation)(kernel == 3 ? i / 4 % 2 * 3 : 1 + i / 4 % 2);
        reference_add(&graph, node);
        prove("depthwise", &graph, size, 1);
    }
}

static void depthwise_convolutions_of_any_shape_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {{1, 1, 0}, {1, 2, 0}, {7, 1, 3}, {7, 2, 3}, {3, 3, 1}, {3, 1, 0},  {5, 1, 4},
                                         {4, 1, 1}, {2, 2, 0}, {5, 4, 2}, {3, 2, 2}, {9, 1, 8}, {31, 1, 15}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        gvk_tensor x = reference_start(&graph, 5500 + i, 2 + random_below(&(uint64_t){i}, 17));
        struct size size = draw_size(&graph.random, 14);
        size.height += shapes[i][0];
        size.width += shapes[i][0];
        gvk_node node = depthwise_node(&graph, x, shapes[i][0], shapes[i][1], shapes[i][2]);
        node.bias = (int)(i % 2);
        node.activation = (gvk_activation)(i % 3);
        reference_add(&graph, node);
        prove("depthwise, plain form", &graph, size, 1);
    }
}

static void ghost_tails_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 12; i++) {
        gvk_tensor x = reference_start(&graph, 6000 + i, 1 + random_below(&(uint64_t){i}, 9));
        struct size size = draw_size(&graph.random, i % 4 == 3 ? 33 : 11);
        uint32_t half = i % 6 == 5 ? 6 : 4 + 4 * random_below(&graph.random, 5), kernel = i % 2 ? 3 : 5;
        gvk_tensor residual =
            reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = 2 * half, .bias = 1});
        gvk_tensor primary = reference_add(
            &graph,
            (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = half, .activation = GVK_ACTIVATION_RELU6});
        gvk_node node = depthwise_node(&graph, primary, kernel, 1, kernel / 2);
        node.bias = (int)(i / 2 % 2);
        node.activation = kernel == 3 ? GVK_ACTIVATION_NONE : GVK_ACTIVATION_RELU;
        gvk_tensor cheap = reference_add(&graph, node);
        gvk_tensor both = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {primary, cheap}});
        reference_add(
            &graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {i % 4 < 2 ? both : residual, i % 4 < 2 ? residual : both}});
        prove("ghost tail", &graph, size, half % 4 ? 0 : 3);
    }
}

static void dense_convolutions_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {{3, 2, 1}, {3, 1, 1}, {5, 1, 2}, {7, 2, 3},
                                         {1, 2, 0}, {2, 1, 0}, {4, 3, 3}, {3, 4, 2}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < 16; i++) {
        const uint32_t *shape = shapes[i % 8];
        gvk_tensor x = reference_start(&graph, 7000 + i, i % 8 == 0 ? 3 : 1 + random_below(&(uint64_t){i}, 13));
        struct size size = draw_size(&graph.random, i % 8 == 0 ? 30 : 12);
        size.height += shape[0];
        size.width += shape[0];
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .inputs = {x},
                         .outputs = i % 2 ? channels_of_quads(&graph.random, i % 4 == 1 ? 4 : 8)
                                          : 1 + random_below(&graph.random, 40),
                         .kernel = shape[0],
                         .stride = shape[1],
                         .padding = shape[2],
                         .bias = (int)(i / 2 % 2),
                         .activation = (gvk_activation)(i / 4 % 4)};
        reference_add(&graph, node);
        prove("dense", &graph, size, 1);
    }
}

/* ---- batch norm and activation ---- */

static void batch_norms_and_activations_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 8; i++) {
        gvk_tensor x = reference_start(&graph, 8000 + i, 1 + random_below(&(uint64_t){i}, 21));
        struct size size = draw_size(&graph.random, 17);
        gvk_op op = i < 4 ? GVK_OP_BATCH_NORM : GVK_OP_ACTIVATION;
        reference_add(&graph, (gvk_node){.op = op, .inputs = {x}, .activation = (gvk_activation)(i % 4)});
        prove(i < 4 ? "batch norm" : "activation", &graph, size, 1);
    }
    gvk_tensor x = reference_start(&graph, 8010, 9);
    x = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}});
    reference_add(&graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
    prove("batch norm, then activation", &graph, (struct size){2, 3, 5}, 1);
}

static void batch_norms_fold_into_every_convolution(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 16; i++) {
        gvk_tensor x = reference_start(&graph, 8100 + i, 2 + random_below(&(uint64_t){i}, 14));
        struct size size = i % 4 == 3 ? (struct size){2, 1, 1} : draw_size(&graph.random, 9);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)(i % 3 == 0)};
        if (i % 4 == 0) {
            node.outputs = 1 + random_below(&graph.random, 30);
        } else if (i % 4 == 1) {
            node = depthwise_node(&graph, x, 3, 1 + i / 4 % 2, 1);
        } else if (i % 4 == 2) {
            node.outputs = 1 + random_below(&graph.random, 20);
            node.kernel = 3;
            node.padding = 1;
        } else {
            node.op = GVK_OP_LINEAR;
            node.outputs = 1 + random_below(&graph.random, 20);
        }
        x = reference_add(&graph, node);
        gvk_node norm = {.op = GVK_OP_BATCH_NORM, .inputs = {x}};
        norm.activation = activation_of((reference_channels(&graph, x) + 3) / 4, i / 4);
        reference_add(&graph, norm);
        prove("convolution, batch norm", &graph, size, 1);
    }
}

/* ---- concat ---- */

/* A node over the input whose output a rewrite may place, of any channel count. */
static gvk_tensor add_part(struct reference_graph *graph, gvk_tensor x, uint32_t channels)
{
    return reference_add(graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                           .inputs = {x},
                                           .outputs = channels,
                                           .bias = 1,
                                           .activation = activation_of(3, random_below(&graph->random, 2))});
}

static void concats_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t parts[][4] = {{4, 8, 0, 0},  {4, 3, 0, 0}, {3, 4, 0, 0}, {1, 1, 1, 1},
                                        {8, 4, 12, 4}, {8, 5, 4, 0}, {5, 3, 8, 2}, {16, 1, 0, 0},
                                        {7, 13, 0, 0}, {4, 6, 6, 4}, {2, 2, 4, 4}, {9, 4, 3, 0}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        gvk_tensor x = reference_start(&graph, 9000 + i, 1 + i);
        struct size size = draw_size(&graph.random, 12);
        gvk_node concat = {.op = GVK_OP_CONCAT};
        for (int j = 0; j < 4 && parts[i][j]; j++)
            concat.inputs[j] = add_part(&graph, x, parts[i][j]);
        gvk_tensor all = reference_add(&graph, concat);
        if (i % 2) { /* something that reads all channels, padding among them, and a part alone */
            reference_output(&graph, add_part(&graph, all, 5));
            reference_output(&graph, concat.inputs[1]);
            reference_output(&graph, add_part(&graph, concat.inputs[0], 6));
        } else {
            reference_output(&graph, all);
        }
        prove("concat", &graph, size, 0);
    }
}

static void concats_of_concats_inputs_and_twice_the_same_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 12; i++) {
        bool quads = i % 2; /* parts that can all be placed, or any */
        gvk_tensor x = reference_start(&graph, 9500 + i, quads ? 8 : 1 + i);
        struct size size = draw_size(&graph.random, 10);
        uint32_t channels[3];
        for (int j = 0; j < 3; j++)
            channels[j] = quads ? 4 + 4 * random_below(&graph.random, 3) : 1 + random_below(&graph.random, 12);
        gvk_tensor a = add_part(&graph, x, channels[0]), b = add_part(&graph, x, channels[1]);
        gvk_tensor inner = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {a, i % 3 ? b : a}});
        gvk_tensor c = add_part(&graph, x, channels[2]);
        gvk_node outer = {.op = GVK_OP_CONCAT, .inputs = {inner, c, i % 4 == 3 ? x : 0}};
        if (i % 4 > 1) {
            outer.inputs[0] = c;
            outer.inputs[1] = inner;
        }
        outer.inputs[3] = outer.inputs[2] && i % 3 == 2 ? a : 0;
        gvk_tensor all = reference_add(&graph, outer);
        reference_output(&graph, all);
        /* A second concat of a part that the first one has placed. */
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {b, a}}));
        reference_output(&graph, add_part(&graph, inner, 7));
        prove("concat of concats", &graph, size, 0);
    }
}

static void every_kernel_writes_into_a_concat(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 9; i++) {
        gvk_tensor x = reference_start(&graph, 9700 + i, 8);
        struct size size = draw_size(&graph.random, 9);
        gvk_tensor y = x;
        switch (i) {
        case 0: y = reference_add(&graph, depthwise_node(&graph, x, 3, 1, 1)); break;
        case 1:
            y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .kernel = 3, .padding = 1});
            break;
        case 2: y = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}}); break;
        case 3: y = reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = 5}); break;
        case 4: y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, x}}); break;
        case 5: y = add_squeeze_excite(&graph, x, 3, GVK_OP_CONVOLUTION); break;
        case 6:
            size.height = size.width = 1;
            y = reference_add(&graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
            break;
        case 7: y = reference_add(&graph, depthwise_node(&graph, x, 7, 1, 3)); break;
        default: y = reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}}); break;
        }
        gvk_tensor z =
            i < 8 ? x : reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {add_part(&graph, x, 4)}});
        reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {z, y, i % 2 ? z : 0}});
        prove("placed part", &graph, size, 0);
    }
}

/* ---- planes ---- */

static void max_pools_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t kernels[] = {1, 3, 5, 9, 13, 31};
    struct reference_graph graph;
    for (uint32_t i = 0; i < 12; i++) {
        gvk_tensor x = reference_start(&graph, 10000 + i, 1 + random_below(&(uint64_t){i}, 11));
        reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = kernels[i % 6]});
        prove("max pool", &graph, draw_size(&graph.random, 16), 1);
    }
}

static void max_pools_of_one_tensor_equal_the_reference(void **state)
{
    (void)state;
    static const struct {
        uint32_t channels, kernels[3], commands;
        bool with_input;
    } cases[] = {
        {8, {13, 9, 5}, 2, true},  /* the convolution and the pools, each in its place */
        {12, {9, 5, 0}, 2, false}, /* the pools' output is the concat */
        {4, {5, 5, 1}, 2, false},  {16, {13, 9, 5}, 2, false},
        {8, {9, 5, 3}, 2, false},  {6, {13, 9, 5}, 0, true}, /* not whole quads: each alone */
        {8, {5, 9, 13}, 0, true},                            /* rising: each alone */
    };
    struct reference_graph graph;
    uint32_t case_count = sizeof cases / sizeof cases[0];
    for (uint32_t trial = 0; trial < 3 * case_count; trial++) {
        uint32_t i = trial % case_count;
        gvk_tensor x = add_part(&graph, reference_start(&graph, 10100 + trial, 5), cases[i].channels);
        struct size size = draw_size(&graph.random, 31);
        gvk_node concat = {.op = GVK_OP_CONCAT};
        uint32_t count = 0;
        for (int j = 0; j < 3 && cases[i].kernels[j]; j++)
            concat.inputs[count++] =
                reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = cases[i].kernels[j]});
        if (cases[i].with_input)
            concat.inputs[count] = x;
        reference_add(&graph, concat);
        prove("max pools", &graph, size, cases[i].commands);
    }
}

static void upsample_average_multiply_and_add_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t channels = 1 + random_below(&(uint64_t){i}, 300);
        gvk_tensor x = reference_start(&graph, 11000 + i, channels);
        struct size size = draw_size(&graph.random, 13);
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}}));
        gvk_tensor average = reference_add(&graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
        reference_output(&graph, average);
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_MULTIPLY, .inputs = {x, average}}));
        gvk_tensor relu = reference_add(
            &graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, relu}}));
        prove("upsample, average pool, multiply, add", &graph, size, 5);
    }
    gvk_tensor x = reference_start(&graph, 11100, 6);
    reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, x}});
    prove("a tensor added to itself", &graph, (struct size){2, 4, 3}, 1);
    reference_output(&graph, reference_start(&graph, 11101, 7));
    prove("no node at all", &graph, (struct size){3, 5, 3}, 0);
}

/* ---- which kernels ran ---- */

static void every_kernel_and_tile_that_this_driver_can_run_was_chosen(void **state)
{
    (void)state;
    /* What a shader's name says of the forms that it is for; the other ones are for all. */
    static const struct {
        const char *part;
        uint32_t forms;
    } kinds[] = {
        {"shuffle16", 1u << GVK_FORM_SHUFFLE_16},
        {"shuffle8", 1u << GVK_FORM_SHUFFLE_8},
        {"texels", 1u << GVK_FORM_SHUFFLE_16 | 1u << GVK_FORM_SHUFFLE_8},
        {"chunks4", 1u << GVK_FORM_CHUNKS_4},
        {"broadcast4", 1u << GVK_FORM_CHUNKS_4 | 1u << GVK_FORM_BROADCAST_4},
    };
    enum gvk_form form = gvk_form_of(&bench.traits);
    if (bench.traits.type == VK_PHYSICAL_DEVICE_TYPE_CPU) /* lavapipe has 8 or 16 lanes, SwiftShader 4 */
        assert_true(form != GVK_FORM_UNIFORM && form != GVK_FORM_BROADCAST_4);
    uint32_t missing = 0;
    for (int i = 0; i < GVK_SHADER_COUNT; i++) {
        const char *name = gvk_shader_codes[i].name;
        bool possible = true;
        for (size_t j = 0; j < sizeof kinds / sizeof kinds[0]; j++)
            possible = possible && (!strstr(name, kinds[j].part) || (kinds[j].forms & 1u << form));
        bool network = i < GVK_SHADER_RESIZE_HORIZONTAL || i > GVK_SHADER_COLLECT; /* the others are proved elsewhere */
        if (!possible || !network || bench.seen[i])
            continue;
        print_error("no test made the runtime choose %s\n", name);
        missing++;
    }
    assert_int_equal(missing, 0);
}

/* ---- what is refused ---- */

/* The call failed as expected and said why, in one sentence. */
static void assert_refused(gvk_result result, gvk_result expected, const char *what)
{
    size_t length = strlen(bench.sentence);
    if (result == expected && bench.sentences == 1 && length > 10 && bench.sentence[length - 1] == '.')
        return;
    fail_msg("%s: %s (not %s), %u sentences, the last \"%s\"", what, gvk_result_name(result), gvk_result_name(expected),
             bench.sentences, bench.sentence);
}

static void reset_sentences(void)
{
    bench.sentences = 0;
    bench.sentence[0] = 0;
}

/* Any weight of any shape that is asked for: by what the name says. */
static gvk_result find_any_weight(void *user, const char *name, gvk_array *out)
{
    static const float zeros[64 * 64 * 9];
    const gvk_array *given = user;
    if (given)
        *out = *given;
    else if (strstr(name, "pointwise") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {8, 8, 1, 1}, zeros, sizeof zeros};
    else if (strstr(name, "wide") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {12, 8, 1, 1}, zeros, sizeof zeros};
    else if (strstr(name, "depthwise") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {8, 1, 3, 3}, zeros, sizeof zeros};
    else if (strstr(name, "halving") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {8, 1, 3, 3}, zeros, sizeof zeros};
    else if (strstr(name, "linear") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 2, {8, 8}, zeros, sizeof zeros};
    else
        *out = (gvk_array){GVK_TYPE_F32, 1, {8}, zeros, sizeof zeros};
    return GVK_OK;
}

static void wrong_nodes_are_refused_with_a_sentence(void **state)
{
    (void)state;
    enum { INPUT = 1, WIDE = 2, ADDED = 3 }; /* 8 channels, 12, and the node itself */
    static const struct {
        const char *what;
        gvk_node node;
    } cases[] = {
        {"op none", {.op = GVK_OP_NONE, .name = "a", .inputs = {INPUT}}},
        {"unknown op", {.op = (gvk_op)11, .name = "a", .inputs = {INPUT}}},
        {"an op of the rewrites", {.op = (gvk_op)GVK_OP_MAX_POOLS, .name = "a", .inputs = {INPUT}}},
        {"an op of the rewrites", {.op = (gvk_op)GVK_OP_SQUEEZE_EXCITE, .name = "a", .inputs = {INPUT}}},
        {"negative op", {.op = (gvk_op)-1, .name = "a", .inputs = {INPUT}}},
        {"no name", {.op = GVK_OP_UPSAMPLE, .inputs = {INPUT}}},
        {"empty name", {.op = GVK_OP_UPSAMPLE, .name = "", .inputs = {INPUT}}},
        {"no input", {.op = GVK_OP_UPSAMPLE, .name = "a"}},
        {"itself as input", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {ADDED}}},
        {"input out of range", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {UINT32_MAX}}},
        {"a concat of one", {.op = GVK_OP_CONCAT, .name = "a", .inputs = {INPUT}}},
        {"a sum of one", {.op = GVK_OP_ADD, .name = "a", .inputs = {INPUT}}},
        {"a sum of three", {.op = GVK_OP_ADD, .name = "a", .inputs = {INPUT, INPUT, INPUT}}},
        {"a convolution of two", {.op = GVK_OP_CONVOLUTION, .name = "pointwise", .inputs = {INPUT, INPUT}}},
        {"a sum of 8 and 12 channels", {.op = GVK_OP_ADD, .name = "a", .inputs = {INPUT, WIDE}}},
        {"a gate of 12 for 8 channels", {.op = GVK_OP_MULTIPLY, .name = "a", .inputs = {INPUT, WIDE}}},
        {"3 groups", {.op = GVK_OP_CONVOLUTION, .name = "pointwise", .inputs = {INPUT}, .groups = 3}},
        {"depthwise, more outputs",
         {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .groups = 8, .outputs = 16}},
        {"kernel 32", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .kernel = 32}},
        {"kernel 2^32 - 1", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .kernel = UINT32_MAX}},
        {"stride 5", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .stride = 5}},
        {"padding as wide as the kernel",
         {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .kernel = 3, .padding = 3}},
        {"an even max pool", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {INPUT}, .kernel = 4}},
        {"a max pool of 33", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {INPUT}, .kernel = 33}},
        {"a max pool with a stride", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {INPUT}, .kernel = 3, .stride = 2}},
        {"65537 outputs", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .outputs = 65537}},
        {"an unknown activation",
         {.op = GVK_OP_ACTIVATION, .name = "a", .inputs = {INPUT}, .activation = (gvk_activation)4}},
        {"a linear layer with a kernel", {.op = GVK_OP_LINEAR, .name = "linear", .inputs = {INPUT}, .kernel = 3}},
        {"a linear layer with groups", {.op = GVK_OP_LINEAR, .name = "linear", .inputs = {INPUT}, .groups = 8}},
        {"an activation that nobody applies",
         {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {INPUT}, .activation = GVK_ACTIVATION_RELU}},
        {"a name twice", {.op = GVK_OP_UPSAMPLE, .name = "wide", .inputs = {INPUT}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gvk_graph *graph = NULL;
        assert_ok(gvk_graph_create(&quiet_host, find_any_weight, NULL, &graph));
        gvk_tensor input = gvk_graph_input(graph, "input", 8);
        gvk_tensor wide = gvk_graph_add(
            graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "wide", .inputs = {input}, .outputs = 12});
        assert_true(input == INPUT && wide == WIDE);
        reset_sentences();
        gvk_graph_output(graph, "out", gvk_graph_add(graph, &cases[i].node));
        assert_refused(gvk_graph_finish(graph), GVK_ERROR_ARGUMENT, cases[i].what);
        gvk_model *model = NULL;
        assert_result(gvk_model_create(bench.device, graph, NULL, &model), GVK_ERROR_ARGUMENT, cases[i].what, __FILE__,
                      __LINE__);
        assert_null(model);
        gvk_graph_destroy(graph);
    }
}

static void wrong_inputs_outputs_and_weights_are_refused_with_a_sentence(void **state)
{
    (void)state;
    enum fault {
        NO_INPUT,
        NO_OUTPUT,
        NO_CHANNELS,
        MANY_CHANNELS,
        TWO_INPUTS,
        FIVE_OUTPUTS,
        OUTPUT_TWICE,
        NAMELESS,
        FAULTS
    };
    for (int fault = 0; fault < FAULTS; fault++) {
        gvk_graph *graph = NULL;
        assert_ok(gvk_graph_create(&quiet_host, find_any_weight, NULL, &graph));
        reset_sentences();
        gvk_tensor input = 0;
        if (fault != NO_INPUT)
            input = gvk_graph_input(graph, "input", fault == NO_CHANNELS ? 0 : fault == MANY_CHANNELS ? 65537 : 8);
        if (fault == TWO_INPUTS)
            gvk_graph_input(graph, "second", 8);
        gvk_tensor x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {input}});
        for (int i = 0; i < (fault == FIVE_OUTPUTS ? 5 : 1) && fault != NO_OUTPUT; i++)
            gvk_graph_output(graph, fault == NAMELESS ? NULL : (const char *const[]){"a", "b", "c", "d", "e"}[i], x);
        if (fault == OUTPUT_TWICE)
            gvk_graph_output(graph, "a", input);
        char what[32];
        snprintf(what, sizeof what, "fault %d", fault);
        assert_refused(gvk_graph_finish(graph), GVK_ERROR_ARGUMENT, what);
        gvk_graph_destroy(graph);
    }
    static const float values[64];
    static const gvk_array weights[] = {
        {GVK_TYPE_F32, 4, {8, 8, 1, 1}, values, 255},
        {GVK_TYPE_F16, 4, {8, 8, 1, 1}, values, 127},
        {GVK_TYPE_F32, 4, {8, 8, 1, 1}, NULL, 256},
        {GVK_TYPE_F32, 4, {8, 7, 1, 1}, values, 256},
        {GVK_TYPE_F32, 2, {8, 8}, values, 256},
        {GVK_TYPE_F32, 0, {0}, values, 256},
        {GVK_TYPE_F32, UINT32_MAX, {8, 8, 1, 1}, values, 256},
        {GVK_TYPE_OTHER, 4, {8, 8, 1, 1}, values, 256},
    };
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        gvk_graph *graph = NULL;
        gvk_array given = weights[i];
        assert_ok(gvk_graph_create(&quiet_host, find_any_weight, &given, &graph));
        reset_sentences();
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {gvk_graph_input(graph, "input", 8)}};
        gvk_graph_output(graph, "out", gvk_graph_add(graph, &node));
        char what[32];
        snprintf(what, sizeof what, "weight %zu", i);
        assert_refused(gvk_graph_finish(graph), GVK_ERROR_MISMATCH, what);
        gvk_graph_destroy(graph);
    }
}

/* Graphs that finish, since a graph has no size, and must be refused as streams. */
enum misfit {
    CONCAT_SIZES,
    CONCAT_FIRST_SMALL,
    SUM_SIZES,
    RESIDUAL_SIZE,
    TAIL_SIZES,
    TAIL_RESIDUAL,
    GATE_SIZE,
    LINEAR_SIZE,
    TOO_SMALL,
    UPSAMPLES,
    MISFITS
};

static gvk_graph *build_misfit(enum misfit misfit)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&quiet_host, find_any_weight, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", 8);
    gvk_node halve = {.op = GVK_OP_CONVOLUTION,
                      .name = "halving",
                      .inputs = {x},
                      .kernel = 3,
                      .stride = 2,
                      .padding = 1,
                      .groups = 8};
    gvk_tensor half =
        misfit == TOO_SMALL || misfit == UPSAMPLES || misfit == LINEAR_SIZE ? x : gvk_graph_add(graph, &halve);
    gvk_node node = {.op = GVK_OP_CONVOLUTION, .name = "pointwise", .inputs = {x}};
    gvk_tensor whole =
        misfit == TOO_SMALL || misfit == UPSAMPLES || misfit == LINEAR_SIZE ? x : gvk_graph_add(graph, &node);
    gvk_node depthwise = {
        .op = GVK_OP_CONVOLUTION, .name = "depthwise", .inputs = {whole}, .kernel = 3, .padding = 1, .groups = 8};
    gvk_node last = {.op = GVK_OP_ADD, .name = "last", .inputs = {whole, half}};
    switch (misfit) {
    case CONCAT_SIZES: last.op = GVK_OP_CONCAT; break;
    case CONCAT_FIRST_SMALL: last = (gvk_node){.op = GVK_OP_CONCAT, .name = "last", .inputs = {half, whole}}; break;
    case SUM_SIZES: last.inputs[0] = x; break;
    case RESIDUAL_SIZE: break;
    case TAIL_SIZES:
        depthwise.padding = 0;
        last = (gvk_node){.op = GVK_OP_CONCAT, .name = "last", .inputs = {whole, gvk_graph_add(graph, &depthwise)}};
        break;
    case TAIL_RESIDUAL: {
        gvk_node both = {.op = GVK_OP_CONCAT, .name = "both", .inputs = {whole, gvk_graph_add(graph, &depthwise)}};
        gvk_node halves = {.op = GVK_OP_CONCAT, .name = "halves", .inputs = {half, half}};
        last.inputs[0] = gvk_graph_add(graph, &both);
        last.inputs[1] = gvk_graph_add(graph, &halves);
        break;
    }
    case GATE_SIZE: last.op = GVK_OP_MULTIPLY; break;
    case LINEAR_SIZE: last = (gvk_node){.op = GVK_OP_LINEAR, .name = "linear", .inputs = {x}}; break;
    case TOO_SMALL:
        last = depthwise;
        last.padding = 0;
        break;
    default:
        for (int i = 0; i < 40; i++) {
            char name[16];
            snprintf(name, sizeof name, "up%d", i);
            x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_UPSAMPLE, .name = name, .inputs = {x}});
        }
        last = (gvk_node){.op = GVK_OP_UPSAMPLE, .name = "last", .inputs = {x}};
    }
    gvk_graph_output(graph, "out", gvk_graph_add(graph, &last));
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

static void tensors_that_do_not_fit_together_are_refused_whatever_is_rewritten(void **state)
{
    (void)state;
    for (int misfit = 0; misfit < MISFITS; misfit++)
        for (uint32_t off = 0; off <= GVK_REWRITE_ALL; off += GVK_REWRITE_ALL) {
            gvk_graph *graph = build_misfit((enum misfit)misfit);
            gvk_model_params model_params = {.size = sizeof model_params, .rewrites_off = off};
            gvk_model *model = NULL;
            assert_ok(gvk_model_create(bench.device, graph, &model_params, &model));
            gvk_graph_destroy(graph);
            uint32_t side = misfit == TOO_SMALL ? 2 : 6;
            gvk_stream_params params = {.size = sizeof params, .width = side, .height = side};
            gvk_stream *stream = NULL;
            char what[48];
            snprintf(what, sizeof what, "misfit %d, rewrites off 0x%02x", misfit, off);
            reset_sentences();
            assert_refused(gvk_stream_create(model, &params, &stream),
                           misfit == UPSAMPLES ? GVK_ERROR_UNSUPPORTED : GVK_ERROR_ARGUMENT, what);
            assert_null(stream);
            gvk_model_destroy(model);
        }
}

static gvk_model *create_plain_model(uint32_t channels)
{
    struct reference_graph graph;
    gvk_tensor x = reference_start(&graph, 12000, channels);
    reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = 1}));
    gvk_graph *built = build_graph(&graph);
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(bench.device, built, NULL, &model));
    gvk_graph_destroy(built);
    reference_release(&graph);
    return model;
}

static void wrong_streams_and_pictures_are_refused_with_a_sentence(void **state)
{
    (void)state;
    static const char *const unknown[1] = {"nobody"};
    static const gvk_stream_params wrong[] = {
        {.width = 0, .height = 8},
        {.width = 8, .height = 0},
        {.width = 65536, .height = 8},
        {.width = 8, .height = UINT32_MAX},
        {.width = 8, .height = 8, .batch = 1025},
        {.width = 8, .height = 8, .frames = 9},
        {.width = 8, .height = 8, .kept_tensors = unknown, .kept_count = 1},
        {.width = 8, .height = 8, .kept_count = 1},
        {.width = 65535, .height = 65535},
    };
    gvk_model *model = create_plain_model(8);
    gvk_stream *stream = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char what[32];
        snprintf(what, sizeof what, "stream %zu", i);
        reset_sentences();
        assert_refused(gvk_stream_create(model, &wrong[i], &stream),
                       wrong[i].width == 65535 ? GVK_ERROR_UNSUPPORTED : GVK_ERROR_ARGUMENT, what);
        assert_null(stream);
    }
    gvk_stream_params params = {.size = sizeof params, .width = 3, .height = 2}; /* batch 0 is 1 */
    assert_ok(gvk_stream_create(model, &params, &stream));
    static const float values[8 * 6];
    static const gvk_picture pictures[] = {
        {.kind = GVK_PICTURE_TENSOR, .width = 2, .height = 3, .pixels = values},
        {.kind = GVK_PICTURE_TENSOR, .width = 3, .height = 2},
        {.kind = GVK_PICTURE_PIXELS, .width = 3, .height = 2, .pixels = values}, /* eight channels are no picture */
        {.kind = (gvk_picture_kind)7, .width = 3, .height = 2, .pixels = values},
    };
    gvk_ticket ticket = 0;
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        reset_sentences();
        assert_refused(gvk_stream_submit(stream, &pictures[i], 1, &ticket), GVK_ERROR_ARGUMENT, "a wrong picture");
    }
    const gvk_picture right = {.kind = GVK_PICTURE_TENSOR, .width = 3, .height = 2, .pixels = values};
    reset_sentences();
    assert_refused(gvk_stream_submit(stream, (const gvk_picture[]){right, right}, 2, &ticket), GVK_ERROR_ARGUMENT,
                   "two");
    assert_true(ticket == 0);
    assert_ok(gvk_stream_submit(stream, &right, 1, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    gvk_array array;
    reset_sentences();
    assert_refused(gvk_stream_read(stream, ticket, "nobody", &array), GVK_ERROR_ARGUMENT, "an unknown tensor");
    assert_ok(gvk_stream_read(stream, ticket, "out0", &array));
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static void what_is_too_large_for_the_device_is_refused_with_a_sentence(void **state)
{
    (void)state;
    gvk_stream_params params = {.size = sizeof params, .width = 64, .height = 64, .batch = 2};
    for (int limit = 0; limit < 2; limit++) {
        bench.device->traits = bench.traits;
        if (limit == 0)
            bench.device->traits.max_storage_bytes =
                64 * 64 * 2 * 2 * 16; /* the output; a source has slack behind it */
        else
            bench.device->traits.max_workgroup_count = 2; /* of 64 lanes of 4 pixels; 64 x 64 pixels take 16 and more */
        gvk_model *model = create_plain_model(8);
        gvk_stream *stream = NULL;
        reset_sentences();
        assert_refused(gvk_stream_create(model, &params, &stream), GVK_ERROR_UNSUPPORTED, "too large");
        assert_null(stream);
        gvk_stream_params small = {.size = sizeof small, .width = 4, .height = 4};
        assert_ok(gvk_stream_create(model, &small, &stream)); /* and the model is still of use */
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
    }
}

/* ---- a network that is no GhostNet ---- */

/* Kept tensors are the named nodes' values, or refused: never something that a rewrite put in their place. */
static void a_kept_tensor_is_its_nodes_value_or_refused(void **state)
{
    (void)state;
    struct reference_graph graph;
    gvk_tensor x = reference_start(&graph, 13000, 8);
    x = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = 12});
    x = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
    gvk_tensor y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}});
    y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, y}});
    gvk_tensor z = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {y, add_part(&graph, y, 4)}});
    reference_output(&graph, add_part(&graph, z, 5));
    struct way way = {.name = "kept tensors"};
    float *input = draw_input(&graph.random, (size_t)2 * 8 * 5 * 7);
    reference_evaluate(&graph, input, 2, 5, 7);
    gvk_graph *built = build_graph(&graph);
    struct trial trial = {.title = "kept tensors", .way = &way, .graph = &graph};
    assert_ok(gvk_model_create(bench.device, built, NULL, &trial.model));
    gvk_graph_destroy(built);
    static const bool readable[] = {false, true, false, true, true, true, true};
    for (uint32_t i = 0; i < graph.node_count; i++) {
        const char *kept[1] = {graph.names[i]};
        gvk_stream_params params = {.size = sizeof params, .width = 7, .height = 5, .batch = 2};
        params.kept_tensors = kept;
        params.kept_count = 1;
        reset_sentences();
        gvk_result result = gvk_stream_create(trial.model, &params, &trial.stream);
        if (!readable[i]) {
            assert_refused(result, GVK_ERROR_ARGUMENT, kept[0]);
            continue;
        }
        assert_ok(result);
        gvk_ticket ticket = 0;
        submit_batch(trial.stream, &graph, input, &ticket);
        assert_ok(gvk_stream_wait(trial.stream, ticket, UINT64_MAX));
        compare_tensor(&trial, ticket, kept[0], i + 2);
        gvk_stream_destroy(trial.stream);
        trial.stream = NULL;
    }
    gvk_model_destroy(trial.model);
    free(input);
    reference_release(&graph);
}

static gvk_tensor add_dense(struct reference_graph *graph, gvk_tensor x, uint32_t outputs, uint32_t kernel,
                            uint32_t stride, gvk_activation activation)
{
    x = reference_add(graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                        .inputs = {x},
                                        .outputs = outputs,
                                        .kernel = kernel,
                                        .stride = stride,
                                        .padding = kernel / 2});
    reference_scale_weights(graph, x, 0.0625f);
    return reference_add(graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}, .activation = activation});
}

/* A small residual classifier: a stem, a block of two dense convolutions, one that halves, a linear layer. */
static void build_residual_classifier(struct reference_graph *graph)
{
    gvk_tensor x = reference_start(graph, 14000, 3);
    x = add_dense(graph, x, 10, 3, 2, GVK_ACTIVATION_RELU);
    for (int block = 0; block < 2; block++) {
        uint32_t outputs = block ? 18 : 10, stride = block ? 2 : 1;
        gvk_tensor y = add_dense(graph, x, outputs, 3, stride, GVK_ACTIVATION_RELU);
        y = add_dense(graph, y, outputs, 3, 1, GVK_ACTIVATION_NONE);
        gvk_tensor shortcut = block ? add_dense(graph, x, outputs, 1, stride, GVK_ACTIVATION_NONE) : x;
        x = reference_add(graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {y, shortcut}});
        x = reference_add(graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
    }
    x = reference_add(graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
    reference_output(graph, reference_add(graph, (gvk_node){.op = GVK_OP_LINEAR, .inputs = {x}, .outputs = 7}));
}

static void assert_logits(gvk_stream *stream, gvk_ticket ticket, const float *expected)
{
    gvk_array got = {0};
    assert_ok(gvk_stream_read(stream, ticket, "out0", &got));
    assert_int_equal(got.bytes, 2 * 7 * sizeof(float));
    double error = relative_error(got.data, expected, 2 * 7);
    if (error > 1e-5)
        fail_msg("ticket %u: the logits are off by %.3g of the largest", (unsigned)ticket, error);
}

static void a_graph_that_is_not_ghostnet_runs_through_the_runtime_alone_with_two_frames_in_flight(void **state)
{
    (void)state;
    enum { FRAMES = 5, HEIGHT = 21, WIDTH = 19, VALUES = 2 * 3 * HEIGHT * WIDTH };
    struct reference_graph graph;
    build_residual_classifier(&graph);
    float *inputs[FRAMES], expected[FRAMES][2 * 7];
    for (int i = 0; i < FRAMES; i++) {
        inputs[i] = draw_input(&graph.random, VALUES);
        reference_evaluate(&graph, inputs[i], 2, HEIGHT, WIDTH);
        for (int j = 0; j < 2 * 7; j++)
            expected[i][j] = (float)graph.tensors[graph.outputs[0]].values[j];
    }
    for (uint32_t off = 0; off <= GVK_REWRITE_ALL; off += GVK_REWRITE_ALL) {
        gvk_graph *built = build_graph(&graph);
        gvk_model_params model_params = {.size = sizeof model_params, .rewrites_off = off};
        gvk_model *model = NULL;
        assert_ok(gvk_model_create(bench.device, built, &model_params, &model));
        gvk_graph_destroy(built);
        gvk_stream_params params = {.size = sizeof params, .width = WIDTH, .height = HEIGHT, .batch = 2, .frames = 2};
        gvk_stream *stream = NULL;
        assert_ok(gvk_stream_create(model, &params, &stream));
        gvk_ticket tickets[FRAMES] = {0};
        submit_batch(stream, &graph, inputs[0], &tickets[0]);
        for (int i = 1; i < FRAMES; i++) { /* frame i - 1 is read while frame i is on the device */
            submit_batch(stream, &graph, inputs[i], &tickets[i]);
            assert_true(tickets[i] > tickets[i - 1]);
            assert_ok(gvk_stream_wait(stream, tickets[i - 1], UINT64_MAX));
            assert_logits(stream, tickets[i - 1], expected[i - 1]);
            if (i < 2)
                continue;
            gvk_array array;
            reset_sentences();
            assert_refused(gvk_stream_wait(stream, tickets[i - 2], 0), GVK_ERROR_ARGUMENT, "an old ticket, waited for");
            reset_sentences();
            assert_refused(gvk_stream_read(stream, tickets[i - 2], "out0", &array), GVK_ERROR_ARGUMENT,
                           "an old ticket");
        }
        assert_ok(gvk_stream_wait(stream, tickets[FRAMES - 1], UINT64_MAX));
        assert_logits(stream, tickets[FRAMES - 1], expected[FRAMES - 1]);
        assert_logits(stream, tickets[FRAMES - 2], expected[FRAMES - 2]); /* still there */
        reset_sentences();
        assert_refused(gvk_stream_wait(stream, tickets[FRAMES - 1] + 1, 0), GVK_ERROR_ARGUMENT,
                       "a ticket of the future");
        reset_sentences();
        assert_refused(gvk_stream_wait(stream, 0, 0), GVK_ERROR_ARGUMENT, "no ticket");
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
    }
    for (int i = 0; i < FRAMES; i++)
        free(inputs[i]);
    reference_release(&graph);
}

#define test_on_bench(function) cmocka_unit_test_teardown(function, restore_traits)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_bench(pointwise_convolutions_equal_the_reference),
        test_on_bench(pointwise_convolutions_add_a_residual),
        test_on_bench(pointwise_convolutions_take_a_gate),
        test_on_bench(squeeze_excite_without_a_convolution_behind_it_equals_the_reference),
        test_on_bench(pointwise_convolutions_store_upsampled),
        test_on_bench(linear_layers_equal_the_reference),
        test_on_bench(depthwise_convolutions_equal_the_reference),
        test_on_bench(depthwise_convolutions_of_any_shape_equal_the_reference),
        test_on_bench(ghost_tails_equal_the_reference),
        test_on_bench(dense_convolutions_equal_the_reference),
        test_on_bench(batch_norms_and_activations_equal_the_reference),
        test_on_bench(batch_norms_fold_into_every_convolution),
        test_on_bench(concats_equal_the_reference),
        test_on_bench(concats_of_concats_inputs_and_twice_the_same_equal_the_reference),
        test_on_bench(every_kernel_writes_into_a_concat),
        test_on_bench(max_pools_equal_the_reference),
        test_on_bench(max_pools_of_one_tensor_equal_the_reference),
        test_on_bench(upsample_average_multiply_and_add_equal_the_reference),
        test_on_bench(every_kernel_and_tile_that_this_driver_can_run_was_chosen),
        test_on_bench(wrong_nodes_are_refused_with_a_sentence),
        test_on_bench(wrong_inputs_outputs_and_weights_are_refused_with_a_sentence),
        test_on_bench(tensors_that_do_not_fit_together_are_refused_whatever_is_rewritten),
        test_on_bench(wrong_streams_and_pictures_are_refused_with_a_sentence),
        test_on_bench(what_is_too_large_for_the_device_is_refused_with_a_sentence),
        test_on_bench(a_kept_tensor_is_its_nodes_value_or_refused),
        test_on_bench(a_graph_that_is_not_ghostnet_runs_through_the_runtime_alone_with_two_frames_in_flight),
    };
    return cmocka_run_group_tests(tests, set_up_bench, tear_down_bench);
}
