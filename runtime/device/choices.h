/* Choices of kernels that were measured on a device: kept by the device and through the host's cache. */
#ifndef GVK_CHOICES_H
#define GVK_CHOICES_H

#include "runtime/vulkan/device.h"

#define GVK_CHOICES_MOST 4096u /* of all tunings together: the newest of them stay */

/* What of a node the speed of its kernels depends on, the image left out: weights are packed for every size. */
struct gvk_node_shape {
    uint32_t op, input_channels, output_channels, kernel, stride, padding, groups;
    uint32_t store; /* bits: residual, gate, upsample */
    uint32_t half;
};

struct gvk_choice {
    struct gvk_node_shape shape;
    uint32_t shader; /* as for fp32, the store included */
    uint32_t local_size;
};

/* Belongs to the device until its end, because models keep pointing at it. */
struct gvk_choices {
    struct gvk_choices *older;
    uint32_t count;
    struct gvk_choice list[];
};

bool gvk_node_shapes_equal(const struct gvk_node_shape *left, const struct gvk_node_shape *right);
/* NULL where there is no memory. The caller releases it. */
struct gvk_choices *gvk_choices_allocate(const gvk_host *host, uint32_t count);
/* Takes what an earlier start stored, if it is there and fits. */
void gvk_choices_load(struct gvk_device *device);
/* Models take a copy of these from now on, and so they do at the next start; what was chosen before for other shapes,
 * and for the other precision (`half`: these are for fp16), stays beside them. Thread-safe. */
gvk_result gvk_choices_keep(struct gvk_device *device, bool half, const struct gvk_choices *choices);
void gvk_choices_destroy(struct gvk_device *device);

#endif
