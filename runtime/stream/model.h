/* A model as stream.c sees it: the rewritten graph and the packed weights on the device. */
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

/* gvk_model_create of a checked graph, with kernels by this policy. prove false: its kernels are taken as they are. */
gvk_result gvk_model_create_for(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                const struct gvk_policy *policy, bool prove, gvk_model **out);

/* For making programs of the model; the caller sets `program`. */
struct gvk_builder gvk_model_builder(const struct gvk_model *model);

#endif
