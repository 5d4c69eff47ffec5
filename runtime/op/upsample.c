/* Upsampling by two, nearest. */
#include "kernel.h"
#include "runtime/kernel/planes.h"

static gvk_result emit_upsample(const struct gvk_builder *builder, uint32_t index,
                                const struct gvk_selection *selection)
{
    (void)selection;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command command = gvk_begin_planes(builder, node, GVK_SHADER_UPSAMPLE);
    struct gvk_planes_push push = gvk_planes_of(builder->program, node);
    return gvk_finish_planes(builder, &command, &push, 4 * push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_upsample = {
    .emit = emit_upsample,
};
