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
/* Leaves chunks out of the policy where the weights take more of them than one array of descriptors holds: kernels then
 * read plain buffers. */
void gvk_limit_chunks(const struct gvk_packing *packing, struct gvk_policy *policy);

/* For making programs of the model; the caller sets `program`. */
struct gvk_builder gvk_model_builder(const struct gvk_model *model);

#endif
