/* See gpu.h. */
#include "gpu.h"

#include <stdio.h>
#include <string.h>

#define DEVICES_MAX  32
#define FAMILIES_MAX 32

static const char *name_result(VkResult result)
{
    switch (result) {
    case VK_TIMEOUT: return "it did not end within a minute";
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "out of memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "out of device memory";
    case VK_ERROR_INITIALIZATION_FAILED: return "initialization failed";
    case VK_ERROR_DEVICE_LOST: return "the device was lost";
    case VK_ERROR_MEMORY_MAP_FAILED: return "memory cannot be mapped";
    case VK_ERROR_EXTENSION_NOT_PRESENT: return "an extension is missing";
    case VK_ERROR_FEATURE_NOT_PRESENT: return "a feature is missing";
    case VK_ERROR_INCOMPATIBLE_DRIVER: return "there is no Vulkan driver";
    case VK_ERROR_SURFACE_LOST_KHR: return "the window's surface was lost";
    case VK_ERROR_NATIVE_WINDOW_IN_USE_KHR: return "the window is in use";
    default: return NULL;
    }
}

bool gpu_fail(struct gpu *gpu, const char *what, VkResult result)
{
    const char *name = name_result(result);
    if (name)
        say("%s: %s.", what, name);
    else
        say("%s: Vulkan's result is %d.", what, (int)result);
    gpu->outcome = result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY
                       ? OUTCOME_OUT_OF_MEMORY
                   : result == VK_ERROR_INCOMPATIBLE_DRIVER ? OUTCOME_NO_DEVICE
                                                            : OUTCOME_DEVICE_FAILED;
    return false;
}

/* ---- instance ---- */

bool gpu_create_instance(struct gpu *gpu, PFN_vkGetInstanceProcAddr load, const char *const *extensions,
                         uint32_t extension_count)
{
    PFN_vkEnumerateInstanceVersion version =
        (PFN_vkEnumerateInstanceVersion)load(VK_NULL_HANDLE, "vkEnumerateInstanceVersion");
    PFN_vkCreateInstance create_instance = (PFN_vkCreateInstance)load(VK_NULL_HANDLE, "vkCreateInstance");
    uint32_t found = 0;
    gpu->vk.GetInstanceProcAddr = load;
    if (!create_instance || !version || version(&found) != VK_SUCCESS || found < VK_API_VERSION_1_1) {
        say("The Vulkan loader has no Vulkan 1.1.");
        gpu->outcome = OUTCOME_NO_DEVICE;
        return false;
    }
    gpu->api_version = VK_API_VERSION_1_1; /* as the library's own instances */
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "ghostvk", .apiVersion = gpu->api_version};
    const VkInstanceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                         .pApplicationInfo = &application,
                                         .enabledExtensionCount = extension_count,
                                         .ppEnabledExtensionNames = extensions};
    VkResult result = create_instance(&create, NULL, &gpu->instance);
    if (result != VK_SUCCESS) {
        gpu->instance = VK_NULL_HANDLE;
        return gpu_fail(gpu, "A Vulkan instance for windows cannot be made", result);
    }
    bool complete = true;
#define LOAD(name)                                                                                                     \
    gpu->vk.name = (PFN_vk##name)load(gpu->instance, "vk" #name);                                                      \
    complete = complete && gpu->vk.name;
    WATCH_INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
    return complete || gpu_fail(gpu, "The Vulkan instance lacks functions", VK_ERROR_INITIALIZATION_FAILED);
}

/* ---- the physical device ---- */

/* The library chooses by its rules, and says what is wrong with a choice; then the device of the same kind is looked
 * for in our instance. Of several alike the one that stands at the same place among them. */
