/* The two render passes and pipelines of the scene. */
#ifndef OFFSCREEN_AR_PIPELINES_H
#define OFFSCREEN_AR_PIPELINES_H

#include "gpu.h"

struct slide_constants {
    float view[2];
};

struct box_constants {
    float extent[2];
    float opacity, thickness;
    uint32_t white;
};

/* One attachment, which is found in `before` (UNDEFINED: its content does not matter) and left in TRANSFER_SRC_OPTIMAL.
 */
VkRenderPass render_pass_create(const struct gpu *gpu, VkImageLayout before);
/* The slide, which covers the picture; box instances, blended over it. VK_NULL_HANDLE: failed. */
VkPipeline slide_pipeline_create(const struct gpu *gpu, VkPipelineLayout layout, VkRenderPass pass);
VkPipeline box_pipeline_create(const struct gpu *gpu, VkPipelineLayout layout, VkRenderPass pass);

#endif
