/* Dense convolutions: the stem, and any that is neither pointwise nor depthwise. */
#include "kernel.h"

#define LOCAL_SIZE 64

static uint32_t block_quads(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    return builder->reference || gvk_quads(node->output_channels) % 4 ? 1 : 4;
}

static uint64_t padded_quads(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    uint32_t block = block_quads(builder, node);
    return (uint64_t)gvk_divide_up(gvk_quads(node->output_channels), block) * block;
}

static uint64_t bias_offset(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    return padded_quads(builder, node) * 4 * gvk_quads(node->input_channels) * node->kernel * node->kernel;
}

static uint64_t count_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    return bias_offset(builder, node) + padded_quads(builder, node);
}

static gvk_result pack_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out)
{
    struct gvk_dense_weights weights;
    gvk_result result = gvk_fold_weights(builder->host, node, &weights);
    if (result)
        return result;
    uint64_t inputs = node->input_channels, input_quads = gvk_quads(node->input_channels);
    uint64_t block = 4 * (uint64_t)block_quads(builder, node), taps = (uint64_t)node->kernel * node->kernel;
    for (uint64_t o = 0; o < node->output_channels; o++)
        for (uint64_t i = 0; i < inputs; i++)
            for (uint64_t t = 0; t < taps; t++)
                out[((((o / block) * input_quads + i / 4) * taps + t) * block + o % block) * 4 + i % 4] =
                    weights.weight[(o * inputs + i) * taps + t];
    float *bias = out + bias_offset(builder, node) * 4;
    for (uint64_t o = 0; o < node->output_channels; o++)
        bias[o] = weights.bias[o];
    gvk_release_weights(builder->host, &weights);
    return GVK_OK;
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_shape *in = &program->shapes[node->inputs[0]], *out = &program->shapes[node->output];
    uint32_t block = block_quads(builder, node);
    struct gvk_command command =
        gvk_begin_dispatch(builder, node, block == 4 ? GVK_SHADER_DENSE_4 : GVK_SHADER_DENSE_1, LOCAL_SIZE);
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->inputs[0], GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&command, gvk_weights_operand(builder, index, GVK_BINDING_WEIGHTS));
    struct gvk_dense_push push = {
        .output_item = program->places[node->output].item,
        .source_item = program->places[node->inputs[0]].item,
        .bias = (uint32_t)bias_offset(builder, node),
        .input_quads = gvk_quads(node->input_channels),
        .output_quads = gvk_quads(node->output_channels),
        .width = in->width,
        .height = in->height,
        .output_width = out->width,
        .output_height = out->height,
        .kernel = node->kernel,
        .stride = node->stride,
        .padding = node->padding,
    };
    gvk_set_push(&command, &push, sizeof push);
    return gvk_finish_dispatch(builder, &command, gvk_divide_up(out->width * out->height, LOCAL_SIZE),
                               padded_quads(builder, node) / block, program->batch);
}

const struct gvk_kernel gvk_kernel_dense = {count_weights, pack_weights, emit};
