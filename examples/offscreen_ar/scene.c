#include "scene.h"

#include <math.h>
#include <string.h>

#include "pipelines.h"

#define PIXELS_BYTES ((VkDeviceSize)SCENE_WIDTH * SCENE_HEIGHT * 4)

void scene_view(double seconds, float view[2])
{
    /* Over all smears and back in a minute, and down and up: at most 75 pixels a second. */
    const double turn = 6.283185307179586, t = seconds < SCENE_RESTS ? 0 : seconds - SCENE_RESTS;
    view[0] = (float)(SCENE_WIDTH * (SCENE_SMEARS - 1) / 2.0 * (1 - cos(turn * t / 60)));
    view[1] = (float)(SCENE_HEIGHT / 4.0 * (1 - cos(turn * t / 23)));
}

/* ---- made once ---- */

static void image_barrier(VkCommandBuffer commands, VkImage image, uint32_t layers, VkImageLayout before,
                          VkImageLayout after, VkPipelineStageFlags from, VkAccessFlags written,
                          VkPipelineStageFlags to, VkAccessFlags access)
{
    const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                          .srcAccessMask = written,
                                          .dstAccessMask = access,
                                          .oldLayout = before,
                                          .newLayout = after,
                                          .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .image = image,
                                          .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, layers}};
    vkCmdPipelineBarrier(commands, from, to, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static bool begin_commands(VkCommandBuffer commands)
{
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    return vkBeginCommandBuffer(commands, &begin) == VK_SUCCESS || fail("vkBeginCommandBuffer failed.");
}

static bool upload_smears(struct scene *scene, const struct ppm smears[SCENE_SMEARS])
{
    const struct gpu *gpu = scene->gpu;
    VkCommandBuffer commands = scene->slots[0].commands; /* not used yet */
    struct gpu_buffer staging = {.mapped = NULL};
    const VkBufferImageCopy copy = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, SCENE_SMEARS},
                                    .imageExtent = {SCENE_WIDTH, SCENE_HEIGHT, 1}};
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    bool done = false;
    if (!gpu_buffer_create(gpu, PIXELS_BYTES * SCENE_SMEARS, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, &staging) ||
        !begin_commands(commands))
        goto cleanup;
    unsigned char *to = staging.mapped;
    for (int i = 0; i < SCENE_SMEARS; i++)
        for (uint32_t j = 0; j < SCENE_WIDTH * SCENE_HEIGHT; j++, to += 4) {
            memcpy(to, smears[i].rgb + (size_t)j * 3, 3);
            to[3] = 255;
        }
    image_barrier(commands, scene->smears.image, SCENE_SMEARS, VK_IMAGE_LAYOUT_UNDEFINED,
                  VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0,
                  VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT);
    vkCmdCopyBufferToImage(commands, staging.buffer, scene->smears.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1,
                           &copy);
    image_barrier(commands, scene->smears.image, SCENE_SMEARS, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                  VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_PIPELINE_STAGE_TRANSFER_BIT,
                  VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    done = vkEndCommandBuffer(commands) == VK_SUCCESS &&
           vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE) == VK_SUCCESS &&
           vkQueueWaitIdle(gpu->queue) == VK_SUCCESS;
    if (!done)
        fail("the smears cannot be uploaded.");
cleanup:
    gpu_buffer_destroy(gpu, &staging);
    return done;
}

