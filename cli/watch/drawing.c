/* See drawing.h. */
#include "drawing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARKS_BYTES (16 + 16 * 256) /* place.comp's: a head, and a plate a label */
#define LINE_PART   0.004f          /* of the picture's shorter side in the window */

/* ---- making ---- */

static bool create_samplers(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    VkSamplerCreateInfo create = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                  .magFilter = VK_FILTER_LINEAR,
                                  .minFilter = VK_FILTER_LINEAR,
                                  .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                  .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                  .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE};
    VkResult result = gpu->vk.CreateSampler(gpu->device, &create, NULL, &drawing->linear);
    create.magFilter = create.minFilter = VK_FILTER_NEAREST;
    if (result == VK_SUCCESS)
        result = gpu->vk.CreateSampler(gpu->device, &create, NULL, &drawing->nearest);
    return result == VK_SUCCESS || gpu_fail(gpu, "A sampler cannot be made", result);
}

static bool create_frames(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    const VkDescriptorPoolSize sizes[2] = {{VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 2 * DRAWING_FRAMES},
                                           {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 4 * DRAWING_FRAMES}};
    const VkDescriptorPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                             .maxSets = DRAWING_FRAMES,
                                             .poolSizeCount = 2,
                                             .pPoolSizes = sizes};
    const VkCommandPoolCreateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                              .queueFamilyIndex = gpu->family};
    VkResult result = gpu->vk.CreateDescriptorPool(gpu->device, &pool, NULL, &drawing->descriptors);
    if (result == VK_SUCCESS)
        result = gpu->vk.CreateCommandPool(gpu->device, &commands, NULL, &drawing->commands);
    for (uint32_t i = 0; i < DRAWING_FRAMES && result == VK_SUCCESS; i++) {
        struct drawing_frame *frame = &drawing->frame[i];
        const VkDescriptorSetAllocateInfo set = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                 .descriptorPool = drawing->descriptors,
                                                 .descriptorSetCount = 1,
                                                 .pSetLayouts = &drawing->pipelines.set_layout};
        const VkCommandBufferAllocateInfo buffer = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                    .commandPool = drawing->commands,
                                                    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                    .commandBufferCount = 1};
        result = gpu->vk.AllocateDescriptorSets(gpu->device, &set, &frame->set);
        if (result == VK_SUCCESS)
            result = gpu->vk.AllocateCommandBuffers(gpu->device, &buffer, &frame->commands);
        if (result == VK_SUCCESS &&
            (!gpu_create_fence(gpu, &frame->done) || !gpu_create_semaphore(gpu, &frame->acquired) ||
             !gpu_create_buffer(gpu, MARKS_BYTES, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, false, &frame->marks) ||
             !gpu_create_buffer(gpu, DRAWING_ITEMS_MAX * sizeof(struct item), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, true,
                                &frame->items)))
            return false;
    }
    return result == VK_SUCCESS || gpu_fail(gpu, "What draws a frame cannot be made", result);
}

