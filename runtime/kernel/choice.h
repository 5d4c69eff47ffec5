/* Choices of kernels that were measured on this device (tune.c) or are forced (proof.c), in place of the built-in ones.
 * Kernel files ask for them in choose_tile. */
#ifndef GVK_CHOICE_H
#define GVK_CHOICE_H

#include "runtime/plan/program.h"

/* What of a node the speed of its kernels depends on, the image left out: weights are packed for every size. */
struct gvk_node_shape {
    uint32_t op, input_channels, output_channels, kernel, stride, padding, groups;
    uint32_t store; /* bits: residual, gate, upsample */
    uint32_t half;
};

struct gvk_choice {
    struct gvk_node_shape shape;
    uint32_t shader; /* as for fp32, the store included */
    uint32_t local_size;
};

/* Belongs to the device until its end, because models keep pointing at it. */
struct gvk_choices {
    struct gvk_choices *older;
    uint32_t count;
    struct gvk_choice list[];
};

struct gvk_node_shape gvk_node_shape_of(const struct gvk_traits *traits, const struct gvk_graph_node *node);
bool gvk_node_shapes_equal(const struct gvk_node_shape *left, const struct gvk_node_shape *right);

/* What is forced, or chosen for the node; false: nothing, the built-in choice holds. */
bool gvk_find_choice(const struct gvk_builder *builder, const struct gvk_graph_node *node, enum gvk_shader *shader,
                     uint32_t *local_size);

/* A choice of another kind: that the device's ghost modules run as two convolutions, in fp16 or in fp32. */
struct gvk_choice gvk_choice_of_ghosts_apart(const struct gvk_traits *traits);
bool gvk_ghosts_are_chosen_apart(const struct gvk_traits *traits);

/* Local sizes to try: one, two, four times what the tile has, where the device allows it. False: no more. */
bool gvk_candidate_local_size(const struct gvk_traits *traits, uint32_t local_size, uint32_t index, uint32_t *out);
/* Whether `chosen` is one of them. */
bool gvk_is_candidate_local_size(const struct gvk_traits *traits, uint32_t local_size, uint32_t chosen);

#endif
