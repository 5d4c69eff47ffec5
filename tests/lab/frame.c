/* Goes the way of a program that detects: device, network, model, stream, submission. The boxes are not read: behind a
 * stub the memory holds anything. */
#include "frame.h"

#include <stdio.h>

#include <ghostvk/ghostnet.h>

#define SIDE 64u

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level == GVK_LOG_ERROR)
        fprintf(stderr, "lab: %s\n", sentence);
}

static gvk_result run_frame(gvk_device *device, const gvk_network *network, gvk_precision precision)
{
    static const unsigned char pixels[SIDE * SIDE * 3];
    /* Behind a stub no kernel computes anything, so none would be proven. */
    gvk_model_params params = {.size = sizeof params, .trust_kernels = 1, .precision = precision};
    gvk_picture picture = {.size = sizeof picture, .width = SIDE, .height = SIDE, .pixels = pixels};
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    gvk_result result = gvk_model_create(device, gvk_network_graph(network), &params, &model);
    if (!result)
        result = gvk_detector_create(model, network, NULL, &stream);
    if (!result)
        result = gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (!result) {
        gvk_stream_info info = {.size = sizeof info};
        gvk_stream_describe(stream, &info);
        printf("a frame in %s: %u dispatches, %u barriers, %u pipelines, %u submission%s; arena %.2f MB, weights %.2f "
               "MB\n",
               info.precision == GVK_PRECISION_FP16 ? "fp16" : "fp32", info.frame.dispatches, info.frame.barriers,
               info.pipelines, info.submissions, info.submissions == 1 ? "" : "s", (double)info.arena_bytes / 1e6,
               (double)info.weight_bytes / 1e6);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

int run_frames(const char *model_path)
{
    static const gvk_host host = {.size = sizeof host, .log = print_sentence};
    gvk_device_params device_params = {.size = sizeof device_params, .host = &host};
    gvk_network_params network_params = {.size = sizeof network_params, .path = model_path};
    gvk_device *device = NULL;
    gvk_network *network = NULL;
    gvk_result result = gvk_device_open(&device_params, &device);
    if (!result)
        result = gvk_network_open(&host, &network_params, &network);
    if (!result)
        result = run_frame(device, network, GVK_PRECISION_FP32);
    if (!result)
        result = run_frame(device, network, GVK_PRECISION_FP16);
    gvk_network_destroy(network);
    gvk_device_destroy(device);
    return result ? 1 : 0;
}
