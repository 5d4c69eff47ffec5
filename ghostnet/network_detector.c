/* A detector of a network: its maps, anchors and defaults, handed to the detector of any graph; and what memory its
 * model and stream will take. */
#include <string.h>

#include "ghostnet/detection/detector.h"
#include "network_inside.h"
#include "runtime/model/model.h"
#include "runtime/vulkan/device.h"

static float choose(float given, float by_default)
{
    if (given != 0.0f)
        return given;
    return by_default > 0.0f ? by_default : -1.0f; /* a default of zero, which 0 would not say */
}

/* A detector's params and heads, which point into each other. */
struct arguments {
    gvk_detector_params params;
    gvk_stream_params stream;
    gvk_detector_heads heads;
    gvk_detector_map maps[GVK_DETECTOR_MAPS];
};

/* The params with the network's defaults in them. */
static gvk_result read_params(const gvk_host *host, const gvk_network *network, const gvk_detector_params *params,
                              struct arguments *out)
{
    gvk_result result = gvk_struct_read(host, &gvk_layout_of_detector_params, params, &out->params);
    if (!result)
        result = gvk_struct_read(host, &gvk_layout_of_stream_params, out->params.stream, &out->stream);
    if (result)
        return result;
    out->params.confidence = choose(out->params.confidence, network->confidence);
    out->params.iou = choose(out->params.iou, network->iou);
    if (!out->stream.width && !out->stream.height) {
        out->stream.width = network->input_width;
        out->stream.height = network->input_height;
    }
    out->params.size = sizeof out->params;
    out->stream.size = sizeof out->stream;
    out->params.stream = &out->stream;
    return GVK_OK;
}

static void fill_heads(const gvk_network *network, struct arguments *out)
{
    const struct gvk_task_traits *task = gvk_task_traits(network->architecture->task);
    gvk_detector_heads *heads = &out->heads;
    *heads = (gvk_detector_heads){
        .size = sizeof *heads, .maps = out->maps, .map_size = sizeof out->maps[0], .class_count = network->class_count};
    for (; task->outputs[heads->map_count]; heads->map_count++) {
        gvk_detector_map *map = &out->maps[heads->map_count];
        *map = (gvk_detector_map){.output = task->outputs[heads->map_count], .stride = task->strides[heads->map_count]};
        /* The coarsest map comes first and has the largest anchors. */
        const float *anchors =
            network->anchors + (size_t)(GVK_DETECTOR_MAPS - 1 - heads->map_count) * 2 * GVK_MAP_ANCHORS;
        memcpy(map->anchors, anchors, sizeof map->anchors);
    }
}

gvk_result gvk_detector_create(gvk_model *model, const gvk_network *network, const gvk_detector_params *params,
                               gvk_stream **out)
{
    if (!model)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &model->device->host;
    if (!network || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_detector_create needs the network and a place for the stream.");
    if (network->architecture->task != GVK_TASK_DETECTOR)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "This network is a %s; it finds no boxes.",
                        gvk_task_traits(network->architecture->task)->name);
    struct arguments arguments;
    gvk_result result = read_params(host, network, params, &arguments);
    if (result)
        return result;
    fill_heads(network, &arguments);
    return gvk_detector_create_for(model, &arguments.heads, &arguments.params, out);
}

gvk_result gvk_network_memory(gvk_device *device, const gvk_network *network, const gvk_model_params *model,
                              const gvk_detector_params *params, const gvk_picture *likeness, size_t picture_size,
                              gvk_memory *out)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    if (!network || !out)
        return gvk_fail(&device->host, GVK_ERROR_ARGUMENT,
                        "gvk_network_memory needs the network and a place for the result.");
    const gvk_graph *graph = gvk_network_graph(network);
    struct arguments arguments;
    gvk_result result = read_params(&device->host, network, params, &arguments);
    if (result)
        return result;
    if (network->architecture->task != GVK_TASK_DETECTOR)
        return gvk_model_memory(device, graph, model, &arguments.stream, likeness, picture_size, out);
    fill_heads(network, &arguments);
    return gvk_detector_memory(device, graph, model, &arguments.heads, &arguments.params, likeness, picture_size, out);
}
