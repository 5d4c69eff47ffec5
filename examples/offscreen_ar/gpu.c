#include "gpu.h"

#include <stdio.h>

#define MINUTE_NS ((uint64_t)60 * 1000 * 1000 * 1000)

bool fail(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    return false;
}

static bool create_instance(struct gpu *gpu)
{
    const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                           .pApplicationName = "offscreen_ar",
                                           .apiVersion = VK_API_VERSION_1_2};
    const VkInstanceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                         .pApplicationInfo = &application};
    VkPhysicalDevice devices[16];
    uint32_t count = 16;
    if (vkCreateInstance(&create, NULL, &gpu->instance) != VK_SUCCESS)
        return fail("there is no Vulkan 1.2 instance.");
    if (vkEnumeratePhysicalDevices(gpu->instance, &count, devices) < 0 || !count)
        return fail("there is no Vulkan device.");
    gpu->physical_device = devices[0]; /* an engine has its reasons for the one that it takes */
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(gpu->physical_device, &properties);
    snprintf(gpu->name, sizeof gpu->name, "%s", properties.deviceName);
    vkGetPhysicalDeviceMemoryProperties(gpu->physical_device, &gpu->memory);
    return properties.apiVersion >= VK_API_VERSION_1_2 || fail("the device has no Vulkan 1.2.");
}

/* The first family with graphics and compute; *queues: how many of it are to be made, 1 or 2. */
static bool choose_family(struct gpu *gpu, uint32_t *queues)
{
    const VkQueueFlags both = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    VkQueueFamilyProperties families[16];
    uint32_t count = 16;
    vkGetPhysicalDeviceQueueFamilyProperties(gpu->physical_device, &count, families);
    for (uint32_t i = 0; i < count; i++)
        if ((families[i].queueFlags & both) == both) {
            gpu->family = i;
            *queues = families[i].queueCount >= 2 ? 2 : 1;
            return true;
        }
    return fail("the device has no queue for both graphics and compute.");
}

bool gpu_create(struct gpu *gpu)
{
    uint32_t queues = 1;
    *gpu = (struct gpu){.wants = {.size = sizeof gpu->wants}};
    if (!create_instance(gpu) || !choose_family(gpu, &queues))
        return false;
    /* What ghostvk likes a device to have, in front of it what the host wants for itself. */
    if (gvk_device_wants(vkGetInstanceProcAddr, gpu->instance, gpu->physical_device, &gpu->wants) != GVK_OK)
        return fail("gvk_device_wants failed.");
    gpu->timelines = (VkPhysicalDeviceTimelineSemaphoreFeatures){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
        .pNext = &gpu->wants.features,
        .timelineSemaphore = VK_TRUE};
    const float priorities[2] = {1.0f, 0.0f};
    const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                           .queueFamilyIndex = gpu->family,
                                           .queueCount = queues,
                                           .pQueuePriorities = priorities};
    const VkDeviceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                       .pNext = &gpu->timelines,
                                       .queueCreateInfoCount = 1,
                                       .pQueueCreateInfos = &queue,
                                       .enabledExtensionCount = gpu->wants.device_extension_count,
                                       .ppEnabledExtensionNames = gpu->wants.device_extensions};
    if (vkCreateDevice(gpu->physical_device, &create, NULL, &gpu->device) != VK_SUCCESS)
        return fail("vkCreateDevice failed.");
    vkGetDeviceQueue(gpu->device, gpu->family, 0, &gpu->queue);
    vkGetDeviceQueue(gpu->device, gpu->family, queues - 1, &gpu->detector_queue);
    return true;
}

void gpu_destroy(struct gpu *gpu)
{
    if (gpu->device)
        vkDestroyDevice(gpu->device, NULL);
    if (gpu->instance)
        vkDestroyInstance(gpu->instance, NULL);
    *gpu = (struct gpu){.instance = VK_NULL_HANDLE};
}

static bool allocate(const struct gpu *gpu, const VkMemoryRequirements *needs, VkMemoryPropertyFlags flags,
                     VkDeviceMemory *out)
{
    for (uint32_t i = 0; i < gpu->memory.memoryTypeCount; i++)
        if ((needs->memoryTypeBits & 1u << i) && (gpu->memory.memoryTypes[i].propertyFlags & flags) == flags) {
            const VkMemoryAllocateInfo allocation = {
                .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs->size, .memoryTypeIndex = i};
            return vkAllocateMemory(gpu->device, &allocation, NULL, out) == VK_SUCCESS ||
                   fail("there is no device memory left.");
        }
    return fail("the device has no memory of a kind that is needed.");
}

