/* Tiles: the variants of a kernel (gvk_tiles), and which of them a node takes. */
#ifndef GVK_TILES_H
#define GVK_TILES_H

#include "runtime/plan/program.h"
#include "selection.h"

/* How the tiles of a family that compute blocks of output quads are chosen. */
struct gvk_tile_family {
    enum gvk_family family;
    bool one_local_size; /* other local sizes than a tile's own would not compute its output */
    bool tries_padding;  /* tiles of which much is computed for nothing are candidates, too */
    /* Workgroups of so many lanes that a plane of the source takes for one block of outputs. */
    uint32_t (*count_groups)(const struct gvk_tile *tile, uint32_t local_size, const struct gvk_shape *source);
};

/* The first of the family's tiles of the form that is not out; NULL: there is none. */
const struct gvk_tile *gvk_first_tile(const struct gvk_policy *policy, enum gvk_family family, enum gvk_form form);
/* The family's first tile of the form. */
const struct gvk_tile *gvk_tile_of(enum gvk_family family, enum gvk_form form);
/* The tile's shader for what the node does with its sums, as for fp32. */
enum gvk_shader gvk_tile_shader(const struct gvk_tile *tile, const struct gvk_graph_node *node);
/* One of the tile's shaders is rejected, there is none for this precision, the workgroup is too large, or slices would
 * not be whole subgroups. */
bool gvk_tile_is_out(const struct gvk_policy *policy, const struct gvk_tile *tile);
/* Blocks of outputs; and the output quads that they compute, those included that nobody needs. */
uint32_t gvk_count_blocks(const struct gvk_tile *tile, const struct gvk_graph_node *node);
uint64_t gvk_padded_quads(const struct gvk_tile *tile, const struct gvk_graph_node *node);

/* The node's kernel is this tile, with `local_size` lanes a workgroup. */
struct gvk_selection gvk_select_tile(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                                     const struct gvk_tile *tile, uint32_t local_size);
/* What is forced, or was measured for the node and the policy's work. False: nothing, or not what the device can run,
 * and the built-in choice holds. With the policy's lane_work it is what a stream far from that work may take instead.
 */
bool gvk_select_chosen(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                       const struct gvk_tile_family *family, struct gvk_selection *out);
/* The tile of the form whose blocks cost the least, of equal ones that with the most quads. False: none can be used. */
bool gvk_select_built_in(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                         const struct gvk_tile_family *family, enum gvk_form form, struct gvk_selection *out);
/* The selection for the program's sizes. One that was measured for about its work stays. Else, of the tiles that read
 * the same packed weights, the one with the most work a lane that still gives enough workgroups for the size of the
 * source; where none gives enough, the one with the least work a lane. */
struct gvk_selection gvk_refine_tile(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                     const struct gvk_graph_node *node, const struct gvk_tile_family *family,
                                     const struct gvk_program *program);
/* The same of a kernel whose choices are of local sizes alone: far from what was measured the tile has its own. */
struct gvk_selection gvk_refine_local_size(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                           const struct gvk_graph_node *node, const struct gvk_program *program);
/* The tile with the local size that is forced or was measured for it, or its own. */
struct gvk_selection gvk_select_local_size(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                                           const struct gvk_tile *tile);
/* The n-th tile of the matrix form, from 1, whatever the node's size. False: there is none, or it cannot be used. */
bool gvk_select_matrix(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t n,
                       struct gvk_selection *out);
/* Instead of a tile of the uniform form that is no measured one, one of matrices that reads the same packed weights,
 * where the program's sizes are large enough for it to pay. */
struct gvk_selection gvk_refine_to_matrices(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                            const struct gvk_graph_node *node, const struct gvk_program *program);
/* The candidate number `index`, a tile and a local size, to be timed for the node. False: there are no more. */
bool gvk_tile_candidate(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                        const struct gvk_tile_family *family, uint32_t index, enum gvk_shader *shader,
                        uint32_t *local_size);

#endif
