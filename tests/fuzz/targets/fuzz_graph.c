/* Fuzzes graphs: building, rewriting, packing weights, planning memory and barriers. The input is a list of nodes, as a
 * host might build them through gvk.h; networks alone build always the same few patterns.
 *
 * Checked are the promises that a device would rely on: every command stays in its memory, memory that is in use at the
 * same time is apart, and between two commands that need an order there is a barrier. */
#include <stdio.h>
#include <string.h>

#include "runtime/graph/rewrite.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "runtime/plan/recorder.h"
#include "tests/fuzz/fuzz.h"

#define HEAD_BYTES   8u
#define NODE_BYTES   8u
#define NODES        48u
#define PACKED_VEC4S 16384u
#define COMMANDS     256u

static const uint32_t channel_counts[] = {0,   1,   2,    3,    4,     5,     6,     7,     8,     12,        16,
                                          20,  24,  28,   32,   40,    48,    64,    96,    99,    18,        72,
                                          128, 512, 1024, 4096, 16388, 32768, 65535, 65536, 65537, 0xffffffff};
static const uint32_t kernels[] = {0, 1, 1, 1, 2, 3, 3, 5, 5, 7, 9, 13, 30, 31, 32, 0xffffffff};

#define CHOOSE(table, byte) ((table)[(byte) % (sizeof(table) / sizeof((table)[0]))])

/* ---- the graph of an input ---- */

struct builder {
    const uint8_t *data;
    size_t size;
    gvk_graph *graph;
    gvk_node node; /* that is being added */
    uint8_t faults;
    gvk_tensor tensors[NODES + 1];
    uint32_t count;
};

/* The weights of the node that is being added: of the right shape unless the input says otherwise. They end where the
 * memory ends, so that a read past them shows. */
static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    static const unsigned char memory[1 << 20];
    const struct builder *from = user;
    uint32_t inputs = gvk_graph_channels(from->graph, from->node.inputs[0]);
    uint32_t groups = from->node.groups ? from->node.groups : 1, kernel = from->node.kernel ? from->node.kernel : 1;
    uint32_t outputs = from->node.outputs ? from->node.outputs : inputs;
    size_t length = strlen(name);
    bool is_weight = length > 7 && strcmp(name + length - 7, ".weight") == 0;
    if (from->faults == 1)
        return GVK_ERROR_MISMATCH;
    *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 1, .shape = {outputs}};
    if (from->node.op == GVK_OP_BATCH_NORM)
        out->shape[0] = inputs;
    else if (is_weight && from->node.op == GVK_OP_LINEAR)
        *out = (gvk_array){.type = GVK_TYPE_F32, .rank = 2, .shape = {outputs, inputs}};
    else if (is_weight)
        *out = (gvk_array){.type = GVK_TYPE_F16, .rank = 4, .shape = {outputs, inputs / groups, kernel, kernel}};
    if (from->faults == 2)
        out->shape[0]++;
    if (from->faults == 3)
        out->type = GVK_TYPE_OTHER;
    out->bytes = out->type == GVK_TYPE_F16 ? 2 : 4;
    for (uint32_t i = 0; i < out->rank; i++)
        out->bytes *= out->shape[i];
    /* What is too large for that is described, but not packed below. */
    out->data = out->bytes <= sizeof memory ? memory + sizeof memory - out->bytes : memory;
    return GVK_OK;
}

/* Distances back to earlier tensors, half a byte each; the input's number of them is mostly what the op takes. */
static void choose_inputs(struct builder *from, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < 4; i++) {
        uint32_t back = bytes[i / 2] >> (i % 2 * 4) & 15;
        if (from->count)
            from->node.inputs[i] = from->tensors[from->count - 1 - (back < from->count ? back : from->count - 1)];
    }
}

