/* See pipelines.h. */
#include "pipelines.h"

#include "watch_shaders.h"

#define BINDINGS (PIPELINE_IMAGES + PIPELINE_BUFFERS)

static bool create_pass(struct pipelines *pipelines, VkImageLayout after, VkRenderPass *out)
{
    struct gpu *gpu = pipelines->gpu;
    const VkPipelineStageFlags written = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT;
    const VkAttachmentDescription attachment = {.format = pipelines->format,
                                                .samples = VK_SAMPLE_COUNT_1_BIT,
                                                .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                                .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                                                .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
                                                .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
                                                .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
                                                .finalLayout = after};
    const VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    const VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
                                          .colorAttachmentCount = 1,
                                          .pColorAttachments = &reference};
    const VkSubpassDependency dependencies[2] = {
        /* The image is there: what signals that waits at this stage. */
        {.srcSubpass = VK_SUBPASS_EXTERNAL,
         .dstSubpass = 0,
         .srcStageMask = written,
         .dstStageMask = written,
         .dstAccessMask = VK_ACCESS_COLOR_ATTACHMENT_READ_BIT | VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT},
        {.srcSubpass = 0,
         .dstSubpass = VK_SUBPASS_EXTERNAL,
         .srcStageMask = written,
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
    VkResult result = gpu->vk.CreateRenderPass(gpu->device, &create, NULL, out);
    return result == VK_SUCCESS || gpu_fail(gpu, "A render pass cannot be made", result);
}

static bool create_layouts(struct pipelines *pipelines)
{
    struct gpu *gpu = pipelines->gpu;
    const VkShaderStageFlags vertex = VK_SHADER_STAGE_VERTEX_BIT, fragment = VK_SHADER_STAGE_FRAGMENT_BIT;
    const VkDescriptorType sampled = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    const VkDescriptorType storage = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    const VkDescriptorSetLayoutBinding bindings[BINDINGS] = {
        {0, sampled, 1, fragment, NULL},
        {1, sampled, 1, fragment, NULL},
        {2, storage, 1, vertex | VK_SHADER_STAGE_COMPUTE_BIT, NULL},  /* boxes */
        {3, storage, 1, vertex | VK_SHADER_STAGE_COMPUTE_BIT, NULL},  /* names */
        {4, storage, 1, vertex | VK_SHADER_STAGE_COMPUTE_BIT, NULL},  /* marks */
        {5, storage, 1, vertex | VK_SHADER_STAGE_COMPUTE_BIT, NULL}}; /* items; one write fills all four */
    const VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = BINDINGS, .pBindings = bindings};
    const VkPushConstantRange range = {vertex | fragment | VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                       sizeof(struct frame_constants)};
    const VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                               .setLayoutCount = 1,
                                               .pSetLayouts = &pipelines->set_layout,
                                               .pushConstantRangeCount = 1,
                                               .pPushConstantRanges = &range};
    VkResult result = gpu->vk.CreateDescriptorSetLayout(gpu->device, &set, NULL, &pipelines->set_layout);
    if (result == VK_SUCCESS)
        result = gpu->vk.CreatePipelineLayout(gpu->device, &layout, NULL, &pipelines->layout);
    return result == VK_SUCCESS || gpu_fail(gpu, "A pipeline's layout cannot be made", result);
}

static VkResult create_module(struct gpu *gpu, const uint32_t *words, size_t bytes, VkShaderModule *out)
{
    const VkShaderModuleCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = bytes, .pCode = words};
    return gpu->vk.CreateShaderModule(gpu->device, &create, NULL, out);
}

static VkResult create_graphics(struct pipelines *pipelines, VkShaderModule vertex, VkShaderModule fragment,
                                bool blends, VkPipeline *out)
{
    struct gpu *gpu = pipelines->gpu;
    const VkPipelineShaderStageCreateInfo stages[2] = {{.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                        .stage = VK_SHADER_STAGE_VERTEX_BIT,
                                                        .module = vertex,
                                                        .pName = "main"},
                                                       {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                        .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
                                                        .module = fragment,
                                                        .pName = "main"}};
    /* Vertices are made of what the storage buffers hold. */
    const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                            VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
    const VkPipelineInputAssemblyStateCreateInfo assembly = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
        .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
    const VkPipelineViewportStateCreateInfo view = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO, .viewportCount = 1, .scissorCount = 1};
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
    const VkDynamicState changing[2] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
    const VkPipelineDynamicStateCreateInfo dynamic = {.sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
                                                      .dynamicStateCount = 2,
                                                      .pDynamicStates = changing};
    const VkGraphicsPipelineCreateInfo create = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                                 .stageCount = 2,
                                                 .pStages = stages,
                                                 .pVertexInputState = &input,
                                                 .pInputAssemblyState = &assembly,
                                                 .pViewportState = &view,
                                                 .pRasterizationState = &raster,
                                                 .pMultisampleState = &samples,
                                                 .pColorBlendState = &blend,
                                                 .pDynamicState = &dynamic,
                                                 .layout = pipelines->layout,
                                                 .renderPass = pipelines->shown_pass};
    return gpu->vk.CreateGraphicsPipelines(gpu->device, VK_NULL_HANDLE, 1, &create, NULL, out);
}

