/* One run of one graph against the reference; bench.h says what each part of it is for. */
#include "bench.h"

#include "device_memory.h"
#include "runtime/base/half.h"
#include "runtime/check/open_model.h"
#include "runtime/kernel/matrices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where divisions, batch norms or long sums round: this part of the sum of magnitudes behind a value. Elsewhere inputs
 * and weights are quarter steps and the results must be equal. */
#define TOLERANCE      2e-6
#define TOLERANCE_HALF 2e-3 /* in fp16, everywhere */
/* Quiet not-a-numbers of fp32, and of fp16 twice: whatever is computed from one is none either. */
#define CANARY      0x7fc5a5a5u
#define CANARY_HALF 0x7e5b7e5bu

struct bench bench;

static void keep_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level != GVK_LOG_ERROR)
        return;
    bench.sentences++;
    snprintf(bench.sentence, sizeof bench.sentence, "%s", sentence);
}

const gvk_host quiet_host = {.size = sizeof(gvk_host), .log = keep_sentence};

bool set_up_bench(void)
{
    bench.device = open_test_device();
    if (!bench.device)
        return false;
    const char *precision = getenv("GVK_TEST_PRECISION");
    bench.fp32_only = precision && strcmp(precision, "fp32") == 0;
    const char *forms = getenv("GVK_TEST_FORMS");
    bench.own_lanes_only = forms && strcmp(forms, "lanes") == 0;
    bench.matrices_only = forms && strcmp(forms, "matrix") == 0;
    bench.traits = bench.device->traits;
    bench.device->host.log = keep_sentence;
    return true;
}

void tear_down_bench(void)
{
    print_message("             largest rounding error: %.3f of what is allowed\n", bench.worst);
    close_test_device(bench.device);
}

int restore_traits(void **state)
{
    (void)state;
    bench.device->traits = bench.traits;
    return 0;
}

static void bend_traits(struct gvk_traits *traits, const struct way *way)
{
    traits->stores_doubles &= !way->no_doubles;
    if (!way->vendor_id)
        return;
    traits->type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    traits->vendor_id = way->vendor_id;
    traits->half_sums &= !way->wide_sums;
}

enum gvk_form form_of(const struct gvk_traits *traits)
{
    struct gvk_policy policy;
    assert_true(gvk_policy_of(traits, GVK_PRECISION_FP32, &policy));
    return gvk_form_of(&policy);
}

void lend_traits(uint32_t vendor_id)
{
    bench.device->traits = bench.traits;
    bend_traits(&bench.device->traits, &(struct way){.vendor_id = vendor_id});
}

static void print_trial(const struct trial *trial)
{
    print_error("%s, %s (form %d, rewrites off 0x%02x)\n", trial->title, trial->way->name,
                (int)(trial->model ? gvk_form_of(&trial->model->policy) : form_of(&bench.device->traits)),
                trial->way->rewrites_off);
    if (bench.sentence[0])
        print_error("last error of the runtime: %s\n", bench.sentence);
    reference_print(trial->graph);
    const struct gvk_program *program = trial->stream ? gvk_stream_program(trial->stream) : NULL;
    for (uint32_t i = 0; program && i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        print_error("  command %u, %s: %s, groups %u %u %u, local size %u, extra %u, mode %u\n", i, command->label,
                    gvk_shader_codes[command->key.shader].name, command->groups[0], command->groups[1],
                    command->groups[2], command->key.constants[GVK_CONSTANT_LOCAL_SIZE],
                    command->key.constants[GVK_CONSTANT_EXTRA], command->key.constants[GVK_CONSTANT_MODE]);
    }
}

static void require_ok(const struct trial *trial, gvk_result result, const char *call)
{
    if (!result)
        return;
    print_trial(trial);
    fail_msg("%s returned %s", call, gvk_result_name(result));
}

gvk_graph *build_graph(struct reference_graph *reference)
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

static void fill_canaries(unsigned char *memory, uint64_t first, uint64_t end, bool half)
{
    const uint32_t canary = half ? CANARY_HALF : CANARY;
    for (uint64_t i = first; i < end; i += 4)
        memcpy(memory + i, &canary, 4);
}

/* Between one node's weights and the next one's, and behind the last: lanes may read there, and use nothing of it. */
static void poison_weights(const gvk_model *model)
{
    uint64_t end = 0, each = gvk_quad_bytes(&model->policy);
    bool half = model->policy.half;
    unsigned char *bytes = load_buffer(model->device, &model->weights);
    for (uint32_t i = 0; i < model->graph->node_count; i++) {
        if (!model->packing.sizes[i])
            continue;
        fill_canaries(bytes, end, model->packing.offsets[i] * each, half);
        end = (model->packing.offsets[i] + model->packing.sizes[i]) * each;
    }
    fill_canaries(bytes, end, model->packing.quads * each, half);
    store_buffer(model->device, &model->weights, bytes);
    free(bytes);
}

