/* Chooses among the tiles of a family (tiles.h). Called by pointwise.c and ghost.c. */
#include "tiles.h"

/* Slices of fewer inputs than this are not worth handing sums round. */
#define LEAST_SLICE_QUADS 4u

bool gvk_tile_is_out(const struct gvk_policy *policy, const struct gvk_tile_family *family, const struct gvk_tile *tile)
{
    if (gvk_shader_for(policy, tile->shader) == GVK_SHADER_COUNT ||
        tile->local_size > policy->traits->max_invocations || tile->local_size > policy->traits->max_workgroup_size_x)
        return true;
    if (tile->slices > 1 && (!policy->traits->subgroup_size || policy->traits->subgroup_size > GVK_SLICE_LANES))
        return true;
    for (uint32_t store = 0; store < family->stores + tile->chunks; store++)
        if (gvk_is_struck(policy, tile->shader + store))
            return true;
    return false;
}

uint32_t gvk_count_blocks(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return gvk_divide_up(gvk_quads(node->output_channels), tile->quads);
}

uint64_t gvk_padded_quads(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return (uint64_t)gvk_count_blocks(tile, node) * tile->quads;
}

struct gvk_block_layout gvk_tile_layout(const struct gvk_policy *policy, const struct gvk_tile *tile)
{
    uint32_t step = tile->chunks ? GVK_CHUNK_STEP_VEC4S : 1;
    return (struct gvk_block_layout){.quads = tile->quads,
                                     .weights = gvk_divide_up(4 * tile->quads, step) * step,
                                     .by_input = gvk_sums_in_half(policy, tile->shader)};
}

/* In workgroups of 64 lanes, as gvk_wanted_workgroups counts. */
static uint64_t count_workgroups(const struct gvk_program *program, const struct gvk_tile_family *family,
                                 const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return family->count_groups(tile, &program->shapes[node->inputs[0]]) * (uint64_t)gvk_count_blocks(tile, node) *
           program->batch * tile->local_size / 64;
}

static uint32_t lane_work(const struct gvk_tile *tile)
{
    return tile->pixels * GVK_LANE_WORK_OF_A_PIXEL / tile->slices;
}

/* Of the tiles with the same quads the one of the most work a lane whose dispatch has enough workgroups; the one of the
 * least work where none has. */
static const struct gvk_tile *fit_pixels(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                         const struct gvk_tile_family *family, const struct gvk_tile_list *list,
                                         const struct gvk_tile *widest)
{
    uint32_t wanted = gvk_wanted_workgroups(builder->policy->traits), work = builder->policy->lane_work;
    const struct gvk_tile *best = widest;
    /* Who packs weights knows no shapes, and asks for the quads alone. */
    if (!wanted || (!work && !(builder->program && builder->program->shapes)))
        return widest;
    for (const struct gvk_tile *tile = widest;
         tile < list->tiles + list->count && tile->quads == widest->quads && tile->chunks == widest->chunks; tile++) {
        if (gvk_tile_is_out(builder->policy, family, tile) ||
            (!work && tile->slices > 1 && gvk_quads(node->input_channels) < tile->slices * LEAST_SLICE_QUADS))
            continue;
        best = tile;
        if (work ? lane_work(tile) <= work : count_workgroups(builder->program, family, tile, node) >= wanted)
            break;
    }
    return best;
}

const struct gvk_tile *gvk_tile_choose(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                       const struct gvk_tile_family *family, enum gvk_form form)
{
    const struct gvk_tile_list *list = &family->lists[form];
    const struct gvk_tile *best = NULL;
    uint64_t least = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct gvk_tile *tile = &list->tiles[i];
        uint64_t cost = (uint64_t)gvk_count_blocks(tile, node) * (tile->quads + list->block_cost);
        if (gvk_tile_is_out(builder->policy, family, tile) || (best && cost >= least))
            continue;
        best = tile;
        least = cost;
    }
    return best ? fit_pixels(builder, node, family, list, best) : NULL;
}

