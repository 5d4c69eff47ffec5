/* The device's queue: submissions, and one-time copies to device memory that the host cannot see. */
#ifndef GVK_QUEUE_H
#define GVK_QUEUE_H

#include <ghostvk/embedding.h>

#include "memory.h"

struct gvk_submission {
    const VkCommandBuffer *commands;
    const gvk_semaphore *waits, *signals;
    uint32_t command_count, wait_count, signal_count; /* semaphores: GVK_MAX_SEMAPHORES at most of each */
    VkFence fence;                                    /* or VK_NULL_HANDLE */
};

/* Submits under the queue's lock, or through the host's own function. Without commands and semaphores only the fence,
 * which is signalled behind everything that was submitted before. Says nothing of a failure. */
VkResult gvk_queue_submit(struct gvk_device *device, const struct gvk_submission *submission);
/* Copies and waits, a few MiB at a time through a buffer of gvk_staging_bytes. */
gvk_result gvk_transfer_to_device(struct gvk_device *device, const void *bytes, uint64_t count,
                                  const struct gvk_buffer *to);
/* Of the staging buffer for so many bytes; it is of GVK_BUFFER_UPLOAD. */
uint64_t gvk_staging_bytes(uint64_t count);

#endif
