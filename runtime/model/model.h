/* A model: the rewritten graph and the packed weights on the device. */
#ifndef GVK_MODEL_H
#define GVK_MODEL_H

#include "runtime/plan/program.h"
#include "runtime/vulkan/memory.h"
#include "runtime/vulkan/wait.h"

struct gvk_model {
    gvk_device *device;
    struct gvk_graph *graph; /* rewritten copy */
    struct gvk_packing packing;
    struct gvk_buffer weights;
    struct gvk_policy policy; /* what its kernels were selected by */
    VkDescriptorPool chunk_pool;
    VkDescriptorSet chunks; /* VK_NULL_HANDLE: no kernel of this model reads weight chunks */
    struct gvk_remains remains;
};

/* A model of a checked graph whose kernels are taken as this policy has them, without a proof. `off`: rewrites to leave
 * out. */
gvk_result gvk_model_create_for(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                const struct gvk_policy *policy, gvk_model **out);
/* The same without weights, and without anything on the device; gvk_model_destroy takes it. */
gvk_result gvk_model_plan(gvk_device *device, const gvk_graph *graph, uint32_t off, const struct gvk_policy *policy,
                          gvk_model **out);
/* Bytes that a planned model will take on the device: as long as it lives; at most, while it is made. */
struct gvk_model_needs {
    uint64_t weights, peak;
};
gvk_result gvk_model_measure(const gvk_model *model, struct gvk_model_needs *out);

/* Leaves chunks out of the policy where the weights take more of them than one array of descriptors holds: kernels then
 * read plain buffers. */
void gvk_limit_chunks(const struct gvk_packing *packing, struct gvk_policy *policy);

/* For making programs of the model; the caller sets `program`. */
struct gvk_builder gvk_model_builder(const struct gvk_model *model);

#endif
