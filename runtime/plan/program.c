/* Programs: blocks, commands, and the places of tensors. */
#include "program.h"

#include <string.h>

#define SLACK_BYTES ((uint64_t)GVK_SLACK_QUADS * 16) /* behind a block; of fp16 half would do */
/* Of one block and of the arena. No device of today has more, and every offset in quads fits 32 bits. */
#define MAX_BYTES ((uint64_t)1 << 35)

gvk_result gvk_program_create(const gvk_host *host, struct gvk_program **out)
{
    struct gvk_program *program = gvk_allocate(host, sizeof *program);
    if (!program)
        return gvk_fail_memory(host);
    program->host = host;
    *out = program;
    return GVK_OK;
}

void gvk_program_destroy(struct gvk_program *program)
{
    if (!program)
        return;
    const gvk_host *host = program->host;
    gvk_release(host, program->commands);
    gvk_release(host, program->blocks);
    gvk_release(host, program->shapes);
    gvk_release(host, program->locations);
    gvk_release(host, program);
}

gvk_result gvk_program_add_block(struct gvk_program *program, uint64_t bytes, uint32_t *out)
{
    if (bytes > MAX_BYTES)
        return gvk_fail(
            program->host, GVK_ERROR_UNSUPPORTED,
            "A tensor of this network would take more than 32 GiB. A smaller input size or batch takes less.");
    if (program->block_count == program->block_capacity) {
        uint32_t capacity = program->block_capacity ? program->block_capacity * 2 : 128;
        struct gvk_block *blocks =
            gvk_grow_array(program->host, program->blocks, program->block_count, capacity, sizeof *blocks);
        if (!blocks)
            return gvk_fail_memory(program->host);
        program->blocks = blocks;
        program->block_capacity = capacity;
    }
    program->blocks[program->block_count] = (struct gvk_block){.bytes = bytes + SLACK_BYTES};
    *out = program->block_count++;
    return GVK_OK;
}

gvk_result gvk_program_borrow_block(struct gvk_program *program, const struct gvk_block *block, uint32_t *out)
{
    gvk_result result = gvk_program_add_block(program, block->bytes, out);
    if (!result)
        program->blocks[*out] = *block;
    return result;
}

void gvk_program_fill_before(struct gvk_program *program, uint32_t block)
{
    program->blocks[block].used = true;
    program->blocks[block].filled_before = true;
}

void gvk_program_keep_block(struct gvk_program *program, uint32_t block)
{
    program->blocks[block].last = GVK_FOREVER;
}

gvk_result gvk_program_add_command(struct gvk_program *program, const struct gvk_command *command)
{
    if (program->command_count == program->command_capacity) {
        uint32_t capacity = program->command_capacity ? program->command_capacity * 2 : 128;
        struct gvk_command *commands =
            gvk_grow_array(program->host, program->commands, program->command_count, capacity, sizeof *commands);
        if (!commands)
            return gvk_fail_memory(program->host);
        program->commands = commands;
        program->command_capacity = capacity;
    }
    for (uint32_t i = 0; i < command->operand_count; i++)
        if (command->operands[i].memory == GVK_MEMORY_ARENA)
            program->blocks[command->operands[i].block].used = true;
    program->commands[program->command_count++] = *command;
    return GVK_OK;
}

/* The tensor that owns the memory, and the channel of it where this tensor begins. */
static gvk_tensor root_of(const struct gvk_graph *graph, gvk_tensor tensor, uint32_t *channel)
{
    *channel = 0;
    while (graph->tensors[tensor].parent) {
        *channel += graph->tensors[tensor].first_channel;
        tensor = graph->tensors[tensor].parent;
    }
    return tensor;
}

/* Marks the tensors that a live node makes or uses. A tensor inside a concat's memory and that concat are marked
 * together. */
