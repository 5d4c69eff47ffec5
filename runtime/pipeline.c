/* The device's pipelines, found by shader and constants. Called by device.c (create, destroy) and record.c (get). */
#include "pipeline.h"

#include <string.h>

#include "../shaders/shared.h"
#include "pipeline_cache.h"

struct pipeline_entry {
    struct gvk_pipeline_key key;
    VkPipeline pipeline;
};

struct gvk_pipelines {
    VkDescriptorSetLayout set_layout, chunk_layout;
    VkPipelineLayout layout;
    VkPipelineCache cache;
    bool cache_owned;
    struct pipeline_entry *entries;
    uint32_t count, capacity;
};

static gvk_result create_chunk_layout(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    VkDescriptorSetLayoutBinding binding = {
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .descriptorCount = device->traits.max_chunks,
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
    VkDescriptorBindingFlags flags =
        VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT | VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT;
    VkDescriptorSetLayoutBindingFlagsCreateInfo binding_flags = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
        .bindingCount = 1,
        .pBindingFlags = &flags,
    };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .pNext = &binding_flags,
        .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT,
        .bindingCount = 1,
        .pBindings = &binding,
    };
    gvk_result result =
        GVK_VULKAN(device, "vkCreateDescriptorSetLayout",
                   device->vk.CreateDescriptorSetLayout(device->device, &set, NULL, &pipelines->chunk_layout));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, (uint64_t)pipelines->chunk_layout,
                        "ghostvk weight chunks");
    return result;
}

static gvk_result create_layouts(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    const struct gvk_functions *vk = &device->vk;
    VkDescriptorSetLayoutBinding bindings[GVK_BINDING_COUNT];
    for (uint32_t i = 0; i < GVK_BINDING_COUNT; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = i < GVK_FIRST_TEXEL_BINDING ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                                          : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = GVK_BINDING_COUNT,
        .pBindings = bindings,
    };
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorSetLayout",
                                   vk->CreateDescriptorSetLayout(device->device, &set, NULL, &pipelines->set_layout));
    if (result)
        return result;
    if (device->traits.max_chunks)
        result = create_chunk_layout(device, pipelines);
    if (result)
        return result;
    const VkDescriptorSetLayout layouts[2] = {pipelines->set_layout, pipelines->chunk_layout};
    VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = GVK_PUSH_BYTES};
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = pipelines->chunk_layout ? 2 : 1,
        .pSetLayouts = layouts,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range,
    };
    return GVK_VULKAN(device, "vkCreatePipelineLayout",
                      vk->CreatePipelineLayout(device->device, &layout, NULL, &pipelines->layout));
}

gvk_result gvk_pipelines_create(struct gvk_device *device, struct gvk_pipelines **out)
{
    struct gvk_pipelines *pipelines = gvk_allocate(&device->host, sizeof *pipelines);
    if (!pipelines)
        return gvk_fail_memory(&device->host);
    gvk_result result = create_layouts(device, pipelines);
    if (result)
        goto fail;
    pipelines->cache = device->host_cache;
    if (!pipelines->cache) {
        result = gvk_pipeline_cache_open(device, &pipelines->cache);
        if (result)
            goto fail;
        pipelines->cache_owned = true;
    }
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, (uint64_t)pipelines->set_layout, "ghostvk bindings");
    gvk_name_object(device, VK_OBJECT_TYPE_PIPELINE_LAYOUT, (uint64_t)pipelines->layout, "ghostvk layout");
    *out = pipelines;
    return GVK_OK;
fail:
    gvk_pipelines_destroy(device, pipelines);
    return result;
}

void gvk_pipelines_destroy(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    if (!pipelines)
        return;
    const struct gvk_functions *vk = &device->vk;
    if (pipelines->cache_owned && pipelines->count)
        gvk_pipeline_cache_save(device, pipelines->cache);
    for (uint32_t i = 0; i < pipelines->count; i++)
        vk->DestroyPipeline(device->device, pipelines->entries[i].pipeline, NULL);
    if (pipelines->cache_owned)
        vk->DestroyPipelineCache(device->device, pipelines->cache, NULL);
    if (pipelines->layout)
        vk->DestroyPipelineLayout(device->device, pipelines->layout, NULL);
    if (pipelines->chunk_layout)
        vk->DestroyDescriptorSetLayout(device->device, pipelines->chunk_layout, NULL);
    if (pipelines->set_layout)
        vk->DestroyDescriptorSetLayout(device->device, pipelines->set_layout, NULL);
    gvk_release(&device->host, pipelines->entries);
    gvk_release(&device->host, pipelines);
}

bool gvk_pipeline_keys_equal(const struct gvk_pipeline_key *left, const struct gvk_pipeline_key *right)
{
    return left->shader == right->shader && left->subgroup_size == right->subgroup_size &&
           !memcmp(left->constants, right->constants, sizeof left->constants);
}

