#include "camera.h"

#ifdef __ANDROID__
#include <android/hardware_buffer.h>
#else
/* What this file uses of the NDK, so that it compiles where there is none; Vulkan's own header for Android is
 * everywhere. */
typedef struct AHardwareBuffer AHardwareBuffer;
typedef struct AHardwareBuffer_Desc {
    uint32_t width, height, layers, format;
    uint64_t usage;
    uint32_t stride, rfu0;
    uint64_t rfu1;
} AHardwareBuffer_Desc;
void AHardwareBuffer_describe(const AHardwareBuffer *buffer, AHardwareBuffer_Desc *out);
void AHardwareBuffer_acquire(AHardwareBuffer *buffer);
void AHardwareBuffer_release(AHardwareBuffer *buffer);
#endif

VkResult camera_create(const gvk_device_handles *host, struct AHardwareBuffer *any, struct camera *out)
{
    *out = (struct camera){.device = host->device,
                           .physical_device = host->physical_device,
                           .queue = host->queue,
                           .queue_family = host->queue_family,
                           .get_instance_proc = host->get_instance_proc};
    PFN_vkGetDeviceProcAddr get =
        (PFN_vkGetDeviceProcAddr)host->get_instance_proc(host->instance, "vkGetDeviceProcAddr");
    out->get_buffer_properties = (PFN_vkGetAndroidHardwareBufferPropertiesANDROID)get(
        out->device, "vkGetAndroidHardwareBufferPropertiesANDROID");
    out->import_semaphore = (PFN_vkImportSemaphoreFdKHR)get(out->device, "vkImportSemaphoreFdKHR");
    out->export_semaphore = (PFN_vkGetSemaphoreFdKHR)get(out->device, "vkGetSemaphoreFdKHR");
    if (!out->get_buffer_properties || !out->import_semaphore || !out->export_semaphore)
        return VK_ERROR_EXTENSION_NOT_PRESENT;
    /* What the driver suggests for the buffer: its own format, by number, and how its YCbCr is meant. */
    VkAndroidHardwareBufferFormatPropertiesANDROID format = {
        .sType = VK_STRUCTURE_TYPE_ANDROID_HARDWARE_BUFFER_FORMAT_PROPERTIES_ANDROID};
    VkAndroidHardwareBufferPropertiesANDROID properties = {
        .sType = VK_STRUCTURE_TYPE_ANDROID_HARDWARE_BUFFER_PROPERTIES_ANDROID, .pNext = &format};
    VkResult result = out->get_buffer_properties(out->device, any, &properties);
    if (result != VK_SUCCESS)
        return result;
    const VkExternalFormatANDROID external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_FORMAT_ANDROID,
                                              .externalFormat = format.externalFormat};
    const VkBool32 filters =
        (format.formatFeatures & VK_FORMAT_FEATURE_SAMPLED_IMAGE_YCBCR_CONVERSION_LINEAR_FILTER_BIT) != 0;
    const VkSamplerYcbcrConversionCreateInfo conversion = {
        .sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_CREATE_INFO,
        .pNext = &external,
        .format = VK_FORMAT_UNDEFINED, /* the external one */
        .ycbcrModel = format.suggestedYcbcrModel,
        .ycbcrRange = format.suggestedYcbcrRange,
        .components = format.samplerYcbcrConversionComponents,
        .xChromaOffset = format.suggestedXChromaOffset,
        .yChromaOffset = format.suggestedYChromaOffset,
        .chromaFilter = filters ? VK_FILTER_LINEAR : VK_FILTER_NEAREST};
    result = vkCreateSamplerYcbcrConversion(out->device, &conversion, NULL, &out->conversion);
    if (result != VK_SUCCESS)
        return result;
    const VkSamplerYcbcrConversionInfo with = {.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO,
                                               .conversion = out->conversion};
    const VkSamplerCreateInfo sampler = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                         .pNext = &with,
                                         .magFilter = conversion.chromaFilter,
                                         .minFilter = conversion.chromaFilter,
                                         .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                         .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                         .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE};
    result = vkCreateSampler(out->device, &sampler, NULL, &out->sampler);
    if (result != VK_SUCCESS)
        camera_destroy(out);
    return result;
}

void camera_destroy(struct camera *camera)
{
    if (camera->sampler)
        vkDestroySampler(camera->device, camera->sampler, NULL);
    if (camera->conversion)
        vkDestroySamplerYcbcrConversion(camera->device, camera->conversion, NULL);
    camera->sampler = VK_NULL_HANDLE;
    camera->conversion = VK_NULL_HANDLE;
}

/* ---- images ---- */

