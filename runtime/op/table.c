/* The kernel of each op, and what is done with the kernels of a whole graph: weights are placed, commands emitted. */
#include "table.h"

#include "runtime/graph/ops.h"

/* Of an op: the kernel of its nodes, but where there is one for those that are pointwise or depthwise. */
struct op_kernels {
    const struct gvk_kernel *any, *pointwise, *depthwise;
};
static const struct op_kernels convolution_kernels = {&gvk_kernel_dense, &gvk_kernel_pointwise, &gvk_kernel_depthwise};
static const struct op_kernels linear_kernels = {&gvk_kernel_pointwise, NULL, NULL};
static const struct op_kernels batch_norm_kernels = {&gvk_kernel_batch_norm, NULL, NULL};
static const struct op_kernels activation_kernels = {&gvk_kernel_batch_norm, NULL, NULL};
static const struct op_kernels concat_kernels = {&gvk_kernel_concat, NULL, NULL};
static const struct op_kernels upsample_kernels = {&gvk_kernel_upsample, NULL, NULL};
static const struct op_kernels max_pool_kernels = {&gvk_kernel_max_pool, NULL, NULL};
static const struct op_kernels max_pools_kernels = {&gvk_kernel_max_pool, NULL, NULL};
static const struct op_kernels average_pool_kernels = {&gvk_kernel_average_pool, NULL, NULL};
static const struct op_kernels add_kernels = {&gvk_kernel_combine, NULL, NULL};
static const struct op_kernels multiply_kernels = {&gvk_kernel_combine, NULL, NULL};
static const struct op_kernels squeeze_excite_kernels = {&gvk_kernel_squeeze_excite, NULL, NULL};
static const struct op_kernels ghost_kernels = {&gvk_kernel_ghost, NULL, NULL};

#define LINE(OP, word) [GVK_OP_##OP] = &word##_kernels,
static const struct op_kernels *const kernels[] = {GVK_OPS(LINE)};

const struct gvk_kernel *gvk_kernel_of(const struct gvk_graph_node *node)
{
    const struct op_kernels *op = kernels[node->op];
    if (op->pointwise && gvk_is_pointwise(node))
        return op->pointwise;
    return op->depthwise && gvk_is_depthwise(node) ? op->depthwise : op->any;
}

static gvk_result emit_node(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_kernel *kernel = gvk_kernel_of(node);
    struct gvk_selection selection = builder->packing->selections[index];
    if (kernel->refine)
        selection = kernel->refine(builder->policy, &selection, node, builder->program);
    return kernel->emit(builder, index, &selection);
}

gvk_result gvk_emit_graph(const struct gvk_builder *builder)
{
    struct gvk_program *program = builder->program;
    program->network_first = program->command_count;
    for (uint32_t i = 0; i < builder->graph->node_count; i++) {
        const struct gvk_graph_node *node = &builder->graph->nodes[i];
        if (node->removed)
            continue;
        gvk_result result = emit_node(builder, i);
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
    made.selections = gvk_allocate_array(builder->host, graph->node_count, sizeof *made.selections);
    if (!made.offsets || !made.sizes || !made.selections) {
        gvk_packing_destroy(builder->host, &made);
        return gvk_fail_memory(builder->host);
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        const struct gvk_kernel *kernel = gvk_kernel_of(node);
        if (node->removed)
            continue;
        if (kernel->select)
            made.selections[i] = kernel->select(builder->policy, node);
        if (!kernel->count_weights)
            continue;
        made.offsets[i] = made.quads;
        made.sizes[i] = kernel->count_weights(&made.selections[i], node);
        made.quads += (made.sizes[i] + 15) / 16 * 16; /* channels are bounded by graph/build.c: no overflow */
    }
    made.quads += GVK_SLACK_QUADS;
    *out = made;
    return GVK_OK;
}

void gvk_packing_destroy(const gvk_host *host, struct gvk_packing *packing)
{
    gvk_release(host, packing->offsets);
    gvk_release(host, packing->sizes);
    gvk_release(host, packing->selections);
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
        gvk_program_keep_block(program, program->locations[graph->outputs[i].tensor].block);
    if (!result) {
        gvk_program_fill_before(program, program->locations[graph->inputs[0].tensor].block);
        result = gvk_emit_graph(builder);
    }
    return result ? result : gvk_program_plan(program);
}
