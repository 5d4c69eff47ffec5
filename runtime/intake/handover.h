/* Barriers between the host's own work on the device and the reading of its buffers and images. */
#ifndef GVK_HANDOVER_H
#define GVK_HANDOVER_H

#include "runtime/picture/picture_layout.h"
#include "runtime/vulkan/device.h"

/* In front of the first command that reads: what the host wrote before on this queue is seen, and what it has released
 * is acquired. Records nothing where all pictures come from host memory. Returns how many barriers it recorded. */
uint32_t gvk_record_acquire(const gvk_device *device, VkCommandBuffer commands,
                            const struct gvk_picture_layout *layouts, uint32_t count);
/* Behind the last one: what was acquired is released, and what follows on this queue may write over the rest. */
uint32_t gvk_record_release(const gvk_device *device, VkCommandBuffer commands,
                            const struct gvk_picture_layout *layouts, uint32_t count);

#endif
