/* The game's side of drawing.h. */
#include "drawing.h"

#include <stdlib.h>
#include <string.h>

#include "box_frag.h"
#include "box_vert.h"

#define FORMAT VK_FORMAT_R8_UNORM
#define MINUTE ((uint64_t)60 * 1000 * 1000 * 1000)

static uint32_t find_memory(const struct drawing *drawing, uint32_t allowed, VkMemoryPropertyFlags flags)
{
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(drawing->host->physical_device, &memory);
    for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
        if ((allowed >> i & 1) && (memory.memoryTypes[i].propertyFlags & flags) == flags)
            return i;
    fail_msg("the device has no memory type with the flags %u", flags);
    return 0;
}

/* A buffer that the host reads. */
struct readable {
    VkBuffer buffer;
    VkDeviceMemory memory;
};

static struct readable create_readable(const struct drawing *drawing, VkDeviceSize bytes)
{
    VkDevice device = drawing->host->device;
    struct readable made;
    const VkBufferCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = bytes, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    assert_vk(vkCreateBuffer(device, &create, NULL, &made.buffer));
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device, made.buffer, &needs);
    const VkMemoryAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = find_memory(drawing, needs.memoryTypeBits,
                                       VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)};
    assert_vk(vkAllocateMemory(device, &allocate, NULL, &made.memory));
    assert_vk(vkBindBufferMemory(device, made.buffer, made.memory, 0));
    return made;
}

/* Its bytes; the buffer is no more. */
static void *take_bytes(const struct drawing *drawing, const struct readable *from, VkDeviceSize bytes)
{
    VkDevice device = drawing->host->device;
    void *mapped = NULL, *copy = malloc((size_t)bytes);
    assert_non_null(copy);
    assert_vk(vkMapMemory(device, from->memory, 0, VK_WHOLE_SIZE, 0, &mapped));
    memcpy(copy, mapped, (size_t)bytes);
    vkDestroyBuffer(device, from->buffer, NULL);
    vkFreeMemory(device, from->memory, NULL);
    return copy;
}

static VkCommandBuffer begin(const struct drawing *drawing)
{
    VkCommandBuffer commands = VK_NULL_HANDLE;
    const VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                  .commandPool = drawing->pool,
                                                  .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                  .commandBufferCount = 1};
    assert_vk(vkAllocateCommandBuffers(drawing->host->device, &allocate, &commands));
    const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                           .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    assert_vk(vkBeginCommandBuffer(commands, &info));
    return commands;
}

/* No other thread uses the queue. */
static void run(const struct drawing *drawing, VkCommandBuffer commands)
{
    VkDevice device = drawing->host->device;
    const VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                     .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0, NULL,
                         0, NULL);
    assert_vk(vkEndCommandBuffer(commands));
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    assert_vk(vkQueueSubmit(drawing->host->queue, 1, &submit, drawing->fence));
    assert_vk(vkWaitForFences(device, 1, &drawing->fence, VK_TRUE, 10 * MINUTE));
    assert_vk(vkResetFences(device, 1, &drawing->fence));
    vkFreeCommandBuffers(device, drawing->pool, 1, &commands);
}

/* detector.h: what a frame has written, for these stages and accesses. */
static void wait_for_results(VkCommandBuffer commands, VkPipelineStageFlags stages, VkAccessFlags accesses)
{
    const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                                     .dstAccessMask = accesses};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, stages, 0, 1,
                         &barrier, 0, NULL, 0, NULL);
}

void *copy_buffer(struct drawing *drawing, VkBuffer from, VkDeviceSize bytes)
{
    struct readable to = create_readable(drawing, bytes);
    VkCommandBuffer commands = begin(drawing);
    wait_for_results(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
    const VkBufferCopy region = {.size = bytes};
    vkCmdCopyBuffer(commands, from, to.buffer, 1, &region);
    run(drawing, commands);
    return take_bytes(drawing, &to, bytes);
}

/* ---- the picture ---- */

static void create_image(struct drawing *drawing)
{
    VkDevice device = drawing->host->device;
    const VkImageCreateInfo image = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                     .imageType = VK_IMAGE_TYPE_2D,
                                     .format = FORMAT,
                                     .extent = {drawing->width, drawing->height, 1},
                                     .mipLevels = 1,
                                     .arrayLayers = 1,
                                     .samples = VK_SAMPLE_COUNT_1_BIT,
                                     .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT};
    assert_vk(vkCreateImage(device, &image, NULL, &drawing->image));
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(device, drawing->image, &needs);
    const VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                           .allocationSize = needs.size,
                                           .memoryTypeIndex = find_memory(drawing, needs.memoryTypeBits, 0)};
    assert_vk(vkAllocateMemory(device, &allocate, NULL, &drawing->memory));
    assert_vk(vkBindImageMemory(device, drawing->image, drawing->memory, 0));
    const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                        .image = drawing->image,
                                        .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                        .format = FORMAT,
                                        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    assert_vk(vkCreateImageView(device, &view, NULL, &drawing->view));
}

