#include "inference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inference {
    gvk_host host;
    gvk_network *network;
    gvk_device *device;
    gvk_model *model;
    gvk_stream *stream;
    gvk_ticket ticket;
    bool shared;   /* a device of the host's */
    int letterbox; /* as the model was trained */
    void (*warn)(const char *sentence);
    char reason[REASON_BYTES]; /* of the last error */
};

static void keep_sentence(void *user, gvk_log_level level, const char *sentence)
{
    inference *opened = user;
    if (level == GVK_LOG_ERROR)
        snprintf(opened->reason, sizeof opened->reason, "%s", sentence);
    else if (level == GVK_LOG_WARNING && opened->warn)
        opened->warn(sentence);
}

/* The sentence of the call that failed, or the name of its result where it left none. */
static void tell(inference *opened, gvk_result result, char reason[REASON_BYTES])
{
    snprintf(reason, REASON_BYTES, "%s", opened->reason[0] ? opened->reason : gvk_result_name(result));
    opened->reason[0] = 0;
}

/* How long a part of a frame may take where the host draws on the same queue: a quarter of its time at 60 Hz. */
enum { PART_US = 4000 };

static gvk_result import_device(inference *opened, const gvk_import_params *import)
{
    gvk_import_params params = *import;
    params.host = &opened->host;
    opened->shared = true;
    return gvk_device_import(&params, &opened->device);
}

static gvk_result open_device(inference *opened, const char *wanted)
{
    gvk_device_params params = {.size = sizeof params, .host = &opened->host};
    char *end = NULL;
    unsigned long index = strtoul(wanted, &end, 10);
    if (strcmp(wanted, "cpu") == 0) {
        params.choice = GVK_DEVICE_CPU;
    } else if (wanted[0] >= '0' && wanted[0] <= '9' && *end == 0 && index <= UINT32_MAX) {
        params.choice = GVK_DEVICE_INDEX;
        params.index = (uint32_t)index;
    } else if (wanted[0]) {
        params.choice = GVK_DEVICE_NAME;
        params.name = wanted;
    }
    return gvk_device_open(&params, &opened->device);
}

static gvk_result make_stream(inference *opened, float confidence, float iou)
{
    const gvk_stream_params parts = {.size = sizeof parts, .max_submit_us = PART_US, .paced = 1};
    gvk_detector_params params = {
        .size = sizeof params, .stream = opened->shared ? &parts : NULL, .confidence = confidence, .iou = iou};
    gvk_stream *stream = NULL;
    gvk_result result = gvk_detector_create(opened->model, opened->network, &params, &stream);
    if (result != GVK_OK)
        return result;
    gvk_stream_destroy(opened->stream);
    opened->stream = stream;
    return GVK_OK;
}

inference *inference_open(const inference_params *params, char reason[REASON_BYTES])
{
    inference *opened = calloc(1, sizeof *opened);
    if (!opened) {
        snprintf(reason, REASON_BYTES, "memory is short");
        return NULL;
    }
    opened->warn = params->warn;
    opened->host = (gvk_host){.size = sizeof opened->host, .user = opened, .log = keep_sentence};
    gvk_network_params network = {.size = sizeof network, .bytes = params->model, .byte_count = params->model_bytes};
    gvk_network_info info = {.size = sizeof info};
    gvk_result result = gvk_network_open(&opened->host, &network, &opened->network);
    if (result != GVK_OK)
        goto failed;
    gvk_network_describe(opened->network, &info);
    if (info.task != GVK_TASK_DETECTOR) {
        snprintf(opened->reason, sizeof opened->reason, "the model is a %s, which finds no boxes", info.name);
        result = GVK_ERROR_MISMATCH;
        goto failed;
    }
    opened->letterbox = info.letterbox;
    result = params->import ? import_device(opened, params->import) : open_device(opened, params->device);
    if (result != GVK_OK ||
        (result = gvk_model_create(opened->device, gvk_network_graph(opened->network), NULL, &opened->model)) !=
            GVK_OK ||
        (result = make_stream(opened, params->confidence, params->iou)) != GVK_OK)
        goto failed;
    return opened;
failed:
    tell(opened, result, reason);
    inference_close(opened);
    return NULL;
}

void inference_close(inference *opened)
{
    if (!opened)
        return;
    gvk_stream_destroy(opened->stream);
    gvk_model_destroy(opened->model);
    gvk_device_destroy(opened->device);
    gvk_network_destroy(opened->network);
    free(opened);
}

bool inference_set_thresholds(inference *opened, float confidence, float iou, char reason[REASON_BYTES])
{
    gvk_result result = make_stream(opened, confidence, iou);
    if (result != GVK_OK)
        tell(opened, result, reason);
    return result == GVK_OK;
}

bool inference_submit(inference *opened, const gvk_picture *picture, char reason[REASON_BYTES])
{
    gvk_picture fitted = *picture;
    fitted.letterbox = opened->letterbox;
    gvk_result result = gvk_stream_submit(opened->stream, &fitted, sizeof fitted, 1, &opened->ticket);
    if (result != GVK_OK)
        tell(opened, result, reason);
    return result == GVK_OK;
}

void inference_advance(inference *opened)
{
    if (opened->shared)
        gvk_stream_advance(opened->stream, 1, NULL); /* what goes wrong inference_wait says, too */
}

gvk_result inference_wait(inference *opened, uint64_t timeout_ns, const gvk_detection **boxes, uint32_t *count,
                          char reason[REASON_BYTES])
{
    gvk_result result = gvk_stream_wait(opened->stream, opened->ticket, timeout_ns);
    if (result == GVK_OK)
        result = gvk_detector_read(opened->stream, opened->ticket, boxes, sizeof **boxes, count);
    if (result < 0)
        tell(opened, result, reason);
    return result;
}

const char *inference_class_name(const inference *opened, uint32_t class_id)
{
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(opened->network, &info);
    return class_id < info.class_count ? info.classes[class_id] : "";
}
