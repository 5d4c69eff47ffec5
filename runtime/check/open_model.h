/* Models of proven kernels. */
#ifndef GVK_OPEN_MODEL_H
#define GVK_OPEN_MODEL_H

#include "runtime/device/policy.h"
#include "runtime/graph/graph.h"

/* What is decided for a model of these parameters on the device, or, where there is none, on one with the facts of
 * `plain`. GVK_ERROR_ARGUMENT where there is no such precision. */
gvk_result gvk_policy_of_model(const gvk_host *host, const gvk_device *device, const struct gvk_traits *plain,
                               const gvk_model_params *params, struct gvk_policy *out);
/* gvk_model_create of a checked graph. What the proof strikes is rejected in the model's own policy. */
gvk_result gvk_model_create_proven(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                   const struct gvk_policy *policy, gvk_model **out);
/* gvk_model_plan of the same, before any proof has run; *peak is raised to what of the device's memory the proof takes.
 */
gvk_result gvk_model_plan_proven(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                 const struct gvk_policy *policy, uint64_t *peak, gvk_model **out);

#endif
