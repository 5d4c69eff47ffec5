/* Kernels prove themselves on a device before a model uses them. */
#ifndef GVK_PROOF_H
#define GVK_PROOF_H

#include "runtime/device/policy.h"
#include "runtime/graph/graph.h"

/* Runs every kernel that the rewritten graph is about to use, and that was not run on this device and driver before,
 * once on made-up numbers, and compares with the same computed on the host. A kernel that deviates is rejected: it is
 * never used on this device again, the log says so, and the next one is proven in its place. Verdicts are kept by the
 * device and through the host's cache. *policy: what the kernels are chosen by; what is rejected is added to it.
 * GVK_ERROR_DRIVER when no kernel is left for a node. */
gvk_result gvk_kernels_prove(struct gvk_device *device, const struct gvk_graph *graph, struct gvk_policy *policy);
/* What of the device's memory the former takes at a time, where it finds that all kernels are right: *peak is raised to
 * that. */
gvk_result gvk_kernels_foresee_proof(struct gvk_device *device, const struct gvk_graph *graph,
                                     struct gvk_policy *policy, uint64_t *peak);

#endif
