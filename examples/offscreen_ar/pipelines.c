#include "pipelines.h"

#include <stddef.h>

#include <ghostvk/detector.h>

#include "box.frag.h"
#include "box.vert.h"
#include "scene.h"
#include "screen.vert.h"
#include "slide.frag.h"

VkRenderPass render_pass_create(const struct gpu *gpu, VkImageLayout before)
{
    const VkPipelineStageFlags drawn = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT;
    const VkAttachmentDescription attachment = {
        .format = VK_FORMAT_R8G8B8A8_UNORM,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .loadOp = before == VK_IMAGE_LAYOUT_UNDEFINED ? VK_ATTACHMENT_LOAD_OP_DONT_CARE : VK_ATTACHMENT_LOAD_OP_LOAD,
        .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
        .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
        .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
        .initialLayout = before,
        .finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL};
    const VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    const VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
                                          .colorAttachmentCount = 1,
                                          .pColorAttachments = &reference};
    const VkSubpassDependency dependencies[2] = {
        /* Whoever read the image before, by a copy or in the detector's shaders, has done so. */
        {.srcSubpass = VK_SUBPASS_EXTERNAL,
         .dstSubpass = 0,
         .srcStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
         .dstStageMask = drawn,
         .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
         .dstAccessMask = VK_ACCESS_COLOR_ATTACHMENT_READ_BIT | VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT},
        {.srcSubpass = 0,
         .dstSubpass = VK_SUBPASS_EXTERNAL,
         .srcStageMask = drawn,
         .dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT,
         .srcAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
         .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT}};
    const VkRenderPassCreateInfo create = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                           .attachmentCount = 1,
                                           .pAttachments = &attachment,
                                           .subpassCount = 1,
                                           .pSubpasses = &subpass,
                                           .dependencyCount = 2,
                                           .pDependencies = dependencies};
    VkRenderPass pass = VK_NULL_HANDLE;
    if (vkCreateRenderPass(gpu->device, &create, NULL, &pass) != VK_SUCCESS)
        fail("vkCreateRenderPass failed.");
    return pass;
}

static VkShaderModule shader_create(const struct gpu *gpu, const uint32_t *code, size_t bytes)
{
    const VkShaderModuleCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = bytes, .pCode = code};
    VkShaderModule shader = VK_NULL_HANDLE;
    if (vkCreateShaderModule(gpu->device, &create, NULL, &shader) != VK_SUCCESS)
        fail("vkCreateShaderModule failed.");
    return shader;
}

/* What both pipelines have alike. The shader modules are destroyed. */
static VkPipeline pipeline_create(const struct gpu *gpu, VkPipelineLayout layout, VkRenderPass pass,
                                  VkShaderModule vertex, VkShaderModule fragment,
                                  const VkPipelineVertexInputStateCreateInfo *input, bool blends)
{
    const VkPipelineShaderStageCreateInfo stages[2] = {{.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                        .stage = VK_SHADER_STAGE_VERTEX_BIT,
                                                        .module = vertex,
                                                        .pName = "main"},
                                                       {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                        .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
                                                        .module = fragment,
                                                        .pName = "main"}};
    const VkPipelineInputAssemblyStateCreateInfo assembly = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
        .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
    const VkViewport viewport = {0, 0, (float)SCENE_WIDTH, (float)SCENE_HEIGHT, 0, 1};
    const VkRect2D scissor = {{0, 0}, {SCENE_WIDTH, SCENE_HEIGHT}};
    const VkPipelineViewportStateCreateInfo view = {.sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
                                                    .viewportCount = 1,
                                                    .pViewports = &viewport,
                                                    .scissorCount = 1,
                                                    .pScissors = &scissor};
    const VkPipelineRasterizationStateCreateInfo raster = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
        .polygonMode = VK_POLYGON_MODE_FILL,
        .cullMode = VK_CULL_MODE_NONE,
        .lineWidth = 1};
    const VkPipelineMultisampleStateCreateInfo samples = {.sType =
                                                              VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
                                                          .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
    const VkPipelineColorBlendAttachmentState attachment = {.blendEnable = blends,
                                                            .srcColorBlendFactor = VK_BLEND_FACTOR_SRC_ALPHA,
                                                            .dstColorBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
                                                            .srcAlphaBlendFactor = VK_BLEND_FACTOR_ZERO,
                                                            .dstAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
                                                            .colorWriteMask = 0xf};
    const VkPipelineColorBlendStateCreateInfo blend = {.sType =
                                                           VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
                                                       .attachmentCount = 1,
                                                       .pAttachments = &attachment};
    const VkGraphicsPipelineCreateInfo create = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                                 .stageCount = 2,
                                                 .pStages = stages,
                                                 .pVertexInputState = input,
                                                 .pInputAssemblyState = &assembly,
                                                 .pViewportState = &view,
                                                 .pRasterizationState = &raster,
                                                 .pMultisampleState = &samples,
                                                 .pColorBlendState = &blend,
                                                 .layout = layout,
                                                 .renderPass = pass};
    VkPipeline pipeline = VK_NULL_HANDLE;
    if (vertex && fragment &&
        vkCreateGraphicsPipelines(gpu->device, VK_NULL_HANDLE, 1, &create, NULL, &pipeline) != VK_SUCCESS)
        fail("vkCreateGraphicsPipelines failed.");
    vkDestroyShaderModule(gpu->device, vertex, NULL);
    vkDestroyShaderModule(gpu->device, fragment, NULL);
    return pipeline;
}

VkPipeline slide_pipeline_create(const struct gpu *gpu, VkPipelineLayout layout, VkRenderPass pass)
{
    const VkPipelineVertexInputStateCreateInfo nothing = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
    return pipeline_create(gpu, layout, pass, shader_create(gpu, screen_vert, sizeof screen_vert),
                           shader_create(gpu, slide_frag, sizeof slide_frag), &nothing, false);
}

VkPipeline box_pipeline_create(const struct gpu *gpu, VkPipelineLayout layout, VkRenderPass pass)
{
    /* The detector's buffer is read as it is: a gvk_detection an instance. */
    const VkVertexInputBindingDescription binding = {0, BOX_BYTES, VK_VERTEX_INPUT_RATE_INSTANCE};
    const VkVertexInputAttributeDescription attributes[3] = {
        {0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(gvk_detection, box)},
        {1, 0, VK_FORMAT_R32_SFLOAT, offsetof(gvk_detection, score)},
        {2, 0, VK_FORMAT_R32_UINT, offsetof(gvk_detection, class_id)}};
    const VkPipelineVertexInputStateCreateInfo boxes = {.sType =
                                                            VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
                                                        .vertexBindingDescriptionCount = 1,
                                                        .pVertexBindingDescriptions = &binding,
                                                        .vertexAttributeDescriptionCount = 3,
                                                        .pVertexAttributeDescriptions = attributes};
    return pipeline_create(gpu, layout, pass, shader_create(gpu, box_vert, sizeof box_vert),
                           shader_create(gpu, box_frag, sizeof box_frag), &boxes, true);
}
