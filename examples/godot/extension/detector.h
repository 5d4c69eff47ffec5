/* What a GhostDetector node is besides Godot's Node: settings, a model on a device, and at most one frame on its way.
 *
 * A frame goes through these states; only STARTING is on another thread, and the node touches neither `opened` nor
 * `used` meanwhile.
 *   IDLE      nothing to do
 *   STARTING  a thread of Godot's opens the model if need be, and submits
 *   COPYING   on the device that Godot draws with: the texture is copied in the frame that Godot is drawing
 *   RUNNING   on the device; each frame of the game asks whether it is done
 *   DONE      boxes or a reason are there, to be told in the next frame of the game */
#ifndef GHOSTVK_GODOT_DETECTOR_H
#define GHOSTVK_GODOT_DETECTOR_H

#include "godot.h"
#include "inference.h"
#include "renderer.h"
#include "texture_pixels.h"

typedef struct detector_settings {
    char *model_path, *device; /* UTF-8; NULL stands for "" */
    double confidence, iou;    /* 0: the model's */
} detector_settings;

typedef enum detector_state {
    DETECTOR_IDLE,
    DETECTOR_STARTING,
    DETECTOR_COPYING,
    DETECTOR_RUNNING,
    DETECTOR_DONE
} detector_state;

typedef struct detector {
    GDExtensionObjectPtr object;
    detector_settings wanted;           /* the node's properties */
    detector_settings used;             /* those that `opened` was made with, or is being made with */
    bool changed;                       /* `wanted` has been set since */
    bool other_model, other_thresholds; /* what the next start has to do anew */
    inference *opened;
    renderer renderer;  /* whose device `opened` is on, where the device is "renderer" */
    int64_t drawn;      /* frames that Godot had drawn when the texture's copy was put into one */
    gvk_picture copied; /* the copy; no view: `renderer` has been closed since */
    detector_state state;
    int64_t task;
    texture_pixels pixels; /* of the frame that is starting */
    bool failed;
    char reason[REASON_BYTES]; /* where the frame failed */
    variant boxes;             /* an Array, where it did not */
} detector;

detector *detector_create(GDExtensionObjectPtr object);
/* Waits for a frame on its way. */
void detector_destroy(detector *node);

/* Boxes of the texture as an Array of Dictionaries; empty, after push_error, where there is an error. Waits. */
variant detector_detect(detector *node, const variant *texture);
/* Starts a frame; false where one is on its way, and after push_error. Does not wait for the device or for files. */
bool detector_submit(detector *node, const variant *texture);
bool detector_is_busy(const detector *node);
/* Once a frame of the game: tells the signals `detected` and `failed`. The node may be gone afterwards. */
void detector_poll(detector *node);

#endif
