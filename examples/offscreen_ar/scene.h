/* What the host draws: a slide of blood cells that moves below a microscope, into an image that nothing else is drawn
 * in (the picture), and that image with boxes over it (what a screen would show). */
#ifndef OFFSCREEN_AR_SCENE_H
#define OFFSCREEN_AR_SCENE_H

#include "../common/ppm.h"
#include "gpu.h"

#define SCENE_WIDTH    640u
#define SCENE_HEIGHT   480u
#define SCENE_SMEARS   3
#define SCENE_SLOTS    2   /* frames in flight */
#define SCENE_PICTURES 4   /* one a frame in flight, and those that the detector may still read */
#define SCENE_RESTS    2.0 /* seconds from the beginning without movement, the first smear in view */

#define BOX_VERTICES  30  /* of box.vert: gvk_detector_params.vertices_per_box */
#define BOX_BYTES     32  /* a gvk_detection as the device writes it */
#define BOX_DRAW_ROOM 256 /* bytes in front of a slot's own boxes, for their draw */
#define BOX_MOST      1024

/* Boxes as gvk_device_boxes has them: an indirect draw, and a gvk_detection an instance. */
struct scene_boxes {
    VkBuffer buffer;
    VkDeviceSize draw, boxes;
    float opacity, thickness;
    bool white;
    bool from_detector; /* written by its commands, which the draw has to wait for */
};

struct scene_picture {
    struct gpu_image image;
    VkFramebuffer framebuffer;
    struct gpu_buffer pixels; /* RGBA8, for a host without images to hand over */
};

struct scene_slot {
    VkCommandBuffer commands;
    struct gpu_image shown;
    VkFramebuffer framebuffer;
    struct gpu_buffer readback; /* RGBA8: what was shown */
    struct gpu_buffer boxes;    /* the host's own, as scene_boxes wants them */
};

struct scene {
    const struct gpu *gpu;
    struct gpu_image smears;
    VkSampler sampler;
    VkDescriptorSetLayout set_layout;
    VkDescriptorPool descriptors;
    VkDescriptorSet set;
    VkPipelineLayout layout;
    VkRenderPass picture_pass, shown_pass;
    VkPipeline slide_pipeline, box_pipeline;
    VkCommandPool commands;
    struct scene_picture pictures[SCENE_PICTURES];
    struct scene_slot slots[SCENE_SLOTS];
};

bool scene_create(struct scene *scene, const struct gpu *gpu, const struct ppm smears[SCENE_SMEARS]);
void scene_destroy(struct scene *scene);

/* The slide's pixel in the upper left corner of the picture. */
void scene_view(double seconds, float view[2]);

struct scene_frame {
    uint32_t slot, picture;
    double seconds;
    const struct scene_boxes *boxes;
    uint32_t boxes_count;
    bool copies_pixels, reads_back; /* fill pixels of the picture, readback of the slot */
};

/* Records the slot's command buffer; the slot's last frame must be done. The picture is left in
 * SHADER_READ_ONLY_OPTIMAL. */
bool scene_record(struct scene *scene, const struct scene_frame *frame);

#endif