static VkResult create_compute(struct pipelines *pipelines, VkShaderModule module, VkPipeline *out)
{
    struct gpu *gpu = pipelines->gpu;
    const VkComputePipelineCreateInfo create = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                                .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                          .module = module,
                                                          .pName = "main"},
                                                .layout = pipelines->layout};
    return gpu->vk.CreateComputePipelines(gpu->device, VK_NULL_HANDLE, 1, &create, NULL, out);
}

enum { PICTURE_VERTEX, PICTURE_FRAGMENT, FRAMES, LABELS, OVERLAY, INK, PLACE, MODULES };

static bool create_pipelines(struct pipelines *pipelines)
{
    static const struct {
        const uint32_t *words;
        size_t bytes;
    } shaders[MODULES] = {
        {watch_picture_vert, sizeof watch_picture_vert}, {watch_picture_frag, sizeof watch_picture_frag},
        {watch_frames_vert, sizeof watch_frames_vert},   {watch_labels_vert, sizeof watch_labels_vert},
        {watch_overlay_vert, sizeof watch_overlay_vert}, {watch_ink_frag, sizeof watch_ink_frag},
        {watch_place_comp, sizeof watch_place_comp}};
    struct gpu *gpu = pipelines->gpu;
    VkShaderModule modules[MODULES] = {VK_NULL_HANDLE};
    VkResult result = VK_SUCCESS;
    for (size_t i = 0; i < MODULES && result == VK_SUCCESS; i++)
        result = create_module(gpu, shaders[i].words, shaders[i].bytes, &modules[i]);
    if (result == VK_SUCCESS)
        result =
            create_graphics(pipelines, modules[PICTURE_VERTEX], modules[PICTURE_FRAGMENT], false, &pipelines->picture);
    if (result == VK_SUCCESS)
        result = create_graphics(pipelines, modules[FRAMES], modules[INK], true, &pipelines->frames);
    if (result == VK_SUCCESS)
        result = create_graphics(pipelines, modules[LABELS], modules[INK], true, &pipelines->labels);
    if (result == VK_SUCCESS)
        result = create_graphics(pipelines, modules[OVERLAY], modules[INK], true, &pipelines->overlay);
    if (result == VK_SUCCESS)
        result = create_compute(pipelines, modules[PLACE], &pipelines->place);
    for (size_t i = 0; i < MODULES; i++)
        if (modules[i])
            gpu->vk.DestroyShaderModule(gpu->device, modules[i], NULL);
    return result == VK_SUCCESS || gpu_fail(gpu, "A pipeline of the window's cannot be made", result);
}

bool pipelines_create(struct pipelines *pipelines, struct gpu *gpu, VkFormat format)
{
    *pipelines = (struct pipelines){.gpu = gpu, .format = format};
    return create_pass(pipelines, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR, &pipelines->shown_pass) &&
           create_pass(pipelines, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, &pipelines->kept_pass) &&
           create_layouts(pipelines) && create_pipelines(pipelines);
}

void pipelines_destroy(struct pipelines *pipelines)
{
    struct gpu *gpu = pipelines->gpu;
    if (!gpu)
        return;
    const VkPipeline made[] = {pipelines->picture, pipelines->frames, pipelines->labels, pipelines->overlay,
                               pipelines->place};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (made[i])
            gpu->vk.DestroyPipeline(gpu->device, made[i], NULL);
    if (pipelines->layout)
        gpu->vk.DestroyPipelineLayout(gpu->device, pipelines->layout, NULL);
    if (pipelines->set_layout)
        gpu->vk.DestroyDescriptorSetLayout(gpu->device, pipelines->set_layout, NULL);
    if (pipelines->shown_pass)
        gpu->vk.DestroyRenderPass(gpu->device, pipelines->shown_pass, NULL);
    if (pipelines->kept_pass)
        gpu->vk.DestroyRenderPass(gpu->device, pipelines->kept_pass, NULL);
    *pipelines = (struct pipelines){.gpu = NULL};
}