static void copy_to_image(const struct gpu *gpu, VkCommandBuffer commands, VkBuffer from, const struct gpu_image *to)
{
    const VkBufferImageCopy copy = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                    .imageExtent = {to->width, to->height, 1}};
    gpu_image_barrier(gpu, commands, to->image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                      VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0, VK_PIPELINE_STAGE_TRANSFER_BIT,
                      VK_ACCESS_TRANSFER_WRITE_BIT);
    gpu->vk.CmdCopyBufferToImage(commands, from, to->image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
    gpu_image_barrier(gpu, commands, to->image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                      VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_PIPELINE_STAGE_TRANSFER_BIT,
                      VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
}

/* The atlas, its names, and a black pixel, by a buffer that lives until they are there. */
static bool upload(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    const struct atlas *atlas = drawing->atlas;
    const size_t coverage = (size_t)atlas->width * atlas->height;
    const size_t names = (atlas->class_count ? atlas->class_count : 1) * sizeof(struct atlas_name);
    const VkImageUsageFlags usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    struct gpu_buffer staging = {.bytes = 0}, pixel = {.bytes = 0};
    struct drawing_frame *frame = &drawing->frame[0];
    bool done = gpu_create_image(gpu, atlas->width, atlas->height, VK_FORMAT_R8_UNORM, usage, &drawing->letters) &&
                gpu_create_image(gpu, 1, 1, VK_FORMAT_R8G8B8A8_UNORM, usage, &drawing->nothing) &&
                gpu_create_buffer(gpu, names, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, true, &drawing->names) &&
                gpu_create_buffer(gpu, coverage, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, true, &staging) &&
                gpu_create_buffer(gpu, 4, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, true, &pixel);
    if (done) {
        memcpy(drawing->names.mapped, atlas->names, names);
        memcpy(staging.mapped, atlas->coverage, coverage);
        memset(pixel.mapped, 0, 4);
        done = gpu_begin_commands(gpu, frame->commands);
    }
    if (done) {
        copy_to_image(gpu, frame->commands, staging.buffer, &drawing->letters);
        copy_to_image(gpu, frame->commands, pixel.buffer, &drawing->nothing);
        done = gpu_submit(gpu, frame->commands, VK_NULL_HANDLE, VK_NULL_HANDLE, frame->done);
        frame->submitted = done;
        done = done && drawing_wait(drawing);
    }
    gpu_destroy_buffer(gpu, &staging);
    gpu_destroy_buffer(gpu, &pixel);
    return done;
}

bool drawing_create(struct drawing *drawing, struct gpu *gpu, const struct atlas *atlas, VkFormat format, bool encodes)
{
    *drawing = (struct drawing){.gpu = gpu, .atlas = atlas, .encodes = encodes};
    return create_samplers(drawing) && pipelines_create(&drawing->pipelines, gpu, format) && create_frames(drawing) &&
           upload(drawing);
}

void drawing_destroy(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    if (!gpu)
        return;
    for (uint32_t i = 0; i < DRAWING_FRAMES; i++) {
        struct drawing_frame *frame = &drawing->frame[i];
        gpu_destroy_buffer(gpu, &frame->marks);
        gpu_destroy_buffer(gpu, &frame->items);
        if (frame->done)
            gpu->vk.DestroyFence(gpu->device, frame->done, NULL);
        if (frame->acquired)
            gpu->vk.DestroySemaphore(gpu->device, frame->acquired, NULL);
    }
    gpu_destroy_buffer(gpu, &drawing->names);
    gpu_destroy_image(gpu, &drawing->letters);
    gpu_destroy_image(gpu, &drawing->nothing);
    if (drawing->commands)
        gpu->vk.DestroyCommandPool(gpu->device, drawing->commands, NULL);
    if (drawing->descriptors)
        gpu->vk.DestroyDescriptorPool(gpu->device, drawing->descriptors, NULL);
    pipelines_destroy(&drawing->pipelines);
    if (drawing->linear)
        gpu->vk.DestroySampler(gpu->device, drawing->linear, NULL);
    if (drawing->nearest)
        gpu->vk.DestroySampler(gpu->device, drawing->nearest, NULL);
    *drawing = (struct drawing){.gpu = NULL};
}

/* ---- a frame ---- */

void drawing_place_picture(const struct view *view, struct frame_constants *out)
{
    const float width = (float)view->window.width, height = (float)view->window.height;
    const float across = view->picture ? (float)view->picture->width : 1;
    const float down = view->picture ? (float)view->picture->height : 1;
    const float scale = fminf(width / across, height / down);
    out->window[0] = width;
    out->window[1] = height;
    out->picture_size[0] = across;
    out->picture_size[1] = down;
    out->extent[0] = fminf(width, fmaxf(1, roundf(across * scale)));
    out->extent[1] = fminf(height, fmaxf(1, roundf(down * scale)));
    out->origin[0] = floorf((width - out->extent[0]) / 2);
    out->origin[1] = floorf((height - out->extent[1]) / 2);
}

static struct frame_constants constants_of(const struct drawing *drawing, const struct view *view)
{
    const struct atlas *atlas = drawing->atlas;
    struct frame_constants out = {.threshold = view->threshold,
                                  .cap_height = atlas->cap_height,
                                  .above = atlas->above,
                                  .row = atlas->row,
                                  .digit_pitch = atlas->digit_pitch,
                                  .class_count = atlas->class_count,
                                  .encodes = drawing->encodes,
                                  .point_pitch = atlas->point_pitch};
    drawing_place_picture(view, &out);
    float line = roundf(LINE_PART * fminf(out.extent[0], out.extent[1]));
    out.line = (uint32_t)fmaxf(line, roundf(2 * view->scale));
    if (view->boxes) {
        out.draw_at = (uint32_t)(view->boxes->draws / 4);
        out.boxes_at = (uint32_t)(view->boxes->boxes / 4);
    }
    return out;
}

static void write_set(struct drawing *drawing, const struct drawing_frame *frame, const struct view *view)
{
    struct gpu *gpu = drawing->gpu;
    const VkImageLayout layout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    const VkDescriptorImageInfo images[2] = {
        {drawing->linear, view->picture ? view->picture->view : drawing->nothing.view, layout},
        {drawing->nearest, drawing->letters.view, layout}};
    /* Without boxes something must stand there; what there is none of, nothing reads. */
    const VkDescriptorBufferInfo buffers[4] = {
        {view->boxes ? view->boxes->buffer : frame->marks.buffer, 0, VK_WHOLE_SIZE},
        {drawing->names.buffer, 0, VK_WHOLE_SIZE},
        {frame->marks.buffer, 0, VK_WHOLE_SIZE},
        {frame->items.buffer, 0, VK_WHOLE_SIZE}};
    const VkWriteDescriptorSet writes[2] = {{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                             .dstSet = frame->set,
                                             .dstBinding = 0,
                                             .descriptorCount = 2,
                                             .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                             .pImageInfo = images},
                                            {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                             .dstSet = frame->set,
                                             .dstBinding = 2,
                                             .descriptorCount = 4,
                                             .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                             .pBufferInfo = buffers}};
    gpu->vk.UpdateDescriptorSets(gpu->device, 2, writes, 0, NULL);
}

static void bind(const struct drawing *drawing, const struct drawing_frame *frame, VkPipelineBindPoint point,
                 VkPipeline pipeline)
{
    const struct gpu *gpu = drawing->gpu;
    gpu->vk.CmdBindPipeline(frame->commands, point, pipeline);
    gpu->vk.CmdBindDescriptorSets(frame->commands, point, drawing->pipelines.layout, 0, 1, &frame->set, 0, NULL);
}

/* Behind the detector's shaders and copies, in front of what draws. */
static void place_labels(const struct drawing *drawing, const struct drawing_frame *frame)
{
    const struct gpu *gpu = drawing->gpu;
    const VkMemoryBarrier found = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                   .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                                   .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_INDIRECT_COMMAND_READ_BIT};
    const VkMemoryBarrier placed = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT};
    gpu->vk.CmdPipelineBarrier(frame->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                               VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_VERTEX_SHADER_BIT |
                                   VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT,
                               0, 1, &found, 0, NULL, 0, NULL);
    bind(drawing, frame, VK_PIPELINE_BIND_POINT_COMPUTE, drawing->pipelines.place);
    gpu->vk.CmdDispatch(frame->commands, 1, 1, 1);
    gpu->vk.CmdPipelineBarrier(frame->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                               VK_PIPELINE_STAGE_VERTEX_SHADER_BIT, 0, 1, &placed, 0, NULL, 0, NULL);
}

