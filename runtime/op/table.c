/* The kernel of each op, and what is done with the kernels of a whole graph: weights are placed, commands emitted. */
#include "table.h"

const struct gvk_kernel *gvk_kernel_of(const struct gvk_graph_node *node)
{
    switch (node->op) {
    case GVK_OP_CONVOLUTION:
        return gvk_is_pointwise(node)   ? &gvk_kernel_pointwise
               : gvk_is_depthwise(node) ? &gvk_kernel_depthwise
                                        : &gvk_kernel_dense;
    case GVK_OP_LINEAR: return &gvk_kernel_pointwise;
    case GVK_OP_BATCH_NORM:
    case GVK_OP_ACTIVATION: return &gvk_kernel_batch_norm;
    case GVK_OP_CONCAT: return &gvk_kernel_concat;
    case GVK_OP_UPSAMPLE: return &gvk_kernel_upsample;
    case GVK_OP_MAX_POOL:
    case GVK_OP_MAX_POOLS: return &gvk_kernel_max_pool;
    case GVK_OP_AVERAGE_POOL: return &gvk_kernel_average_pool;
    case GVK_OP_SQUEEZE_EXCITE: return &gvk_kernel_squeeze_excite;
    case GVK_OP_GHOST: return &gvk_kernel_ghost;
    default: return &gvk_kernel_combine; /* add and multiply: graph.c lets nothing else in */
    }
}

gvk_result gvk_emit_graph(const struct gvk_builder *builder)
{
    struct gvk_program *program = builder->program;
    program->network_first = program->command_count;
    for (uint32_t i = 0; i < builder->graph->node_count; i++) {
        const struct gvk_graph_node *node = &builder->graph->nodes[i];
        if (node->removed)
            continue;
        gvk_result result = gvk_kernel_of(node)->emit(builder, i);
        if (result)
            return result;
        uint64_t macs = gvk_count_macs(node, program->shapes) * program->batch;
        if (macs) /* the last command of a node has all of them: the one in front of squeeze-excite's only sums */
            program->commands[program->command_count - 1].macs = macs;
    }
    program->network_end = program->command_count;
    return GVK_OK;
}

gvk_result gvk_packing_create(const struct gvk_builder *builder, struct gvk_packing *out)
{
    const struct gvk_graph *graph = builder->graph;
    struct gvk_packing made = {0};
    made.offsets = gvk_allocate_array(builder->host, graph->node_count, sizeof *made.offsets);
    made.sizes = gvk_allocate_array(builder->host, graph->node_count, sizeof *made.sizes);
    if (!made.offsets || !made.sizes) {
        gvk_packing_destroy(builder->host, &made);
        return gvk_fail_memory(builder->host);
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        const struct gvk_kernel *kernel = gvk_kernel_of(node);
        if (node->removed || !kernel->count_weights)
            continue;
        made.offsets[i] = made.quads;
        made.sizes[i] = kernel->count_weights(builder, node);
        made.quads += (made.sizes[i] + 15) / 16 * 16; /* channels are bounded by graph.c: no overflow */
    }
    made.quads += GVK_SLACK_QUADS;
    *out = made;
    return GVK_OK;
}

void gvk_packing_destroy(const gvk_host *host, struct gvk_packing *packing)
{
    gvk_release(host, packing->offsets);
    gvk_release(host, packing->sizes);
    *packing = (struct gvk_packing){0};
}

gvk_result gvk_program_follow(struct gvk_builder *builder, struct gvk_packing *packing, const gvk_stream_params *stream)
{
    struct gvk_program *program = builder->program;
    const struct gvk_graph *graph = builder->graph;
    gvk_result result = gvk_packing_create(builder, packing);
    if (!result)
        result = gvk_program_place_tensors(builder, stream->width, stream->height, stream->batch ? stream->batch : 1);
    for (uint32_t i = 0; !result && i < graph->output_count; i++)
        gvk_program_keep_block(program, program->places[graph->outputs[i].tensor].block);
    if (!result) {
        gvk_program_fill_before(program, program->places[graph->inputs[0].tensor].block);
        result = gvk_emit_graph(builder);
    }
    return result ? result : gvk_program_plan(program);
}
