/* Tiles of the kernels that compute blocks of output quads for some pixels a lane: which one a node takes. pointwise.c
 * and ghost.c each have a family of them. */
#ifndef GVK_TILES_H
#define GVK_TILES_H

#include "choice.h"
#include "dispatch.h"
#include "forms.h"
#include "weights.h"

/* Weights come in blocks of 4 * quads outputs. */
struct gvk_tile {
    enum gvk_shader shader; /* with the plain store; the family's other stores follow it */
    uint32_t quads, pixels; /* of a lane */
    uint32_t local_size, subgroup_size;
    bool texels;
    uint32_t slices; /* of the inputs, each summed up by GVK_SLICE_LANES lanes of a workgroup; 1: not split */
    bool chunks;     /* weights come in chunks (GVK_CHUNK_STEP_VEC4S), and there is a shader of its own for a gate */
};

/* The widest tile first; tiles of the same quads and way to read weights, which read the same ones, next to each other,
 * that of the most work a lane first. */
struct gvk_tile_list {
    const struct gvk_tile *tiles;
    size_t count;
    /* What a block costs beside its output quads, counted in such quads: source values are loaded for each block anew.
     */
    uint32_t block_cost;
};
#define GVK_TILE_LIST(tiles, block_cost)                                                                               \
    {                                                                                                                  \
        (tiles), sizeof(tiles) / sizeof(tiles)[0], (block_cost)                                                        \
    }

struct gvk_tile_family {
    struct gvk_tile_list lists[GVK_FORM_COUNT];
    uint32_t stores;     /* shaders of a tile; one with chunks has one more */
    bool one_local_size; /* other local sizes than a tile's own would not compute its output */
    bool tries_padding;  /* tiles that compute much in vain are candidates too */
    /* Which of the tile's shaders is for the node. */
    uint32_t (*store_of)(const struct gvk_tile *tile, const struct gvk_graph_node *node);
    /* Workgroups that a plane of the source takes for one block of outputs. */
    uint32_t (*count_groups)(const struct gvk_tile *tile, const struct gvk_shape *source);
};

/* One of the tile's shaders is struck, there is none for this precision, the workgroup is too large, or slices would
 * not be whole subgroups. */
bool gvk_tile_is_out(const struct gvk_policy *policy, const struct gvk_tile_family *family,
                     const struct gvk_tile *tile);
/* Blocks of outputs, and output quads that they compute, those in vain included. */
uint32_t gvk_count_blocks(const struct gvk_tile *tile, const struct gvk_graph_node *node);
uint64_t gvk_padded_quads(const struct gvk_tile *tile, const struct gvk_graph_node *node);
struct gvk_block_layout gvk_tile_layout(const struct gvk_policy *policy, const struct gvk_tile *tile);
/* The tile of the form whose blocks cost the least, of equals the widest; among those of as many quads the one of the
 * most work a lane whose dispatch has enough workgroups. NULL when all are out. */
const struct gvk_tile *gvk_tile_choose(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                       const struct gvk_tile_family *family, enum gvk_form form);
/* The tile that is forced or was chosen for the node, with the local size of the choice. False: none, or not one that
 * the device can run, and the built-in choice holds. */
bool gvk_tile_chosen(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                     const struct gvk_tile_family *family, struct gvk_tile *out);
/* The index-th of the tiles and local sizes to time for the node. False: no more. */
bool gvk_tile_candidate(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                        const struct gvk_tile_family *family, uint32_t index, enum gvk_shader *shader,
                        uint32_t *local_size);
/* The pipeline of the tile for the node. */
struct gvk_pipeline_key gvk_tile_key(const struct gvk_tile *tile, const struct gvk_tile_family *family,
                                     const struct gvk_graph_node *node);

#endif