static bool choose_device(struct gpu *gpu, struct program *program, const struct device_choice *choice,
                          const VkPhysicalDevice *devices, uint32_t count)
{
    gvk_device *opened = NULL;
    gvk_device_info wanted = {.size = sizeof wanted}, listed[DEVICES_MAX];
    uint32_t listed_count = DEVICES_MAX, place = 0;
    memset(listed, 0, sizeof listed);
    gpu->outcome = open_device(program, choice, &opened);
    if (gpu->outcome != OUTCOME_DONE)
        return false;
    gvk_device_describe(opened, &wanted);
    gvk_device_destroy(opened);
    if (gvk_device_list(&program->host, listed, sizeof listed[0], &listed_count) == GVK_OK)
        for (uint32_t i = 0; i < listed_count && i < DEVICES_MAX; i++)
            place += listed[i].index < wanted.index && listed[i].vendor_id == wanted.vendor_id &&
                     listed[i].device_id == wanted.device_id && strcmp(listed[i].name, wanted.name) == 0;
    for (uint32_t i = 0; i < count; i++) {
        VkPhysicalDeviceProperties properties;
        gpu->vk.GetPhysicalDeviceProperties(devices[i], &properties);
        if (properties.vendorID == wanted.vendor_id && properties.deviceID == wanted.device_id &&
            strcmp(properties.deviceName, wanted.name) == 0 && place-- == 0) {
            gpu->physical_device = devices[i];
            return true;
        }
    }
    say("%s: Vulkan no longer lists the device.", wanted.name);
    gpu->outcome = OUTCOME_NO_DEVICE;
    return false;
}

/* A family of the device that draws, computes, and presents to the surface. */
static bool find_family(const struct gpu *gpu, VkPhysicalDevice device, VkSurfaceKHR surface, uint32_t *family)
{
    const VkQueueFlags both = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    VkExtensionProperties extensions[512];
    VkQueueFamilyProperties families[FAMILIES_MAX];
    uint32_t extension_count = 512, count = FAMILIES_MAX;
    bool has_swapchain = false;
    if (gpu->vk.EnumerateDeviceExtensionProperties(device, NULL, &extension_count, extensions) < 0)
        return false;
    for (uint32_t i = 0; i < extension_count; i++)
        has_swapchain = has_swapchain || strcmp(extensions[i].extensionName, VK_KHR_SWAPCHAIN_EXTENSION_NAME) == 0;
    gpu->vk.GetPhysicalDeviceQueueFamilyProperties(device, &count, families);
    for (uint32_t i = 0; has_swapchain && i < count; i++) {
        VkBool32 presents = VK_FALSE;
        if ((families[i].queueFlags & both) == both &&
            gpu->vk.GetPhysicalDeviceSurfaceSupportKHR(device, i, surface, &presents) == VK_SUCCESS && presents) {
            *family = i;
            return true;
        }
    }
    return false;
}

static bool find_device(struct gpu *gpu, struct program *program, const struct device_choice *choice,
                        VkSurfaceKHR surface)
{
    VkPhysicalDevice devices[DEVICES_MAX];
    VkPhysicalDeviceProperties properties;
    uint32_t count = DEVICES_MAX;
    VkResult result = gpu->vk.EnumeratePhysicalDevices(gpu->instance, &count, devices);
    if (result < 0)
        return gpu_fail(gpu, "The Vulkan devices cannot be listed", result);
    if (!choose_device(gpu, program, choice, devices, count))
        return false;
    gpu->vk.GetPhysicalDeviceProperties(gpu->physical_device, &properties);
    bool found = find_family(gpu, gpu->physical_device, surface, &gpu->family);
    for (uint32_t i = 0; i < count && !found && choice->kind == GVK_DEVICE_BEST; i++) {
        VkPhysicalDeviceProperties other;
        gpu->vk.GetPhysicalDeviceProperties(devices[i], &other);
        found = other.apiVersion >= VK_API_VERSION_1_1 && find_family(gpu, devices[i], surface, &gpu->family);
        if (found) {
            say_kind("note: ", "%s cannot show pictures in a window here; %s is taken.", properties.deviceName,
                     other.deviceName);
            gpu->physical_device = devices[i];
            properties = other;
        }
    }
    if (!found) {
        say("%s cannot show pictures in a window here.", properties.deviceName);
        gpu->outcome = OUTCOME_NO_DEVICE;
        return false;
    }
    snprintf(gpu->name, sizeof gpu->name, "%s", properties.deviceName);
    gpu->limits = properties.limits;
    gpu->vk.GetPhysicalDeviceMemoryProperties(gpu->physical_device, &gpu->memory);
    return true;
}

