/* The least program: a checkpoint, a picture, boxes.
 * usage: minimal MODEL.safetensors PICTURE.ppm */
#include <stdio.h>
#include <stdlib.h>

#include <ghostvk/ghostnet.h>

#include "common/ppm.h"

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_WARNING)
        fprintf(stderr, "%s\n", sentence);
}

int main(int argc, char **argv)
{
    const gvk_host host = {.size = sizeof host, .log = print_sentence}; /* errors come with a reason, as a sentence */
    gvk_device *device = NULL;
    gvk_network *network = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_ticket ticket;
    const gvk_detection *boxes = NULL;
    uint32_t count = 0;
    struct ppm ppm;
    if (argc != 3) {
        fprintf(stderr, "usage: minimal MODEL.safetensors PICTURE.ppm\n");
        return 2;
    }
    if (!read_ppm(argv[2], &ppm))
        return 1;

    /* Once: a device, a file of weights, the weights on the device, and a stream of frames through them. */
    const gvk_device_params on = {.size = sizeof on, .host = &host};
    const gvk_network_params from = {.size = sizeof from, .path = argv[1]};
    gvk_network_info info = {.size = sizeof info};
    gvk_result result = gvk_device_open(&on, &device);
    if (result == GVK_OK)
        result = gvk_network_open(&host, &from, &network);
    if (result == GVK_OK) {
        gvk_network_describe(network, &info);
        result = gvk_model_create(device, gvk_network_graph(network), NULL, &model);
    }
    if (result == GVK_OK)
        result = gvk_detector_create(model, network, NULL, &stream);

    /* For each picture: submit, wait, read. */
    const gvk_picture picture = {.size = sizeof picture,
                                 .width = ppm.width,
                                 .height = ppm.height,
                                 .pixels = ppm.rgb,
                                 .letterbox = info.letterbox}; /* as the model was trained */
    if (result == GVK_OK)
        result = gvk_stream_submit(stream, &picture, sizeof picture, 1, &ticket);
    if (result == GVK_OK)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (result == GVK_OK)
        result = gvk_detector_read(stream, ticket, &boxes, sizeof boxes[0], &count);
    for (uint32_t i = 0; i < count; i++)
        printf("%-10s %.2f  %4.0f %4.0f %4.0f %4.0f\n", info.classes[boxes[i].class_id], (double)boxes[i].score,
               (double)boxes[i].box[0], (double)boxes[i].box[1], (double)boxes[i].box[2], (double)boxes[i].box[3]);
    if (result != GVK_OK)
        fprintf(stderr, "minimal: %s\n", gvk_result_name(result));

    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_network_destroy(network);
    gvk_device_destroy(device);
    free(ppm.rgb);
    return result == GVK_OK ? 0 : 1;
}
