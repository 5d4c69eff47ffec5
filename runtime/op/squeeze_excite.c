/* Squeeze-excite's gate in two dispatches: an average pool, and both linear layers in one workgroup. */
#include "kernel.h"
#include "runtime/graph/ops.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/planes.h"
#include "runtime/kernel/tiles.h"

struct layout {
    uint64_t reduce_bias, expand, expand_bias, end;
};

static struct layout layout_of(const struct gvk_graph_node *node)
{
    uint64_t channels = gvk_quads(node->input_channels), reduced = gvk_quads(node->reduced_channels);
    struct layout layout = {.reduce_bias = channels * reduced * 4};
    layout.expand = layout.reduce_bias + reduced;
    layout.expand_bias = layout.expand + channels * reduced * 4;
    layout.end = layout.expand_bias + channels;
    return layout;
}

static uint64_t count_weights(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    (void)selection;
    return layout_of(node).end;
}

static gvk_result pack_linear(const gvk_host *host, const gvk_array *weight_array, const gvk_array *bias_array,
                              uint64_t inputs, uint64_t outputs, float *out, float *out_bias)
{
    float *weight = NULL, *bias = NULL;
    gvk_result result = gvk_read_weights(host, weight_array, inputs * outputs, &weight);
    if (!result)
        result = gvk_read_weights(host, bias_array, outputs, &bias);
    uint64_t input_quads = (inputs + 3) / 4;
    for (uint64_t o = 0; o < outputs && !result; o++) {
        for (uint64_t i = 0; i < inputs; i++)
            out[(((o / 4) * input_quads + i / 4) * 4 + o % 4) * 4 + i % 4] = weight[o * inputs + i];
        out_bias[o] = bias[o];
    }
    gvk_release(host, weight);
    gvk_release(host, bias);
    return result;
}

static gvk_result pack_weights(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out)
{
    struct layout layout = layout_of(node);
    (void)selection;
    gvk_result result = pack_linear(host, &node->weight, &node->bias, node->input_channels, node->reduced_channels, out,
                                    out + layout.reduce_bias * 4);
    if (result)
        return result;
    return pack_linear(host, &node->second_weight, &node->second_bias, node->reduced_channels, node->input_channels,
                       out + layout.expand * 4, out + layout.expand_bias * 4);
}

static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const struct gvk_tile *tile = gvk_tile_of(GVK_FAMILY_EXCITE, gvk_form_of(policy));
    uint32_t lanes = gvk_form_is_for_gpus(tile->form) ? gvk_split_lanes(policy->traits) : tile->local_size;
    return gvk_select_tile(policy, node, tile, lanes);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    uint32_t quads = gvk_quads(node->input_channels), pooled;
    uint64_t bytes = (uint64_t)quads * program->batch * program->quad_bytes;
    gvk_result result = gvk_program_add_block(program, bytes, &pooled);
    if (result)
        return result;
    struct gvk_operand pooled_operand = {
        .memory = GVK_MEMORY_ARENA, .block = pooled, .quad_bytes = program->quad_bytes, .bytes = bytes};

    pooled_operand.binding = GVK_BINDING_OUTPUT;
    pooled_operand.access = GVK_WRITE;
    result = gvk_emit_average_pool(builder, node, selection->tile->form, pooled_operand, quads);
    if (result)
        return result;

    bool texels = selection->tile->texels;
    struct gvk_command excite = gvk_begin_selected(node, selection->key);
    pooled_operand.binding = texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE;
    pooled_operand.access = GVK_READ;
    gvk_add_operand(&excite, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&excite, pooled_operand);
    gvk_add_operand(&excite,
                    gvk_weights_operand(builder, index, texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS));
    struct layout layout = layout_of(node);
    struct gvk_excite_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = program->locations[node->output].item,
        .source_item = quads,
        .channels_quads = quads,
        .reduced_quads = gvk_quads(node->reduced_channels),
        .reduce_bias = (uint32_t)layout.reduce_bias,
        .expand = (uint32_t)layout.expand,
        .expand_bias = (uint32_t)layout.expand_bias,
    };
    gvk_set_push(&excite, &push, sizeof push);
    excite.turns = gvk_count_excite_turns(push.channels_quads, push.reduced_quads);
    return gvk_finish_dispatch(builder, &excite, 1, 1, program->batch);
}

const struct gvk_kernel gvk_kernel_squeeze_excite = {
    .select = select_kernel,
    .count_weights = count_weights,
    .pack_weights = pack_weights,
    .emit = emit,
};
