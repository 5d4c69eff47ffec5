/* Finds what was chosen for a node. */
#include "choice.h"

#define LOCAL_SIZES 3u /* tried for each tile */

struct gvk_node_shape gvk_node_shape_of(const struct gvk_policy *policy, const struct gvk_graph_node *node)
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
        .half = policy->half,
    };
}

bool gvk_find_choice(const struct gvk_policy *policy, const struct gvk_graph_node *node, enum gvk_shader *shader,
                     uint32_t *local_size)
{
    if (policy->forced_local_size) {
        *shader = (enum gvk_shader)policy->forced_shader;
        *local_size = policy->forced_local_size;
        return true;
    }
    if (!policy->choices)
        return false;
    const struct gvk_node_shape shape = gvk_node_shape_of(policy, node);
    for (uint32_t i = 0; i < policy->choices->count; i++) {
        const struct gvk_choice *choice = &policy->choices->list[i];
        if (!gvk_node_shapes_equal(&choice->shape, &shape))
            continue;
        *shader = (enum gvk_shader)choice->shader;
        *local_size = choice->local_size;
        return true;
    }
    return false;
}

struct gvk_choice gvk_choice_of_ghosts_unfused(const struct gvk_policy *policy)
{
    /* No node has this shape, and no kernel this number. */
    return (struct gvk_choice){.shape = {.op = GVK_OP_GHOST, .half = policy->half}, .shader = GVK_SHADER_COUNT};
}

bool gvk_ghosts_are_chosen_unfused(const struct gvk_policy *policy)
{
    const struct gvk_choice wanted = gvk_choice_of_ghosts_unfused(policy);
    for (uint32_t i = 0; policy->choices && i < policy->choices->count; i++) {
        const struct gvk_choice *choice = &policy->choices->list[i];
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
