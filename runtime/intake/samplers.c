/* Layouts and pipelines with immutable samplers. */
#include "samplers.h"

#include "intake_commands.h"
#include "runtime/device/pipeline.h"
#include "runtime/vulkan/debug.h"

static void destroy_sampled(gvk_device *device, struct gvk_sampled *sampled)
{
    const struct gvk_functions *vk = &device->vk;
    if (sampled->pipeline)
        vk->DestroyPipeline(device->device, sampled->pipeline, NULL);
    if (sampled->layout)
        vk->DestroyPipelineLayout(device->device, sampled->layout, NULL);
    if (sampled->set_layout)
        vk->DestroyDescriptorSetLayout(device->device, sampled->set_layout, NULL);
    gvk_release(&device->host, sampled);
}

static gvk_result make_sampled(gvk_device *device, struct gvk_sampled *sampled)
{
    const struct gvk_functions *vk = &device->vk;
    VkDescriptorSetLayoutBinding binding = {
        .binding = GVK_BINDING_PICTURE,
        .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
        .descriptorCount = 1,
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        .pImmutableSamplers = &sampled->sampler,
    };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorSetLayout",
                                   vk->CreateDescriptorSetLayout(device->device, &set, NULL, &sampled->set_layout));
    if (!result)
        result = gvk_pipeline_layout_create(device, sampled->set_layout, &sampled->layout);
    if (result)
        return result;
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, (uint64_t)sampled->set_layout,
                    "ghostvk picture through a sampler");
    const struct gvk_pipeline_key key = {
        .shader = GVK_SHADER_RESIZE_SAMPLED, .constants = {GVK_RESIZE_LANES}, .layout = sampled->layout};
    return gvk_pipeline_create(device, &key, &sampled->pipeline);
}

gvk_result gvk_samplers_get(gvk_device *device, struct gvk_samplers *samplers, VkSampler sampler,
                            const struct gvk_sampled **out)
{
    for (const struct gvk_sampled *known = samplers->first; known; known = known->next)
        if (known->sampler == sampler) {
            *out = known;
            return GVK_OK;
        }
    struct gvk_sampled *made = gvk_allocate(&device->host, sizeof *made);
    if (!made)
        return gvk_fail_memory(&device->host);
    made->sampler = sampler;
    gvk_result result = make_sampled(device, made);
    if (result) {
        destroy_sampled(device, made);
        return result;
    }
    made->next = samplers->first;
    samplers->first = made;
    *out = made;
    return GVK_OK;
}

void gvk_samplers_destroy(gvk_device *device, struct gvk_samplers *samplers)
{
    while (samplers->first) {
        struct gvk_sampled *next = samplers->first->next;
        destroy_sampled(device, samplers->first);
        samplers->first = next;
    }
}