static bool create_layout(struct scene *scene)
{
    VkDevice device = scene->gpu->device;
    const VkSamplerCreateInfo sampler = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                         .magFilter = VK_FILTER_LINEAR,
                                         .minFilter = VK_FILTER_LINEAR,
                                         .addressModeU = VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT,
                                         .addressModeV = VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT,
                                         .addressModeW = VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT};
    const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                                  .descriptorCount = 1,
                                                  .stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT};
    const VkDescriptorSetLayoutCreateInfo set_layout = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1};
    const VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
    const VkPushConstantRange constants = {VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT, 0,
                                           sizeof(struct box_constants)};
    VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                         .setLayoutCount = 1,
                                         .pushConstantRangeCount = 1,
                                         .pPushConstantRanges = &constants};
    VkDescriptorSetAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                              .descriptorSetCount = 1};
    if (vkCreateSampler(device, &sampler, NULL, &scene->sampler) != VK_SUCCESS ||
        vkCreateDescriptorSetLayout(device, &set_layout, NULL, &scene->set_layout) != VK_SUCCESS ||
        vkCreateDescriptorPool(device, &pool, NULL, &scene->descriptors) != VK_SUCCESS)
        return fail("a sampler or a descriptor pool cannot be made.");
    layout.pSetLayouts = allocation.pSetLayouts = &scene->set_layout;
    allocation.descriptorPool = scene->descriptors;
    if (vkCreatePipelineLayout(device, &layout, NULL, &scene->layout) != VK_SUCCESS ||
        vkAllocateDescriptorSets(device, &allocation, &scene->set) != VK_SUCCESS)
        return fail("a pipeline layout or a descriptor set cannot be made.");
    const VkDescriptorImageInfo smears = {scene->sampler, scene->smears.view, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
    const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                        .dstSet = scene->set,
                                        .descriptorCount = 1,
                                        .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                        .pImageInfo = &smears};
    vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
    return true;
}

static VkFramebuffer create_framebuffer(const struct scene *scene, VkRenderPass pass, VkImageView view)
{
    const VkFramebufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                            .renderPass = pass,
                                            .attachmentCount = 1,
                                            .pAttachments = &view,
                                            .width = SCENE_WIDTH,
                                            .height = SCENE_HEIGHT,
                                            .layers = 1};
    VkFramebuffer framebuffer = VK_NULL_HANDLE;
    if (vkCreateFramebuffer(scene->gpu->device, &create, NULL, &framebuffer) != VK_SUCCESS)
        fail("vkCreateFramebuffer failed.");
    return framebuffer;
}

static bool create_images(struct scene *scene)
{
    const struct gpu *gpu = scene->gpu;
    const VkImageUsageFlags drawn = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
    for (int i = 0; i < SCENE_PICTURES; i++) {
        struct scene_picture *picture = &scene->pictures[i];
        /* SAMPLED is all that ghostvk wants of an image. */
        if (!gpu_image_create(gpu, SCENE_WIDTH, SCENE_HEIGHT, 1, drawn | VK_IMAGE_USAGE_SAMPLED_BIT, &picture->image) ||
            !gpu_buffer_create(gpu, PIXELS_BYTES, VK_BUFFER_USAGE_TRANSFER_DST_BIT, &picture->pixels))
            return false;
        picture->framebuffer = create_framebuffer(scene, scene->picture_pass, picture->image.view);
        if (!picture->framebuffer)
            return false;
    }
    for (int i = 0; i < SCENE_SLOTS; i++) {
        struct scene_slot *slot = &scene->slots[i];
        if (!gpu_image_create(gpu, SCENE_WIDTH, SCENE_HEIGHT, 1, drawn | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
                              &slot->shown) ||
            !gpu_buffer_create(gpu, PIXELS_BYTES, VK_BUFFER_USAGE_TRANSFER_DST_BIT, &slot->readback) ||
            !gpu_buffer_create(gpu, BOX_DRAW_ROOM + BOX_MOST * BOX_BYTES,
                               VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, &slot->boxes))
            return false;
        slot->framebuffer = create_framebuffer(scene, scene->shown_pass, slot->shown.view);
        if (!slot->framebuffer)
            return false;
    }
    return true;
}

static bool create_commands(struct scene *scene)
{
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                          .queueFamilyIndex = scene->gpu->family};
    VkCommandBuffer commands[SCENE_SLOTS];
    VkCommandBufferAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                              .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                              .commandBufferCount = SCENE_SLOTS};
    if (vkCreateCommandPool(scene->gpu->device, &pool, NULL, &scene->commands) != VK_SUCCESS)
        return fail("vkCreateCommandPool failed.");
    allocation.commandPool = scene->commands;
    if (vkAllocateCommandBuffers(scene->gpu->device, &allocation, commands) != VK_SUCCESS)
        return fail("vkAllocateCommandBuffers failed.");
    for (int i = 0; i < SCENE_SLOTS; i++)
        scene->slots[i].commands = commands[i];
    return true;
}