static void add_node(struct builder *from, const uint8_t *bytes)
{
    char name[24];
    uint32_t op = bytes[0] % (GVK_OP_MAX_POOLS + 1), count = 1; /* every op of gvk.h, and one that it has not */
    if (op == GVK_OP_CONCAT)
        count = 2 + bytes[0] / 12 % 3;
    else if (op == GVK_OP_MULTIPLY || op == GVK_OP_ADD)
        count = 2;
    if (bytes[7] >> 4 == 15) /* a wrong number */
        count = bytes[6] >> 4;
    snprintf(name, sizeof name, "node%u", bytes[7] >> 4 == 14 ? 1u : from->count);
    from->node = (gvk_node){.op = (gvk_op)op,
                            .name = name,
                            .outputs = CHOOSE(channel_counts, bytes[3]),
                            .kernel = CHOOSE(kernels, bytes[4] & 15),
                            .stride = bytes[4] >> 5,
                            .padding = bytes[5] & 31,
                            .bias = bytes[6] & 1,
                            .activation = (gvk_activation)(bytes[6] >> 1 & 7)};
    choose_inputs(from, bytes + 1, count);
    if ((bytes[5] & 31) == 31) /* the usual */
        from->node.padding = from->node.kernel / 2;
    uint32_t channels = gvk_graph_channels(from->graph, from->node.inputs[0]);
    from->node.groups = bytes[5] >> 5 == 0 ? 0 : bytes[5] >> 5 == 7 ? 2 : bytes[5] >> 5 > 3 ? channels : 1;
    if (from->node.groups > 1 && bytes[5] >> 5 != 6)
        from->node.outputs = 0;
    from->faults = bytes[7] >> 4 > 3 ? 0 : bytes[7] >> 4;
    gvk_tensor made = gvk_graph_add(from->graph, &from->node);
    if (made)
        from->tensors[from->count++] = made;
    if (made && bytes[7] & 1)
        gvk_graph_output(from->graph, name, made);
}

static gvk_result build_graph(const gvk_host *host, struct builder *from)
{
    const uint8_t *data = from->data;
    gvk_result result = gvk_graph_create(host, data[0] & 1 ? find_weight : NULL, from, &from->graph);
    fuzz_check_result(result);
    if (result)
        return result;
    gvk_tensor input = gvk_graph_input(from->graph, "input", CHOOSE(channel_counts, data[5]));
    if (input)
        from->tensors[from->count++] = input;
    for (size_t at = HEAD_BYTES; from->size - at >= NODE_BYTES && from->count <= NODES; at += NODE_BYTES) {
        add_node(from, data + at);
        if (from->graph->error)
            break;
    }
    if (from->count)
        gvk_graph_output(from->graph, "last", from->tensors[from->count - 1]);
    result = gvk_graph_finish(from->graph);
    fuzz_check_result(result);
    return result;
}

/* ---- the promises of a plan ---- */

static uint64_t first_byte(const struct gvk_program *program, const struct gvk_operand *operand)
{
    return operand->offset + (operand->memory == GVK_MEMORY_ARENA ? program->blocks[operand->block].offset : 0);
}

static void check_operands(const struct gvk_program *program, const struct gvk_packing *packing)
{
    for (uint32_t i = 0; i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        FUZZ_CHECK(command->operand_count <= GVK_MAX_OPERANDS && command->push_bytes <= GVK_PUSH_BYTES);
        for (uint32_t j = 0; j < command->operand_count; j++) {
            const struct gvk_operand *operand = &command->operands[j];
            FUZZ_CHECK(operand->offset % 16 == 0 && operand->bytes > 0);
            if (operand->memory == GVK_MEMORY_WEIGHTS) {
                FUZZ_CHECK(operand->offset + operand->bytes <= packing->quads * 16);
                continue;
            }
            FUZZ_CHECK(operand->memory == GVK_MEMORY_ARENA && operand->block < program->block_count);
            const struct gvk_block *block = &program->blocks[operand->block];
            FUZZ_CHECK(operand->offset + operand->bytes <= block->bytes);
            FUZZ_CHECK(block->offset + block->bytes <= program->arena_bytes);
        }
    }
}

