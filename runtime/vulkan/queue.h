/* One-time copies to device memory that the host cannot see. model.c uploads weights with it. */
#ifndef GVK_TRANSFER_H
#define GVK_TRANSFER_H

#include "memory.h"

/* Copies and waits. */
gvk_result gvk_transfer_to_device(struct gvk_device *device, const void *bytes, uint64_t count,
                                  const struct gvk_buffer *to);
/* Submits to the device's queue, under its lock. */
gvk_result gvk_queue_submit(struct gvk_device *device, const VkSubmitInfo *submit, VkFence fence);

#endif
