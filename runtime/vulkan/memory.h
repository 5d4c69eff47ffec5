/* Buffers: one Vulkan buffer with memory of its own, counted against the device's ceiling. */
#ifndef GVK_MEMORY_H
#define GVK_MEMORY_H

#include "device.h"

enum gvk_buffer_use {
    GVK_BUFFER_DEVICE,  /* read and written by kernels; mapped only where that costs nothing */
    GVK_BUFFER_UPLOAD,  /* written by the host, read by kernels once */
    GVK_BUFFER_READBACK /* written by kernels, read by the host: cached memory; and drawn from, by a host's GPU */
};

struct gvk_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    uint64_t bytes, allocated;
    void *mapped; /* NULL when the host cannot see it */
    bool coherent;
};

/* What a buffer takes, counted as it will be against the ceiling, without memory for it; `mapped`: where its best
 * memory has room, the host sees it. */
struct gvk_buffer_needs {
    uint64_t bytes;
    bool mapped;
};
gvk_result gvk_buffer_measure(const struct gvk_device *device, uint64_t bytes, enum gvk_buffer_use use,
                              struct gvk_buffer_needs *out);
/* GVK_ERROR_BUDGET, with its sentence, where so many bytes would pass the ceiling: before the first of several buffers
 * is made. */
gvk_result gvk_budget_check(struct gvk_device *device, uint64_t bytes);
gvk_result gvk_buffer_create(struct gvk_device *device, uint64_t bytes, enum gvk_buffer_use use, const char *name,
                             struct gvk_buffer *out);
void gvk_buffer_destroy(struct gvk_device *device, struct gvk_buffer *buffer);
/* Makes host writes visible to the device, or device writes visible to the host; nothing to do on coherent memory. */
gvk_result gvk_buffer_flush(struct gvk_device *device, const struct gvk_buffer *buffer);
gvk_result gvk_buffer_invalidate(struct gvk_device *device, const struct gvk_buffer *buffer);

#endif
