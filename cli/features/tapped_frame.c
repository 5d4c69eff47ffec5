/* See tapped_frame.h. */
#include "tapped_frame.h"

#include <stdlib.h>

#include "cli/base/message.h"
#include "cli/pictures/classifier_input.h"
#include "cli/pictures/image_io.h"
#include "cli/pictures/picture_fit.h"

static int load(struct program *program, const struct model_file *model, const struct tapped_frame_choice *choice,
                struct tapped_frame *frame)
{
    struct picture_fit fit = {.program = program,
                              .device = frame->device,
                              .width = choice->width,
                              .height = choice->height,
                              .letterbox = choice->letterbox};
    bool whole = model->info.task == GVK_TASK_DETECTOR; /* of a classifier's picture only a cut reaches the device */
    const struct image_choice reading = {
        .ignore_orientation = choice->ignore_orientation, .accept = whole ? picture_fits : NULL, .user = &fit};
    char message[512];
    if (image_read(choice->path, &reading, &frame->image, message, sizeof message))
        return OUTCOME_DONE;
    say("%s: %s", choice->path, message);
    return OUTCOME_SOME_FAILED;
}

static gvk_result submit(struct tapped_frame *frame, const struct tapped_frame_choice *choice, const float *cut)
{
    const gvk_picture whole = {.size = sizeof whole,
                               .kind = GVK_PICTURE_PIXELS,
                               .format = GVK_PIXELS_RGB8,
                               .width = frame->image.width,
                               .height = frame->image.height,
                               .pixels = frame->image.pixels,
                               .letterbox = choice->letterbox};
    const gvk_picture tensor = {.size = sizeof tensor,
                                .kind = GVK_PICTURE_TENSOR,
                                .width = choice->width,
                                .height = choice->height,
                                .pixels = cut};
    gvk_result result = gvk_stream_submit(frame->stream, cut ? &tensor : &whole, sizeof whole, 1, &frame->ticket);
    return result ? result : gvk_stream_wait(frame->stream, frame->ticket, UINT64_MAX);
}

int tapped_frame_run(struct program *program, const struct model_file *model, const struct tapped_frame_choice *choice,
                     struct tapped_frame *out)
{
    float *cut = NULL;
    *out = (struct tapped_frame){.program = program, .device_info = {.size = sizeof out->device_info}};
    int outcome = open_device(program, &choice->device, &out->device);
    if (outcome != OUTCOME_DONE)
        return outcome;
    gvk_device_describe(out->device, &out->device_info);
    outcome = load(program, model, choice, out);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (model->info.task == GVK_TASK_CLASSIFIER) {
        const struct rgb_picture picture = {
            .pixels = out->image.pixels, .width = out->image.width, .height = out->image.height};
        const struct classifier_cut part = {.width = choice->width,
                                            .height = choice->height,
                                            .shorter = classifier_shorter_side(choice->width, choice->height),
                                            .interpolation = INTERPOLATION_BILINEAR};
        cut = malloc((size_t)3 * choice->width * choice->height * sizeof *cut);
        if (!cut || !classifier_input(&picture, &part, cut)) {
            free(cut);
            return refuse_memory();
        }
    }
    const gvk_model_params weights = {.size = sizeof weights,
                                      .precision = choice->precision,
                                      .taps = choice->layers,
                                      .tap_count = choice->layer_count,
                                      .width = choice->width,
                                      .height = choice->height};
    const gvk_stream_params stream = {.size = sizeof stream,
                                      .width = choice->width,
                                      .height = choice->height,
                                      .kept_tensors = choice->layers,
                                      .kept_count = choice->layer_count};
    gvk_result result = gvk_model_create(out->device, gvk_network_graph(model->network), &weights, &out->weights);
    if (!result)
        result = gvk_stream_create(out->weights, &stream, &out->stream);
    if (!result)
        result = submit(out, choice, cut);
    free(cut);
    return result ? report_failure(program, choice->path, result) : OUTCOME_DONE;
}

int tapped_frame_read(struct tapped_frame *frame, const char *layer, struct maps *out)
{
    gvk_array array;
    gvk_result result = gvk_stream_read(frame->stream, frame->ticket, layer, &array);
    if (result)
        return report_failure(frame->program, layer, result);
    if (!maps_create(layer, (uint32_t)array.shape[1], (uint32_t)array.shape[2], (uint32_t)array.shape[3], array.data,
                     out))
        return refuse_memory();
    return OUTCOME_DONE;
}

void tapped_frame_release(struct tapped_frame *frame)
{
    gvk_stream_destroy(frame->stream);
    gvk_model_destroy(frame->weights);
    gvk_device_destroy(frame->device);
    image_release(&frame->image);
    *frame = (struct tapped_frame){0};
}
