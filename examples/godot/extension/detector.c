#include "detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static void warn(const char *sentence)
{
    char whole[REASON_BYTES + 16];
    snprintf(whole, sizeof whole, "GhostDetector: %s", sentence);
    push_warning(whole, "GhostDetector");
}

static void report(const char *reason, const char *function)
{
    char whole[REASON_BYTES + 16];
    snprintf(whole, sizeof whole, "GhostDetector: %s", reason);
    push_error(whole, function);
}

static bool same(const char *a, const char *b)
{
    return strcmp(text_or_empty(a), text_or_empty(b)) == 0;
}

static bool copy_text(char **to, const char *from)
{
    char *copy = malloc(strlen(text_or_empty(from)) + 1);
    if (!copy)
        return false;
    strcpy(copy, text_or_empty(from));
    free(*to);
    *to = copy;
    return true;
}

detector *detector_create(GDExtensionObjectPtr object)
{
    detector *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->object = object;
    node->pixels.bytes = variant_nil();
    node->boxes = variant_nil();
    node->renderer.device = variant_nil();
    return node;
}

void detector_destroy(detector *node)
{
    if (!node)
        return;
    if (node->state == DETECTOR_STARTING)
        task_wait(node->task);
    inference_close(node->opened); /* waits for what is on the device */
    renderer_close(&node->renderer);
    variant_destroy(&node->pixels.bytes);
    variant_destroy(&node->boxes);
    free(node->wanted.model_path);
    free(node->wanted.device);
    free(node->used.model_path);
    free(node->used.device);
    free(node);
}

/* Copies the node's settings for the frame that starts now; what they change is done where the model is opened. */
static bool take_settings(detector *node)
{
    if (!node->changed)
        return true;
    node->other_model = node->other_model || !same(node->wanted.model_path, node->used.model_path) ||
                        !same(node->wanted.device, node->used.device);
    node->other_thresholds = true;
    if (!copy_text(&node->used.model_path, node->wanted.model_path) ||
        !copy_text(&node->used.device, node->wanted.device)) {
        snprintf(node->reason, sizeof node->reason, "memory is short");
        return false;
    }
    node->used.confidence = node->wanted.confidence;
    node->used.iou = node->wanted.iou;
    node->changed = false;
    return true;
}

static bool is_shared(const detector *node)
{
    return same(node->used.device, "renderer");
}

static void close_model(detector *node)
{
    inference_close(node->opened);
    node->opened = NULL;
    renderer_close(&node->renderer);
    node->copied = (gvk_picture){0};
}

static void open_model(detector *node)
{
    const char *path = text_or_empty(node->used.model_path);
    variant content = read_file(path);
    inference_params params = {.device = text_or_empty(node->used.device),
                               .confidence = (float)node->used.confidence,
                               .iou = (float)node->used.iou,
                               .warn = warn};
    gvk_import_params import;
    const char *why = NULL;
    params.model = variant_bytes(&content, &params.model_bytes);
    if (!params.model) {
        snprintf(node->reason, sizeof node->reason, "the model \"%s\" cannot be read", path);
    } else if (is_shared(node) && (why = renderer_open(&node->renderer, &import)) != NULL) {
        snprintf(node->reason, sizeof node->reason, "%s", why);
    } else {
        params.import = is_shared(node) ? &import : NULL;
        node->opened = inference_open(&params, node->reason);
        if (!node->opened)
            renderer_close(&node->renderer);
    }
    variant_destroy(&content);
}

/* Opens what is not open, with the settings of the frame that starts. */
static bool prepare(detector *node)
{
    if (node->other_model)
        close_model(node);
    if (!node->opened)
        open_model(node);
    else if (node->other_thresholds &&
             !inference_set_thresholds(node->opened, (float)node->used.confidence, (float)node->used.iou, node->reason))
        close_model(node);
    node->other_model = node->other_thresholds = false;
    return node->opened != NULL;
}

/* Puts the frame on the device. After an error the model is opened anew by the next frame, because a device that was
 * lost stays so. */
static bool send(detector *node, const gvk_picture *picture)
{
    if (inference_submit(node->opened, picture, node->reason))
        return true;
    close_model(node);
    return false;
}

/* From pixels in host memory; also on a thread of Godot's. */
static bool start(detector *node)
{
    return prepare(node) && send(node, &node->pixels.picture);
}

static void start_task(void *user)
{
    detector *node = user;
    node->failed = !start(node);
}

static variant list_boxes(const detector *node, const gvk_detection *boxes, uint32_t count)
{
    variant list = variant_construct(GDEXTENSION_VARIANT_TYPE_ARRAY, NULL, 0);
    for (uint32_t i = 0; i < count; ++i) {
        const float *corners = boxes[i].box;
        const variant sides[4] = {variant_of_number(corners[0]), variant_of_number(corners[1]),
                                  variant_of_number(corners[2] - corners[0]),
                                  variant_of_number(corners[3] - corners[1])};
        variant box = variant_construct(GDEXTENSION_VARIANT_TYPE_DICTIONARY, NULL, 0);
        variant_set_member(&box, "box", variant_construct(GDEXTENSION_VARIANT_TYPE_RECT2, sides, 4));
        variant_set_member(&box, "score", variant_of_number(boxes[i].score));
        variant_set_member(&box, "class_id", variant_of_integer(boxes[i].class_id));
        variant_set_member(&box, "name", variant_of_text(inference_class_name(node->opened, boxes[i].class_id)));
        variant_call(&list, "append", &box, 1, NULL);
        variant_destroy(&box);
    }
    return list;
}