/* The buffer's memory as a dedicated allocation, of the kind that the driver names. */
static VkResult import_memory(const struct camera *camera, struct camera_image *image)
{
    VkAndroidHardwareBufferPropertiesANDROID properties = {
        .sType = VK_STRUCTURE_TYPE_ANDROID_HARDWARE_BUFFER_PROPERTIES_ANDROID};
    VkResult result = camera->get_buffer_properties(camera->device, image->buffer, &properties);
    if (result != VK_SUCCESS)
        return result;
    uint32_t type = 0;
    while (type < 32 && !(properties.memoryTypeBits & 1u << type))
        type++;
    if (type == 32)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    const VkMemoryDedicatedAllocateInfo dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                                     .image = image->image};
    const VkImportAndroidHardwareBufferInfoANDROID import = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_ANDROID_HARDWARE_BUFFER_INFO_ANDROID,
        .pNext = &dedicated,
        .buffer = image->buffer};
    const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                             .pNext = &import,
                                             .allocationSize = properties.allocationSize,
                                             .memoryTypeIndex = type};
    result = vkAllocateMemory(camera->device, &allocation, NULL, &image->memory);
    return result == VK_SUCCESS ? vkBindImageMemory(camera->device, image->image, image->memory, 0) : result;
}

/* Once: from no layout to GENERAL, and back to the camera. From then on every frame finds it so, and ghostvk acquires
 * and releases it by itself. */
static VkResult give_layout(const struct camera *camera, VkImage image)
{
    VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT,
                                    .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
                                    .newLayout = VK_IMAGE_LAYOUT_GENERAL,
                                    .srcQueueFamilyIndex = VK_QUEUE_FAMILY_FOREIGN_EXT,
                                    .dstQueueFamilyIndex = camera->queue_family,
                                    .image = image,
                                    .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    const VkCommandPoolCreateInfo create = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                            .queueFamilyIndex = camera->queue_family};
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkCommandBufferAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                              .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                              .commandBufferCount = 1};
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkResult result = vkCreateCommandPool(camera->device, &create, NULL, &pool);
    if (result != VK_SUCCESS)
        return result;
    allocation.commandPool = pool;
    result = vkAllocateCommandBuffers(camera->device, &allocation, &commands);
    if (result == VK_SUCCESS)
        result = vkBeginCommandBuffer(commands, &begin);
    if (result == VK_SUCCESS) {
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 0,
                             NULL, 0, NULL, 1, &barrier);
        barrier.srcAccessMask = 0;
        barrier.dstAccessMask = 0;
        barrier.oldLayout = VK_IMAGE_LAYOUT_GENERAL;
        barrier.srcQueueFamilyIndex = camera->queue_family;
        barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_FOREIGN_EXT;
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                             NULL, 0, NULL, 1, &barrier);
        result = vkEndCommandBuffer(commands);
    }
    if (result == VK_SUCCESS) {
        const VkSubmitInfo submit = {
            .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
        result = vkQueueSubmit(camera->queue, 1, &submit, VK_NULL_HANDLE);
    }
    if (result == VK_SUCCESS)
        result = vkQueueWaitIdle(camera->queue);
    vkDestroyCommandPool(camera->device, pool, NULL);
    return result;
}

static VkResult create_semaphores(const struct camera *camera, struct camera_image *image)
{
    const VkExportSemaphoreCreateInfo exported = {.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
                                                  .handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT};
    const VkSemaphoreCreateInfo filled = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    const VkSemaphoreCreateInfo read = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &exported};
    VkResult result = vkCreateSemaphore(camera->device, &filled, NULL, &image->filled);
    return result == VK_SUCCESS ? vkCreateSemaphore(camera->device, &read, NULL, &image->read) : result;
}

