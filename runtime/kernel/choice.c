/* Finds what was chosen for a node. Called by the kernel files, by tune.c and proof.c. */
#include "choice.h"

#include <string.h>

#define LOCAL_SIZES 3u /* tried for each tile */

struct gvk_node_shape gvk_node_shape_of(const struct gvk_traits *traits, const struct gvk_graph_node *node)
{
    return (struct gvk_node_shape){
        .op = (uint32_t)node->op,
        .input_channels = node->input_channels,
        .output_channels = node->output_channels,
        .kernel = node->kernel,
        .stride = node->stride,
        .padding = node->padding,
        .groups = node->groups,
        .store = (node->residual ? 1u : 0u) | (node->gate ? 2u : 0u) | (node->upsample ? 4u : 0u),
        .half = traits->half,
    };
}

bool gvk_node_shapes_equal(const struct gvk_node_shape *left, const struct gvk_node_shape *right)
{
    return memcmp(left, right, sizeof *left) == 0; /* nothing but uint32_t: no padding */
}

bool gvk_find_choice(const struct gvk_builder *builder, const struct gvk_graph_node *node, enum gvk_shader *shader,
                     uint32_t *local_size)
{
    const struct gvk_traits *traits = builder->traits;
    if (traits->forced_local_size) {
        *shader = (enum gvk_shader)traits->forced_shader;
        *local_size = traits->forced_local_size;
        return true;
    }
    if (!traits->choices)
        return false;
    const struct gvk_node_shape shape = gvk_node_shape_of(traits, node);
    for (uint32_t i = 0; i < traits->choices->count; i++) {
        const struct gvk_choice *choice = &traits->choices->list[i];
        if (!gvk_node_shapes_equal(&choice->shape, &shape))
            continue;
        *shader = (enum gvk_shader)choice->shader;
        *local_size = choice->local_size;
        return true;
    }
    return false;
}

struct gvk_choice gvk_choice_of_ghosts_apart(const struct gvk_traits *traits)
{
    /* No node has this shape, and no kernel this number. */
    return (struct gvk_choice){.shape = {.op = GVK_OP_GHOST, .half = traits->half}, .shader = GVK_SHADER_COUNT};
}

bool gvk_ghosts_are_chosen_apart(const struct gvk_traits *traits)
{
    const struct gvk_choice wanted = gvk_choice_of_ghosts_apart(traits);
    for (uint32_t i = 0; traits->choices && i < traits->choices->count; i++) {
        const struct gvk_choice *choice = &traits->choices->list[i];
        if (gvk_node_shapes_equal(&choice->shape, &wanted.shape) && choice->shader == wanted.shader)
            return true;
    }
    return false;
}

bool gvk_candidate_local_size(const struct gvk_traits *traits, uint32_t local_size, uint32_t index, uint32_t *out)
{
    if (index >= LOCAL_SIZES)
        return false;
    uint32_t size = local_size << index;
    if (size > traits->max_invocations || size > traits->max_workgroup_size_x)
        return false;
    *out = size;
    return true;
}

bool gvk_is_candidate_local_size(const struct gvk_traits *traits, uint32_t local_size, uint32_t chosen)
{
    uint32_t allowed;
    for (uint32_t i = 0; gvk_candidate_local_size(traits, local_size, i, &allowed); i++)
        if (allowed == chosen)
            return true;
    return false;
}
