/* The device's queue: submissions, and one-time copies to device memory that the host cannot see. */
#ifndef GVK_QUEUE_H
#define GVK_QUEUE_H

#include "memory.h"

/* Submits the command buffers as one submission, under the queue's lock; count 0: only the fence, which is signalled
 * behind everything that was submitted before. Says nothing of a failure. */
VkResult gvk_queue_submit(struct gvk_device *device, const VkCommandBuffer *commands, uint32_t count, VkFence fence);
/* Copies and waits. */
gvk_result gvk_transfer_to_device(struct gvk_device *device, const void *bytes, uint64_t count,
                                  const struct gvk_buffer *to);

#endif
