/* Chooses among the tiles of a family: by how much they compute for nothing, by the size of the image, by what was
 * measured. */
#include "tiles.h"

#include "choice.h"
#include "dispatch.h"
#include "forms.h"
#include "matrices.h"

/* A slice of fewer input quads than this saves less than adding up the slices' sums costs. */
#define LEAST_SLICE_QUADS 4u

/* A thread of Mali's has 64 registers: sums, or maxima, of more than four quads, with what they are made of, spill. */
#define MOST_SUMS_OF_MALI 4u
/* Of a tile on CPU devices, for what few layers do: a gate, an upsampling store. */
#define MOST_QUADS_OF_FEW_LAYERS 8u

const struct gvk_tile *gvk_tile_of(enum gvk_family family, enum gvk_form form)
{
    return gvk_tile_lists[family][form].tiles;
}

const struct gvk_tile *gvk_first_tile(const struct gvk_policy *policy, enum gvk_family family, enum gvk_form form)
{
    const struct gvk_tile_list *list = &gvk_tile_lists[family][form];
    for (uint32_t i = 0; i < list->count; i++)
        if (!gvk_tile_is_out(policy, &list->tiles[i]))
            return &list->tiles[i];
    return NULL;
}

static bool has_store(const struct gvk_tile *tile, enum gvk_store store)
{
    return tile->shaders[store] != GVK_SHADER_COUNT;
}

/* No node has two of them (rewrite.c). */
static enum gvk_store store_of(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    enum gvk_store store = node->residual   ? GVK_STORE_RESIDUAL
                           : node->upsample ? GVK_STORE_UPSAMPLE
                           : node->gate     ? GVK_STORE_GATE
                                            : GVK_STORE_PLAIN;
    return has_store(tile, store) ? store : GVK_STORE_PLAIN;
}

enum gvk_shader gvk_tile_shader(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return tile->shaders[store_of(tile, node)];
}

static bool sizes_vary(const struct gvk_traits *traits)
{
    return traits->min_subgroup_size != traits->subgroup_size || traits->max_subgroup_size != traits->subgroup_size;
}

/* Slices are whole subgroups of gl_SubgroupSize lanes. That is the size that a driver states, and not always the one
 * that it runs: Intel's runs 8, 16 or 32 as it likes. So it is the only one that there is, or it is required. */
static bool has_whole_slices(const struct gvk_traits *traits)
{
    uint32_t size = traits->subgroup_size;
    return size && size <= GVK_SLICE_LANES && (gvk_can_require_subgroups(traits) || !sizes_vary(traits));
}

