/* The pipelines of the window's drawing. Those of the picture, frames, labels and the overlay are graphics, `place` is
 * compute; all share one layout. */
#ifndef GHOSTVK_CLI_WATCH_PIPELINES_H
#define GHOSTVK_CLI_WATCH_PIPELINES_H

#include "cli/watch/screen/gpu.h"

/* Constants of a frame, as shaders/shared.glsl has them. */
struct frame_constants {
    float window[2], origin[2], extent[2], picture_size[2];
    float threshold;
    uint32_t draw_at, boxes_at, line;
    uint32_t cap_height, above, row, digit_pitch;
    uint32_t class_count, encodes, point_pitch;
};

#define PIPELINE_IMAGES  2 /* bindings 0 and 1: the picture, the atlas */
#define PIPELINE_BUFFERS 4 /* 2 to 5: boxes, names, marks, items */

struct pipelines {
    struct gpu *gpu;
    VkFormat format;
    VkRenderPass shown_pass, kept_pass; /* to be presented; to be copied: compatible */
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline place, picture, frames, labels, overlay;
};

/* What is made when it fails is destroyed with the rest. */
bool pipelines_create(struct pipelines *pipelines, struct gpu *gpu, VkFormat format);
/* Accepts a half-built one, and a zeroed one. */
void pipelines_destroy(struct pipelines *pipelines);

#endif