/* Eight bytes of the arena for each byte: 1 where the program may write. */
static unsigned char *map_written(const struct trial *trial)
{
    const struct gvk_program *program = gvk_stream_program(trial->stream);
    unsigned char *written = calloc((size_t)(program->arena_bytes / 8) + 1, 1);
    assert_non_null(written);
    gvk_tensor input = trial->model->graph->inputs[0].tensor;
    struct gvk_operand intake = gvk_tensor_operand(program, input, 0, GVK_WRITE);
    memset(written + program->blocks[intake.block].offset / 8, 1, (size_t)(intake.bytes / 8));
    for (uint32_t i = 0; i < program->command_count; i++)
        for (uint32_t j = 0; j < program->commands[i].operand_count; j++) {
            const struct gvk_operand *operand = &program->commands[i].operands[j];
            if (operand->memory == GVK_MEMORY_ARENA && (operand->access & GVK_WRITE))
                memset(written + (program->blocks[operand->block].offset + operand->offset) / 8, 1,
                       (size_t)(operand->bytes / 8));
        }
    return written;
}

/* What lies outside every output is untouched, and no lane of an output was forgotten or made from such memory. */
static void check_canaries(const struct trial *trial)
{
    const struct gvk_buffer *arena = gvk_stream_arena(trial->stream);
    unsigned char *written = map_written(trial), *memory = load_buffer(bench.device, arena);
    bool half = trial->model->policy.half;
    const uint32_t canary = half ? CANARY_HALF : CANARY;
    for (uint64_t i = 0; i < arena->bytes / 4; i++) {
        uint32_t bits;
        memcpy(&bits, memory + i * 4, 4);
        bool finite =
            half ? isfinite(gvk_float_of_half((uint16_t)bits)) && isfinite(gvk_float_of_half((uint16_t)(bits >> 16)))
                 : isfinite(gvk_float_of_bits(bits));
        if (written[i / 2] ? finite : bits == canary)
            continue;
        print_trial(trial);
        const struct gvk_program *program = gvk_stream_program(trial->stream);
        for (uint32_t j = 0; j < program->block_count; j++)
            print_error("  block %u: bytes %llu to %llu, commands %u to %u\n", j,
                        (unsigned long long)program->blocks[j].offset,
                        (unsigned long long)(program->blocks[j].offset + program->blocks[j].bytes),
                        program->blocks[j].first, program->blocks[j].last);
        free(written);
        free(memory);
        fail_msg("byte %llu of the arena: %s (0x%08x)", (unsigned long long)i * 4,
                 bits == canary ? "an output was not written, or made from memory that nobody wrote"
                 : !finite      ? "memory was used that nobody wrote"
                                : "it was written outside every output",
                 bits);
    }
    free(written);
    free(memory);
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

void compare_tensor(const struct trial *trial, gvk_ticket ticket, const char *name, gvk_tensor number)
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
    double allowed = trial->model->policy.half ? TOLERANCE_HALF * fmax(1, expected->magnitude)
                     : expected->exact         ? 0
                                               : TOLERANCE * fmax(1, expected->magnitude);
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

void submit_batch(gvk_stream *stream, const struct reference_graph *graph, const float *input, gvk_ticket *ticket)
{
    gvk_picture pictures[4];
    size_t item = (size_t)graph->input_channels * graph->height * graph->width;
    for (uint32_t i = 0; i < graph->batch; i++)
        pictures[i] = (gvk_picture){.size = sizeof(gvk_picture),
                                    .kind = GVK_PICTURE_TENSOR,
                                    .width = graph->width,
                                    .height = graph->height,
                                    .pixels = input + i * item};
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), graph->batch, ticket));
}

