/* One checkpoint on two devices at once, a thread and a stream each. Where there is only one device, it is opened
 * twice: two gvk_devices share nothing, so that is the same. The network is read once and shared. usage: two_devices
 * MODEL.safetensors PICTURE.ppm [FRAMES] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <ghostvk/ghostnet.h>

#include "common/ppm.h"

struct worker {
    const gvk_network *network; /* shared: nothing changes it once it is opened */
    const gvk_picture *picture;
    uint32_t device_index, frames;
    /* What came of it. */
    gvk_result result;
    char device_name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
    uint32_t boxes; /* of the last frame */
};

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_WARNING)
        fprintf(stderr, "%s\n", sentence); /* called on both threads; stdio has a lock of its own */
}

static const gvk_host host = {.size = sizeof host, .log = print_sentence};

static void *work(void *argument)
{
    struct worker *worker = argument;
    gvk_device *device = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    const gvk_device_params params = {
        .size = sizeof params, .host = &host, .choice = GVK_DEVICE_INDEX, .index = worker->device_index};
    worker->result = gvk_device_open(&params, &device);
    if (worker->result == GVK_OK) {
        gvk_device_info info = {.size = sizeof info};
        gvk_device_describe(device, &info);
        snprintf(worker->device_name, sizeof worker->device_name, "%s", info.name);
        worker->result = gvk_model_create(device, gvk_network_graph(worker->network), NULL, &model);
    }
    if (worker->result == GVK_OK)
        worker->result = gvk_detector_create(model, worker->network, NULL, &stream);
    for (uint32_t i = 0; i < worker->frames && worker->result == GVK_OK; i++) {
        gvk_ticket ticket;
        const gvk_detection *boxes;
        worker->result = gvk_stream_submit(stream, worker->picture, sizeof *worker->picture, 1, &ticket);
        if (worker->result == GVK_OK)
            worker->result = gvk_stream_wait(stream, ticket, UINT64_MAX);
        if (worker->result == GVK_OK)
            worker->result = gvk_detector_read(stream, ticket, &boxes, sizeof boxes[0], &worker->boxes);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    return NULL;
}

/* The first two usable devices; of one alone its index twice. */
static gvk_result choose_devices(uint32_t indices[2])
{
    gvk_device_info infos[16];
    uint32_t count = 16, found = 0;
    for (uint32_t i = 0; i < count; i++)
        infos[i].size = sizeof infos[i];
    gvk_result result = gvk_device_list(&host, infos, sizeof infos[0], &count);
    if (result != GVK_OK)
        return result;
    for (uint32_t i = 0; i < count && i < 16 && found < 2; i++)
        if (infos[i].usable)
            indices[found++] = infos[i].index;
    if (found == 1)
        indices[1] = indices[0];
    return found ? GVK_OK : GVK_ERROR_NO_DEVICE;
}

int main(int argc, char **argv)
{
    uint32_t indices[2];
    gvk_network *network = NULL;
    struct ppm ppm = {0, 0, NULL};
    struct worker workers[2];
    pthread_t threads[2];
    int started = 0, failed = 0;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: two_devices MODEL.safetensors PICTURE.ppm [FRAMES]\n");
        return 2;
    }
    const gvk_network_params from = {.size = sizeof from, .path = argv[1]};
    if (!read_ppm(argv[2], &ppm) || gvk_network_open(&host, &from, &network) != GVK_OK ||
        choose_devices(indices) != GVK_OK) {
        failed = 1;
        goto done;
    }
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    const gvk_picture picture = {.size = sizeof picture,
                                 .width = ppm.width,
                                 .height = ppm.height,
                                 .pixels = ppm.rgb,
                                 .letterbox = info.letterbox};
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){.network = network,
                                     .picture = &picture,
                                     .device_index = indices[i],
                                     .frames = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 10};
        if (pthread_create(&threads[i], NULL, work, &workers[i])) {
            fprintf(stderr, "two_devices: a thread cannot be started.\n");
            failed = 1;
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        printf("%s: %u frames, %u boxes in the last, %s\n", workers[i].device_name, workers[i].frames, workers[i].boxes,
               gvk_result_name(workers[i].result));
        failed |= workers[i].result != GVK_OK;
    }
done:
    gvk_network_destroy(network);
    free(ppm.rgb);
    return failed;
}
