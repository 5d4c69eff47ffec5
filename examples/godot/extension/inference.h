/* A model on a device and one stream of it, by the public headers of ghostvk alone: no word of Godot.
 *
 * An inference belongs to one thread at a time; it may be handed from one to another. Functions that fail leave a
 * sentence for the user in reason. */
#ifndef GHOSTVK_GODOT_INFERENCE_H
#define GHOSTVK_GODOT_INFERENCE_H

#include <stdbool.h>

#include <ghostvk/ghostnet.h>

#define REASON_BYTES 512

typedef struct inference inference;

typedef struct inference_params {
    const void *model; /* the content of a .safetensors or .pth file; not kept */
    size_t model_bytes;
    const char *device; /* "": the best one; "cpu"; an index as `ghostvk devices` lists them; or a part of a name */
    const gvk_import_params *import;    /* a device of the host's in place of `device`; NULL: none. Its frames go to the
                                         * queue part by part, see inference_advance */
    float confidence, iou;              /* 0: the model's */
    void (*warn)(const char *sentence); /* called on the thread of the call */
} inference_params;

/* Loads the model onto the device: takes from a tenth of a second to several. */
inference *inference_open(const inference_params *params, char reason[REASON_BYTES]);
/* Waits for a frame in flight. Accepts NULL. */
void inference_close(inference *opened);

/* Other thresholds, for frames to come; none may be in flight. */
bool inference_set_thresholds(inference *opened, float confidence, float iou, char reason[REASON_BYTES]);

/* Pixels in host memory are copied. The picture is fitted into the input as the model was trained; one frame is in
 * flight at a time. */
bool inference_submit(inference *opened, const gvk_picture *picture, char reason[REASON_BYTES]);

/* On a device of the host's, once a frame of the host's: the next part of the frame goes to the queue. */
void inference_advance(inference *opened);

/* GVK_OK: the boxes, best first, live until the next call. GVK_NOT_READY with a timeout of 0. */
gvk_result inference_wait(inference *opened, uint64_t timeout_ns, const gvk_detection **boxes, uint32_t *count,
                          char reason[REASON_BYTES]);

/* UTF-8; "" for a class that the model does not have. */
const char *inference_class_name(const inference *opened, uint32_t class_id);

#endif