bool gvk_tile_is_out(const struct gvk_policy *policy, const struct gvk_tile *tile)
{
    const struct gvk_traits *traits = policy->traits;
    bool matrix = tile->form == GVK_FORM_MATRIX;
    if (matrix && (!gvk_form_is_possible(policy, GVK_FORM_MATRIX) || !gvk_matrix_tile_fits(traits, tile)))
        return true;
    if (gvk_shader_for(policy, tile->shaders[GVK_STORE_PLAIN]) == GVK_SHADER_COUNT ||
        tile->local_size > traits->max_invocations || tile->local_size > traits->max_workgroup_size_x)
        return true;
    uint32_t sums = tile->family == GVK_FAMILY_PYRAMID ? 3 * tile->out_y : tile->quads * tile->pixels;
    if (traits->vendor_id == GVK_VENDOR_ARM && sums > MOST_SUMS_OF_MALI)
        return true;
    if (tile->slices > 1 && !matrix && !tile->subgroup_size && !has_whole_slices(traits))
        return true;
    for (int store = 0; store < GVK_STORE_COUNT; store++)
        if (has_store(tile, (enum gvk_store)store) && gvk_is_rejected(policy, tile->shaders[store]))
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

/* Stores and orders of weights are constants of one shader in this form. */
static struct gvk_selection select_matrix_tile(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                                               const struct gvk_tile *tile, struct gvk_block_layout layout)
{
    struct gvk_selection selection = {
        .tile = tile,
        .key = {.shader = gvk_tile_shader(tile, node),
                .subgroup_size = policy->traits->max_subgroup_size ? gvk_matrix_lanes(policy->traits) : 0},
        .layout = layout,
    };
    uint32_t *constants = selection.key.constants;
    constants[GVK_CONSTANT_LOCAL_SIZE] = gvk_matrix_local_size(policy->traits, tile);
    constants[GVK_CONSTANT_EXTRA] = node->gate ? GVK_EXTRA_GATE : node->residual ? GVK_EXTRA_RESIDUAL : GVK_EXTRA_NONE;
    constants[GVK_CONSTANT_MODE] = (node->upsample ? GVK_MODE_UPSAMPLE : 0) | (layout.by_input ? GVK_MODE_BY_INPUT : 0);
    constants[GVK_CONSTANT_SIDE] = policy->traits->matrix_side;
    return selection;
}

/* How kernels that can read ahead do it, by how many registers a thread has: NVIDIA's have 255, AMD's 100 for weights,
 * which are the same for a subgroup; on Intel's each lane has a part of the weights in the form that is for it alone.
 * Of other devices nothing is known that speaks for it. In fp16 AMD's ghost modules would spill, with Mesa 22 on
 * RDNA 3. */
static uint32_t steps_of(const struct gvk_policy *policy, const struct gvk_tile *tile)
{
    uint32_t vendor_id = policy->traits->vendor_id;
    if (vendor_id == GVK_VENDOR_NVIDIA)
        return GVK_STEPS_AT_ONCE;
    if (vendor_id == GVK_VENDOR_AMD && policy->half && tile->family == GVK_FAMILY_GHOST)
        return GVK_SINGLE_STEPS;
    if (vendor_id == GVK_VENDOR_AMD || tile->form == GVK_FORM_BROADCAST_16)
        return GVK_STEPS_AHEAD;
    return GVK_SINGLE_STEPS;
}

struct gvk_selection gvk_select_tile(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                                     const struct gvk_tile *tile, uint32_t local_size)
{
    if (tile->form == GVK_FORM_MATRIX) { /* which reads what is packed for that one */
        const struct gvk_tile *uniform = gvk_tile_of(tile->family, GVK_FORM_UNIFORM);
        return select_matrix_tile(policy, node, tile,
                                  gvk_select_tile(policy, node, uniform, uniform->local_size).layout);
    }
    uint32_t step = tile->chunks ? GVK_CHUNK_STEP_VEC4S : 1;
    struct gvk_selection selection = {
        .tile = tile,
        .key = {.shader = gvk_tile_shader(tile, node),
                .subgroup_size = tile->slices > 1 && !tile->subgroup_size && sizes_vary(policy->traits)
                                     ? policy->traits->subgroup_size
                                     : tile->subgroup_size},
        .layout = {.quads = tile->quads,
                   .weights = gvk_divide_up(4 * tile->quads, step) * step,
                   .by_input = gvk_sums_in_half(policy, tile->shaders[GVK_STORE_PLAIN])},
    };
    selection.key.constants[GVK_CONSTANT_LOCAL_SIZE] = local_size;
    selection.key.constants[GVK_CONSTANT_EXTRA] =
        node->gate && !has_store(tile, GVK_STORE_GATE) ? GVK_EXTRA_GATE : GVK_EXTRA_NONE;
    if (tile->family == GVK_FAMILY_POINTWISE || tile->family == GVK_FAMILY_GHOST)
        selection.key.constants[GVK_CONSTANT_STORE] = store_of(tile, node);
    if (gvk_form_is_for_gpus(tile->form))
        selection.key.constants[GVK_CONSTANT_MODE] = steps_of(policy, tile);
    return selection;
}

/* The next tile that reads the same packed weights; NULL: there is none. */
static const struct gvk_tile *next_alike(const struct gvk_tile *tile)
{
    const struct gvk_tile_list *list = &gvk_tile_lists[tile->family][tile->form];
    const struct gvk_tile *next = tile + 1;
    return next < list->tiles + list->count && next->quads == tile->quads && next->chunks == tile->chunks ? next : NULL;
}

static uint32_t lane_work(const struct gvk_tile *tile)
{
    return tile->pixels * GVK_LANE_WORK_OF_A_PIXEL / tile->slices;
}

/* The first tile, from `widest` on, of those that read the same packed weights, whose lanes have no more work than is
 * forced. */
static const struct gvk_tile *fit_lane_work(const struct gvk_policy *policy, const struct gvk_tile *widest)
{
    const struct gvk_tile *best = widest;
    for (const struct gvk_tile *tile = widest; tile; tile = next_alike(tile)) {
        if (gvk_tile_is_out(policy, tile))
            continue;
        best = tile;
        if (lane_work(tile) <= policy->lane_work)
            break;
    }
    return best;
}

/* What a block costs beside computing its output quads, in units of such a quad: every block loads the source values
 * again. On CPU devices that is as much as two quads, as measured with 2 to 128 of them; on GPUs what is computed in
 * vain counts alone. */
static uint32_t block_cost(enum gvk_form form)
{
    return gvk_form_is_for_gpus(form) ? 0 : 2;
}

/* lavapipe compiles its widest tile for half a second to a second, as much as all smaller ones. So what few layers do
 * takes a smaller one, which is as fast but for a tenth. */
static bool is_slow_to_compile(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return !gvk_form_is_for_gpus(tile->form) && tile->quads > MOST_QUADS_OF_FEW_LAYERS &&
           (node->gate || node->upsample);
}

bool gvk_select_built_in(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                         const struct gvk_tile_family *family, enum gvk_form form, struct gvk_selection *out)
{
    const struct gvk_tile_list *list = &gvk_tile_lists[family->family][form];
    const struct gvk_tile *best = NULL;
    uint64_t least = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct gvk_tile *tile = &list->tiles[i];
        uint64_t cost = (uint64_t)gvk_count_blocks(tile, node) * (tile->quads + block_cost(form));
        if (gvk_tile_is_out(policy, tile) || is_slow_to_compile(tile, node) || (best && cost >= least))
            continue;
        best = tile;
        least = cost;
    }
    if (!best)
        return false;
    if (policy->lane_work && gvk_wanted_workgroups(policy->traits))
        best = fit_lane_work(policy, best);
    *out = gvk_select_tile(policy, node, best, best->local_size);
    return true;
}