static void record(const struct drawing *drawing, const struct drawing_frame *frame, const struct view *view,
                   VkRenderPass pass, VkFramebuffer framebuffer)
{
    const struct gpu *gpu = drawing->gpu;
    VkCommandBuffer commands = frame->commands;
    const struct frame_constants constants = constants_of(drawing, view);
    const VkClearValue dark = {.color = {.float32 = {0.035f, 0.038f, 0.043f, 1}}};
    const VkRenderPassBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                         .renderPass = pass,
                                         .framebuffer = framebuffer,
                                         .renderArea = {{0, 0}, view->window},
                                         .clearValueCount = 1,
                                         .pClearValues = &dark};
    const VkViewport viewport = {0, 0, (float)view->window.width, (float)view->window.height, 0, 1};
    const VkRect2D scissor = {{0, 0}, view->window};
    gpu->vk.CmdPushConstants(commands, drawing->pipelines.layout,
                             VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT | VK_SHADER_STAGE_COMPUTE_BIT, 0,
                             sizeof constants, &constants);
    if (view->boxes)
        place_labels(drawing, frame);
    gpu->vk.CmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
    gpu->vk.CmdSetViewport(commands, 0, 1, &viewport);
    gpu->vk.CmdSetScissor(commands, 0, 1, &scissor);
    if (view->picture) {
        bind(drawing, frame, VK_PIPELINE_BIND_POINT_GRAPHICS, drawing->pipelines.picture);
        gpu->vk.CmdDraw(commands, 6, 1, 0, 0);
    }
    if (view->boxes) { /* how many there are, the device reads from the buffer that they are in */
        bind(drawing, frame, VK_PIPELINE_BIND_POINT_GRAPHICS, drawing->pipelines.frames);
        gpu->vk.CmdDrawIndirect(commands, view->boxes->buffer, view->boxes->draws, 1, sizeof(VkDrawIndirectCommand));
        bind(drawing, frame, VK_PIPELINE_BIND_POINT_GRAPHICS, drawing->pipelines.labels);
        gpu->vk.CmdDrawIndirect(commands, view->boxes->buffer, view->boxes->draws, 1, sizeof(VkDrawIndirectCommand));
    }
    if (view->item_count) {
        bind(drawing, frame, VK_PIPELINE_BIND_POINT_GRAPHICS, drawing->pipelines.overlay);
        gpu->vk.CmdDraw(commands, 6, view->item_count, 0, 0);
    }
    gpu->vk.CmdEndRenderPass(commands);
}