/* Runs the graph once and compares. Returns how many dispatches it took. */
static uint32_t run_trial(const char *title, struct reference_graph *reference, const float *input,
                          const struct way *way)
{
    struct trial trial = {.title = title, .way = way, .graph = reference};
    if (way->half && bench.fp32_only)
        return 0;
    bench.sentence[0] = 0;
    bench.device->traits = bench.traits;
    bend_traits(&bench.device->traits, way);
    if (way->full_arrays)
        bench.device->traits.max_chunks = 1;
    gvk_graph *graph = build_graph(reference);
    struct gvk_policy policy;
    assert_true(gvk_device_policy(bench.device, way->half ? GVK_PRECISION_FP16 : GVK_PRECISION_FP32, &policy));
    policy.lane_work = way->lane_work;
    policy.matrix_tile = way->matrix_tile;
    require_ok(&trial, gvk_model_create_proven(bench.device, graph, way->rewrites_off, &policy, &trial.model),
               "gvk_model_create_proven");
    gvk_graph_destroy(graph);
    poison_weights(trial.model);
    if (!(way->rewrites_off & GVK_REWRITE_FAST_KERNELS))
        bench.forms |= 1u << gvk_form_of(&trial.model->policy);
    for (uint32_t i = 0; i < trial.model->graph->node_count; i++)
        if (trial.model->packing.selections[i].tile && trial.model->packing.selections[i].tile->form == GVK_FORM_MATRIX)
            bench.forms |= 1u << GVK_FORM_MATRIX;

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
    unsigned char *canaries = malloc((size_t)arena->bytes);
    assert_non_null(canaries);
    fill_canaries(canaries, 0, arena->bytes, way->half);
    store_buffer(bench.device, arena, canaries);
    free(canaries);
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
    uint32_t dispatches = 0; /* behind them come copies to the result */
    for (uint32_t i = 0; i < program->command_count; i++)
        if (program->commands[i].kind == GVK_COMMAND_DISPATCH) {
            bench.seen[program->commands[i].key.shader] = true;
            dispatches++;
        }
    gvk_stream_destroy(trial.stream);
    gvk_model_destroy(trial.model);
    return dispatches;
}

float *draw_input(uint64_t *random, size_t count)
{
    float *input = malloc(count * sizeof *input);
    assert_non_null(input);
    for (size_t i = 0; i < count; i++)
        input[i] = quarter_step(random);
    return input;
}

struct size draw_size(uint64_t *random, uint32_t limit)
{
    struct size size = {1 + random_below(random, 3), 1 + random_below(random, limit), 1 + random_below(random, limit)};
    if (random_below(random, 8) == 0)
        size.height = 1;
    if (random_below(random, 8) == 0)
        size.width = 1;
    return size;
}

/* Both orders of weights that the uniform form has. */
static void run_on_matrices(const char *title, struct reference_graph *graph, const float *input)
{
    struct way way = {.name = "matrix units", .vendor_id = GVK_VENDOR_AMD, .half = true};
    for (way.matrix_tile = 1; bench.traits.matrix_side && gvk_matrix_tile(way.matrix_tile); way.matrix_tile++) {
        way.wide_sums = (way.matrix_tile + bench.proofs) % 2;
        run_trial(title, graph, input, &way);
    }
}

void prove_on_matrices(const char *title, struct reference_graph *graph, struct size size)
{
    if (!graph->output_count)
        reference_output(graph, graph->node_count + 1);
    float *input = draw_input(&graph->random, (size_t)size.batch * graph->input_channels * size.height * size.width);
    reference_evaluate(graph, input, size.batch, size.height, size.width);
    run_on_matrices(title, graph, input);
    bench.proofs++;
    free(input);
    reference_release(graph);
}

static bool has_pointwise(const struct reference_graph *graph)
{
    bool found = false;
    for (uint32_t i = 0; i < graph->node_count; i++)
        found |= graph->nodes[i].op == GVK_OP_CONVOLUTION && graph->nodes[i].kernel < 2 && graph->nodes[i].groups < 2;
    return found;
}

