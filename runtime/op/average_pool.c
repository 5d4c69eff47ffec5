/* Average pools of whole planes. */
#include "kernel.h"
#include "runtime/kernel/planes.h"

static gvk_result emit_average_pool(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    return gvk_emit_average_pool(builder, node,
                                 gvk_tensor_operand(builder->program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE),
                                 builder->program->places[node->output].item);
}

const struct gvk_kernel gvk_kernel_average_pool = {NULL, NULL, emit_average_pool, NULL, NULL};