struct drawing_frame *drawing_begin(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    struct drawing_frame *frame = &drawing->frame[drawing->next];
    if (frame->submitted) {
        if (!gpu_wait_fence(gpu, frame->done))
            return NULL;
        frame->submitted = false;
        VkResult result = gpu->vk.ResetFences(gpu->device, 1, &frame->done);
        if (result != VK_SUCCESS) {
            gpu_fail(gpu, "A fence cannot be reset", result);
            return NULL;
        }
    }
    return frame;
}

static bool prepare(struct drawing *drawing, struct drawing_frame *frame, const struct view *view)
{
    memcpy(frame->items.mapped, view->items, view->item_count * sizeof(struct item));
    write_set(drawing, frame, view);
    return gpu_begin_commands(drawing->gpu, frame->commands);
}

bool drawing_show(struct drawing *drawing, struct drawing_frame *frame, const struct view *view,
                  VkFramebuffer framebuffer, VkSemaphore drawn)
{
    if (!prepare(drawing, frame, view))
        return false;
    record(drawing, frame, view, drawing->pipelines.shown_pass, framebuffer);
    frame->submitted = gpu_submit(drawing->gpu, frame->commands, frame->acquired, drawn, frame->done);
    drawing->next = (drawing->next + 1) % DRAWING_FRAMES;
    return frame->submitted;
}

bool drawing_is_done(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    const struct drawing_frame *last = &drawing->frame[(drawing->next + DRAWING_FRAMES - 1) % DRAWING_FRAMES];
    return !last->submitted || gpu->vk.GetFenceStatus(gpu->device, last->done) != VK_NOT_READY;
}

