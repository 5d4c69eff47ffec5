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

/* The shape's choice that was measured nearest to the policy's work; of those that are as near the newest, and that one
 * also where the work is unknown. NULL: none is near. */
static const struct gvk_choice *find_nearest(const struct gvk_policy *policy, const struct gvk_node_shape *shape)
{
    const struct gvk_choice *nearest = NULL;
    for (uint32_t i = 0; policy->choices && i < policy->choices->count; i++) { /* the newest first */
        const struct gvk_choice *choice = &policy->choices->list[i];
        if (!choice->work || !gvk_node_shapes_equal(&choice->shape, shape))
            continue;
        if (!policy->work)
            return choice;
        if (gvk_is_near(choice->work, policy->work) &&
            (!nearest || gvk_work_ratio(choice->work, policy->work) < gvk_work_ratio(nearest->work, policy->work)))
            nearest = choice;
    }
    return nearest;
}

bool gvk_find_choice(const struct gvk_policy *policy, const struct gvk_graph_node *node, struct gvk_choice *out)
{
    const struct gvk_node_shape shape = gvk_node_shape_of(policy, node);
    if (policy->forced_local_size) {
        *out = (struct gvk_choice){
            .shape = shape, .shader = policy->forced_shader, .local_size = policy->forced_local_size};
        return true;
    }
    const struct gvk_choice *nearest = find_nearest(policy, &shape);
    if (!nearest || nearest->shader == GVK_BUILT_IN_KERNEL)
        return false;
    *out = *nearest;
    return true;
}

#define GHOSTS_UNFUSED ((uint32_t)GVK_SHADER_COUNT) /* no kernel has these numbers, nor GVK_BUILT_IN_KERNEL */
#define GHOSTS_FUSED   ((uint32_t)GVK_SHADER_COUNT + 1)

struct gvk_choice gvk_choice_of_ghosts(const struct gvk_policy *policy, bool unfused)
{
    return (struct gvk_choice){.shape = {.op = GVK_OP_GHOST, .half = policy->half}, /* no node has this shape */
                               .shader = unfused ? GHOSTS_UNFUSED : GHOSTS_FUSED,
                               .work = policy->work};
}

bool gvk_ghosts_are_chosen_unfused(const struct gvk_policy *policy)
{
    const struct gvk_choice wanted = gvk_choice_of_ghosts(policy, true), *nearest = find_nearest(policy, &wanted.shape);
    return nearest && nearest->shader == GHOSTS_UNFUSED;
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