bool scene_create(struct scene *scene, const struct gpu *gpu, const struct ppm smears[SCENE_SMEARS])
{
    *scene = (struct scene){.gpu = gpu};
    for (int i = 0; i < SCENE_SMEARS; i++)
        if (smears[i].width != SCENE_WIDTH || smears[i].height != SCENE_HEIGHT)
            return fail("a smear is not of 640 x 480 pixels.");
    if (!gpu_image_create(gpu, SCENE_WIDTH, SCENE_HEIGHT, SCENE_SMEARS,
                          VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT, &scene->smears) ||
        !create_layout(scene))
        return false;
    scene->picture_pass = render_pass_create(gpu, VK_IMAGE_LAYOUT_UNDEFINED);
    scene->shown_pass = render_pass_create(gpu, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    if (!scene->picture_pass || !scene->shown_pass)
        return false;
    scene->slide_pipeline = slide_pipeline_create(gpu, scene->layout, scene->picture_pass);
    scene->box_pipeline = box_pipeline_create(gpu, scene->layout, scene->shown_pass);
    return scene->slide_pipeline && scene->box_pipeline && create_images(scene) && create_commands(scene) &&
           upload_smears(scene, smears);
}

void scene_destroy(struct scene *scene)
{
    if (!scene->gpu)
        return;
    VkDevice device = scene->gpu->device;
    vkDeviceWaitIdle(device);
    for (int i = 0; i < SCENE_PICTURES; i++) {
        vkDestroyFramebuffer(device, scene->pictures[i].framebuffer, NULL);
        gpu_image_destroy(scene->gpu, &scene->pictures[i].image);
        gpu_buffer_destroy(scene->gpu, &scene->pictures[i].pixels);
    }
    for (int i = 0; i < SCENE_SLOTS; i++) {
        vkDestroyFramebuffer(device, scene->slots[i].framebuffer, NULL);
        gpu_image_destroy(scene->gpu, &scene->slots[i].shown);
        gpu_buffer_destroy(scene->gpu, &scene->slots[i].readback);
        gpu_buffer_destroy(scene->gpu, &scene->slots[i].boxes);
    }
    vkDestroyCommandPool(device, scene->commands, NULL);
    vkDestroyPipeline(device, scene->box_pipeline, NULL);
    vkDestroyPipeline(device, scene->slide_pipeline, NULL);
    vkDestroyRenderPass(device, scene->shown_pass, NULL);
    vkDestroyRenderPass(device, scene->picture_pass, NULL);
    vkDestroyPipelineLayout(device, scene->layout, NULL);
    vkDestroyDescriptorPool(device, scene->descriptors, NULL);
    vkDestroyDescriptorSetLayout(device, scene->set_layout, NULL);
    vkDestroySampler(device, scene->sampler, NULL);
    gpu_image_destroy(scene->gpu, &scene->smears);
    *scene = (struct scene){.gpu = NULL};
}

/* ---- a frame ---- */

static void begin_pass(VkCommandBuffer commands, VkRenderPass pass, VkFramebuffer framebuffer)
{
    const VkRenderPassBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                         .renderPass = pass,
                                         .framebuffer = framebuffer,
                                         .renderArea = {{0, 0}, {SCENE_WIDTH, SCENE_HEIGHT}}};
    vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
}

static void push(const struct scene *scene, VkCommandBuffer commands, const void *constants, uint32_t bytes)
{
    vkCmdPushConstants(commands, scene->layout, VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT, 0, bytes,
                       constants);
}

static void draw_slide(const struct scene *scene, VkCommandBuffer commands, const struct scene_frame *frame)
{
    struct slide_constants constants;
    scene_view(frame->seconds, constants.view);
    begin_pass(commands, scene->picture_pass, scene->pictures[frame->picture].framebuffer);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, scene->slide_pipeline);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, scene->layout, 0, 1, &scene->set, 0, NULL);
    push(scene, commands, &constants, sizeof constants);
    vkCmdDraw(commands, 3, 1, 0, 0);
    vkCmdEndRenderPass(commands);
}