static gvk_result create_pipeline(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out)
{
    const struct gvk_functions *vk = &device->vk;
    const struct gvk_shader_code *code = &gvk_shader_codes[key->shader];
    VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = code->bytes,
        .pCode = code->words,
    };
    VkShaderModule module = VK_NULL_HANDLE;
    gvk_result result =
        GVK_VULKAN(device, "vkCreateShaderModule", vk->CreateShaderModule(device->device, &module_info, NULL, &module));
    if (result)
        return result;
    gvk_name_object(device, VK_OBJECT_TYPE_SHADER_MODULE, (uint64_t)module, "%s", code->name);
    VkSpecializationMapEntry entries[GVK_MAX_CONSTANTS];
    for (uint32_t i = 0; i < GVK_MAX_CONSTANTS; i++)
        entries[i] = (VkSpecializationMapEntry){.constantID = i, .offset = i * 4, .size = 4};
    VkSpecializationInfo specialization = {
        .mapEntryCount = GVK_MAX_CONSTANTS,
        .pMapEntries = entries,
        .dataSize = sizeof key->constants,
        .pData = key->constants,
    };
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = key->subgroup_size,
    };
    bool control = key->subgroup_size && device->traits.subgroup_size_control;
    VkComputePipelineCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .pNext = control ? &required : NULL,
                  .flags = control && device->traits.full_subgroups
                               ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                               : 0u,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main",
                  .pSpecializationInfo = &specialization},
        .layout = device->pipelines->layout,
    };
    result = GVK_VULKAN(device, "vkCreateComputePipelines",
                        vk->CreateComputePipelines(device->device, device->pipelines->cache, 1, &create, NULL, out));
    vk->DestroyShaderModule(device->device, module, NULL);
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_PIPELINE, (uint64_t)*out, "%s", code->name);
    return result;
}

static bool find_pipeline(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out)
{
    const struct gvk_pipelines *pipelines = device->pipelines;
    bool found = false;
    gvk_mutex_lock(&device->mutex);
    for (uint32_t i = 0; i < pipelines->count && !found; i++) {
        found = gvk_pipeline_keys_equal(&pipelines->entries[i].key, key);
        if (found)
            *out = pipelines->entries[i].pipeline;
    }
    gvk_mutex_unlock(&device->mutex);
    return found;
}

/* Room for one more entry. Under the compile mutex: nobody else adds. */
static gvk_result make_room(struct gvk_device *device)
{
    struct gvk_pipelines *pipelines = device->pipelines;
    if (pipelines->count < pipelines->capacity)
        return GVK_OK;
    uint32_t capacity = pipelines->capacity ? pipelines->capacity * 2 : 32;
    gvk_mutex_lock(&device->mutex);
    struct pipeline_entry *entries =
        gvk_grow_array(&device->host, pipelines->entries, pipelines->count, capacity, sizeof *entries);
    if (entries) {
        pipelines->entries = entries;
        pipelines->capacity = capacity;
    }
    gvk_mutex_unlock(&device->mutex);
    return entries ? GVK_OK : gvk_fail_memory(&device->host);
}

gvk_result gvk_pipeline_get(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out)
{
    struct gvk_pipelines *pipelines = device->pipelines;
    gvk_result result = GVK_OK;
    VkPipeline pipeline = VK_NULL_HANDLE;
    if (find_pipeline(device, key, out))
        return GVK_OK;
    gvk_mutex_lock(&device->compile_mutex);
    if (find_pipeline(device, key, out)) /* made by another thread in the meantime */
        goto done;
    result = make_room(device);
    if (!result)
        result = create_pipeline(device, key, &pipeline);
    if (result)
        goto done;
    gvk_mutex_lock(&device->mutex);
    pipelines->entries[pipelines->count++] = (struct pipeline_entry){.key = *key, .pipeline = pipeline};
    gvk_mutex_unlock(&device->mutex);
    *out = pipeline;
done:
    gvk_mutex_unlock(&device->compile_mutex);
    return result;
}

VkDescriptorSetLayout gvk_descriptor_set_layout(const struct gvk_device *device)
{
    return device->pipelines->set_layout;
}

VkDescriptorSetLayout gvk_chunk_set_layout(const struct gvk_device *device)
{
    return device->pipelines->chunk_layout;
}

VkPipelineLayout gvk_pipeline_layout(const struct gvk_device *device)
{
    return device->pipelines->layout;
}

/* A pool's end frees its sets, but lavapipe's keeps their names for ever; given back first, they take them along. */
void gvk_descriptor_pool_destroy(const struct gvk_device *device, VkDescriptorPool pool, const VkDescriptorSet *sets,
                                 uint32_t count)
{
    if (!pool)
        return;
    if (count)
        device->vk.FreeDescriptorSets(device->device, pool, count, sets);
    device->vk.DestroyDescriptorPool(device->device, pool, NULL);
}