static void create_pass(struct drawing *drawing)
{
    VkDevice device = drawing->host->device;
    const VkAttachmentDescription attachment = {.format = FORMAT,
                                                .samples = VK_SAMPLE_COUNT_1_BIT,
                                                .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                                .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                                                .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
                                                .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
                                                .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
                                                .finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL};
    const VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    const VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
                                          .colorAttachmentCount = 1,
                                          .pColorAttachments = &reference};
    const VkSubpassDependency behind = {.srcSubpass = 0,
                                        .dstSubpass = VK_SUBPASS_EXTERNAL,
                                        .srcStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
                                        .dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT,
                                        .srcAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
                                        .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT};
    const VkRenderPassCreateInfo pass = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                         .attachmentCount = 1,
                                         .pAttachments = &attachment,
                                         .subpassCount = 1,
                                         .pSubpasses = &subpass,
                                         .dependencyCount = 1,
                                         .pDependencies = &behind};
    assert_vk(vkCreateRenderPass(device, &pass, NULL, &drawing->pass));
    const VkFramebufferCreateInfo framebuffer = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                 .renderPass = drawing->pass,
                                                 .attachmentCount = 1,
                                                 .pAttachments = &drawing->view,
                                                 .width = drawing->width,
                                                 .height = drawing->height,
                                                 .layers = 1};
    assert_vk(vkCreateFramebuffer(device, &framebuffer, NULL, &drawing->framebuffer));
}

static void create_pipeline(struct drawing *drawing)
{
    VkDevice device = drawing->host->device;
    const VkShaderModuleCreateInfo codes[2] = {
        {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof box_vert, .pCode = box_vert},
        {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof box_frag, .pCode = box_frag}};
    VkPipelineShaderStageCreateInfo stages[2];
    for (int i = 0; i < 2; i++) {
        assert_vk(vkCreateShaderModule(device, &codes[i], NULL, &drawing->modules[i]));
        stages[i] =
            (VkPipelineShaderStageCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                              .stage = i ? VK_SHADER_STAGE_FRAGMENT_BIT : VK_SHADER_STAGE_VERTEX_BIT,
                                              .module = drawing->modules[i],
                                              .pName = "main"};
    }
    const VkPushConstantRange push = {VK_SHADER_STAGE_VERTEX_BIT, 0, 2 * sizeof(float)};
    const VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                               .pushConstantRangeCount = 1,
                                               .pPushConstantRanges = &push};
    assert_vk(vkCreatePipelineLayout(device, &layout, NULL, &drawing->layout));
    const VkVertexInputBindingDescription binding = {0, sizeof(gvk_detection), VK_VERTEX_INPUT_RATE_INSTANCE};
    const VkVertexInputAttributeDescription attribute = {.format = VK_FORMAT_R32G32B32A32_SFLOAT};
    const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                            VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
                                                        .vertexBindingDescriptionCount = 1,
                                                        .pVertexBindingDescriptions = &binding,
                                                        .vertexAttributeDescriptionCount = 1,
                                                        .pVertexAttributeDescriptions = &attribute};
    const VkPipelineInputAssemblyStateCreateInfo assembly = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
        .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
    const VkViewport viewport = {0, 0, (float)drawing->width, (float)drawing->height, 0, 1};
    const VkRect2D scissor = {{0, 0}, {drawing->width, drawing->height}};
    const VkPipelineViewportStateCreateInfo view = {.sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
                                                    .viewportCount = 1,
                                                    .pViewports = &viewport,
                                                    .scissorCount = 1,
                                                    .pScissors = &scissor};
    const VkPipelineRasterizationStateCreateInfo rasterization = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .lineWidth = 1};
    const VkPipelineMultisampleStateCreateInfo samples = {.sType =
                                                              VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
                                                          .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
    const VkPipelineColorBlendAttachmentState colour = {.colorWriteMask = VK_COLOR_COMPONENT_R_BIT};
    const VkPipelineColorBlendStateCreateInfo blend = {.sType =
                                                           VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
                                                       .attachmentCount = 1,
                                                       .pAttachments = &colour};
    const VkGraphicsPipelineCreateInfo pipeline = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                                   .stageCount = 2,
                                                   .pStages = stages,
                                                   .pVertexInputState = &input,
                                                   .pInputAssemblyState = &assembly,
                                                   .pViewportState = &view,
                                                   .pRasterizationState = &rasterization,
                                                   .pMultisampleState = &samples,
                                                   .pColorBlendState = &blend,
                                                   .layout = drawing->layout,
                                                   .renderPass = drawing->pass};
    assert_vk(vkCreateGraphicsPipelines(device, VK_NULL_HANDLE, 1, &pipeline, NULL, &drawing->pipeline));
}

