/* A detector of a network: its maps, anchors and defaults, handed to the detector of any graph. */
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

gvk_result gvk_detector_create(gvk_model *model, const gvk_network *network, const gvk_detector_params *params,
                               gvk_stream **out)
{
    if (!model)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &model->device->host;
    if (!network || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_detector_create needs the network and a place for the stream.");
    const struct gvk_task_traits *task = gvk_task_traits(network->architecture->task);
    if (network->architecture->task != GVK_TASK_DETECTOR)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "This network is a %s; it finds no boxes.", task->name);
    gvk_detector_params used;
    gvk_stream_params stream;
    gvk_result result = gvk_struct_read(host, &gvk_layout_of_detector_params, params, &used);
    if (!result)
        result = gvk_struct_read(host, &gvk_layout_of_stream_params, used.stream, &stream);
    if (result)
        return result;
    used.confidence = choose(used.confidence, network->confidence);
    used.iou = choose(used.iou, network->iou);
    if (!stream.width && !stream.height) {
        stream.width = network->input_width;
        stream.height = network->input_height;
    }
    used.size = sizeof used;
    stream.size = sizeof stream;
    used.stream = &stream;
    gvk_detector_map maps[GVK_DETECTOR_MAPS];
    gvk_detector_heads heads = {
        .size = sizeof heads, .maps = maps, .map_size = sizeof maps[0], .class_count = network->class_count};
    for (; task->outputs[heads.map_count]; heads.map_count++) {
        gvk_detector_map *map = &maps[heads.map_count];
        *map = (gvk_detector_map){.output = task->outputs[heads.map_count], .stride = task->strides[heads.map_count]};
        /* The coarsest map comes first and has the largest anchors. */
        const float *anchors =
            network->anchors + (size_t)(GVK_DETECTOR_MAPS - 1 - heads.map_count) * 2 * GVK_MAP_ANCHORS;
        memcpy(map->anchors, anchors, sizeof map->anchors);
    }
    return gvk_detector_create_for(model, &heads, &used, out);
}
