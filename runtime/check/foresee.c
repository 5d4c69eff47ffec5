/* Device memory, before anything is created: model and stream are planned as they are when they are made, and buffers
 * of the planned sizes are asked what they need, without memory behind them. */
#include "foresee.h"

#include "open_model.h"
#include "runtime/base/structs.h"
#include "runtime/model/model.h"
#include "runtime/stream/stream.h"

static const struct gvk_layout layout_of_memory = GVK_LAYOUT(gvk_memory, peak_bytes, peak_bytes);

static gvk_result plan_model(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params, uint64_t *peak,
                             gvk_model **out)
{
    struct gvk_policy policy;
    gvk_result result = gvk_policy_of_model(&device->host, device, NULL, params, &policy);
    struct gvk_graph *tapped = NULL;
    if (!result && params->tap_count)
        result = gvk_graph_copy_tapped(&device->host, graph, params->taps, params->tap_count, &tapped);
    const gvk_graph *whole = tapped ? tapped : graph;
    if (!result)
        result = params->trust_kernels ? gvk_model_plan(device, whole, params->rewrites_off, &policy, out)
                                       : gvk_model_plan_proven(device, whole, params->rewrites_off, &policy, peak, out);
    gvk_graph_destroy(tapped);
    return result;
}

gvk_result gvk_memory_foresee(gvk_device *device, const gvk_graph *graph, const gvk_model_params *given_model,
                              const gvk_stream_params *given_stream, const struct gvk_epilogue *epilogue,
                              const gvk_picture *likeness, size_t picture_size, gvk_memory *out)
{
    const gvk_host *host = &device->host;
    gvk_model_params model_params;
    gvk_stream_params stream_params;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    size_t size;
    uint64_t peak = 0;
    struct gvk_model_needs of_model = {0};
    struct gvk_stream_needs of_stream = {0};
    gvk_result result = GVK_OK;
    if (!graph || !graph->finished || !given_stream || !out)
        result = gvk_fail(host, GVK_ERROR_ARGUMENT,
                          "Memory is foreseen of a finished graph and a stream's params, into a place for the result.");
    if (!result && !graph->find)
        result = gvk_fail(host, GVK_ERROR_ARGUMENT, "This graph was made without weights; a model needs them.");
    if (!result)
        result = gvk_struct_read(host, &gvk_layout_of_model_params, given_model, &model_params);
    if (!result)
        result = gvk_struct_read(host, &gvk_layout_of_stream_params, given_stream, &stream_params);
    if (!result)
        result = gvk_element_size(host, &layout_of_memory, out->size, &size);
    if (!result)
        result = plan_model(device, graph, &model_params, &peak, &model);
    if (!result)
        result = gvk_model_measure(model, &of_model);
    if (!result)
        result = gvk_stream_plan(model, &stream_params, epilogue, &stream); /* which takes over the epilogue */
    else if (epilogue && epilogue->release)
        epilogue->release(host, epilogue->user);
    if (!result)
        result = gvk_stream_measure(stream, likeness, picture_size, &of_stream);
    if (!result) {
        gvk_memory made = {.weight_bytes = of_model.weights, .stream_bytes = of_stream.stream};
        made.peak_bytes = of_model.weights + of_stream.peak;
        if (made.peak_bytes < of_model.peak)
            made.peak_bytes = of_model.peak;
        if (made.peak_bytes < peak)
            made.peak_bytes = peak;
        gvk_struct_write(&layout_of_memory, &made, out);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

gvk_result gvk_model_memory(gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                            const gvk_stream_params *stream, const gvk_picture *likeness, size_t picture_size,
                            gvk_memory *out)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    return gvk_memory_foresee(device, graph, model, stream, NULL, likeness, picture_size, out);
}
