/* Bytes of a buffer, whether the host can see its memory or not: a discrete GPU's is copied. */
#ifndef GVK_TESTS_KERNELS_DEVICE_MEMORY_H
#define GVK_TESTS_KERNELS_DEVICE_MEMORY_H

#include "runtime/vulkan/memory.h"

/* All bytes of the buffer, behind all work that was waited for; the caller frees. Fails the test where it cannot. */
unsigned char *load_buffer(struct gvk_device *device, const struct gvk_buffer *buffer);
/* Writes all bytes of the buffer, of which nothing may be in use. */
void store_buffer(struct gvk_device *device, const struct gvk_buffer *buffer, const unsigned char *bytes);

#endif
