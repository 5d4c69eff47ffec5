/* See finder.h. */
#include "finder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MEMORY_OF 0.1 /* a new time's part in the mean */

static bool refuse(struct finder *finder, gvk_result result)
{
    finder->gpu->outcome = report_failure(finder->program, NULL, result);
    return false;
}

static bool create_commands(struct finder *finder)
{
    struct gpu *gpu = finder->gpu;
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                          .queueFamilyIndex = gpu->family};
    VkCommandBuffer commands[FINDER_PICTURES];
    VkResult result = gpu->vk.CreateCommandPool(gpu->device, &pool, NULL, &finder->commands);
    if (result == VK_SUCCESS) {
        const VkCommandBufferAllocateInfo buffers = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                     .commandPool = finder->commands,
                                                     .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                     .commandBufferCount = FINDER_PICTURES};
        result = gpu->vk.AllocateCommandBuffers(gpu->device, &buffers, commands);
    }
    if (result != VK_SUCCESS)
        return gpu_fail(gpu, "What takes pictures to the device cannot be made", result);
    for (int i = 0; i < FINDER_PICTURES; i++)
        finder->picture[i].upload = commands[i];
    return true;
}

bool finder_create(struct finder *finder, struct gpu *gpu, struct program *program, const struct model_file *model,
                   const struct finder_choice *choice)
{
    *finder = (struct finder){.gpu = gpu,
                              .program = program,
                              .letterbox = choice->letterbox,
                              .width = choice->width ? choice->width : model->info.input_width,
                              .height = choice->height ? choice->height : model->info.input_height,
                              .times = {NAN, NAN, NAN}};
    const gvk_import_params import = {.size = sizeof import,
                                      .host = &program->host,
                                      .get_instance_proc = gpu->vk.GetInstanceProcAddr,
                                      .instance = gpu->instance,
                                      .api_version = gpu->api_version,
                                      .physical_device = gpu->physical_device,
                                      .device = gpu->device,
                                      .enabled_features = &gpu->wants.features,
                                      .device_extensions = gpu->extensions,
                                      .device_extension_count = gpu->extension_count,
                                      .queue_family = gpu->family,
                                      .queue = gpu->queue};
    const gvk_model_params weights = {
        .size = sizeof weights, .precision = choice->precision, .width = finder->width, .height = finder->height};
    const gvk_stream_params stream = {
        .size = sizeof stream, .width = finder->width, .height = finder->height, .frames = FINDER_PICTURES};
    const gvk_detector_params params = {.size = sizeof params,
                                        .stream = &stream,
                                        .confidence = choice->floor,
                                        .iou = choice->iou,
                                        .vertices_per_box = choice->vertices_per_box};
    gvk_result result = gvk_device_import(&import, &finder->device);
    if (result == GVK_OK)
        result = gvk_model_create(finder->device, gvk_network_graph(model->network), &weights, &finder->model);
    if (result == GVK_OK)
        result = gvk_detector_create(finder->model, model->network, &params, &finder->stream);
    return result == GVK_OK ? create_commands(finder) : refuse(finder, result);
}

void finder_destroy(struct finder *finder)
{
    struct gpu *gpu = finder->gpu;
    if (!gpu)
        return;
    gvk_stream_destroy(finder->stream);
    gvk_model_destroy(finder->model);
    gvk_device_destroy(finder->device);
    for (int i = 0; i < FINDER_PICTURES; i++) {
        gpu_destroy_image(gpu, &finder->picture[i].image);
        gpu_destroy_buffer(gpu, &finder->picture[i].staging);
    }
    if (finder->commands)
        gpu->vk.DestroyCommandPool(gpu->device, finder->commands, NULL);
    *finder = (struct finder){.gpu = NULL};
}

/* ---- pictures ---- */

