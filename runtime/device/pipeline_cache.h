/* The driver's pipeline cache between runs, through the host's cache callbacks.
 *
 * What is stored has a header of ours in front, with a hash over everything behind it: a driver need not survive
 * damaged data, so none reaches it. Anything that does not fit is ignored and replaced. */
#ifndef GVK_PIPELINE_CACHE_H
#define GVK_PIPELINE_CACHE_H

#include "runtime/vulkan/device.h"

/* An empty cache when nothing fitting is stored. */
gvk_result gvk_pipeline_cache_open(struct gvk_device *device, VkPipelineCache *out);
/* Stores it when it has grown or was not stored yet. Failing to is no error. */
void gvk_pipeline_cache_save(struct gvk_device *device, VkPipelineCache cache);

#endif