void prove(const char *title, struct reference_graph *graph, struct size size, uint32_t fused)
{
    static const uint32_t lane_works[] = {GVK_MOST_LANE_WORK, 8, 4, 1}; /* four, two pixels, one, and one split */
    static const struct way fast = {.name = "this driver's kernels"};
    /* They read ahead each in its own way (tiles.c), Mali's not at all. */
    static const uint32_t uniform_vendors[] = {GVK_VENDOR_AMD, GVK_VENDOR_NVIDIA, GVK_VENDOR_AMD, GVK_VENDOR_ARM};
    struct way gpus[] = {
        {.name = "kernels of AMD, NVIDIA and Mali", .vendor_id = GVK_VENDOR_AMD},
        {.name = "Intel's kernels", .vendor_id = GVK_VENDOR_INTEL},
        {.name = "Adreno's kernels", .vendor_id = GVK_VENDOR_QUALCOMM},
    };
    static const struct way broadcast = {.name = "no room for weight chunks", .full_arrays = true};
    static const struct way no_doubles = {.name = "the newest lavapipe's form", .no_doubles = true};
    static const struct way plain = {.name = "node by node", .rewrites_off = GVK_REWRITE_ALL, .keep_all = true};
    static const struct way plain_half = {
        .name = "in fp16, node by node", .rewrites_off = GVK_REWRITE_ALL, .keep_all = true, .half = true};
    bool is_gpu = bench.traits.type != VK_PHYSICAL_DEVICE_TYPE_CPU;
    if (bench.matrices_only) {
        if (has_pointwise(graph))
            prove_on_matrices(title, graph, size);
        else
            reference_release(graph);
        return;
    }
    struct way some = {.name = "some rewrites", .rewrites_off = random_below(&graph->random, GVK_REWRITE_ALL)};
    /* Unfused, its layers would want pipelines of their own. "Node by node" has them, and test_parity.c. */
    some.rewrites_off &= ~(uint32_t)(GVK_REWRITE_FAST_KERNELS | GVK_REWRITE_FUSE_SQUEEZE_EXCITE);
    if (!graph->output_count)
        reference_output(graph, graph->node_count + 1);
    float *input = draw_input(&graph->random, (size_t)size.batch * graph->input_channels * size.height * size.width);
    reference_evaluate(graph, input, size.batch, size.height, size.width);
    uint32_t dispatches = run_trial(title, graph, input, &fast);
    if (fused)
        assert_int_equal(dispatches, fused);
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++) {
        struct gvk_traits bent = bench.traits;
        bend_traits(&bent, &gpus[i]);
        bool uniform = form_of(&bent) == GVK_FORM_UNIFORM;
        if (bench.own_lanes_only && gpus[i].vendor_id != GVK_VENDOR_INTEL)
            continue;
        /* On a GPU, too: what it was run with above is the work of a lane that fits its size. */
        bool differs = is_gpu || form_of(&bent) != form_of(&bench.traits);
        if (uniform && gpus[i].vendor_id != GVK_VENDOR_AMD) /* once is enough */
            continue;
        for (uint32_t j = 0; j < 2; j++) { /* in another order every few times: the graphs come in rounds, too */
            if (uniform)
                gpus[i].vendor_id = uniform_vendors[(bench.proofs + j) % ARRAY_COUNT(uniform_vendors)];
            gpus[i].lane_work = lane_works[(bench.proofs + bench.proofs / 4 + 2 * j) % ARRAY_COUNT(lane_works)];
            gpus[i].half = false;
            if (differs)
                run_trial(title, graph, input, &gpus[i]);
            gpus[i].half = true;
            gpus[i].wide_sums = false;
            run_trial(title, graph, input, &gpus[i]);
            gpus[i].wide_sums = true;
            if (bench.traits.half_sums)
                run_trial(title, graph, input, &gpus[i]);
        }
    }
    run_on_matrices(title, graph, input);
    bench.proofs++;
    if (form_of(&bench.traits) == GVK_FORM_CHUNKS_4)
        run_trial(title, graph, input, &broadcast);
    if (form_of(&bench.traits) >= GVK_FORM_SHUFFLE_16 && form_of(&bench.traits) <= GVK_FORM_SPREAD_8)
        run_trial(title, graph, input, &no_doubles);
    if (!bench.own_lanes_only) {
        run_trial(title, graph, input, &plain);
        run_trial(title, graph, input, &plain_half);
    }
    if (graph->node_count > 1 && !bench.own_lanes_only)
        run_trial(title, graph, input, &some);
    free(input);
    reference_release(graph);
}

gvk_activation activation_of(uint32_t quads, uint32_t round)
{
    if (quads > 2)
        return round % 2 ? GVK_ACTIVATION_RELU6 : GVK_ACTIVATION_NONE;
    return round % 2 ? GVK_ACTIVATION_HARD_SIGMOID : GVK_ACTIVATION_RELU;
}

gvk_node depthwise_node(const struct reference_graph *graph, gvk_tensor x, uint32_t kernel, uint32_t stride,
                        uint32_t padding)
{
    return (gvk_node){.op = GVK_OP_CONVOLUTION,
                      .inputs = {x},
                      .kernel = kernel,
                      .stride = stride,
                      .padding = padding,
                      .groups = reference_channels(graph, x)};
}

gvk_tensor add_squeeze_excite(struct reference_graph *graph, gvk_tensor x, uint32_t reduced, gvk_op linear)
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

gvk_tensor add_part(struct reference_graph *graph, gvk_tensor x, uint32_t channels)
{
    return reference_add(graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                           .inputs = {x},
                                           .outputs = channels,
                                           .bias = 1,
                                           .activation = activation_of(3, random_below(&graph->random, 2))});
}

void assert_refused(gvk_result result, gvk_result expected, const char *what)
{
    size_t length = strlen(bench.sentence);
    if (result == expected && bench.sentences == 1 && length > 10 && bench.sentence[length - 1] == '.')
        return;
    fail_msg("%s: %s (not %s), %u sentences, the last \"%s\"", what, gvk_result_name(result), gvk_result_name(expected),
             bench.sentences, bench.sentence);
}

void reset_sentences(void)
{
    bench.sentences = 0;
    bench.sentence[0] = 0;
}