bool gpu_buffer_create(const struct gpu *gpu, VkDeviceSize bytes, VkBufferUsageFlags usage, struct gpu_buffer *out)
{
    const VkMemoryPropertyFlags flags = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    const VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = bytes, .usage = usage};
    VkMemoryRequirements needs;
    *out = (struct gpu_buffer){.mapped = NULL};
    if (vkCreateBuffer(gpu->device, &create, NULL, &out->buffer) != VK_SUCCESS)
        return fail("vkCreateBuffer failed.");
    vkGetBufferMemoryRequirements(gpu->device, out->buffer, &needs);
    if (!allocate(gpu, &needs, flags, &out->memory))
        return false;
    if (vkBindBufferMemory(gpu->device, out->buffer, out->memory, 0) != VK_SUCCESS ||
        vkMapMemory(gpu->device, out->memory, 0, VK_WHOLE_SIZE, 0, &out->mapped) != VK_SUCCESS)
        return fail("a buffer's memory cannot be mapped.");
    return true;
}

void gpu_buffer_destroy(const struct gpu *gpu, struct gpu_buffer *buffer)
{
    if (buffer->buffer)
        vkDestroyBuffer(gpu->device, buffer->buffer, NULL);
    if (buffer->memory)
        vkFreeMemory(gpu->device, buffer->memory, NULL);
    *buffer = (struct gpu_buffer){.mapped = NULL};
}

bool gpu_image_create(const struct gpu *gpu, uint32_t width, uint32_t height, uint32_t layers, VkImageUsageFlags usage,
                      struct gpu_image *out)
{
    const VkImageCreateInfo create = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                      .imageType = VK_IMAGE_TYPE_2D,
                                      .format = VK_FORMAT_R8G8B8A8_UNORM,
                                      .extent = {width, height, 1},
                                      .mipLevels = 1,
                                      .arrayLayers = layers,
                                      .samples = VK_SAMPLE_COUNT_1_BIT,
                                      .usage = usage};
    VkMemoryRequirements needs;
    *out = (struct gpu_image){.image = VK_NULL_HANDLE};
    if (vkCreateImage(gpu->device, &create, NULL, &out->image) != VK_SUCCESS)
        return fail("vkCreateImage failed.");
    vkGetImageMemoryRequirements(gpu->device, out->image, &needs);
    if (!allocate(gpu, &needs, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, &out->memory))
        return false;
    if (vkBindImageMemory(gpu->device, out->image, out->memory, 0) != VK_SUCCESS)
        return fail("vkBindImageMemory failed.");
    const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                        .image = out->image,
                                        .viewType = layers > 1 ? VK_IMAGE_VIEW_TYPE_2D_ARRAY : VK_IMAGE_VIEW_TYPE_2D,
                                        .format = create.format,
                                        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, layers}};
    return vkCreateImageView(gpu->device, &view, NULL, &out->view) == VK_SUCCESS || fail("vkCreateImageView failed.");
}

void gpu_image_destroy(const struct gpu *gpu, struct gpu_image *image)
{
    if (image->view)
        vkDestroyImageView(gpu->device, image->view, NULL);
    if (image->image)
        vkDestroyImage(gpu->device, image->image, NULL);
    if (image->memory)
        vkFreeMemory(gpu->device, image->memory, NULL);
    *image = (struct gpu_image){.image = VK_NULL_HANDLE};
}

VkSemaphore gpu_timeline_create(const struct gpu *gpu)
{
    const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                            .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    const VkSemaphoreCreateInfo create = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
    VkSemaphore timeline = VK_NULL_HANDLE;
    if (vkCreateSemaphore(gpu->device, &create, NULL, &timeline) != VK_SUCCESS)
        fail("vkCreateSemaphore failed.");
    return timeline;
}

uint64_t gpu_timeline_value(const struct gpu *gpu, VkSemaphore timeline)
{
    uint64_t value = 0;
    if (vkGetSemaphoreCounterValue(gpu->device, timeline, &value) != VK_SUCCESS)
        return 0; /* a lost device: the next wait says so */
    return value;
}

bool gpu_timeline_wait(const struct gpu *gpu, VkSemaphore timeline, uint64_t value)
{
    const VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                      .semaphoreCount = 1,
                                      .pSemaphores = &timeline,
                                      .pValues = &value};
    return vkWaitSemaphores(gpu->device, &wait, MINUTE_NS) == VK_SUCCESS || fail("the device does not end a frame.");
}
