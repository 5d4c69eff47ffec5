/* Pointwise convolutions and linear layers: which tile, how weights are packed for it, and the dispatch. */
#include "kernel.h"
#include "runtime/kernel/tiles.h"

/* Of shaders/pointwise.comp and, those of chunks, pointwise_chunks.comp. docs/kernels.md and docs/laboratory.md say
 * what each was found to be worth. */
static const struct gvk_tile uniform_tiles[] = {
    {GVK_SHADER_POINTWISE_UNIFORM_2X4, 2, 4, 64, 0, false, 1, false},
    {GVK_SHADER_POINTWISE_UNIFORM_2X2, 2, 2, 64, 0, false, 1, false},
    {GVK_SHADER_POINTWISE_UNIFORM_2X1, 2, 1, 64, 0, false, 1, false},
    {GVK_SHADER_POINTWISE_UNIFORM_2X1_SPLIT, 2, 1, 4 * GVK_SLICE_LANES, 0, false, 4, false},
    {GVK_SHADER_POINTWISE_UNIFORM_1X4, 1, 4, 64, 0, false, 1, false},
};
static const struct gvk_tile broadcast16_tiles[] = {
    {GVK_SHADER_POINTWISE_BROADCAST16_4X2, 4, 2, 64, 16, false, 1, false},
    {GVK_SHADER_POINTWISE_BROADCAST16_4X1, 4, 1, 64, 16, false, 1, false},
    {GVK_SHADER_POINTWISE_BROADCAST16_4X1_SPLIT, 4, 1, 4 * GVK_SLICE_LANES, 16, false, 4, false},
    {GVK_SHADER_POINTWISE_BROADCAST16_2X4, 2, 4, 64, 16, false, 1, false},
    {GVK_SHADER_POINTWISE_BROADCAST16_2X2, 2, 2, 64, 16, false, 1, false},
    {GVK_SHADER_POINTWISE_BROADCAST16_1X4, 1, 4, 64, 16, false, 1, false},
};
static const struct gvk_tile texel_tiles[] = {
    {GVK_SHADER_POINTWISE_TEXELS_2X4, 2, 4, 64, 0, true, 1, false},
    {GVK_SHADER_POINTWISE_TEXELS_2X2, 2, 2, 64, 0, true, 1, false},
    {GVK_SHADER_POINTWISE_TEXELS_1X4, 1, 4, 64, 0, true, 1, false},
};
static const struct gvk_tile shuffle_tiles[] = {
    {GVK_SHADER_POINTWISE_SHUFFLE8_8X4, 8, 4, 8, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE8_5X4, 5, 4, 8, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE8_4X4, 4, 4, 8, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE8_3X4, 3, 4, 16, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE8_2X4, 2, 4, 32, 8, true, 1, false},
};
static const struct gvk_tile wide_shuffle_tiles[] = {
    {GVK_SHADER_POINTWISE_SHUFFLE16_16X4, 16, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE16_8X4, 8, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE16_5X4, 5, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE16_4X4, 4, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE16_3X4, 3, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SHUFFLE16_2X4, 2, 4, 32, 16, true, 1, false},
};
static const struct gvk_tile spread_tiles[] = {
    {GVK_SHADER_POINTWISE_SPREAD8_8X4, 8, 4, 8, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD8_5X4, 5, 4, 8, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD8_4X4, 4, 4, 8, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD8_3X4, 3, 4, 16, 8, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD8_2X4, 2, 4, 32, 8, true, 1, false},
};
static const struct gvk_tile wide_spread_tiles[] = {
    {GVK_SHADER_POINTWISE_SPREAD16_16X4, 16, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD16_8X4, 8, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD16_5X4, 5, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD16_4X4, 4, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD16_3X4, 3, 4, 16, 16, true, 1, false},
    {GVK_SHADER_POINTWISE_SPREAD16_2X4, 2, 4, 32, 16, true, 1, false},
};
static const struct gvk_tile broadcast_tiles[] = {
    {GVK_SHADER_POINTWISE_BROADCAST4_4X4, 4, 4, 16, 4, false, 1, false},
    {GVK_SHADER_POINTWISE_BROADCAST4_2X4, 2, 4, 32, 4, false, 1, false},
};
static const struct gvk_tile chunk_tiles[] = {
    {GVK_SHADER_POINTWISE_CHUNKS4_8X3, 8, 3, 8, 4, false, 1, true},
    {GVK_SHADER_POINTWISE_CHUNKS4_5X4, 5, 4, 8, 4, false, 1, true},
    {GVK_SHADER_POINTWISE_CHUNKS4_3X4, 3, 4, 16, 4, false, 1, true},
    {GVK_SHADER_POINTWISE_CHUNKS4_2X4, 2, 4, 32, 4, false, 1, true},
    {GVK_SHADER_POINTWISE_BROADCAST4_2X4, 2, 4, 32, 4, false, 1, false},
};
static const struct gvk_tile reference_tile = {GVK_SHADER_POINTWISE_REFERENCE, 1, 1, 64, 0, false, 1, false};

static uint32_t count_groups(const struct gvk_tile *tile, const struct gvk_shape *source)
{
    return gvk_divide_up(source->width * source->height, tile->local_size / tile->slices * tile->pixels);
}

/* Plain, residual, upsample; and gate, which others have as a constant. No node has two of them (rewrite.c). */
static uint32_t store_of(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return node->residual ? 1 : node->upsample ? 2 : node->gate && tile->chunks ? 3 : 0;
}

/* On CPU devices a block costs as much as two output quads more than it has, as measured with 2 to 128 of them; on GPUs
 * what is computed in vain counts alone. */
