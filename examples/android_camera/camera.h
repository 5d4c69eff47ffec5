/* Android's camera images as pictures of ghostvk's, without a copy: an AHardwareBuffer becomes a VkImage, a sampler
 * converts its YCbCr, and the device reads it in place.
 *
 * The host's VkDevice has these extensions and features enabled (and what gvk_device_wants names):
 *   VK_ANDROID_external_memory_android_hardware_buffer, VK_EXT_queue_family_foreign, VK_KHR_external_semaphore_fd;
 *   samplerYcbcrConversion of VkPhysicalDeviceSamplerYcbcrConversionFeatures.
 *
 * An AImageReader gives the same few buffers again and again: keep one camera_image for each, for as long as the reader
 * lives. Threads: one at a time, the stream's. */
#ifndef ANDROID_CAMERA_H
#define ANDROID_CAMERA_H

#define VK_USE_PLATFORM_ANDROID_KHR
#include <vulkan/vulkan.h>

#include <ghostvk/embedding.h>

/* The camera's format, which all of its buffers share, and the sampler for it, which has to outlive the stream. */
struct camera {
    VkDevice device;
    VkPhysicalDevice physical_device;
    VkQueue queue; /* the host's; used by camera_image_create alone, once a buffer */
    uint32_t queue_family;
    VkSamplerYcbcrConversion conversion;
    VkSampler sampler;
    PFN_vkGetInstanceProcAddr get_instance_proc;
    PFN_vkGetAndroidHardwareBufferPropertiesANDROID get_buffer_properties;
    PFN_vkImportSemaphoreFdKHR import_semaphore;
    PFN_vkGetSemaphoreFdKHR export_semaphore;
};

struct camera_image {
    struct AHardwareBuffer *buffer; /* acquired */
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
    VkSemaphore filled; /* binary: the camera has written it */
    VkSemaphore read;   /* binary: the detector has read it */
    uint32_t width, height;
};

/* From `host`: get_instance_proc, instance, physical_device, device, queue, queue_family. The buffer is any of the
 * camera's. */
VkResult camera_create(const gvk_device_handles *host, struct AHardwareBuffer *any, struct camera *out);
void camera_destroy(struct camera *camera);

VkResult camera_image_create(const struct camera *camera, struct AHardwareBuffer *buffer, struct camera_image *out);
void camera_image_destroy(const struct camera *camera, struct camera_image *image);

/* A frame: `acquire_fd` is what AImageReader_acquireNextImageAsync gave (-1: nothing to wait for; the file descriptor
 * is the camera's from here on). `rotation` is how far the picture is to be turned clockwise to be upright on the
 * display, a multiple of 90: ACAMERA_SENSOR_ORIENTATION less the display's rotation for a camera on the back;
 * `mirrored` for one on the front. *release_fd is for AImage_deleteAsync. */
gvk_result camera_submit(const struct camera *camera, const struct camera_image *image, int acquire_fd,
                         uint32_t rotation, int mirrored, gvk_stream *stream, gvk_ticket *ticket, int *release_fd);

#endif