void create_drawing(const struct host_device *host, uint32_t width, uint32_t height, struct drawing *out)
{
    *out = (struct drawing){.host = host, .width = width, .height = height};
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
                                          .queueFamilyIndex = host->queue_family};
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    assert_vk(vkCreateCommandPool(host->device, &pool, NULL, &out->pool));
    assert_vk(vkCreateFence(host->device, &fence, NULL, &out->fence));
    create_image(out);
    create_pass(out);
    create_pipeline(out);
}

void destroy_drawing(struct drawing *drawing)
{
    VkDevice device = drawing->host->device;
    vkDestroyPipeline(device, drawing->pipeline, NULL);
    vkDestroyPipelineLayout(device, drawing->layout, NULL);
    for (int i = 0; i < 2; i++)
        vkDestroyShaderModule(device, drawing->modules[i], NULL);
    vkDestroyFramebuffer(device, drawing->framebuffer, NULL);
    vkDestroyRenderPass(device, drawing->pass, NULL);
    vkDestroyImageView(device, drawing->view, NULL);
    vkDestroyImage(device, drawing->image, NULL);
    vkFreeMemory(device, drawing->memory, NULL);
    vkDestroyFence(device, drawing->fence, NULL);
    vkDestroyCommandPool(device, drawing->pool, NULL);
}

uint8_t *draw_boxes(struct drawing *drawing, const gvk_device_boxes *boxes, uint32_t picture)
{
    const VkDeviceSize bytes = (VkDeviceSize)drawing->width * drawing->height;
    struct readable to = create_readable(drawing, bytes);
    VkCommandBuffer commands = begin(drawing);
    wait_for_results(commands, VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT | VK_PIPELINE_STAGE_VERTEX_INPUT_BIT,
                     VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_VERTEX_ATTRIBUTE_READ_BIT);
    const VkClearValue black = {.color = {.float32 = {0}}};
    const VkRenderPassBeginInfo pass = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                        .renderPass = drawing->pass,
                                        .framebuffer = drawing->framebuffer,
                                        .renderArea = {{0, 0}, {drawing->width, drawing->height}},
                                        .clearValueCount = 1,
                                        .pClearValues = &black};
    vkCmdBeginRenderPass(commands, &pass, VK_SUBPASS_CONTENTS_INLINE);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, drawing->pipeline);
    const float size[2] = {(float)drawing->width, (float)drawing->height};
    vkCmdPushConstants(commands, drawing->layout, VK_SHADER_STAGE_VERTEX_BIT, 0, sizeof size, size);
    vkCmdBindVertexBuffers(commands, 0, 1, &boxes->buffer, &boxes->boxes);
    vkCmdDrawIndirect(commands, boxes->buffer, boxes->draws + picture * boxes->draw_stride, 1, boxes->draw_stride);
    vkCmdEndRenderPass(commands);
    const VkBufferImageCopy region = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                      .imageExtent = {drawing->width, drawing->height, 1}};
    vkCmdCopyImageToBuffer(commands, drawing->image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, to.buffer, 1, &region);
    run(drawing, commands);
    return take_bytes(drawing, &to, bytes);
}