static void mark_live(const struct gvk_graph *graph, bool *live)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        if (node->removed)
            continue;
        for (uint32_t j = 0; j < node->input_count; j++)
            live[node->inputs[j]] = true;
        live[node->residual] = live[node->gate] = live[node->output] = true;
    }
    for (uint32_t i = 0; i < graph->output_count; i++)
        live[graph->outputs[i].tensor] = true;
    for (gvk_tensor i = 1; i < graph->tensor_count; i++)
        if (!graph->tensors[i].removed && graph->tensors[i].parent)
            live[i] = live[graph->tensors[i].parent] = true;
    for (gvk_tensor i = 0; i < graph->tensor_count; i++)
        live[i] = live[i] && !graph->tensors[i].removed;
}

/* A block for each tensor that has memory of its own. */
static gvk_result add_tensor_blocks(struct gvk_program *program, const struct gvk_graph *graph, const bool *live)
{
    const gvk_host *host = program->host;
    for (gvk_tensor i = 1; i < graph->tensor_count; i++) {
        if (graph->tensors[i].parent || !live[i])
            continue;
        const struct gvk_shape *shape = &program->shapes[i];
        uint64_t item = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height; /* below 2^48 */
        if (item * program->batch > UINT32_MAX / 16)
            return gvk_fail(
                host, GVK_ERROR_UNSUPPORTED,
                "A tensor of this network would take more than 4 GiB. A smaller input size or batch takes less.");
        program->locations[i].item = (uint32_t)item;
        program->locations[i].root_quads = gvk_quads(shape->channels);
        gvk_result result =
            gvk_program_add_block(program, item * program->batch * program->quad_bytes, &program->locations[i].block);
        if (result)
            return result;
    }
    return GVK_OK;
}

gvk_result gvk_program_place_tensors(struct gvk_builder *builder, uint32_t width, uint32_t height, uint32_t batch)
{
    struct gvk_program *program = builder->program;
    const struct gvk_graph *graph = builder->graph;
    const gvk_host *host = builder->host;
    if (!batch || batch > 1024)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A batch of %u pictures cannot be; it is 1 to 1024.", batch);
    program->tensor_count = graph->tensor_count;
    program->width = width;
    program->height = height;
    program->batch = batch;
    program->quad_bytes = gvk_quad_bytes(builder->policy);
    program->shapes = gvk_allocate_array(host, graph->tensor_count, sizeof *program->shapes);
    program->locations = gvk_allocate_array(host, graph->tensor_count, sizeof *program->locations);
    if (!program->shapes || !program->locations)
        return gvk_fail_memory(host);
    gvk_result result = gvk_graph_shapes(host, graph, width, height, program->shapes);
    if (result)
        return result;
    bool *live = gvk_allocate_array(host, graph->tensor_count, sizeof *live);
    if (!live)
        return gvk_fail_memory(host);
    mark_live(graph, live);
    result = add_tensor_blocks(program, graph, live);
    gvk_release(host, live);
    if (result)
        return result;
    for (gvk_tensor i = 1; i < graph->tensor_count; i++) {
        uint32_t channel;
        gvk_tensor root = root_of(graph, i, &channel);
        if (root == i)
            continue;
        const struct gvk_shape *shape = &program->shapes[root];
        program->locations[i] = program->locations[root];
        program->locations[i].offset = (uint64_t)(channel / 4) * shape->width * shape->height * program->quad_bytes;
    }
    return GVK_OK;
}

struct gvk_operand gvk_tensor_operand(const struct gvk_program *program, gvk_tensor tensor, uint32_t binding,
                                      enum gvk_access access)
{
    const struct gvk_tensor_location *location = &program->locations[tensor];
    const struct gvk_shape *shape = &program->shapes[tensor];
    uint64_t own = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height, each = program->quad_bytes;
    uint64_t slack = access == GVK_READ ? GVK_SLACK_QUADS * each : 0;
    return (struct gvk_operand){
        .binding = binding,
        .memory = GVK_MEMORY_ARENA,
        .access = access,
        .block = location->block,
        .offset = location->offset,
        .quad_bytes = program->quad_bytes,
        .bytes = ((uint64_t)location->item * (program->batch - 1) + own) * each + slack,
        .useful = own * program->batch * each,
    };
}
