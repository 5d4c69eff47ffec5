/* Batch norm with its activation, or an activation alone. */
#include <math.h>

#include "kernel.h"
#include "runtime/kernel/planes.h"
#include "runtime/kernel/weights.h"

static uint64_t count_norm(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    (void)selection;
    return node->norm.present ? 2 * (uint64_t)gvk_quads(node->input_channels) : 0;
}

static gvk_result pack_norm(const gvk_host *host, const struct gvk_selection *selection,
                            const struct gvk_graph_node *node, float *out)
{
    (void)selection;
    const gvk_array *arrays[4] = {&node->norm.weight, &node->norm.bias, &node->norm.mean, &node->norm.variance};
    float *values[4] = {0};
    gvk_result result = GVK_OK;
    for (int i = 0; i < 4 && !result && node->norm.present; i++)
        result = gvk_read_weights(host, arrays[i], node->input_channels, &values[i]);
    float *shifts = out + (size_t)gvk_quads(node->input_channels) * 4;
    for (uint32_t c = 0; c < node->input_channels && !result && node->norm.present; c++) {
        double scale = (double)values[0][c] / sqrt((double)values[3][c] + node->norm.epsilon);
        out[c] = (float)scale;
        shifts[c] = (float)((double)values[1][c] - (double)values[2][c] * scale);
    }
    for (int i = 0; i < 4; i++)
        gvk_release(host, values[i]);
    return result;
}

static gvk_result emit_batch_norm(const struct gvk_builder *builder, uint32_t index,
                                  const struct gvk_selection *selection)
{
    (void)selection;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command command = gvk_begin_planes(builder, node, GVK_SHADER_BATCH_NORM);
    command.key.constants[GVK_CONSTANT_MODE] = node->norm.present;
    /* Also for an activation alone, which reads none: a binding that the shader names must hold something. */
    gvk_add_operand(&command, gvk_weights_operand(builder, index, GVK_BINDING_WEIGHTS));
    struct gvk_planes_push push = gvk_planes_of(builder->program, node);
    return gvk_finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_batch_norm = {
    .count_weights = count_norm,
    .pack_weights = pack_norm,
    .emit = emit_batch_norm,
};