/* In workgroups of 64 lanes, as gvk_wanted_workgroups counts. */
static uint64_t count_workgroups(const struct gvk_tile_family *family, const struct gvk_tile *tile,
                                 const struct gvk_graph_node *node, const struct gvk_shape *source, uint32_t batch)
{
    return family->count_groups(tile, tile->local_size, source) * (uint64_t)gvk_count_blocks(tile, node) * batch *
           tile->local_size / 64;
}

/* The first tile that reads the weights as they are packed for `tile`: of the device's own form, where that has one. */
static const struct gvk_tile *find_widest_alike(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                                                const struct gvk_tile *tile)
{
    const enum gvk_form forms[] = {gvk_form_of(policy), tile->form};
    const struct gvk_block_layout layout = gvk_select_tile(policy, node, tile, tile->local_size).layout;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct gvk_tile_list *list = &gvk_tile_lists[tile->family][forms[i]];
        for (uint32_t j = 0; j < list->count; j++) {
            const struct gvk_tile *other = &list->tiles[j];
            const struct gvk_block_layout of_other = gvk_select_tile(policy, node, other, other->local_size).layout;
            if (!gvk_tile_is_out(policy, other) && other->chunks == tile->chunks && of_other.quads == layout.quads &&
                of_other.weights == layout.weights && of_other.by_input == layout.by_input)
                return other;
        }
    }
    return tile;
}

static bool holds_for(const struct gvk_selection *selection, const struct gvk_program *program)
{
    return !selection->work ||
           gvk_is_near(selection->work, gvk_work_of(program->width, program->height, program->batch));
}

