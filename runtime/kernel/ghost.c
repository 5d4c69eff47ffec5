/* Ghost modules in one dispatch (shaders/ghost.comp): which tile, both convolutions' weights, and the dispatch. For
 * GPUs: they save a launch and a barrier for a little arithmetic at the squares' edges. Elsewhere, and where a driver
 * computes them wrongly, the rewrite is left out and the two convolutions run apart. */
#include "kernel.h"

#include <string.h>

#define TAPS 9u

/* Weights come in blocks of 4 * quads outputs; local size * pixels is a whole region. */
struct tile {
    enum gvk_shader shader; /* plain; the one with a residual follows */
    uint32_t quads, pixels; /* of a lane */
    uint32_t subgroup_size;
    bool texels;
};

/* The widest first; of the same quads, which read the same weights, the most pixels first. */
static const struct tile uniform_tiles[] = {
    {GVK_SHADER_GHOST_UNIFORM_2X2, 2, 2, 0, false},
    {GVK_SHADER_GHOST_UNIFORM_2X1, 2, 1, 0, false},
};
static const struct tile broadcast16_tiles[] = {
    {GVK_SHADER_GHOST_BROADCAST16_4X2, 4, 2, 16, false},
    {GVK_SHADER_GHOST_BROADCAST16_4X1, 4, 1, 16, false},
    {GVK_SHADER_GHOST_BROADCAST16_2X2, 2, 2, 16, false},
};
static const struct tile texel_tiles[] = {
    {GVK_SHADER_GHOST_TEXELS_2X4, 2, 4, 0, true},
};

struct tile_list {
    const struct tile *tiles;
    size_t count;
};
static const struct tile_list lists[GVK_FORM_COUNT] = {
    [GVK_FORM_UNIFORM] = {uniform_tiles, sizeof uniform_tiles / sizeof uniform_tiles[0]},
    [GVK_FORM_BROADCAST_16] = {broadcast16_tiles, sizeof broadcast16_tiles / sizeof broadcast16_tiles[0]},
    [GVK_FORM_TEXELS] = {texel_tiles, sizeof texel_tiles / sizeof texel_tiles[0]},
};

static uint32_t local_size_of(const struct tile *tile)
{
    return GVK_GHOST_SIDE * GVK_GHOST_SIDE / tile->pixels;
}

static bool is_out(const struct gvk_traits *traits, const struct tile *tile)
{
    uint32_t local_size = local_size_of(tile);
    return gvk_shader_for(traits, tile->shader) == GVK_SHADER_COUNT || gvk_is_struck(traits, tile->shader) ||
           gvk_is_struck(traits, tile->shader + 1) || local_size > traits->max_invocations ||
           local_size > traits->max_workgroup_size_x;
}

static const struct tile_list *list_of(const struct gvk_traits *traits)
{
    const struct tile_list *list = &lists[gvk_form_of(traits)];
    return list->count ? list : &lists[GVK_FORM_UNIFORM]; /* every device runs these */
}

uint32_t gvk_rewrites_off(const struct gvk_traits *traits, uint32_t off)
{
    const struct tile_list *list = list_of(traits);
    /* A CPU device makes a coroutine of a shader with a barrier, and gains nothing by one dispatch fewer. */
    bool possible = traits->type != VK_PHYSICAL_DEVICE_TYPE_CPU && traits->texel_buffers;
    for (size_t i = 0; possible && i < list->count; i++)
        if (!is_out(traits, &list->tiles[i]))
            return off;
    return off | GVK_REWRITE_FUSE_GHOST;
}

static uint32_t padded_quads(const struct tile *tile, const struct gvk_graph_node *node)
{
    return gvk_divide_up(gvk_quads(node->output_channels), tile->quads) * tile->quads;
}

static uint32_t count_squares(const struct gvk_shape *shape)
{
    return gvk_divide_up(shape->width, GVK_GHOST_INNER) * gvk_divide_up(shape->height, GVK_GHOST_INNER);
}

/* In workgroups of 64 lanes, as gvk_wanted_workgroups counts. */
static uint64_t count_workgroups(const struct gvk_program *program, const struct tile *tile,
                                 const struct gvk_graph_node *node)
{
    return (uint64_t)count_squares(&program->shapes[node->inputs[0]]) * (padded_quads(tile, node) / tile->quads) *
           program->batch * local_size_of(tile) / 64;
}

static enum gvk_shader shader_of(const struct tile *tile, const struct gvk_graph_node *node)
{
    return tile->shader + (node->residual ? 1 : 0);
}

/* What is forced, or was measured to be best; NULL: nothing. */
static const struct tile *find_chosen(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    enum gvk_shader shader;
    uint32_t local_size;
    if (!gvk_find_choice(builder, node, &shader, &local_size))
        return NULL;
    for (enum gvk_form form = GVK_FORM_UNIFORM; form < GVK_FORM_COUNT; form++)
        for (size_t i = 0; i < lists[form].count && gvk_form_is_possible(builder->traits, form); i++) {
            const struct tile *tile = &lists[form].tiles[i];
            if (shader_of(tile, node) == shader && local_size_of(tile) == local_size && !is_out(builder->traits, tile))
                return tile;
        }
    return NULL;
}

/* The fewest quads in vain; among those of as many quads the most pixels that give enough workgroups, else the fewest.
 * A tile that is out only when all are: proof.c sees that it is, and model.c takes the modules apart. */
