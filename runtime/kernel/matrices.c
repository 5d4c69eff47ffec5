/* How large a workgroup of the matrix form is, and where it pays. */
#include "matrices.h"

#include "forms.h"
#include "shaders/shared.h"

#define LANES_WANTED                                                                                                   \
    32u /* NVIDIA's subgroups; AMD's have 32 or 64, and with 32 twice as many of them hide what waits */

/* With fewer channels most of a step, or of a block of outputs, is for nothing. */
#define LEAST_INPUT_QUADS  16u
#define LEAST_OUTPUT_QUADS 8u

const struct gvk_tile *gvk_matrix_tile(uint32_t n)
{
    const struct gvk_tile_list *list = &gvk_tile_lists[GVK_FAMILY_POINTWISE][GVK_FORM_MATRIX];
    return n && n <= list->count ? &list->tiles[n - 1] : NULL;
}

uint32_t gvk_matrix_lanes(const struct gvk_traits *traits)
{
    if (!traits->max_subgroup_size) /* none can be required, because there is one: Mesa's driver for NVIDIA */
        return traits->subgroup_size;
    if (LANES_WANTED < traits->min_subgroup_size)
        return traits->min_subgroup_size;
    return LANES_WANTED > traits->max_subgroup_size ? traits->max_subgroup_size : LANES_WANTED;
}

uint32_t gvk_matrix_local_size(const struct gvk_traits *traits, const struct gvk_tile *tile)
{
    return traits->matrix_side ? gvk_matrix_lanes(traits) * GVK_MATRIX_SUBGROUPS(tile->pixels, 4 * tile->quads,
                                                                                 tile->slices, traits->matrix_side)
                               : tile->local_size;
}

bool gvk_matrix_tile_fits(const struct gvk_traits *traits, const struct gvk_tile *tile)
{
    uint32_t lanes = gvk_matrix_local_size(traits, tile);
    uint32_t pairs = tile->quads * GVK_MATRIX_STEP_QUADS * tile->slices; /* of an input and an output quad; a step's */
    return traits->matrix_side && lanes && lanes <= traits->max_invocations && lanes <= traits->max_workgroup_size_x &&
           pairs % lanes == 0 && lanes / tile->slices % tile->pixels == 0 &&
           GVK_MATRIX_SHARED_BYTES(tile->pixels, 4 * tile->quads, tile->slices, traits->matrix_side) <=
               traits->max_shared_bytes;
}

uint64_t gvk_count_matrix_turns(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    uint32_t steps = gvk_quads(node->input_channels) / GVK_MATRIX_STEP_QUADS + 1;
    return steps / tile->slices + 2 + (uint64_t)tile->pixels * tile->quads / GVK_MATRIX_LEAST_LANES + 4;
}

/* One for each of NVIDIA's multiprocessors or AMD's compute units, where the driver tells how many there are. */
static uint32_t wanted_workgroups(const struct gvk_traits *traits)
{
    uint32_t cores = gvk_known_cores(traits);
    return cores ? cores : gvk_wanted_workgroups(traits) / 4;
}

bool gvk_fills_matrices(const struct gvk_graph_node *node)
{
    return gvk_quads(node->input_channels) >= LEAST_INPUT_QUADS &&
           gvk_quads(node->output_channels) >= LEAST_OUTPUT_QUADS;
}

bool gvk_matrix_tile_pays(const struct gvk_traits *traits, const struct gvk_tile *tile,
                          const struct gvk_graph_node *node, uint32_t pixels, uint32_t batch)
{
    uint32_t outputs = gvk_quads(node->output_channels);
    uint64_t groups =
        ((uint64_t)pixels + tile->pixels - 1) / tile->pixels * ((outputs + tile->quads - 1) / tile->quads) * batch;
    /* A split tile has a quarter of the steps one behind the other, so that half as many workgroups gain as much. */
    return gvk_fills_matrices(node) && groups * (tile->slices > 1 ? 2 : 1) >= wanted_workgroups(traits);
}