/* The picture to what is shown, and to host memory where it is wanted there; then the detector may read it. */
static void copy_picture(const struct scene *scene, VkCommandBuffer commands, const struct scene_frame *frame)
{
    const struct scene_picture *picture = &scene->pictures[frame->picture];
    VkImage shown = scene->slots[frame->slot].shown.image;
    const VkImageSubresourceLayers all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    const VkImageCopy copy = {.srcSubresource = all, .dstSubresource = all, .extent = {SCENE_WIDTH, SCENE_HEIGHT, 1}};
    const VkBufferImageCopy to_buffer = {.imageSubresource = all, .imageExtent = {SCENE_WIDTH, SCENE_HEIGHT, 1}};
    image_barrier(commands, shown, 1, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                  VK_PIPELINE_STAGE_TRANSFER_BIT, 0, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT);
    vkCmdCopyImage(commands, picture->image.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, shown,
                   VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
    if (frame->copies_pixels)
        vkCmdCopyImageToBuffer(commands, picture->image.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                               picture->pixels.buffer, 1, &to_buffer);
    image_barrier(commands, picture->image.image, 1, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                  VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                  VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    image_barrier(commands, shown, 1, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                  VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                  VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
                  VK_ACCESS_COLOR_ATTACHMENT_READ_BIT | VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT);
}

/* By the GPU alone: how many boxes there are, it reads from the buffer that the boxes are in. */
static void draw_boxes(const struct scene *scene, VkCommandBuffer commands, const struct scene_frame *frame)
{
    const VkMemoryBarrier written = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                                     .dstAccessMask =
                                         VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_VERTEX_ATTRIBUTE_READ_BIT};
    bool from_detector = false;
    for (uint32_t i = 0; i < frame->boxes_count; i++)
        from_detector = from_detector || frame->boxes[i].from_detector;
    if (from_detector)
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                             VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT | VK_PIPELINE_STAGE_VERTEX_INPUT_BIT, 0, 1, &written,
                             0, NULL, 0, NULL);
    begin_pass(commands, scene->shown_pass, scene->slots[frame->slot].framebuffer);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, scene->box_pipeline);
    for (uint32_t i = 0; i < frame->boxes_count; i++) {
        const struct scene_boxes *boxes = &frame->boxes[i];
        const struct box_constants constants = {
            {(float)SCENE_WIDTH, (float)SCENE_HEIGHT}, boxes->opacity, boxes->thickness, boxes->white};
        vkCmdBindVertexBuffers(commands, 0, 1, &boxes->buffer, &boxes->boxes);
        push(scene, commands, &constants, sizeof constants);
        vkCmdDrawIndirect(commands, boxes->buffer, boxes->draw, 1, sizeof(VkDrawIndirectCommand));
    }
    vkCmdEndRenderPass(commands);
}

bool scene_record(struct scene *scene, const struct scene_frame *frame)
{
    const struct scene_slot *slot = &scene->slots[frame->slot];
    VkCommandBuffer commands = slot->commands;
    const VkBufferImageCopy to_buffer = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                         .imageExtent = {SCENE_WIDTH, SCENE_HEIGHT, 1}};
    const VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                     .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    const VkMemoryBarrier copied = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT};
    if (!begin_commands(commands))
        return false;
    /* Copies of older frames into the buffers that this one fills. */
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &copied, 0,
                         NULL, 0, NULL);
    draw_slide(scene, commands, frame);
    copy_picture(scene, commands, frame);
    draw_boxes(scene, commands, frame);
    if (frame->reads_back)
        vkCmdCopyImageToBuffer(commands, slot->shown.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, slot->readback.buffer,
                               1, &to_buffer);
    if (frame->reads_back || frame->copies_pixels)
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0,
                             NULL, 0, NULL);
    return vkEndCommandBuffer(commands) == VK_SUCCESS || fail("vkEndCommandBuffer failed.");
}