/* Pixels that a plane's workgroups compute, those beyond its end included. */
static uint64_t padded_pixels(const struct gvk_tile_family *family, const struct gvk_tile *tile,
                              const struct gvk_shape *source)
{
    return (uint64_t)family->count_groups(tile, tile->local_size, source) * (tile->local_size / tile->slices) *
           tile->pixels;
}

/* The next tile's workgroups fit the plane's end better: 192 pixels instead of 256 for one of 13 x 13. On NVIDIA's
 * GPUs, which are busy with loads of weights, the wider tile's fewer loads are worth more. */
static bool fits_worse_than_next(const struct gvk_policy *policy, const struct gvk_tile_family *family,
                                 const struct gvk_tile *tile, const struct gvk_shape *source)
{
    const struct gvk_tile *next = next_alike(tile);
    return next && next->slices == 1 && policy->traits->vendor_id != GVK_VENDOR_NVIDIA &&
           !gvk_tile_is_out(policy, next) &&
           padded_pixels(family, tile, source) * 4 > padded_pixels(family, next, source) * 5;
}

struct gvk_selection gvk_refine_tile(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                     const struct gvk_graph_node *node, const struct gvk_tile_family *family,
                                     const struct gvk_program *program)
{
    uint32_t wanted = gvk_wanted_workgroups(policy->traits);
    bool holds = holds_for(selection, program);
    if (selection->is_forced || (selection->work && holds) || policy->lane_work || (holds && !wanted))
        return *selection;
    const struct gvk_tile *best = holds ? selection->tile : find_widest_alike(policy, node, selection->tile);
    const struct gvk_shape *source = &program->shapes[node->inputs[0]];
    for (const struct gvk_tile *tile = best; tile && wanted; tile = next_alike(tile)) {
        if (gvk_tile_is_out(policy, tile) ||
            (tile->slices > 1 && gvk_quads(node->input_channels) < tile->slices * LEAST_SLICE_QUADS))
            continue;
        best = tile;
        if (count_workgroups(family, tile, node, source, program->batch) >= wanted &&
            !fits_worse_than_next(policy, family, tile, source))
            break;
    }
    return gvk_select_tile(policy, node, best, best->local_size);
}

bool gvk_select_matrix(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t n,
                       struct gvk_selection *out)
{
    const struct gvk_tile *tile = gvk_matrix_tile(n);
    if (!tile || gvk_tile_is_out(policy, tile))
        return false;
    *out = gvk_select_tile(policy, node, tile, tile->local_size);
    return true;
}

struct gvk_selection gvk_refine_to_matrices(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                            const struct gvk_graph_node *node, const struct gvk_program *program)
{
    const struct gvk_shape *source = &program->shapes[node->inputs[0]];
    const struct gvk_tile *tile;
    if (selection->is_forced || selection->work || policy->lane_work || selection->tile->form != GVK_FORM_UNIFORM)
        return *selection;
    for (uint32_t n = 1; (tile = gvk_matrix_tile(n)) != NULL; n++)
        if (!gvk_tile_is_out(policy, tile) &&
            gvk_matrix_tile_pays(policy->traits, tile, node, source->width * source->height, program->batch))
            return select_matrix_tile(policy, node, tile, selection->layout);
    return *selection;
}

/* The tile whose shader for the node this is, of a form that the device can run; NULL: none. */
static const struct gvk_tile *find_tile(const struct gvk_policy *policy, const struct gvk_tile_family *family,
                                        const struct gvk_graph_node *node, enum gvk_shader shader)
{
    for (enum gvk_form form = GVK_FORM_UNIFORM; form < GVK_FORM_PLAIN; form++) {
        const struct gvk_tile_list *list = &gvk_tile_lists[family->family][form];
        for (uint32_t i = 0; i < list->count && gvk_form_is_possible(policy, form); i++)
            if (gvk_tile_shader(&list->tiles[i], node) == shader)
                return &list->tiles[i];
    }
    return NULL;
}

/* A split tile runs with its own local size alone: its shared memory has room for the lanes of that. So does one of
 * matrices. */