static enum gvk_shader shader_of(const struct gvk_tile *tile, const struct gvk_tile_family *family,
                                 const struct gvk_graph_node *node)
{
    return tile->shader + family->store_of(tile, node);
}

/* The tile whose shader for the node this is, of a form that the device can run; NULL: none. */
static const struct gvk_tile *find_tile(const struct gvk_policy *policy, const struct gvk_tile_family *family,
                                        const struct gvk_graph_node *node, enum gvk_shader shader)
{
    for (enum gvk_form form = GVK_FORM_UNIFORM; form < GVK_FORM_COUNT; form++)
        for (size_t i = 0; i < family->lists[form].count && gvk_form_is_possible(policy, form); i++)
            if (shader_of(&family->lists[form].tiles[i], family, node) == shader)
                return &family->lists[form].tiles[i];
    return NULL;
}

/* A split tile's slices have as many lanes as shared memory was counted for. */
static bool has_one_local_size(const struct gvk_tile_family *family, const struct gvk_tile *tile)
{
    return family->one_local_size || tile->slices > 1;
}

/* Lanes beyond a plane's end read on, no further than the slack behind it. */
static bool reads_within_slack(const struct gvk_tile *tile, uint32_t local_size)
{
    return local_size / tile->slices * tile->pixels <= GVK_SLACK_QUADS;
}

bool gvk_tile_chosen(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                     const struct gvk_tile_family *family, struct gvk_tile *out)
{
    enum gvk_shader shader;
    uint32_t local_size;
    if (!gvk_find_choice(builder->policy, node, &shader, &local_size))
        return false;
    const struct gvk_tile *tile = find_tile(builder->policy, family, node, shader);
    if (!tile || gvk_tile_is_out(builder->policy, family, tile))
        return false;
    if (has_one_local_size(family, tile)
            ? local_size != tile->local_size
            : !gvk_is_candidate_local_size(builder->policy->traits, tile->local_size, local_size))
        return false;
    if (!reads_within_slack(tile, local_size))
        return false;
    *out = *tile;
    out->local_size = local_size;
    return true;
}

/* More than a quarter of the work would be in vain. */
static bool wastes_much(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return gvk_padded_quads(tile, node) * 3 > (uint64_t)gvk_quads(node->output_channels) * 4;
}

bool gvk_tile_candidate(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                        const struct gvk_tile_family *family, uint32_t index, enum gvk_shader *shader,
                        uint32_t *local_size)
{
    uint32_t seen = 0;
    for (enum gvk_form form = GVK_FORM_UNIFORM; form < GVK_FORM_COUNT; form++)
        for (size_t i = 0; i < family->lists[form].count && gvk_form_is_candidate(builder->policy, form); i++) {
            const struct gvk_tile *tile = &family->lists[form].tiles[i];
            if (gvk_tile_is_out(builder->policy, family, tile) || (!family->tries_padding && wastes_much(tile, node)))
                continue;
            for (uint32_t size = 0;
                 (!size || !has_one_local_size(family, tile)) &&
                 gvk_candidate_local_size(builder->policy->traits, tile->local_size, size, local_size) &&
                 reads_within_slack(tile, *local_size);
                 size++)
                if (seen++ == index) {
                    *shader = shader_of(tile, family, node);
                    return true;
                }
        }
    return false;
}

struct gvk_pipeline_key gvk_tile_key(const struct gvk_tile *tile, const struct gvk_tile_family *family,
                                     const struct gvk_graph_node *node)
{
    struct gvk_pipeline_key key = {.shader = shader_of(tile, family, node), .subgroup_size = tile->subgroup_size};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = tile->local_size;
    key.constants[GVK_CONSTANT_EXTRA] = node->gate && !tile->chunks ? GVK_EXTRA_GATE : GVK_EXTRA_NONE;
    return key;
}