/* When each block is first and last touched, by the order in which the commands will run. */
static void check_apart(const struct gvk_program *program, const struct gvk_graph *graph)
{
    static uint32_t first[4 * COMMANDS], last[4 * COMMANDS];
    FUZZ_CHECK(program->block_count <= 4 * COMMANDS);
    for (uint32_t i = 0; i < program->block_count; i++) {
        first[i] = UINT32_MAX;
        last[i] = 0;
    }
    for (uint32_t i = 0; i < program->command_count; i++)
        for (uint32_t j = 0; j < program->commands[i].operand_count; j++) {
            const struct gvk_operand *operand = &program->commands[i].operands[j];
            if (operand->memory != GVK_MEMORY_ARENA)
                continue;
            if (first[operand->block] == UINT32_MAX)
                first[operand->block] = i;
            last[operand->block] = i;
        }
    first[program->locations[graph->inputs[0].tensor].block] = 0;
    for (uint32_t i = 0; i < graph->output_count; i++)
        last[program->locations[graph->outputs[i].tensor].block] = UINT32_MAX - 1;
    for (uint32_t i = 0; i < program->block_count; i++)
        for (uint32_t j = 0; j < i; j++) {
            const struct gvk_block *one = &program->blocks[i], *other = &program->blocks[j];
            bool together = first[i] <= last[j] && first[j] <= last[i];
            FUZZ_CHECK(!together || one->offset + one->bytes <= other->offset ||
                       other->offset + other->bytes <= one->offset);
        }
}

static bool need_order(const struct gvk_program *program, const struct gvk_command *one,
                       const struct gvk_command *other)
{
    for (uint32_t i = 0; i < one->operand_count; i++)
        for (uint32_t j = 0; j < other->operand_count; j++) {
            const struct gvk_operand *left = &one->operands[i], *right = &other->operands[j];
            uint64_t left_first = first_byte(program, left), right_first = first_byte(program, right);
            if (left->memory == right->memory && ((left->access | right->access) & GVK_WRITE) &&
                left_first < right_first + right->bytes && right_first < left_first + left->bytes)
                return true;
        }
    return false;
}

/* Every write, read and overwrite of the same bytes has a barrier in between. */
static void check_barriers(const struct gvk_program *program)
{
    static uint32_t barriers[COMMANDS]; /* in front of each command, those before it included */
    struct gvk_hazards hazards = {.host = program->host};
    uint32_t count = 0, counted = 0;
    gvk_result result = GVK_OK;
    if (program->command_count > COMMANDS)
        return;
    for (uint32_t i = 0; i < program->command_count; i++) {
        bool barrier, transfer;
        result = gvk_hazards_check(&hazards, program, &program->commands[i], &barrier, &transfer);
        if (result)
            break;
        count += barrier;
        barriers[i] = count;
        for (uint32_t j = 0; j < i; j++)
            FUZZ_CHECK(barriers[i] > barriers[j] || !need_order(program, &program->commands[i], &program->commands[j]));
    }
    gvk_hazards_release(&hazards);
    fuzz_check_result(result);
    result = gvk_count_barriers(program, 0, program->command_count, &counted);
    fuzz_check_result(result);
    FUZZ_CHECK(result != GVK_OK || counted == count);
}

/* Packs every node's weights into memory of the size that was counted for it. */
static void pack(const struct gvk_builder *builder)
{
    for (uint32_t i = 0; i < builder->graph->node_count; i++) {
        const struct gvk_graph_node *node = &builder->graph->nodes[i];
        uint64_t vec4s = builder->packing->sizes[i];
        FUZZ_CHECK(builder->packing->offsets[i] + vec4s <= builder->packing->quads);
        if (node->removed || vec4s == 0 || vec4s > PACKED_VEC4S)
            continue;
        float *packed = gvk_allocate_array(builder->host, (size_t)vec4s * 4, sizeof *packed);
        if (!packed)
            return;
        gvk_result result =
            gvk_kernel_of(node)->pack_weights(builder->host, &builder->packing->selections[i], node, packed);
        fuzz_check_result(result);
        FUZZ_CHECK(result == GVK_OK || result == GVK_ERROR_HOST_MEMORY);
        gvk_release(builder->host, packed);
    }
}

