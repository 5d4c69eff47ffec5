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
    bool plain_gpu; /* the traits are bent so that the device is given a GPU's kernels */
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
                (int)gvk_form_of(&bench.device->traits), trial->way->rewrites_off);
    if (bench.sentence[0])
        print_error("last error of the runtime: %s\n", bench.sentence);
    reference_print(trial->graph);
    const struct gvk_program *program = trial->stream ? gvk_stream_program(trial->stream) : NULL;
    for (uint32_t i = 0; program && i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        print_error("  command %u, %s: %s, groups %u %u %u, local size %u, activation %u, extra %u, mode %u\n", i,
                    command->label, gvk_shader_codes[command->key.shader].name, command->groups[0], command->groups[1],
                    command->groups[2], command->key.constants[GVK_CONSTANT_LOCAL_SIZE],
                    command->key.constants[GVK_CONSTANT_ACTIVATION], command->key.constants[GVK_CONSTANT_EXTRA],
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
                 bits == CANARY ? "an output was not written"
                 : isnan(value) ? "memory was used that nobody wrote"
                                : "it was written outside every output",
                 bits);
    }
    free(written);
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

static void submit_batch(gvk_stream *stream, const struct reference_graph *graph, const float *input, gvk_ticket *ticket)
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
static uint32_t run_trial(const char *title, struct reference_graph *reference, const float *input, const struct way *way)
{
    struct trial trial = {.title = title, .way = way, .graph = reference};
    bench.sentence[0] = 0;
    bench.device->traits = bench.traits;
    if (way->plain_gpu)
        bench.device->traits.subgroup_size_control = false;
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
    static const struct way plain = {.name = "node by node", .rewrites_off = GVK_REWRITE_ALL, .keep_all = true};
    struct way some = {.name = "some rewrites", .rewrites_off = random_below(&graph->random, GVK_REWRITE_ALL)};
    some.rewrites_off &= ~(uint32_t)GVK_REWRITE_FAST_KERNELS;
    if (!graph->output_count)
        reference_output(graph, graph->node_count + 1);
    float *input =
        draw_input(&graph->random, (size_t)size.batch * graph->input_channels * size.height * size.width);
    reference_evaluate(graph, input, size.batch, size.height, size.width);
    uint32_t commands = run_trial(title, graph, input, &fast);
    if (fused)
        assert_int_equal(commands, fused);
    if (gvk_form_of(&bench.traits) != GVK_FORM_UNIFORM)
        run_trial(title, graph, input, &gpu);
    run_trial(title, graph, input, &plain);
    if (graph->node_count > 1)
        run_trial(title, graph, input, &some);
    free(input);
    reference_release(graph);
}

/* ---- pointwise ---- */

static gvk_activation draw_activation(uint64_t *random)
{
    return (gvk_activation)random_below(random, GVK_ACTIVATION_HARD_SIGMOID + 1);
}

/* Channels that fill so many quads, the last one perhaps in part. */
static uint32_t channels_of_quads(uint64_t *random, uint32_t quads)
{
    return quads * 4 - random_below(random, 4);
}

/* Output quads that make each tile of each form the best one, and mixes of full and partly filled blocks. */
static const uint32_t output_quads[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 16};
#define OUTPUT_QUAD_COUNT (sizeof output_quads / sizeof output_quads[0])

static void pointwise_convolutions_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 2 * OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 1000 + i, 1 + random_below(&(uint64_t){i}, 40));
        struct size size = draw_size(&graph.random, i % 4 == 3 ? 45 : 12);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)random_below(&graph.random, 2)};
        node.outputs = channels_of_quads(&graph.random, output_quads[i % OUTPUT_QUAD_COUNT]);
        node.activation = (gvk_activation)((i + i / OUTPUT_QUAD_COUNT) % 4);
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
        gvk_tensor first = reference_add(
            &graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = outputs, .bias = 1});
        x = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = outputs, .activation = 1});
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
    gate = reference_add(graph, (gvk_node){.op = linear,
                                           .inputs = {gate},
                                           .outputs = reduced,
                                           .bias = 1,
                                           .activation = GVK_ACTIVATION_RELU});
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
        x = reference_add(&graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU6});
        x = add_squeeze_excite(&graph, x, 1 + random_below(&graph.random, 12), i % 2 ? GVK_OP_LINEAR : GVK_OP_CONVOLUTION);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)(i % 3 == 0)};
        node.outputs = channels_of_quads(&graph.random, output_quads[i]);
        node.activation = (gvk_activation)(i % 2);
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
        node.activation = (gvk_activation)(i % 3);
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
        gvk_node node = {.op = GVK_OP_LINEAR, .inputs = {x}, .activation = (gvk_activation)(i % 4)};
        node.outputs = 1 + random_below(&graph.random, 60);
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
        node.activation = (gvk_activation)(i / 4 % 4);
        reference_add(&graph, node);
        prove("depthwise", &graph, size, 1);
    }
}

