/* Makes a model: copies and rewrites the graph, packs every node's weights for its kernel, uploads them.
 * Called by hosts through gvk.h. */
#include "model.h"

#include <string.h>

#include "kernel/kernel.h"
#include "rewrite.h"
#include "transfer.h"

struct gvk_builder gvk_model_builder(const struct gvk_model *model)
{
    return (struct gvk_builder){
        .host = &model->device->host,
        .traits = &model->device->traits,
        .graph = model->graph,
        .packing = &model->packing,
        .reference = model->reference,
    };
}

static gvk_result pack_all(const struct gvk_builder *builder, float *packed)
{
    for (uint32_t i = 0; i < builder->graph->node_count; i++) {
        const struct gvk_graph_node *node = &builder->graph->nodes[i];
        if (node->removed || !builder->packing->sizes[i])
            continue;
        gvk_result result =
            gvk_kernel_of(node)->pack_weights(builder, node, packed + (size_t)builder->packing->offsets[i] * 4);
        if (result)
            return result;
    }
    return GVK_OK;
}

gvk_result gvk_model_create(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params, gvk_model **out)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &device->host;
    uint32_t off = params ? params->rewrites_off : 0;
    if (!out || !graph || !graph->finished)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_model_create needs a finished graph and a place for the model.");
    if (!graph->find)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "This graph was made without weights; a model needs them.");
    float *staged = NULL;
    struct gvk_model *model = gvk_allocate(host, sizeof *model);
    if (!model)
        return gvk_fail_memory(host);
    model->device = device;
    model->reference = off & GVK_REWRITE_FAST_KERNELS;
    gvk_result result = gvk_graph_copy(host, graph, &model->graph);
    if (result)
        goto fail;
    result = gvk_rewrite_graph(model->graph, off);
    if (result)
        goto fail;
    struct gvk_builder builder = gvk_model_builder(model);
    result = gvk_packing_create(&builder, &model->packing);
    if (result)
        goto fail;
    uint64_t bytes = model->packing.vec4s * 16;
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
    gvk_release(host, staged);
    *out = model;
    return GVK_OK;
fail:
    gvk_release(host, staged);
    gvk_model_destroy(model);
    return result;
}

void gvk_model_destroy(gvk_model *model)
{
    if (!model)
        return;
    gvk_device *device = model->device;
    gvk_buffer_destroy(device, &model->weights);
    gvk_packing_destroy(&device->host, &model->packing);
    gvk_graph_destroy(model->graph);
    gvk_release(&device->host, model);
}