static const struct gvk_tile_family family = {
    .lists = {[GVK_FORM_UNIFORM] = GVK_TILE_LIST(uniform_tiles, 0),
              [GVK_FORM_BROADCAST_16] = GVK_TILE_LIST(broadcast16_tiles, 0),
              [GVK_FORM_TEXELS] = GVK_TILE_LIST(texel_tiles, 0),
              [GVK_FORM_SHUFFLE_16] = GVK_TILE_LIST(wide_shuffle_tiles, 2),
              [GVK_FORM_SHUFFLE_8] = GVK_TILE_LIST(shuffle_tiles, 2),
              [GVK_FORM_SPREAD_16] = GVK_TILE_LIST(wide_spread_tiles, 2),
              [GVK_FORM_SPREAD_8] = GVK_TILE_LIST(spread_tiles, 2),
              [GVK_FORM_CHUNKS_4] = GVK_TILE_LIST(chunk_tiles, 2),
              [GVK_FORM_BROADCAST_4] = GVK_TILE_LIST(broadcast_tiles, 2)},
    .stores = 3,
    .store_of = store_of,
    .count_groups = count_groups,
};

static const struct gvk_tile *choose_built_in(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const enum gvk_form form = gvk_form_of(builder->policy);
    const enum gvk_form others[] = {GVK_FORM_SPREAD_16, GVK_FORM_SPREAD_8, GVK_FORM_UNIFORM};
    const struct gvk_tile *best = gvk_tile_choose(builder, node, &family, form);
    /* All tiles of the form are struck. What another lavapipe likes comes next; every device runs the last. */
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !best; i++)
        if (others[i] != form && gvk_form_is_possible(builder->policy, others[i]))
            best = gvk_tile_choose(builder, node, &family, others[i]);
    return best ? best : &uniform_tiles[0]; /* proof.c refuses a graph whose choice is struck */
}

static struct gvk_tile choose_tile(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    struct gvk_tile tile;
    if (builder->policy->reference)
        return reference_tile;
    if (gvk_tile_chosen(builder, node, &family, &tile))
        return tile;
    return *choose_built_in(builder, node);
}

static bool candidate(const struct gvk_builder *builder, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    return gvk_tile_candidate(builder, node, &family, index, shader, local_size);
}

static uint64_t bias_offset(const struct gvk_builder *builder, const struct gvk_tile *tile,
                            const struct gvk_graph_node *node)
{
    return (uint64_t)gvk_count_blocks(tile, node) * gvk_tile_layout(builder->policy, tile).weights *
           gvk_quads(node->input_channels);
}

static uint64_t count_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct gvk_tile tile = choose_tile(builder, node);
    return bias_offset(builder, &tile, node) + gvk_padded_quads(&tile, node);
}

static gvk_result pack_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out)
{
    const struct gvk_tile tile = choose_tile(builder, node);
    return gvk_pack_pointwise(builder->host, node, gvk_tile_layout(builder->policy, &tile), out,
                              out + bias_offset(builder, &tile, node) * 4);
}

static struct gvk_pipeline_key select_kernel(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct gvk_tile tile = choose_tile(builder, node);
    if (!builder->policy->reference)
        return gvk_tile_key(&tile, &family, node);
    return (struct gvk_pipeline_key){.shader = tile.shader, .constants = {[GVK_CONSTANT_LOCAL_SIZE] = tile.local_size}};
}

/* On lavapipe, each of whose threads takes workgroups one after the other, x first: what is smaller, the weights or the
 * source, should be what they return to, because it stays in the cache of the processor. */
static bool takes_either_order(const struct gvk_tile *tile)
{
    return tile->texels && tile->subgroup_size;
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_tile tile = choose_tile(builder, node);
    const struct gvk_shape *in = &program->shapes[node->inputs[0]];
    /* A binding that the shader names must hold something, also where its constants leave it unread. */
    gvk_tensor extra = node->residual ? node->residual : node->gate ? node->gate : node->inputs[0];
    uint32_t pixels = in->width * in->height;

    struct gvk_command command = gvk_begin_selected(node, select_kernel(builder, node));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command,
                    gvk_tensor_operand(program, node->inputs[0],
                                       tile.texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(
        &command, gvk_weights_operand(builder, index, tile.texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS));
    if (!builder->policy->reference)
        gvk_add_operand(
            &command,
            gvk_tensor_operand(program, extra, tile.texels ? GVK_BINDING_EXTRA_TEXELS : GVK_BINDING_EXTRA, GVK_READ));
    struct gvk_pointwise_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = program->places[node->output].item,
        .source_item = program->places[node->inputs[0]].item,
        .extra_item = program->places[extra].item,
        .bias = (uint32_t)bias_offset(builder, &tile, node),
        .input_quads = gvk_quads(node->input_channels),
        .output_quads = gvk_quads(node->output_channels),
        .pixels = pixels,
        .width = in->width,
        .chunk = (uint32_t)(builder->packing->offsets[index] / GVK_CHUNK_STEP_VEC4S),
    };
    uint32_t groups = count_groups(&tile, in), blocks = gvk_count_blocks(&tile, node);
    push.blocks_first = takes_either_order(&tile) && node->output_channels < pixels;
    gvk_set_push(&command, &push, sizeof push);
    command.turns = push.input_quads;
    return gvk_finish_dispatch(builder, &command, push.blocks_first ? blocks : groups,
                               push.blocks_first ? groups : blocks, program->batch);
}

const struct gvk_kernel gvk_kernel_pointwise = {count_weights, pack_weights, emit, select_kernel, candidate};