bool gpu_create_device(struct gpu *gpu, struct program *program, const struct device_choice *choice,
                       VkSurfaceKHR surface)
{
    if (!find_device(gpu, program, choice, surface))
        return false;
    gpu->wants = (gvk_wants){.size = sizeof gpu->wants};
    gvk_result wanted = gvk_device_wants(gpu->vk.GetInstanceProcAddr, gpu->instance, gpu->physical_device, &gpu->wants);
    if (wanted != GVK_OK) {
        gpu->outcome = report_failure(program, NULL, wanted);
        return false;
    }
    for (uint32_t i = 0; i < gpu->wants.device_extension_count; i++)
        gpu->extensions[gpu->extension_count++] = gpu->wants.device_extensions[i];
    gpu->extensions[gpu->extension_count++] = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                           .queueFamilyIndex = gpu->family,
                                           .queueCount = 1,
                                           .pQueuePriorities = &priority};
    const VkDeviceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                       .pNext = &gpu->wants.features,
                                       .queueCreateInfoCount = 1,
                                       .pQueueCreateInfos = &queue,
                                       .enabledExtensionCount = gpu->extension_count,
                                       .ppEnabledExtensionNames = gpu->extensions};
    VkResult result = gpu->vk.CreateDevice(gpu->physical_device, &create, NULL, &gpu->device);
    if (result != VK_SUCCESS) {
        gpu->device = VK_NULL_HANDLE;
        return gpu_fail(gpu, "The device cannot be opened", result);
    }
    bool complete = true;
#define LOAD(name)                                                                                                     \
    gpu->vk.name = (PFN_vk##name)gpu->vk.GetDeviceProcAddr(gpu->device, "vk" #name);                                   \
    complete = complete && gpu->vk.name;
    WATCH_DEVICE_FUNCTIONS(LOAD)
#undef LOAD
    if (!complete)
        return gpu_fail(gpu, "The device lacks functions", VK_ERROR_INITIALIZATION_FAILED);
    gpu->vk.GetDeviceQueue(gpu->device, gpu->family, 0, &gpu->queue);
    return true;
}

void gpu_destroy(struct gpu *gpu)
{
    if (gpu->device && gpu->vk.DestroyDevice)
        gpu->vk.DestroyDevice(gpu->device, NULL);
    if (gpu->instance && gpu->vk.DestroyInstance)
        gpu->vk.DestroyInstance(gpu->instance, NULL);
    *gpu = (struct gpu){.outcome = gpu->outcome};
}

/* ---- memory ---- */

static bool allocate(struct gpu *gpu, const VkMemoryRequirements *needs, VkMemoryPropertyFlags flags,
                     VkDeviceMemory *out)
{
    for (uint32_t i = 0; i < gpu->memory.memoryTypeCount; i++)
        if ((needs->memoryTypeBits & 1u << i) && (gpu->memory.memoryTypes[i].propertyFlags & flags) == flags) {
            const VkMemoryAllocateInfo allocation = {
                .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs->size, .memoryTypeIndex = i};
            VkResult result = gpu->vk.AllocateMemory(gpu->device, &allocation, NULL, out);
            return result == VK_SUCCESS || gpu_fail(gpu, "The window's memory", result);
        }
    if (flags == VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) /* what is only better there */
        return allocate(gpu, needs, 0, out);
    return gpu_fail(gpu, "The window's memory", VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

bool gpu_create_buffer(struct gpu *gpu, VkDeviceSize bytes, VkBufferUsageFlags usage, bool host, struct gpu_buffer *out)
{
    const VkMemoryPropertyFlags flags = host
                                            ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
                                            : VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    const VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = bytes, .usage = usage};
    VkMemoryRequirements needs;
    *out = (struct gpu_buffer){.bytes = bytes};
    VkResult result = gpu->vk.CreateBuffer(gpu->device, &create, NULL, &out->buffer);
    if (result == VK_SUCCESS) {
        gpu->vk.GetBufferMemoryRequirements(gpu->device, out->buffer, &needs);
        if (!allocate(gpu, &needs, flags, &out->memory))
            return false;
        result = gpu->vk.BindBufferMemory(gpu->device, out->buffer, out->memory, 0);
    }
    if (result == VK_SUCCESS && host)
        result = gpu->vk.MapMemory(gpu->device, out->memory, 0, VK_WHOLE_SIZE, 0, &out->mapped);
    return result == VK_SUCCESS || gpu_fail(gpu, "A buffer of the window's cannot be made", result);
}

void gpu_destroy_buffer(struct gpu *gpu, struct gpu_buffer *buffer)
{
    if (buffer->buffer)
        gpu->vk.DestroyBuffer(gpu->device, buffer->buffer, NULL);
    if (buffer->memory)
        gpu->vk.FreeMemory(gpu->device, buffer->memory, NULL);
    *buffer = (struct gpu_buffer){.bytes = 0};
}

bool gpu_create_image(struct gpu *gpu, uint32_t width, uint32_t height, VkFormat format, VkImageUsageFlags usage,
                      struct gpu_image *out)
{
    const VkImageCreateInfo create = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                      .imageType = VK_IMAGE_TYPE_2D,
                                      .format = format,
                                      .extent = {width, height, 1},
                                      .mipLevels = 1,
                                      .arrayLayers = 1,
                                      .samples = VK_SAMPLE_COUNT_1_BIT,
                                      .usage = usage};
    VkMemoryRequirements needs;
    *out = (struct gpu_image){.width = width, .height = height};
    VkResult result = gpu->vk.CreateImage(gpu->device, &create, NULL, &out->image);
    if (result == VK_SUCCESS) {
        gpu->vk.GetImageMemoryRequirements(gpu->device, out->image, &needs);
        if (!allocate(gpu, &needs, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, &out->memory))
            return false;
        result = gpu->vk.BindImageMemory(gpu->device, out->image, out->memory, 0);
    }
    if (result == VK_SUCCESS) {
        const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                            .image = out->image,
                                            .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                            .format = format,
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
        result = gpu->vk.CreateImageView(gpu->device, &view, NULL, &out->view);
    }
    return result == VK_SUCCESS || gpu_fail(gpu, "An image of the window's cannot be made", result);
}