static gvk_picture picture_of(const struct finder *finder, uint32_t width, uint32_t height, VkImageView view)
{
    return (gvk_picture){.size = sizeof(gvk_picture),
                         .kind = GVK_PICTURE_IMAGE,
                         .width = width,
                         .height = height,
                         .letterbox = finder->letterbox,
                         .view = view,
                         .view_format = VK_FORMAT_R8G8B8A8_UNORM,
                         .layout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
}

bool finder_accepts(void *user, uint32_t width, uint32_t height, char *message, size_t message_size)
{
    const struct finder *finder = user;
    const uint32_t most = finder->gpu->limits.maxImageDimension2D;
    const gvk_picture picture = picture_of(finder, width, height, VK_NULL_HANDLE);
    if (width <= most && height <= most &&
        gvk_device_check_picture(finder->device, &picture, finder->width, finder->height) == GVK_OK)
        return true;
    snprintf(message, message_size, "is a picture of %" PRIu32 "x%" PRIu32 " pixels, which is too large for the device",
             width, height);
    return false;
}

/* The place of the next picture, of the right size. The frame that used it is done. */
static bool fit_picture(struct finder *finder, struct finder_picture *picture, const struct image *image)
{
    struct gpu *gpu = finder->gpu;
    if (picture->image.image && picture->image.width == image->width && picture->image.height == image->height)
        return true;
    picture->whole = false;
    VkResult result = gpu->vk.DeviceWaitIdle(gpu->device); /* it may be drawn from still */
    if (result != VK_SUCCESS)
        return gpu_fail(gpu, "The device", result);
    gpu_destroy_image(gpu, &picture->image);
    gpu_destroy_buffer(gpu, &picture->staging);
    return gpu_create_image(gpu, image->width, image->height, VK_FORMAT_R8G8B8A8_UNORM,
                            VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT, &picture->image) &&
           gpu_create_buffer(gpu, (VkDeviceSize)4 * image->width * image->height, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                             true, &picture->staging);
}

static void copy_pixels(const struct image *image, uint8_t *to)
{
    const uint8_t *from = image->pixels;
    const size_t count = (size_t)image->width * image->height;
    for (size_t i = 0; i < count; i++) {
        const uint8_t pixel[4] = {from[3 * i], from[3 * i + 1], from[3 * i + 2], 255};
        memcpy(to + 4 * i, pixel, 4);
    }
}

static bool upload(struct finder *finder, struct finder_picture *picture)
{
    struct gpu *gpu = finder->gpu;
    const VkBufferImageCopy copy = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                    .imageExtent = {picture->image.width, picture->image.height, 1}};
    const VkPipelineStageFlags readers = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT;
    if (!gpu_begin_commands(gpu, picture->upload))
        return false;
    gpu_image_barrier(gpu, picture->upload, picture->image.image, VK_IMAGE_LAYOUT_UNDEFINED,
                      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, readers, 0, VK_PIPELINE_STAGE_TRANSFER_BIT,
                      VK_ACCESS_TRANSFER_WRITE_BIT);
    gpu->vk.CmdCopyBufferToImage(picture->upload, picture->staging.buffer, picture->image.image,
                                 VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
    gpu_image_barrier(gpu, picture->upload, picture->image.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                      VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_PIPELINE_STAGE_TRANSFER_BIT,
                      VK_ACCESS_TRANSFER_WRITE_BIT, readers, VK_ACCESS_SHADER_READ_BIT);
    return gpu_submit(gpu, picture->upload, VK_NULL_HANDLE, VK_NULL_HANDLE, VK_NULL_HANDLE);
}

bool finder_take(struct finder *finder, const struct image *image)
{
    const uint32_t next = (finder->newest + 1) % FINDER_PICTURES;
    struct finder_picture *picture = &finder->picture[next];
    if (!fit_picture(finder, picture, image))
        return false;
    copy_pixels(image, picture->staging.mapped);
    if (!upload(finder, picture))
        return false;
    const gvk_picture taken = picture_of(finder, image->width, image->height, picture->image.view);
    picture->boxes = (gvk_device_boxes){.size = sizeof picture->boxes};
    gvk_result result = gvk_stream_submit(finder->stream, &taken, sizeof taken, 1, &picture->ticket);
    if (result == GVK_OK)
        result = gvk_detector_boxes(finder->stream, picture->ticket, &picture->boxes);
    if (result != GVK_OK)
        return refuse(finder, result);
    picture->whole = true;
    finder->newest = next;
    finder->waiting = true;
    return true;
}

/* ---- what came of it ---- */

static void remember(double *mean, double ms)
{
    *mean = isfinite(*mean) ? *mean + MEMORY_OF * (ms - *mean) : ms;
}

static void take_times(struct finder *finder, gvk_ticket ticket)
{
    static const char *const names[] = {"resize", "network", "decode"};
    double *const means[] = {&finder->times.resize, &finder->times.network, &finder->times.decode};
    double ms[3];
    if (read_stage_times(finder->stream, ticket, names, 3, ms) != GVK_OK)
        return;
    for (int stage = 0; stage < 3; stage++)
        if (isfinite(ms[stage]))
            remember(means[stage], ms[stage]);
}

bool finder_is_done(struct finder *finder, double ms, bool *failed)
{
    *failed = false;
    if (!finder->waiting)
        return true;
    const gvk_ticket ticket = finder->picture[finder->newest].ticket;
    gvk_result result = gvk_stream_wait(finder->stream, ticket, (uint64_t)(ms * 1e6));
    if (result == GVK_NOT_READY || result == GVK_TIMEOUT)
        return false;
    if (result == GVK_OK && !finder->checked) { /* a network whose numbers are none finds nothing: said once */
        const gvk_detection *found;
        uint32_t count;
        result = gvk_detector_read(finder->stream, ticket, &found, sizeof found[0], &count);
        finder->checked = true;
    }
    finder->waiting = false;
    if (result == GVK_OK)
        take_times(finder, ticket);
    *failed = result != GVK_OK && !refuse(finder, result);
    return result == GVK_OK;
}

const struct finder_picture *finder_newest(const struct finder *finder)
{
    const struct finder_picture *picture = &finder->picture[finder->newest];
    return picture->whole ? picture : NULL;
}
