/* Choices of kernels that were measured on a device: kept by the device and through the host's cache. Which kernel of a
 * shape is fastest depends on how much there is to do, so a choice knows the work it was measured for, and holds near
 * it alone; those for one shape and several works stand side by side. */
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
    uint32_t work; /* that it was measured for (gvk_work_of); 0: a choice that nothing takes */
};

/* Belongs to the device until its end, because models keep pointing at it. */
struct gvk_choices {
    struct gvk_choices *older;
    uint32_t count;
    struct gvk_choice list[];
};

/* The pixels of a frame's input, all pictures of the batch together. More than fit are as many as fit. */
uint32_t gvk_work_of(uint32_t width, uint32_t height, uint32_t batch);
/* How many times the one is the other, 1 or more; beyond GVK_NEAR, or where one is 0, they are not near each other. */
double gvk_work_ratio(uint32_t left, uint32_t right);
/* A tile's neighbours have twice and half as many pixels a lane: with the double of the work the neighbour gives as
 * many workgroups as the tile did. So a choice is good for up to the double, or the half, of what it was measured for.
 */
#define GVK_NEAR 2.0
static inline bool gvk_is_near(uint32_t left, uint32_t right)
{
    return gvk_work_ratio(left, right) <= GVK_NEAR;
}

bool gvk_node_shapes_equal(const struct gvk_node_shape *left, const struct gvk_node_shape *right);
/* NULL where there is no memory. The caller releases it. */
struct gvk_choices *gvk_choices_allocate(const gvk_host *host, uint32_t count);
/* Takes what an earlier start stored, if it is there and fits. */
void gvk_choices_load(struct gvk_device *device);
/* Models take a copy of these from now on, and so they do at the next start; what was chosen before for other shapes or
 * another work stays behind them. Thread-safe. */
gvk_result gvk_choices_keep(struct gvk_device *device, const struct gvk_choices *choices);
void gvk_choices_destroy(struct gvk_device *device);

#endif
