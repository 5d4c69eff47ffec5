/* See swapchain.h. */
#include "swapchain.h"

#define FORMATS_MAX  64
#define ACQUIRE_NS   ((uint64_t)2 * 1000 * 1000 * 1000) /* a hidden window may get no image for long */
#define ATTEMPTS_MAX 4

static bool choose_format(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    VkSurfaceFormatKHR formats[FORMATS_MAX];
    uint32_t count = FORMATS_MAX;
    VkResult result =
        gpu->vk.GetPhysicalDeviceSurfaceFormatsKHR(gpu->physical_device, swapchain->surface, &count, formats);
    if (result < 0 || count == 0)
        return gpu_fail(gpu, "The window's formats", result < 0 ? result : VK_ERROR_INITIALIZATION_FAILED);
    /* Values as they are first, then those that encode light; the first one where there is none of them. */
    static const VkFormat wanted[] = {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB,
                                      VK_FORMAT_R8G8B8A8_SRGB};
    swapchain->format = formats[0];
    for (size_t i = sizeof wanted / sizeof *wanted; i-- > 0;)
        for (uint32_t j = 0; j < count; j++)
            if (formats[j].format == wanted[i] && formats[j].colorSpace == VK_COLOR_SPACE_SRGB_NONLINEAR_KHR)
                swapchain->format = formats[j];
    return true;
}

bool swapchain_start(struct swapchain *swapchain, struct gpu *gpu, struct window *window, VkSurfaceKHR surface)
{
    *swapchain = (struct swapchain){.gpu = gpu, .window = window, .surface = surface, .stale = true};
    return choose_format(swapchain);
}

bool swapchain_encodes(const struct swapchain *swapchain)
{
    return swapchain->format.format == VK_FORMAT_B8G8R8A8_SRGB || swapchain->format.format == VK_FORMAT_R8G8B8A8_SRGB;
}

/* ---- making and unmaking ---- */

static void destroy_images(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    for (uint32_t i = 0; i < SWAPCHAIN_IMAGES_MAX; i++) {
        if (swapchain->framebuffers[i])
            gpu->vk.DestroyFramebuffer(gpu->device, swapchain->framebuffers[i], NULL);
        if (swapchain->views[i])
            gpu->vk.DestroyImageView(gpu->device, swapchain->views[i], NULL);
        if (swapchain->drawn[i])
            gpu->vk.DestroySemaphore(gpu->device, swapchain->drawn[i], NULL);
        swapchain->framebuffers[i] = VK_NULL_HANDLE;
        swapchain->views[i] = VK_NULL_HANDLE;
        swapchain->drawn[i] = VK_NULL_HANDLE;
    }
    swapchain->count = 0;
}

void swapchain_destroy(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    if (!gpu)
        return;
    if (gpu->device) {
        gpu->vk.DeviceWaitIdle(gpu->device); /* whatever it says, what follows is the end */
        destroy_images(swapchain);
        if (swapchain->swapchain)
            gpu->vk.DestroySwapchainKHR(gpu->device, swapchain->swapchain, NULL);
    }
    if (swapchain->surface)
        gpu->vk.DestroySurfaceKHR(gpu->instance, swapchain->surface, NULL);
    *swapchain = (struct swapchain){.gpu = NULL};
}

static bool create_images(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    uint32_t count = SWAPCHAIN_IMAGES_MAX;
    VkResult result = gpu->vk.GetSwapchainImagesKHR(gpu->device, swapchain->swapchain, &count, swapchain->images);
    if (result != VK_SUCCESS)
        return gpu_fail(gpu, "The window's images", result == VK_INCOMPLETE ? VK_ERROR_INITIALIZATION_FAILED : result);
    swapchain->count = count;
    for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
        const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                            .image = swapchain->images[i],
                                            .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                            .format = swapchain->format.format,
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
        result = gpu->vk.CreateImageView(gpu->device, &view, NULL, &swapchain->views[i]);
        if (result != VK_SUCCESS)
            break;
        const VkFramebufferCreateInfo frame = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                               .renderPass = swapchain->pass,
                                               .attachmentCount = 1,
                                               .pAttachments = &swapchain->views[i],
                                               .width = swapchain->extent.width,
                                               .height = swapchain->extent.height,
                                               .layers = 1};
        result = gpu->vk.CreateFramebuffer(gpu->device, &frame, NULL, &swapchain->framebuffers[i]);
        if (result == VK_SUCCESS && !gpu_create_semaphore(gpu, &swapchain->drawn[i]))
            return false;
    }
    return result == VK_SUCCESS || gpu_fail(gpu, "The window's images", result);
}

static bool is_size_unsaid(VkExtent2D extent)
{
    return extent.width == UINT32_MAX; /* the window's own size counts */
}

static uint32_t bound(uint32_t value, uint32_t lowest, uint32_t highest)
{
    return value < lowest ? lowest : value > highest ? highest : value;
}