void gpu_destroy_image(struct gpu *gpu, struct gpu_image *image)
{
    if (image->view)
        gpu->vk.DestroyImageView(gpu->device, image->view, NULL);
    if (image->image)
        gpu->vk.DestroyImage(gpu->device, image->image, NULL);
    if (image->memory)
        gpu->vk.FreeMemory(gpu->device, image->memory, NULL);
    *image = (struct gpu_image){.width = 0};
}

/* ---- what is waited for, and commands ---- */

bool gpu_create_semaphore(struct gpu *gpu, VkSemaphore *out)
{
    const VkSemaphoreCreateInfo create = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    VkResult result = gpu->vk.CreateSemaphore(gpu->device, &create, NULL, out);
    return result == VK_SUCCESS || gpu_fail(gpu, "A semaphore cannot be made", result);
}

bool gpu_create_fence(struct gpu *gpu, VkFence *out)
{
    const VkFenceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkResult result = gpu->vk.CreateFence(gpu->device, &create, NULL, out);
    return result == VK_SUCCESS || gpu_fail(gpu, "A fence cannot be made", result);
}

bool gpu_wait_fence(struct gpu *gpu, VkFence fence)
{
    VkResult result = gpu->vk.WaitForFences(gpu->device, 1, &fence, VK_TRUE, WATCH_MINUTE_NS);
    return result == VK_SUCCESS || gpu_fail(gpu, "A frame of the window's", result);
}

void gpu_image_barrier(const struct gpu *gpu, VkCommandBuffer commands, VkImage image, VkImageLayout before,
                       VkImageLayout after, VkPipelineStageFlags from, VkAccessFlags wrote, VkPipelineStageFlags to,
                       VkAccessFlags reads)
{
    const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                          .srcAccessMask = wrote,
                                          .dstAccessMask = reads,
                                          .oldLayout = before,
                                          .newLayout = after,
                                          .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .image = image,
                                          .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    gpu->vk.CmdPipelineBarrier(commands, from, to, 0, 0, NULL, 0, NULL, 1, &barrier);
}

bool gpu_begin_commands(struct gpu *gpu, VkCommandBuffer commands)
{
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkResult result = gpu->vk.BeginCommandBuffer(commands, &begin);
    return result == VK_SUCCESS || gpu_fail(gpu, "Commands cannot be recorded", result);
}

bool gpu_submit(struct gpu *gpu, VkCommandBuffer commands, VkSemaphore wait, VkSemaphore signal, VkFence fence)
{
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT;
    const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                 .waitSemaphoreCount = wait ? 1 : 0,
                                 .pWaitSemaphores = &wait,
                                 .pWaitDstStageMask = &stage,
                                 .commandBufferCount = 1,
                                 .pCommandBuffers = &commands,
                                 .signalSemaphoreCount = signal ? 1 : 0,
                                 .pSignalSemaphores = &signal};
    VkResult result = gpu->vk.EndCommandBuffer(commands);
    if (result == VK_SUCCESS)
        result = gpu->vk.QueueSubmit(gpu->queue, 1, &submit, fence);
    return result == VK_SUCCESS || gpu_fail(gpu, "Commands cannot be submitted", result);
}
