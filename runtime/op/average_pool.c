/* Average pools of whole planes. */
#include "kernel.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/planes.h"
#include "runtime/kernel/tiles.h"

static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    enum gvk_form form = policy->reference ? GVK_FORM_PLAIN : gvk_form_of(policy);
    const struct gvk_tile *tile = gvk_tile_of(GVK_FAMILY_AVERAGE_POOL, form);
    return gvk_select_tile(policy, node, tile, tile->local_size);
}

static gvk_result emit_average_pool(const struct gvk_builder *builder, uint32_t index,
                                    const struct gvk_selection *selection)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    return gvk_emit_average_pool(builder, node, selection->tile->form,
                                 gvk_tensor_operand(builder->program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE),
                                 builder->program->locations[node->output].item);
}

const struct gvk_kernel gvk_kernel_average_pool = {
    .select = select_kernel,
    .emit = emit_average_pool,
};
