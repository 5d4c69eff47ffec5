/* The device that the window and the network share: an instance that can show windows, the physical device that the
 * command line asks for, one queue for graphics, compute and presenting, and memory.
 *
 * Calls that can fail return false and have said why; what they were filling is destroyed with its owner. Everything
 * here is called from the thread that opened it. */
#ifndef GHOSTVK_CLI_WATCH_GPU_H
#define GHOSTVK_CLI_WATCH_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/host/device.h"
#include "cli/host/program.h"
#include "functions.h"

#define WATCH_MINUTE_NS ((uint64_t)60 * 1000 * 1000 * 1000)

struct gpu {
    struct watch_functions vk;
    VkInstance instance;
    uint32_t api_version; /* the instance's */
    VkPhysicalDevice physical_device;
    VkPhysicalDeviceMemoryProperties memory;
    VkPhysicalDeviceLimits limits;
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
    gvk_wants wants; /* a chain of structs inside: it stays where it is */
    const char *extensions[16];
    uint32_t extension_count;
    VkDevice device;
    uint32_t family;
    VkQueue queue;
    int outcome; /* the exit code of what failed, see cli/base/message.h */
};

/* Says what failed, with Vulkan's name for the reason, and keeps the exit code; false. */
bool gpu_fail(struct gpu *gpu, const char *what, VkResult result);

/* An instance with the extensions that the window system wants. */
bool gpu_create_instance(struct gpu *gpu, PFN_vkGetInstanceProcAddr load, const char *const *extensions,
                         uint32_t extension_count);
/* The device of the choice, which must be able to show pictures on the surface; where any may be taken and the best one
 * cannot, another that can, with a note. */
bool gpu_create_device(struct gpu *gpu, struct program *program, const struct device_choice *choice,
                       VkSurfaceKHR surface);
/* Accepts a half-built one. */
void gpu_destroy(struct gpu *gpu);

struct gpu_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *mapped; /* NULL where the host does not see it */
    VkDeviceSize bytes;
};

struct gpu_image {
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
    uint32_t width, height;
};

/* With `host` mapped, and coherent. */
bool gpu_create_buffer(struct gpu *gpu, VkDeviceSize bytes, VkBufferUsageFlags usage, bool host,
                       struct gpu_buffer *out);
void gpu_destroy_buffer(struct gpu *gpu, struct gpu_buffer *buffer);
bool gpu_create_image(struct gpu *gpu, uint32_t width, uint32_t height, VkFormat format, VkImageUsageFlags usage,
                      struct gpu_image *out);
void gpu_destroy_image(struct gpu *gpu, struct gpu_image *image);

bool gpu_create_semaphore(struct gpu *gpu, VkSemaphore *out);
bool gpu_create_fence(struct gpu *gpu, VkFence *out);
/* A minute at most: a device that takes longer is taken for lost. */
bool gpu_wait_fence(struct gpu *gpu, VkFence fence);

void gpu_image_barrier(const struct gpu *gpu, VkCommandBuffer commands, VkImage image, VkImageLayout before,
                       VkImageLayout after, VkPipelineStageFlags from, VkAccessFlags wrote, VkPipelineStageFlags to,
                       VkAccessFlags reads);
bool gpu_begin_commands(struct gpu *gpu, VkCommandBuffer commands);
/* Ends and submits them; semaphores and fence may be VK_NULL_HANDLE. */
bool gpu_submit(struct gpu *gpu, VkCommandBuffer commands, VkSemaphore wait, VkSemaphore signal, VkFence fence);

#endif
