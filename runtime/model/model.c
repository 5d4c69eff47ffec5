/* Makes a model: copies and rewrites the graph, packs every node's weights for its kernel, uploads them. */
#include "model.h"

#include <math.h>
#include <string.h>

#include "runtime/base/half.h"
#include "runtime/device/pipeline.h"
#include "runtime/graph/rewrite.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "runtime/vulkan/debug.h"
#include "runtime/vulkan/queue.h"

struct gvk_builder gvk_model_builder(const struct gvk_model *model)
{
    return (struct gvk_builder){
        .host = &model->device->host,
        .policy = &model->policy,
        .graph = model->graph,
        .packing = &model->packing,
    };
}

static gvk_result pack_node(const struct gvk_builder *builder, uint32_t index, float *out)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    return gvk_kernel_of(node)->pack_weights(builder->host, &builder->packing->selections[index], node, out);
}

/* Packs a node's weights as fp32 and writes them as fp16. */
static gvk_result pack_half(const struct gvk_builder *builder, uint32_t index, uint16_t *out)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    uint64_t quads = builder->packing->sizes[index];
    size_t count = (size_t)quads * 4;
    float *packed = gvk_allocate_array(builder->host, count, sizeof *packed);
    if (!packed)
        return gvk_fail_memory(builder->host);
    gvk_result result = pack_node(builder, index, packed);
    for (size_t i = 0; i < count && !result; i++) {
        out[i] = gvk_half_of_float(packed[i]);
        if (isfinite(packed[i]) && !isfinite(gvk_float_of_half(out[i])))
            result =
                gvk_fail(builder->host, GVK_ERROR_NUMBER,
                         "A weight of \"%s\" is %g, too large for fp16. fp32 holds it.", node->name, (double)packed[i]);
    }
    gvk_release(builder->host, packed);
    return result;
}

static gvk_result pack_all(const struct gvk_builder *builder, void *packed)
{
    for (uint32_t i = 0; i < builder->graph->node_count; i++) {
        const struct gvk_graph_node *node = &builder->graph->nodes[i];
        if (node->removed || !builder->packing->sizes[i])
            continue;
        size_t first = (size_t)builder->packing->offsets[i] * 4;
        gvk_result result = builder->policy->half ? pack_half(builder, i, (uint16_t *)packed + first)
                                                  : pack_node(builder, i, (float *)packed + first);
        if (result)
            return result;
    }
    return GVK_OK;
}

static uint64_t chunks_of(const struct gvk_packing *packing)
{
    return packing->quads / GVK_CHUNK_STEP_VEC4S;
}

/* One descriptor every 256 bytes of the weights, each as long as the largest tile reads at once. */
static gvk_result create_chunks(struct gvk_model *model)
{
    gvk_device *device = model->device;
    const struct gvk_functions *vk = &device->vk;
    uint32_t count = (uint32_t)chunks_of(&model->packing);
    VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, count};
    VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .flags = VK_DESCRIPTOR_POOL_CREATE_UPDATE_AFTER_BIND_BIT | VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
        .maxSets = 1,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    VkDescriptorSetVariableDescriptorCountAllocateInfo variable = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_ALLOCATE_INFO,
        .descriptorSetCount = 1,
        .pDescriptorCounts = &count,
    };
    VkDescriptorSetLayout layout = gvk_chunk_set_layout(device);
    VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .pNext = &variable,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    VkDescriptorBufferInfo *infos = gvk_allocate_array(&device->host, count, sizeof *infos);
    if (!infos)
        return gvk_fail_memory(&device->host);
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorPool",
                                   vk->CreateDescriptorPool(device->device, &pool, NULL, &model->chunk_pool));
    if (result)
        goto done;
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL, (uint64_t)model->chunk_pool, "weight chunks");
    allocate.descriptorPool = model->chunk_pool;
    result = GVK_VULKAN(device, "vkAllocateDescriptorSets",
                        vk->AllocateDescriptorSets(device->device, &allocate, &model->chunks));
    if (result)
        goto done;
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET, (uint64_t)model->chunks, "weight chunks");
    uint64_t step = GVK_CHUNK_STEP_VEC4S * 16;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t left = model->weights.bytes - i * step;
        infos[i] = (VkDescriptorBufferInfo){model->weights.buffer, i * step, left < 2 * step ? left : 2 * step};
    }
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = model->chunks,
        .descriptorCount = count,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .pBufferInfo = infos,
    };
    vk->UpdateDescriptorSets(device->device, 1, &write, 0, NULL);
done:
    gvk_release(&device->host, infos);
    return result;
}

void gvk_limit_chunks(const struct gvk_packing *packing, struct gvk_policy *policy)
{
    if (chunks_of(packing) > policy->traits->max_chunks)
        policy->chunks = false;
}