/* False: still running. Else `boxes` or `reason` is set. */
static bool collect(detector *node, uint64_t timeout_ns)
{
    const gvk_detection *boxes = NULL;
    uint32_t count = 0;
    gvk_result result = inference_wait(node->opened, timeout_ns, &boxes, &count, node->reason);
    if (result == GVK_NOT_READY || result == GVK_TIMEOUT)
        return false;
    node->failed = result != GVK_OK;
    if (node->failed) {
        close_model(node);
        return true;
    }
    variant_destroy(&node->boxes);
    node->boxes = list_boxes(node, boxes, count);
    return true;
}

/* The copy of the texture is on the queue once the frame of Godot's that it was put into has been drawn. */
static void follow_copy(detector *node)
{
    if (!node->copied.view) {
        snprintf(node->reason, sizeof node->reason, "the settings have changed before the frame began");
        node->failed = true;
        node->state = DETECTOR_DONE;
    } else if (renderer_frames_drawn() > node->drawn) {
        node->failed = !send(node, &node->copied);
        node->state = node->failed ? DETECTOR_DONE : DETECTOR_RUNNING;
    }
}

/* Moves the frame on by what can be done without waiting; with `wait` until it is done, but for one that Godot has to
 * draw for. */
static void advance(detector *node, bool wait)
{
    if (node->state == DETECTOR_STARTING && (wait || task_is_done(node->task))) {
        task_wait(node->task); /* also where it is done: Godot keeps a task until then */
        variant_destroy(&node->pixels.bytes);
        node->state = node->failed ? DETECTOR_DONE : DETECTOR_RUNNING;
    }
    if (node->state == DETECTOR_COPYING && !wait)
        follow_copy(node);
    if (node->state == DETECTOR_RUNNING)
        inference_advance(node->opened);
    if (node->state == DETECTOR_RUNNING && collect(node, wait ? UINT64_MAX : 0))
        node->state = DETECTOR_DONE;
}

variant detector_detect(detector *node, const variant *texture)
{
    texture_pixels pixels;
    const char *why = texture_pixels_get(texture, &pixels);
    variant boxes = variant_nil();
    if (why) {
        report(why, "detect");
        return variant_construct(GDEXTENSION_VARIANT_TYPE_ARRAY, NULL, 0);
    }
    advance(node, true);
    /* What the frame before has brought is told in the next frame of the game, after this one's boxes. */
    const bool told_later = node->state == DETECTOR_DONE;
    const bool earlier_failed = node->failed;
    const variant earlier_boxes = node->boxes;
    char earlier_reason[REASON_BYTES];
    memcpy(earlier_reason, node->reason, sizeof earlier_reason);

    node->boxes = boxes;
    node->pixels = pixels;
    node->failed = !take_settings(node) || !start(node);
    if (!node->failed)
        collect(node, UINT64_MAX);
    variant_destroy(&node->pixels.bytes);
    if (node->failed) {
        report(node->reason, "detect");
        variant_destroy(&node->boxes);
        node->boxes = variant_construct(GDEXTENSION_VARIANT_TYPE_ARRAY, NULL, 0);
    }
    boxes = node->boxes;
    node->boxes = earlier_boxes;
    if (told_later) {
        node->failed = earlier_failed;
        memcpy(node->reason, earlier_reason, sizeof earlier_reason);
    }
    return boxes;
}

/* NULL, or why the frame does not start. */
static const char *submit_pixels(detector *node, const variant *texture)
{
    const char *why = texture_pixels_get(texture, &node->pixels);
    if (why)
        return why;
    node->state = DETECTOR_STARTING;
    node->task = task_start(start_task, node, "GhostDetector");
    return NULL;
}

/* The queue is the main thread's, so the model is opened here as well. */
static const char *submit_copy(detector *node, const variant *texture)
{
    if (!prepare(node))
        return node->reason;
    const char *why = renderer_copy(&node->renderer, texture, &node->copied);
    if (why)
        return why;
    node->drawn = renderer_frames_drawn();
    node->state = DETECTOR_COPYING;
    return NULL;
}

bool detector_submit(detector *node, const variant *texture)
{
    if (node->state != DETECTOR_IDLE)
        return false;
    const char *why = node->reason;
    if (take_settings(node))
        why = is_shared(node) ? submit_copy(node, texture) : submit_pixels(node, texture);
    if (why)
        report(why, "submit");
    return why == NULL;
}

bool detector_is_busy(const detector *node)
{
    return node->state != DETECTOR_IDLE;
}

void detector_poll(detector *node)
{
    advance(node, false);
    if (node->state != DETECTOR_DONE)
        return;
    const bool failed = node->failed;
    if (failed)
        report(node->reason, "submit");
    const variant self = variant_of_object(node->object);
    variant arguments[] = {variant_of_text(failed ? "failed" : "detected"),
                           failed ? variant_of_text(node->reason) : node->boxes};
    if (!failed)
        node->boxes = variant_nil();
    node->state = DETECTOR_IDLE; /* before the signal: who is told may submit the next one */
    variant_call(&self, "emit_signal", arguments, 2, NULL);
    variant_destroy(&arguments[0]);
    variant_destroy(&arguments[1]);
}
