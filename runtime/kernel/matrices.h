/* The matrix form: pointwise convolutions in fp16 on matrix units (shaders/convolution/pointwise_matrix.comp). No
 * device has it for all its kernels. It reads the weights that are packed for the tiles of the uniform form, so that a
 * stream may take either: this one where the work is large enough for its workgroups. */
#ifndef GVK_KERNEL_MATRICES_H
#define GVK_KERNEL_MATRICES_H

#include "runtime/device/policy.h"
#include "runtime/graph/graph.h"

/* The n-th tile of the form, from 1; NULL: there are fewer. */
const struct gvk_tile *gvk_matrix_tile(uint32_t n);
/* Lanes of a subgroup, and of a workgroup of the tile. */
uint32_t gvk_matrix_lanes(const struct gvk_traits *traits);
uint32_t gvk_matrix_local_size(const struct gvk_traits *traits, const struct gvk_tile *tile);
/* A workgroup has no more lanes and shared memory than the device allows, and lanes that share the loads evenly. */
bool gvk_matrix_tile_fits(const struct gvk_traits *traits, const struct gvk_tile *tile);
/* Loop turns of a lane. */
uint64_t gvk_count_matrix_turns(const struct gvk_tile *tile, const struct gvk_graph_node *node);
/* Whether its channels are many enough for the form to pay at any size; and whether the tile is faster than the uniform
 * form's for a node of these channels and a source of so many pixels. */
bool gvk_fills_matrices(const struct gvk_graph_node *node);
bool gvk_matrix_tile_pays(const struct gvk_traits *traits, const struct gvk_tile *tile,
                          const struct gvk_graph_node *node, uint32_t pixels, uint32_t batch);

#endif