/* ---- from the graph to a plan ---- */

/* A GPU, and the two kinds of CPU device that kernels of their own are for. */
static struct gvk_traits choose_traits(uint8_t byte)
{
    struct gvk_traits traits = gvk_traits_of_plain_gpu();
    if (byte % 3 == 0)
        return traits;
    traits.type = VK_PHYSICAL_DEVICE_TYPE_CPU;
    traits.subgroup_size = byte % 3 == 1 ? 4 : 8;
    traits.subgroup_shuffle = traits.subgroup_broadcast = true;
    traits.subgroup_size_control = traits.full_subgroups = traits.float64 = true;
    return traits;
}

static void plan(const gvk_host *host, const gvk_graph *graph, const gvk_model_params *model, const uint8_t *head,
                 const gvk_stream_params *stream)
{
    const struct gvk_traits traits = choose_traits(head[0] >> 2);
    uint32_t off = head[1];
    struct gvk_policy policy;
    gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy);
    policy.reference = off & GVK_REWRITE_FAST_KERNELS;
    struct gvk_graph *copy = NULL;
    struct gvk_program *program = NULL;
    struct gvk_packing packing = {0};
    gvk_result result = gvk_graph_copy_tapped(host, graph, model->taps, model->tap_count, &copy);
    if (!result)
        result =
            gvk_rewrite_graph(copy, head[0] & 2 ? off : gvk_rewrites_off(&policy, off)); /* or what no model does */
    if (!result)
        result = gvk_program_create(host, &program);
    struct gvk_builder builder = {
        .host = host, .policy = &policy, .graph = copy, .packing = &packing, .program = program};
    if (!result)
        result = gvk_program_follow(&builder, &packing, stream);
    fuzz_check_result(result);
    if (!result) {
        check_operands(program, &packing);
        check_apart(program, copy);
        check_barriers(program);
    }
    if (!result && head[0] & 1)
        pack(&builder);
    gvk_packing_destroy(host, &packing);
    gvk_program_destroy(program);
    gvk_graph_destroy(copy);
}

static uint32_t choose_side(uint8_t byte)
{
    return byte < 250 ? byte : (uint32_t[]){416, 4096, 32768, 65535, 65536, 0xffffffff}[byte - 250];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct builder from = {.data = data, .size = size};
    gvk_description description = {.size = sizeof description};
    if (size < HEAD_BYTES)
        return 0;
    const gvk_host *host = fuzz_begin((size_t)8 << 20);
    gvk_result result = build_graph(host, &from);
    if (!result) {
        /* Every other input taps a node. */
        const char *tap = from.graph->node_count ? from.graph->nodes[size % from.graph->node_count].name : NULL;
        const gvk_model_params model = {
            .size = sizeof model, .rewrites_off = data[1], .tap_count = tap && size % 2, .taps = &tap};
        const gvk_stream_params stream = {.size = sizeof stream,
                                          .width = choose_side(data[2]),
                                          .height = choose_side(data[3]),
                                          .batch = data[4] < 250 ? data[4] % 4 : choose_side(data[4])};
        result = gvk_plan_describe(NULL, from.graph, &model, &stream, &description);
        fuzz_check_result(result);
        if (!result) {
            FUZZ_CHECK(description.layer_count == from.graph->node_count);
            fuzz_touch(description.layers, description.layer_count * sizeof *description.layers);
            gvk_description_release(host, &description);
        }
        plan(host, from.graph, &model, data, &stream);
    }
    gvk_graph_destroy(from.graph);
    fuzz_end();
    return 0;
}
