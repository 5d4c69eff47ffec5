/* What was measured or is forced for a node, in place of the built-in choice. */
#ifndef GVK_CHOICE_H
#define GVK_CHOICE_H

#include "runtime/device/choices.h"
#include "runtime/device/policy.h"
#include "runtime/graph/graph.h"

struct gvk_node_shape gvk_node_shape_of(const struct gvk_policy *policy, const struct gvk_graph_node *node);

/* What is forced, or chosen for the node and the policy's work: of several choices the one that was measured nearest to
 * it. False: nothing, the built-in choice holds. What is forced has no work: it holds for any. */
bool gvk_find_choice(const struct gvk_policy *policy, const struct gvk_graph_node *node, struct gvk_choice *out);

/* A choice that says: the built-in one, beside choices that were measured for other work. */
#define GVK_BUILT_IN_KERNEL ((uint32_t)GVK_SHADER_COUNT + 2)

/* A choice of another kind: whether the device's ghost modules run as two convolutions, in fp16 or in fp32. */
struct gvk_choice gvk_choice_of_ghosts(const struct gvk_policy *policy, bool unfused);
bool gvk_ghosts_are_chosen_unfused(const struct gvk_policy *policy);

/* Local sizes to try: one, two, four times what the tile has, where the device allows it. False: no more. */
bool gvk_candidate_local_size(const struct gvk_traits *traits, uint32_t local_size, uint32_t index, uint32_t *out);
/* Whether `chosen` is one of them. */
bool gvk_is_candidate_local_size(const struct gvk_traits *traits, uint32_t local_size, uint32_t chosen);

#endif
