/* Sums, and products with a gate. */
#include "kernel.h"
#include "runtime/kernel/planes.h"

static gvk_result emit_combine(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    (void)selection;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command command = gvk_begin_planes(builder, node, GVK_SHADER_COMBINE);
    command.key.constants[GVK_CONSTANT_EXTRA] = node->op == GVK_OP_ADD ? GVK_EXTRA_RESIDUAL : GVK_EXTRA_GATE;
    gvk_add_operand(&command, gvk_tensor_operand(builder->program, node->inputs[1], GVK_BINDING_EXTRA, GVK_READ));
    struct gvk_planes_push push = gvk_planes_of(builder->program, node);
    push.extra_item = builder->program->locations[node->inputs[1]].item;
    return gvk_finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_combine = {
    .emit = emit_combine,
};
