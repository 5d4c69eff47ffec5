/* Dense convolutions: the stem, and any that is neither pointwise nor depthwise. */
#include "kernel.h"

/* A kernel of shaders/dense.comp. Weights come in blocks of 4 * quads outputs. */
struct tile {
    enum gvk_shader shader;
    uint32_t quads, pixels; /* of a lane */
    uint32_t local_size, subgroup_size;
    bool texels;
};

static const struct tile plain_tile = {GVK_SHADER_DENSE_1X1, 1, 1, 64, 0, false};
static const struct tile tiles[GVK_FORM_COUNT] = {
    [GVK_FORM_UNIFORM] = {GVK_SHADER_DENSE_UNIFORM_4X2, 4, 2, 64, 0, false},
    [GVK_FORM_BROADCAST_16] = {GVK_SHADER_DENSE_BROADCAST16_4X1, 4, 1, 64, 16, false},
    [GVK_FORM_TEXELS] = {GVK_SHADER_DENSE_TEXELS_2X4, 2, 4, 64, 0, true},
    [GVK_FORM_SHUFFLE_16] = {GVK_SHADER_DENSE_SHUFFLE16_4X4, 4, 4, 16, 16, true},
    [GVK_FORM_SHUFFLE_8] = {GVK_SHADER_DENSE_SHUFFLE8_4X4, 4, 4, 16, 8, true},
    [GVK_FORM_SPREAD_16] = {GVK_SHADER_DENSE_SPREAD16_4X4, 4, 4, 16, 16, true},
    [GVK_FORM_SPREAD_8] = {GVK_SHADER_DENSE_SPREAD8_4X4, 4, 4, 16, 8, true},
    [GVK_FORM_CHUNKS_4] = {GVK_SHADER_DENSE_BROADCAST4_4X4, 4, 4, 16, 4, false},
    [GVK_FORM_BROADCAST_4] = {GVK_SHADER_DENSE_BROADCAST4_4X4, 4, 4, 16, 4, false},
};

static const struct tile *choose_built_in(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct tile *best = &tiles[gvk_form_of(builder->traits)];
    if (gvk_quads(node->output_channels) % 4)
        return &plain_tile;
    if (gvk_is_struck(builder->traits, best->shader))
        best = &tiles[GVK_FORM_UNIFORM];
    return gvk_is_struck(builder->traits, best->shader) ? &plain_tile : best;
}

/* The built-in tile, with the local size that was chosen for it. */
static struct tile choose_tile(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    enum gvk_shader shader;
    uint32_t local_size;
    if (builder->reference)
        return plain_tile;
    struct tile tile = *choose_built_in(builder, node);
    if (gvk_find_choice(builder, node, &shader, &local_size) && shader == tile.shader &&
        gvk_is_candidate_local_size(builder->traits, tile.local_size, local_size))
        tile.local_size = local_size;
    return tile;
}

static bool candidate(const struct gvk_builder *builder, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    const struct tile *tile = choose_built_in(builder, node);
    *shader = tile->shader;
    return gvk_candidate_local_size(builder->traits, tile->local_size, index, local_size);
}

static uint64_t padded_quads(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    uint32_t block = choose_tile(builder, node).quads;
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
    struct gvk_folded_weights weights;
    gvk_result result = gvk_fold_weights(builder->host, node, &weights);
    if (result)
        return result;
    uint64_t inputs = node->input_channels, input_quads = gvk_quads(node->input_channels);
    uint64_t block = 4 * (uint64_t)choose_tile(builder, node).quads, taps = (uint64_t)node->kernel * node->kernel;
    for (uint64_t o = 0; o < node->output_channels; o++) {
        const float *row = gvk_folded_row(&weights, o);
        for (uint64_t i = 0; i < inputs; i++)
            for (uint64_t t = 0; t < taps; t++)
                out[((((o / block) * input_quads + i / 4) * taps + t) * block + o % block) * 4 + i % 4] =
                    row[i * taps + t];
    }
    float *bias = out + bias_offset(builder, node) * 4;
    for (uint64_t o = 0; o < node->output_channels; o++)
        bias[o] = weights.bias[o];
    gvk_release_weights(builder->host, &weights);
    return GVK_OK;
}

static struct gvk_pipeline_key select_kernel(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct tile tile = choose_tile(builder, node);
    struct gvk_pipeline_key key = {.shader = tile.shader, .subgroup_size = tile.subgroup_size};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = tile.local_size;
    return key;
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_shape *in = &program->shapes[node->inputs[0]], *out = &program->shapes[node->output];
    const struct tile tile = choose_tile(builder, node);
    struct gvk_command command = gvk_begin_selected(node, select_kernel(builder, node));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command,
                    gvk_tensor_operand(program, node->inputs[0],
                                       tile.texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(
        &command, gvk_weights_operand(builder, index, tile.texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS));
    struct gvk_dense_push push = {
        .activation = gvk_range_of(node->activation),
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
    return gvk_finish_dispatch(builder, &command,
                               gvk_divide_up(out->width * out->height, tile.local_size * tile.pixels),
                               padded_quads(builder, node) / tile.quads, program->batch);
}

const struct gvk_kernel gvk_kernel_dense = {count_weights, pack_weights, emit, select_kernel, candidate};
