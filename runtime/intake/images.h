/* The host's buffers and images of one frame as the commands of its intake bind them: set 1 of each picture that is an
 * image. */
#ifndef GVK_PICTURE_IMAGES_H
#define GVK_PICTURE_IMAGES_H

#include "runtime/picture/picture_layout.h"
#include "runtime/plan/recorder.h"
#include "samplers.h"

struct gvk_image_sets {
    VkDescriptorSet plain, sampled;
    const struct gvk_sampled *sampler; /* whose layout `sampled` has */
};

struct gvk_images {
    uint32_t count;
    VkDescriptorPool pool;           /* made with the first image */
    struct gvk_image_sets *sets;     /* by number of the picture */
    struct gvk_bound_picture *bound; /* by number of the picture */
};

gvk_result gvk_images_create(gvk_device *device, uint32_t count, struct gvk_images *out);
void gvk_images_destroy(gvk_device *device, struct gvk_images *images);
/* Fills images->bound from the layouts. Views that are VK_NULL_HANDLE are left for later. No command buffer that reads
 * a changed picture is run again. */
gvk_result gvk_images_bind(gvk_device *device, struct gvk_images *images, const struct gvk_picture_layout *layouts,
                           struct gvk_samplers *samplers);

#endif
