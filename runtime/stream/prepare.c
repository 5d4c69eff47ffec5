/* What pictures to come need, made before they come. */
#include "runtime/base/structs.h"
#include "stream_inside.h"

static gvk_result prepare_frame(gvk_stream *stream, struct gvk_frame *frame)
{
    const struct gvk_input_target target = gvk_stream_input(stream);
    gvk_result result = gvk_intake_plan_likeness(&frame->intake, &target, stream->pictures);
    if (!result)
        result = gvk_frame_wait(stream, frame, GVK_PATIENTLY, "a frame");
    return result ? result : gvk_frame_take_plan(stream, frame, NULL);
}

gvk_result gvk_stream_prepare(gvk_stream *stream, const gvk_picture *likeness, size_t picture_size, uint32_t count)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &stream->device->host;
    if (!likeness)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_stream_prepare needs pictures that others will be like.");
    gvk_result result = gvk_stream_take_pictures(stream, likeness, picture_size, count);
    if (!result)
        result = gvk_stream_check_lost(stream);
    for (uint32_t i = 0; i < stream->program->batch && !result; i++) {
        gvk_picture *picture = &stream->pictures[i]; /* a handle that is there is not one that will be */
        picture->view = picture->chroma_view = VK_NULL_HANDLE;
        picture->buffer = VK_NULL_HANDLE;
        picture->pixels = NULL;
    }
    for (uint32_t i = 0; i < stream->frame_count && !result; i++)
        result = stream->frames[i].is_recorded ? GVK_NOT_READY : GVK_OK;
    for (uint32_t i = 0; i < stream->frame_count && !result; i++)
        result = prepare_frame(stream, &stream->frames[i]);
    return result;
}