static bool has_one_local_size(const struct gvk_tile_family *family, const struct gvk_tile *tile)
{
    return family->one_local_size || tile->slices > 1 || tile->form == GVK_FORM_MATRIX;
}

static uint32_t local_size_of(const struct gvk_policy *policy, const struct gvk_tile *tile)
{
    return tile->form == GVK_FORM_MATRIX ? gvk_matrix_local_size(policy->traits, tile) : tile->local_size;
}

/* Lanes beyond the end of a plane read on; they must not read beyond the slack behind it. */
static bool reads_within_slack(const struct gvk_tile *tile, uint32_t local_size)
{
    return tile->form == GVK_FORM_MATRIX || local_size / tile->slices * tile->pixels <= GVK_SLACK_QUADS;
}

bool gvk_select_chosen(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                       const struct gvk_tile_family *family, struct gvk_selection *out)
{
    struct gvk_choice choice;
    if (!gvk_find_choice(policy, node, &choice))
        return false;
    const struct gvk_tile *tile = find_tile(policy, family, node, (enum gvk_shader)choice.shader);
    if (!tile || gvk_tile_is_out(policy, tile))
        return false;
    if (has_one_local_size(family, tile)
            ? choice.local_size != local_size_of(policy, tile)
            : !gvk_is_candidate_local_size(policy->traits, tile->local_size, choice.local_size))
        return false;
    if (!reads_within_slack(tile, choice.local_size))
        return false;
    if (choice.work && policy->lane_work) {
        tile = find_widest_alike(policy, node, tile);
        if (gvk_wanted_workgroups(policy->traits))
            tile = fit_lane_work(policy, tile);
        choice.local_size = tile->local_size;
    }
    *out = gvk_select_tile(policy, node, tile, choice.local_size);
    out->is_forced = !choice.work;
    out->work = choice.work;
    return true;
}

struct gvk_selection gvk_select_local_size(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                                           const struct gvk_tile *tile)
{
    struct gvk_choice choice;
    if (!gvk_find_choice(policy, node, &choice) || choice.shader != (uint32_t)gvk_tile_shader(tile, node) ||
        !gvk_is_candidate_local_size(policy->traits, tile->local_size, choice.local_size))
        return gvk_select_tile(policy, node, tile, tile->local_size);
    struct gvk_selection made = gvk_select_tile(policy, node, tile, choice.local_size);
    made.is_forced = !choice.work;
    made.work = choice.work;
    return made;
}

struct gvk_selection gvk_refine_local_size(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                           const struct gvk_graph_node *node, const struct gvk_program *program)
{
    (void)policy;
    (void)node;
    struct gvk_selection refined = *selection;
    if (!selection->is_forced && !holds_for(selection, program))
        refined.key.constants[GVK_CONSTANT_LOCAL_SIZE] = selection->tile->local_size;
    return refined;
}

/* More than a quarter of the work would be for nothing. */
static bool wastes_much(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return gvk_padded_quads(tile, node) * 3 > (uint64_t)gvk_quads(node->output_channels) * 4;
}

bool gvk_tile_candidate(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                        const struct gvk_tile_family *family, uint32_t index, enum gvk_shader *shader,
                        uint32_t *local_size)
{
    uint32_t seen = 0;
    for (enum gvk_form form = GVK_FORM_UNIFORM; form < GVK_FORM_PLAIN; form++) {
        const struct gvk_tile_list *list = &gvk_tile_lists[family->family][form];
        for (uint32_t i = 0; i < list->count && gvk_form_is_candidate(policy, form); i++) {
            const struct gvk_tile *tile = &list->tiles[i];
            if (gvk_tile_is_out(policy, tile) || (!family->tries_padding && wastes_much(tile, node)))
                continue;
            for (uint32_t size = 0;
                 (!size || !has_one_local_size(family, tile)) &&
                 gvk_candidate_local_size(policy->traits, local_size_of(policy, tile), size, local_size) &&
                 reads_within_slack(tile, *local_size);
                 size++)
                if (seen++ == index) {
                    *shader = gvk_tile_shader(tile, node);
                    return true;
                }
        }
    }
    return false;
}