bool drawing_wait(struct drawing *drawing)
{
    struct gpu *gpu = drawing->gpu;
    for (uint32_t i = 0; i < DRAWING_FRAMES; i++) {
        struct drawing_frame *frame = &drawing->frame[i];
        if (!frame->submitted)
            continue;
        if (!gpu_wait_fence(gpu, frame->done))
            return false;
        frame->submitted = false;
        VkResult result = gpu->vk.ResetFences(gpu->device, 1, &frame->done);
        if (result != VK_SUCCESS)
            return gpu_fail(gpu, "A fence cannot be reset", result);
    }
    return true;
}

/* ---- reading back ---- */

static void record_copy(const struct gpu *gpu, VkCommandBuffer commands, const struct gpu_image *image, VkBuffer to)
{
    const VkBufferImageCopy copy = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                    .imageExtent = {image->width, image->height, 1}};
    const VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                     .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    gpu->vk.CmdCopyImageToBuffer(commands, image->image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, to, 1, &copy);
    gpu->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0,
                               NULL, 0, NULL);
}

static uint8_t *take_pixels(const struct drawing *drawing, const uint8_t *from, size_t count)
{
    const bool blue_first =
        drawing->pipelines.format == VK_FORMAT_B8G8R8A8_UNORM || drawing->pipelines.format == VK_FORMAT_B8G8R8A8_SRGB;
    uint8_t *pixels = malloc(3 * count);
    for (size_t i = 0; pixels && i < count; i++) {
        pixels[3 * i] = from[4 * i + (blue_first ? 2 : 0)];
        pixels[3 * i + 1] = from[4 * i + 1];
        pixels[3 * i + 2] = from[4 * i + (blue_first ? 0 : 2)];
    }
    if (!pixels)
        drawing->gpu->outcome = refuse_memory();
    return pixels;
}

uint8_t *drawing_read(struct drawing *drawing, const struct view *view)
{
    struct gpu *gpu = drawing->gpu;
    struct gpu_image image = {.width = 0};
    struct gpu_buffer buffer = {.bytes = 0};
    VkFramebuffer framebuffer = VK_NULL_HANDLE;
    uint8_t *pixels = NULL;
    const size_t count = (size_t)view->window.width * view->window.height;
    struct drawing_frame *frame = drawing_wait(drawing) ? drawing_begin(drawing) : NULL;
    if (!frame ||
        !gpu_create_image(gpu, view->window.width, view->window.height, drawing->pipelines.format,
                          VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT, &image) ||
        !gpu_create_buffer(gpu, 4 * count, VK_BUFFER_USAGE_TRANSFER_DST_BIT, true, &buffer))
        goto done;
    const VkFramebufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                            .renderPass = drawing->pipelines.kept_pass,
                                            .attachmentCount = 1,
                                            .pAttachments = &image.view,
                                            .width = image.width,
                                            .height = image.height,
                                            .layers = 1};
    VkResult result = gpu->vk.CreateFramebuffer(gpu->device, &create, NULL, &framebuffer);
    if (result != VK_SUCCESS) {
        gpu_fail(gpu, "A picture of the window cannot be made", result);
        goto done;
    }
    if (!prepare(drawing, frame, view))
        goto done;
    record(drawing, frame, view, drawing->pipelines.kept_pass, framebuffer);
    record_copy(gpu, frame->commands, &image, buffer.buffer);
    frame->submitted = gpu_submit(gpu, frame->commands, VK_NULL_HANDLE, VK_NULL_HANDLE, frame->done);
    if (frame->submitted && drawing_wait(drawing))
        pixels = take_pixels(drawing, buffer.mapped, count);
done:
    if (framebuffer)
        gpu->vk.DestroyFramebuffer(gpu->device, framebuffer, NULL);
    gpu_destroy_buffer(gpu, &buffer);
    gpu_destroy_image(gpu, &image);
    return pixels;
}