gvk_result gvk_model_plan(gvk_device *device, const gvk_graph *graph, uint32_t off, const struct gvk_policy *policy,
                          gvk_model **out)
{
    const gvk_host *host = &device->host;
    struct gvk_model *model = gvk_allocate(host, sizeof *model);
    if (!model)
        return gvk_fail_memory(host);
    model->device = device;
    model->policy = *policy;
    model->policy.reference = off & GVK_REWRITE_FAST_KERNELS;
    gvk_result result = gvk_graph_copy(host, graph, &model->graph);
    if (!result)
        result = gvk_rewrite_graph(model->graph, gvk_rewrites_off(&model->policy, off));
    if (result)
        goto fail;
    struct gvk_builder builder = gvk_model_builder(model);
    result = gvk_packing_create(&builder, &model->packing);
    if (result)
        goto fail;
    bool chunks = model->policy.chunks;
    gvk_limit_chunks(&model->packing, &model->policy);
    if (!model->policy.reference && chunks != model->policy.chunks) {
        gvk_packing_destroy(host, &model->packing);
        result = gvk_packing_create(&builder, &model->packing);
        if (result)
            goto fail;
    }
    *out = model;
    return GVK_OK;
fail:
    gvk_model_destroy(model);
    return result;
}

static uint64_t count_weight_bytes(const struct gvk_model *model)
{
    return model->packing.quads * gvk_quad_bytes(&model->policy);
}

gvk_result gvk_model_measure(const gvk_model *model, struct gvk_model_needs *out)
{
    const gvk_device *device = model->device;
    uint64_t bytes = count_weight_bytes(model);
    struct gvk_buffer_needs weights, staging = {0};
    gvk_result result = gvk_buffer_measure(device, bytes, GVK_BUFFER_DEVICE, &weights);
    if (!result && !weights.mapped)
        result = gvk_buffer_measure(device, gvk_staging_bytes(bytes), GVK_BUFFER_UPLOAD, &staging);
    if (!result)
        *out = (struct gvk_model_needs){.weights = weights.bytes, .peak = weights.bytes + staging.bytes};
    return result;
}

gvk_result gvk_model_create_for(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                const struct gvk_policy *policy, gvk_model **out)
{
    const gvk_host *host = &device->host;
    void *staged = NULL;
    struct gvk_model *model = NULL;
    struct gvk_model_needs needs = {0};
    gvk_result result = gvk_model_plan(device, graph, off, policy, &model);
    if (result)
        return result;
    struct gvk_builder builder = gvk_model_builder(model);
    uint64_t bytes = count_weight_bytes(model);
    if (device->memory_ceiling)
        result = gvk_model_measure(model, &needs);
    if (!result)
        result = gvk_budget_check(device, needs.peak);
    if (!result)
        result = gvk_buffer_create(device, bytes, GVK_BUFFER_DEVICE, "weights", &model->weights);
    if (result)
        goto fail;
    if (model->weights.mapped) {
        memset(model->weights.mapped, 0, (size_t)bytes);
        result = pack_all(&builder, model->weights.mapped);
        if (!result)
            result = gvk_buffer_flush(device, &model->weights);
    } else {
        staged = bytes > SIZE_MAX ? NULL : gvk_allocate(host, (size_t)bytes);
        result = staged ? pack_all(&builder, staged) : gvk_fail_memory(host);
        if (!result)
            result = gvk_transfer_to_device(device, staged, bytes, &model->weights);
    }
    if (result)
        goto fail;
    if (!model->policy.reference && model->policy.chunks)
        result = create_chunks(model);
    if (result)
        goto fail;
    gvk_release(host, staged);
    *out = model;
    return GVK_OK;
fail:
    gvk_release(host, staged);
    gvk_model_destroy(model);
    return result;
}

gvk_result gvk_model_tensors(const gvk_model *model, const char **names, uint32_t *count)
{
    if (!model)
        return GVK_ERROR_ARGUMENT;
    if (!count || (*count && !names))
        return gvk_fail(&model->device->host, GVK_ERROR_ARGUMENT,
                        "gvk_model_tensors needs a count, and room for that many names.");
    const struct gvk_graph *graph = model->graph;
    uint32_t capacity = *count, found = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (!graph->nodes[i].built || graph->tensors[graph->nodes[i].built].removed)
            continue;
        if (found < capacity)
            names[found] = graph->nodes[i].name;
        found++;
    }
    *count = found;
    return GVK_OK;
}

static void destroy_model(void *object)
{
    gvk_model *model = object;
    gvk_device *device = model->device;
    gvk_descriptor_pool_destroy(device, model->chunk_pool, &model->chunks, 1);
    gvk_buffer_destroy(device, &model->weights);
    gvk_packing_destroy(&device->host, &model->packing);
    gvk_graph_destroy(model->graph);
    gvk_release(&device->host, model);
}

void gvk_model_destroy(gvk_model *model)
{
    if (!model)
        return;
    model->remains = (struct gvk_remains){.destroy = destroy_model, .object = model};
    if (gvk_has_remains(model->device)) /* a stream of this model, perhaps, or the upload of its weights */
        gvk_remains_keep(model->device, &model->remains);
    else
        destroy_model(model);
}
