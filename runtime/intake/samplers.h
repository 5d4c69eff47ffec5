/* Samplers of the host's that convert YCbCr. Such a sampler is part of a set's layout, and with it of a pipeline: both
 * are made once a sampler and belong to the stream, which the sampler outlives. */
#ifndef GVK_SAMPLERS_H
#define GVK_SAMPLERS_H

#include "runtime/vulkan/device.h"

struct gvk_sampled {
    VkSampler sampler;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    struct gvk_sampled *next;
};

struct gvk_samplers {
    struct gvk_sampled *first;
};

/* Made when it is first asked for. */
gvk_result gvk_samplers_get(gvk_device *device, struct gvk_samplers *samplers, VkSampler sampler,
                            const struct gvk_sampled **out);
void gvk_samplers_destroy(gvk_device *device, struct gvk_samplers *samplers);

#endif
