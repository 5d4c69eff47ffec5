/* The host's own Vulkan: an instance, a device with one graphics queue (and a second one where there is), memory. It
 * stands for the engine: ghostvk comes into it as a guest. Functions print a sentence where they return false. */
#ifndef OFFSCREEN_AR_GPU_H
#define OFFSCREEN_AR_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include <ghostvk/gvk.h>

struct gpu {
    VkInstance instance;
    VkPhysicalDevice physical_device;
    VkDevice device;
    uint32_t family;        /* with graphics and compute */
    VkQueue queue;          /* of the host's frames */
    VkQueue detector_queue; /* a second one of the family, at low priority; the same where the family has one alone */
    gvk_wants wants;        /* features of ghostvk's, at the end of the chain that the device was created with */
    VkPhysicalDeviceTimelineSemaphoreFeatures timelines;
    VkPhysicalDeviceMemoryProperties memory;
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
};

bool gpu_create(struct gpu *gpu);
void gpu_destroy(struct gpu *gpu);

struct gpu_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *mapped; /* coherent */
};

bool gpu_buffer_create(const struct gpu *gpu, VkDeviceSize bytes, VkBufferUsageFlags usage, struct gpu_buffer *out);
void gpu_buffer_destroy(const struct gpu *gpu, struct gpu_buffer *buffer);

struct gpu_image {
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
};

/* R8G8B8A8_UNORM; more than one layer: its view is an array. */
bool gpu_image_create(const struct gpu *gpu, uint32_t width, uint32_t height, uint32_t layers, VkImageUsageFlags usage,
                      struct gpu_image *out);
void gpu_image_destroy(const struct gpu *gpu, struct gpu_image *image);

VkSemaphore gpu_timeline_create(const struct gpu *gpu); /* at 0; VK_NULL_HANDLE: failed */
uint64_t gpu_timeline_value(const struct gpu *gpu, VkSemaphore timeline);
bool gpu_timeline_wait(const struct gpu *gpu, VkSemaphore timeline, uint64_t value);

/* Prints the sentence and returns false, for `return fail(...)`. */
bool fail(const char *sentence);

#endif