/* VK_SUCCESS also where nothing can be shown now: extent is then 0 x 0. */
static VkResult create_chain(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    VkSurfaceCapabilitiesKHR can;
    VkSwapchainKHR old = swapchain->swapchain;
    VkResult result = gpu->vk.GetPhysicalDeviceSurfaceCapabilitiesKHR(gpu->physical_device, swapchain->surface, &can);
    if (result != VK_SUCCESS)
        return result;
    uint32_t width = 0, height = 0;
    window_size(swapchain->window, &width, &height);
    VkExtent2D extent = can.currentExtent;
    if (is_size_unsaid(extent)) {
        extent.width = bound(width, can.minImageExtent.width, can.maxImageExtent.width);
        extent.height = bound(height, can.minImageExtent.height, can.maxImageExtent.height);
    }
    if (!width || !extent.width || !extent.height) {
        swapchain->extent = (VkExtent2D){0, 0};
        return VK_SUCCESS;
    }
    uint32_t images = can.minImageCount + 1;
    if (can.maxImageCount && images > can.maxImageCount)
        images = can.maxImageCount;
    VkCompositeAlphaFlagBitsKHR alpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    while (!(can.supportedCompositeAlpha & alpha) && alpha < VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR)
        alpha <<= 1;
    const VkSwapchainCreateInfoKHR create = {.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
                                             .surface = swapchain->surface,
                                             .minImageCount = images,
                                             .imageFormat = swapchain->format.format,
                                             .imageColorSpace = swapchain->format.colorSpace,
                                             .imageExtent = extent,
                                             .imageArrayLayers = 1,
                                             .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
                                             .preTransform = can.currentTransform,
                                             .compositeAlpha = alpha,
                                             .presentMode = VK_PRESENT_MODE_FIFO_KHR, /* each device has it */
                                             .clipped = VK_TRUE,
                                             .oldSwapchain = old};
    result = gpu->vk.CreateSwapchainKHR(gpu->device, &create, NULL, &swapchain->swapchain);
    if (result != VK_SUCCESS)
        swapchain->swapchain = VK_NULL_HANDLE; /* the old one is retired all the same */
    if (old)
        gpu->vk.DestroySwapchainKHR(gpu->device, old, NULL);
    swapchain->extent = result == VK_SUCCESS ? extent : (VkExtent2D){0, 0};
    return result;
}

/* The surface is gone: another one of the same window, and the chain on it. */
static bool replace_surface(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    VkBool32 presents = VK_FALSE;
    if (swapchain->swapchain)
        gpu->vk.DestroySwapchainKHR(gpu->device, swapchain->swapchain, NULL);
    swapchain->swapchain = VK_NULL_HANDLE;
    gpu->vk.DestroySurfaceKHR(gpu->instance, swapchain->surface, NULL);
    swapchain->surface = VK_NULL_HANDLE;
    if (!window_create_surface(swapchain->window, gpu, &swapchain->surface))
        return false;
    VkResult result =
        gpu->vk.GetPhysicalDeviceSurfaceSupportKHR(gpu->physical_device, gpu->family, swapchain->surface, &presents);
    if (result == VK_SUCCESS && !presents)
        result = VK_ERROR_INITIALIZATION_FAILED;
    return result == VK_SUCCESS || gpu_fail(gpu, "The window cannot be drawn to any more", result);
}

static bool renew(struct swapchain *swapchain)
{
    struct gpu *gpu = swapchain->gpu;
    VkResult result = gpu->vk.DeviceWaitIdle(gpu->device);
    if (result != VK_SUCCESS)
        return gpu_fail(gpu, "The device", result);
    destroy_images(swapchain);
    result = create_chain(swapchain);
    if (result == VK_ERROR_SURFACE_LOST_KHR) {
        if (!replace_surface(swapchain))
            return false;
        result = create_chain(swapchain);
    }
    if (result != VK_SUCCESS)
        return gpu_fail(gpu, "The window's images cannot be made", result);
    swapchain->stale = swapchain->extent.width == 0;
    return swapchain->stale || create_images(swapchain);
}

/* ---- frames ---- */

enum swapchain_answer swapchain_acquire(struct swapchain *swapchain, VkSemaphore acquired, uint32_t *image)
{
    struct gpu *gpu = swapchain->gpu;
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        uint32_t width = 0, height = 0;
        window_size(swapchain->window, &width, &height);
        if (!width) {
            swapchain->stale = true;
            return SWAPCHAIN_NOTHING;
        }
        if (swapchain->stale && !renew(swapchain))
            return SWAPCHAIN_FAILED;
        if (!swapchain->extent.width)
            return SWAPCHAIN_NOTHING;
        VkResult result =
            gpu->vk.AcquireNextImageKHR(gpu->device, swapchain->swapchain, ACQUIRE_NS, acquired, VK_NULL_HANDLE, image);
        switch (result) {
        case VK_SUBOPTIMAL_KHR: swapchain->stale = true; return SWAPCHAIN_READY; /* made anew behind this frame */
        case VK_SUCCESS: return SWAPCHAIN_READY;
        case VK_TIMEOUT:
        case VK_NOT_READY: return SWAPCHAIN_NOTHING;
        case VK_ERROR_OUT_OF_DATE_KHR:
        case VK_ERROR_SURFACE_LOST_KHR: swapchain->stale = true; break;
        default: gpu_fail(gpu, "The window's next image", result); return SWAPCHAIN_FAILED;
        }
    }
    return SWAPCHAIN_NOTHING; /* it changes faster than it can be followed; the next frame tries again */
}

bool swapchain_present(struct swapchain *swapchain, uint32_t image)
{
    struct gpu *gpu = swapchain->gpu;
    const VkPresentInfoKHR present = {.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                                      .waitSemaphoreCount = 1,
                                      .pWaitSemaphores = &swapchain->drawn[image],
                                      .swapchainCount = 1,
                                      .pSwapchains = &swapchain->swapchain,
                                      .pImageIndices = &image};
    VkResult result = gpu->vk.QueuePresentKHR(gpu->queue, &present);
    if (result == VK_SUBOPTIMAL_KHR || result == VK_ERROR_OUT_OF_DATE_KHR || result == VK_ERROR_SURFACE_LOST_KHR) {
        swapchain->stale = true;
        return true;
    }
    return result == VK_SUCCESS || gpu_fail(gpu, "The window cannot show a frame", result);
}