static void depthwise_convolutions_of_any_shape_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {{1, 1, 0}, {1, 2, 0}, {7, 1, 3}, {7, 2, 3}, {3, 3, 1}, {3, 1, 0}, {5, 1, 4},
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
        gvk_tensor primary = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                                              .inputs = {x},
                                                              .outputs = half,
                                                              .activation = GVK_ACTIVATION_RELU});
        gvk_node node = depthwise_node(&graph, primary, kernel, 1, kernel / 2);
        node.bias = (int)(i / 2 % 2);
        node.activation = (gvk_activation)(i / 3 % 4);
        gvk_tensor cheap = reference_add(&graph, node);
        gvk_tensor both = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {primary, cheap}});
        reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {i % 4 < 2 ? both : residual, i % 4 < 2 ? residual : both}});
        prove("ghost tail", &graph, size, half % 4 ? 0 : 3);
    }
}

static void dense_convolutions_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {{3, 2, 1}, {3, 1, 1}, {5, 1, 2}, {7, 2, 3}, {1, 2, 0}, {2, 1, 0}, {4, 3, 3}, {3, 4, 2}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < 16; i++) {
        const uint32_t *shape = shapes[i % 8];
        gvk_tensor x = reference_start(&graph, 7000 + i, i % 8 == 0 ? 3 : 1 + random_below(&(uint64_t){i}, 13));
        struct size size = draw_size(&graph.random, i % 8 == 0 ? 30 : 12);
        size.height += shape[0];
        size.width += shape[0];
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .inputs = {x},
                         .outputs = i % 3 == 0 ? channels_of_quads(&graph.random, 4) : 1 + random_below(&graph.random, 40),
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
        reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}, .activation = draw_activation(&graph.random)});
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
                                           .activation = (gvk_activation)random_below(&graph->random, 2)});
}

static void concats_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t parts[][4] = {{4, 8, 0, 0}, {4, 3, 0, 0},  {3, 4, 0, 0},  {1, 1, 1, 1}, {8, 4, 12, 4}, {8, 5, 4, 0},
                                        {5, 3, 8, 2}, {16, 1, 0, 0}, {7, 13, 0, 0}, {4, 6, 6, 4}, {2, 2, 4, 4},  {9, 4, 3, 0}};
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
        case 1: y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .kernel = 3, .padding = 1}); break;
        case 2: y = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}}); break;
        case 3: y = reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = 5}); break;
        case 4: y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, x}}); break;
        case 5: y = add_squeeze_excite(&graph, x, 3, GVK_OP_CONVOLUTION); break;
        case 6: size.height = size.width = 1; y = reference_add(&graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}}); break;
        case 7: y = reference_add(&graph, depthwise_node(&graph, x, 7, 1, 3)); break;
        default: y = reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}}); break;
        }
        gvk_tensor z = i < 8 ? x : reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {add_part(&graph, x, 4)}});
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
        {8, {13, 9, 5}, 3, true},  /* one dispatch behind the convolution, and the copy of the last part */
        {12, {9, 5, 0}, 2, false}, /* the pools' output is the concat */
        {4, {5, 5, 1}, 2, false},
        {6, {13, 9, 5}, 0, true}, /* not whole quads: each alone */
        {8, {5, 9, 13}, 0, true}, /* rising: each alone */
    };
    struct reference_graph graph;
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gvk_tensor x = add_part(&graph, reference_start(&graph, 10100 + i, 5), cases[i].channels);
        gvk_node concat = {.op = GVK_OP_CONCAT};
        uint32_t count = 0;
        for (int j = 0; j < 3 && cases[i].kernels[j]; j++)
            concat.inputs[count++] = reference_add(
                &graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = cases[i].kernels[j]});
        if (cases[i].with_input)
            concat.inputs[count] = x;
        reference_add(&graph, concat);
        uint32_t commands = cases[i].commands - (cases[i].commands && cases[i].with_input);
        prove("max pools", &graph, (struct size){1 + i % 3, 7 + i, 13 - i}, commands);
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
        gvk_tensor relu = reference_add(&graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
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
    enum gvk_form form = gvk_form_of(&bench.traits);
    uint32_t missing = 0;
    for (int i = 0; i < GVK_SHADER_COUNT; i++) {
        const char *name = gvk_shader_codes[i].name;
        bool possible = (form == GVK_FORM_SHUFFLE_8 || !strstr(name, "shuffle8")) &&
                        (form == GVK_FORM_BROADCAST_4 || !strstr(name, "broadcast4"));
        bool network = i < GVK_SHADER_RESIZE_HORIZONTAL || i > GVK_SHADER_COLLECT; /* the others are proved elsewhere */
        if (!possible || !network || bench.seen[i])
            continue;
        print_error("no test made the runtime choose %s\n", name);
        missing++;
    }
    assert_int_equal(missing, 0);
}
