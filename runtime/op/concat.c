/* Concat: a copy of each input that is not written straight into the concat's memory. */
#include "kernel.h"
#include "runtime/kernel/planes.h"

static gvk_result emit_concat(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    (void)selection;
    const struct gvk_graph *graph = builder->graph;
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &graph->nodes[index];
    uint32_t first = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct gvk_graph_tensor *part = &graph->tensors[node->inputs[i]];
        const struct gvk_shape *shape = &program->shapes[node->inputs[i]];
        uint32_t end = first + part->channels;
        if (part->parent == node->output && part->first_channel == first) {
            first = end;
            continue;
        }
        struct gvk_command command = gvk_begin_dispatch(node, GVK_SHADER_CONCAT, GVK_PLANES_LANES);
        /* Where an input begins inside a quad, the channels in front of it keep what the input before wrote there. */
        enum gvk_access access = first % 4 ? GVK_READ_WRITE : GVK_WRITE;
        gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, access));
        gvk_add_operand(&command, gvk_tensor_operand(program, node->inputs[i], GVK_BINDING_SOURCE, GVK_READ));
        struct gvk_concat_push push = {
            .output_item = program->locations[node->output].item,
            .source_item = program->locations[node->inputs[i]].item,
            .channels = part->channels,
            .first_channel = first,
            .pixels = shape->width * shape->height,
        };
        gvk_set_push(&command, &push, sizeof push);
        command.turns = 4;
        gvk_result result = gvk_finish_dispatch(builder, &command, gvk_divide_up(push.pixels, GVK_PLANES_LANES),
                                                gvk_quads(end) - first / 4, program->batch);
        if (result)
            return result;
        first = end;
    }
    return GVK_OK;
}

const struct gvk_kernel gvk_kernel_concat = {
    .emit = emit_concat,
};