static const struct tile *choose_tile(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct tile_list *list = list_of(builder->traits);
    const struct tile *best = find_chosen(builder, node);
    if (best)
        return best;
    for (size_t i = 0; i < list->count; i++)
        if (!is_out(builder->traits, &list->tiles[i]) &&
            (!best || padded_quads(&list->tiles[i], node) < padded_quads(best, node)))
            best = &list->tiles[i];
    uint32_t pixels = builder->traits->tile_pixels, wanted = gvk_wanted_workgroups(builder->traits);
    if (!best || (!pixels && !(builder->program && builder->program->shapes)))
        return best ? best : &list->tiles[0];
    uint32_t quads = best->quads;
    for (const struct tile *tile = best; tile < list->tiles + list->count && tile->quads == quads; tile++) {
        if (is_out(builder->traits, tile))
            continue;
        best = tile;
        if (pixels ? tile->pixels <= pixels : count_workgroups(builder->program, tile, node) >= wanted)
            break;
    }
    return best;
}

static struct gvk_pipeline_key select_kernel(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct tile *tile = choose_tile(builder, node);
    struct gvk_pipeline_key key = {.shader = shader_of(tile, node), .subgroup_size = tile->subgroup_size};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = local_size_of(tile);
    key.constants[GVK_CONSTANT_EXTRA] = node->gate ? GVK_EXTRA_GATE : GVK_EXTRA_NONE;
    return key;
}

static bool candidate(const struct gvk_builder *builder, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    uint32_t seen = 0;
    for (enum gvk_form form = GVK_FORM_UNIFORM; form < GVK_FORM_COUNT; form++)
        for (size_t i = 0; i < lists[form].count && gvk_form_is_candidate(builder->traits, form); i++) {
            const struct tile *tile = &lists[form].tiles[i];
            if (is_out(builder->traits, tile) || seen++ != index)
                continue;
            *shader = shader_of(tile, node);
            *local_size = local_size_of(tile);
            return true;
        }
    return false;
}

struct layout {
    uint64_t bias, taps, end;
};

static struct layout layout_of(const struct tile *tile, const struct gvk_graph_node *node)
{
    struct layout layout = {.bias = (uint64_t)padded_quads(tile, node) * 4 * gvk_quads(node->input_channels)};
    layout.taps = layout.bias + padded_quads(tile, node);
    layout.end = layout.taps + (uint64_t)gvk_quads(node->output_channels) * (TAPS + 1);
    return layout;
}

static uint64_t count_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    return layout_of(choose_tile(builder, node), node).end;
}

static gvk_result pack_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out)
{
    const struct tile *tile = choose_tile(builder, node);
    struct layout layout = layout_of(tile, node);
    struct gvk_graph_node cheap = *node;
    cheap.weight = node->second_weight;
    cheap.bias = node->second_bias;
    cheap.norm = node->second_norm;
    cheap.input_channels = cheap.groups = node->output_channels;
    cheap.kernel = 3;
    gvk_result result = gvk_pack_pointwise(builder->host, node, tile->quads, out, out + layout.bias * 4);
    return result ? result : gvk_pack_depthwise(builder->host, &cheap, out + layout.taps * 4);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct tile *tile = choose_tile(builder, node);
    const struct gvk_shape *in = &program->shapes[node->inputs[0]];
    const struct layout layout = layout_of(tile, node);
    bool texels = tile->texels;

    struct gvk_command command = gvk_begin_selected(node, select_kernel(builder, node));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->inputs[0],
                                                 texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    struct gvk_operand weights =
        gvk_weights_operand(builder, index, texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS);
    gvk_add_operand(&command, weights);
    /* The shader names the gate's binding, so that it must hold something, also where it is not read. */
    struct gvk_operand gate = weights;
    gate.bytes = gate.useful = weights.quad_bytes;
    if (node->gate)
        gate = gvk_tensor_operand(program, node->gate, 0, GVK_READ);
    gate.binding = texels ? GVK_BINDING_EXTRA : GVK_BINDING_EXTRA_TEXELS;
    gate.whole_block = true;
    gvk_add_operand(&command, gate);
    if (node->residual)
        gvk_add_operand(&command, gvk_tensor_operand(program, node->residual,
                                                     texels ? GVK_BINDING_EXTRA_TEXELS : GVK_BINDING_EXTRA, GVK_READ));
    struct gvk_ghost_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = program->places[node->output].item,
        .source_item = program->places[node->inputs[0]].item,
        .extra_item = program->places[node->residual].item,
        .gate_item = program->places[node->gate].item,
        .bias = (uint32_t)layout.bias,
        .taps = (uint32_t)layout.taps,
        .input_quads = gvk_quads(node->input_channels),
        .output_quads = gvk_quads(node->output_channels),
        .width = in->width,
        .height = in->height,
        .tiles_x = gvk_divide_up(in->width, GVK_GHOST_INNER),
    };
    gvk_set_push(&command, &push, sizeof push);
    return gvk_finish_dispatch(builder, &command, count_squares(in), padded_quads(tile, node) / tile->quads,
                               program->batch);
}

const struct gvk_kernel gvk_kernel_ghost = {count_weights, pack_weights, emit, select_kernel, candidate};