VkResult camera_image_create(const struct camera *camera, struct AHardwareBuffer *buffer, struct camera_image *out)
{
    AHardwareBuffer_Desc description;
    VkAndroidHardwareBufferFormatPropertiesANDROID format = {
        .sType = VK_STRUCTURE_TYPE_ANDROID_HARDWARE_BUFFER_FORMAT_PROPERTIES_ANDROID};
    VkAndroidHardwareBufferPropertiesANDROID properties = {
        .sType = VK_STRUCTURE_TYPE_ANDROID_HARDWARE_BUFFER_PROPERTIES_ANDROID, .pNext = &format};
    AHardwareBuffer_describe(buffer, &description);
    AHardwareBuffer_acquire(buffer);
    *out = (struct camera_image){.buffer = buffer, .width = description.width, .height = description.height};
    VkResult result = camera->get_buffer_properties(camera->device, buffer, &properties);
    if (result != VK_SUCCESS)
        goto failed;
    const VkExternalFormatANDROID external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_FORMAT_ANDROID,
                                              .externalFormat = format.externalFormat};
    const VkExternalMemoryImageCreateInfo memory = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
        .pNext = &external,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_ANDROID_HARDWARE_BUFFER_BIT_ANDROID};
    const VkImageCreateInfo image = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                     .pNext = &memory,
                                     .imageType = VK_IMAGE_TYPE_2D,
                                     .format = VK_FORMAT_UNDEFINED,
                                     .extent = {out->width, out->height, 1},
                                     .mipLevels = 1,
                                     .arrayLayers = 1,
                                     .samples = VK_SAMPLE_COUNT_1_BIT,
                                     .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
    result = vkCreateImage(camera->device, &image, NULL, &out->image);
    if (result == VK_SUCCESS)
        result = import_memory(camera, out);
    if (result == VK_SUCCESS)
        result = give_layout(camera, out->image);
    if (result == VK_SUCCESS)
        result = create_semaphores(camera, out);
    if (result == VK_SUCCESS) {
        const VkSamplerYcbcrConversionInfo with = {.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO,
                                                   .conversion = camera->conversion};
        const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                            .pNext = &with,
                                            .image = out->image,
                                            .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                            .format = VK_FORMAT_UNDEFINED,
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
        result = vkCreateImageView(camera->device, &view, NULL, &out->view);
    }
failed:
    if (result != VK_SUCCESS)
        camera_image_destroy(camera, out);
    return result;
}

void camera_image_destroy(const struct camera *camera, struct camera_image *image)
{
    if (image->view)
        vkDestroyImageView(camera->device, image->view, NULL);
    if (image->image)
        vkDestroyImage(camera->device, image->image, NULL);
    if (image->memory)
        vkFreeMemory(camera->device, image->memory, NULL);
    if (image->filled)
        vkDestroySemaphore(camera->device, image->filled, NULL);
    if (image->read)
        vkDestroySemaphore(camera->device, image->read, NULL);
    if (image->buffer)
        AHardwareBuffer_release(image->buffer);
    *image = (struct camera_image){.buffer = NULL};
}

/* ---- frames ---- */

/* EXIF's number for a picture that is to be turned clockwise so far. A front camera's picture is mirrored as a mirror
 * would show it: left and right of the upright picture change places. */
static uint32_t orientation_of(uint32_t rotation, int mirrored)
{
    static const uint32_t plain[4] = {1, 6, 3, 8}, mirror[4] = {2, 5, 4, 7};
    return (mirrored ? mirror : plain)[rotation / 90 % 4];
}

gvk_result camera_submit(const struct camera *camera, const struct camera_image *image, int acquire_fd,
                         uint32_t rotation, int mirrored, gvk_stream *stream, gvk_ticket *ticket, int *release_fd)
{
    *release_fd = -1;
    if (acquire_fd >= 0) { /* for one wait, after which the semaphore is as it was */
        const VkImportSemaphoreFdInfoKHR import = {.sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR,
                                                   .semaphore = image->filled,
                                                   .flags = VK_SEMAPHORE_IMPORT_TEMPORARY_BIT,
                                                   .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,
                                                   .fd = acquire_fd};
        if (camera->import_semaphore(camera->device, &import) != VK_SUCCESS)
            return GVK_ERROR_DRIVER;
    }
    const gvk_picture picture = {.size = sizeof picture,
                                 .kind = GVK_PICTURE_IMAGE,
                                 .width = image->width,
                                 .height = image->height,
                                 .letterbox = 1,
                                 .orientation = orientation_of(rotation, mirrored),
                                 .view = image->view,
                                 .layout = VK_IMAGE_LAYOUT_GENERAL,
                                 .ycbcr_sampler = camera->sampler,
                                 .acquire = 1, /* from the camera, and back to it behind the last command that reads */
                                 .owner_family = VK_QUEUE_FAMILY_FOREIGN_EXT,
                                 .image = image->image};
    const gvk_semaphore wait = {.semaphore = image->filled}, release = {.semaphore = image->read};
    const gvk_submit_params params = {.size = sizeof params,
                                      .pictures = &picture,
                                      .picture_size = sizeof picture,
                                      .picture_count = 1,
                                      .wait_count = acquire_fd >= 0 ? 1 : 0,
                                      .waits = &wait,
                                      .release_count = 1,
                                      .releases = &release};
    gvk_result result = gvk_stream_submit_with(stream, &params, ticket);
    if (result != GVK_OK)
        return result;
    /* With `paced` the release may be in a later part: this is then done after the gvk_stream_advance that sent it. */
    const VkSemaphoreGetFdInfoKHR export = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR,
                                            .semaphore = image->read,
                                            .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT};
    return camera->export_semaphore(camera->device, &export, release_fd) == VK_SUCCESS ? GVK_OK : GVK_ERROR_DRIVER;
}
