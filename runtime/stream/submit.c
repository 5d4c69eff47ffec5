/* Frames sent: pictures taken, a frame's place filled, its submissions put on the queue, all at once or paced; or the
 * frame recorded into a command buffer of the host's. */
#include <string.h>

#include "runtime/base/structs.h"
#include "runtime/vulkan/debug.h"
#include "stream_inside.h"

static const struct gvk_layout layout_of_submit_params = GVK_LAYOUT(gvk_submit_params, reserved, no_wait);

struct gvk_frame *gvk_stream_next_frame(gvk_stream *stream)
{
    return &stream->frames[stream->newest % stream->frame_count];
}

gvk_result gvk_stream_take_pictures(gvk_stream *stream, const gvk_picture *pictures, size_t picture_size,
                                    uint32_t count)
{
    const gvk_host *host = &stream->device->host;
    if (count != stream->program->batch)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A frame of this stream takes %u pictures; %u were given.",
                        stream->program->batch, count);
    gvk_result result = gvk_element_size(host, &gvk_layout_of_picture, picture_size, &picture_size);
    for (uint32_t i = 0; i < count && !result; i++)
        result = gvk_element_read(host, &gvk_layout_of_picture, pictures, picture_size, i, &stream->pictures[i]);
    return result;
}

gvk_result gvk_stream_check_lost(const gvk_stream *stream)
{
    return stream->lost ? gvk_fail(&stream->device->host, GVK_ERROR_DEVICE_LOST,
                                   "The device was lost; its streams take no more frames.")
                        : GVK_OK;
}

gvk_result gvk_frame_take_plan(gvk_stream *stream, struct gvk_frame *frame, const gvk_picture *pictures)
{
    const struct gvk_input_target target = gvk_stream_input(stream);
    bool changed = false;
    gvk_result result = gvk_intake_fill(&frame->intake, &target, pictures, &changed);
    if (!result && changed) {
        frame->ticket = 0; /* its times are gone with the program */
        result = gvk_stream_record_intake(stream, frame, stream->profiled);
    }
    if (result)
        frame->intake.recorded = false;
    return result;
}

/* Uploads, and what the epilogue reads. */
static gvk_result write_frame(gvk_stream *stream, struct gvk_frame *frame)
{
    gvk_result result = gvk_frame_take_plan(stream, frame, stream->pictures);
    if (result || !stream->epilogue.fill)
        return result;
    stream->epilogue.fill(&stream->epilogue, frame->intake.layouts, stream->program->batch, frame->parameters.mapped);
    return gvk_buffer_flush(stream->device, &frame->parameters);
}

gvk_result gvk_frame_fill(gvk_stream *stream, struct gvk_frame *frame, const gvk_picture *pictures, size_t picture_size,
                          uint32_t count, bool patient)
{
    gvk_result result = gvk_stream_take_pictures(stream, pictures, picture_size, count);
    if (!result)
        result = gvk_stream_check_lost(stream);
    if (result)
        return result;
    if (frame->is_recorded)
        return GVK_NOT_READY;
    const struct gvk_input_target target = gvk_stream_input(stream);
    result = gvk_intake_plan(&frame->intake, &target, stream->pictures);
    if (!result)
        result = gvk_frame_wait(stream, frame, patient ? GVK_PATIENTLY : 0, "a frame");
    return result ? result : write_frame(stream, frame);
}

static gvk_result take_semaphores(const gvk_stream *stream, const char *name, const gvk_semaphore *from, uint32_t count,
                                  gvk_semaphore *out, uint32_t *out_count)
{
    const gvk_host *host = &stream->device->host;
    if (count > GVK_MAX_SEMAPHORES || (count && !from))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A frame has at most %u semaphores in `%s`, and names them.",
                        GVK_MAX_SEMAPHORES, name);
    for (uint32_t i = 0; i < count; i++) {
        if (!from[i].semaphore)
            return gvk_fail(host, GVK_ERROR_ARGUMENT, "Number %u of `%s` is no semaphore.", i, name);
        out[i] = from[i];
    }
    *out_count = count;
    return GVK_OK;
}

static gvk_result read_semaphores(const gvk_stream *stream, const gvk_submit_params *params,
                                  struct gvk_frame_semaphores *out)
{
    *out = (struct gvk_frame_semaphores){.wait_count = 0};
    gvk_result result =
        take_semaphores(stream, "waits", params->waits, params->wait_count, out->waits, &out->wait_count);
    if (!result)
        result = take_semaphores(stream, "releases", params->releases, params->release_count, out->releases,
                                 &out->release_count);
    if (!result)
        result =
            take_semaphores(stream, "signals", params->signals, params->signal_count, out->signals, &out->signal_count);
    return result;
}

/* Gives the frame a ticket and puts it on the queue, or its first part, or nothing of it while older parts wait. */
static gvk_result send(gvk_stream *stream, struct gvk_frame *frame, gvk_ticket *out)
{
    gvk_device *device = stream->device;
    gvk_result result = GVK_VULKAN(device, "vkResetFences", device->vk.ResetFences(device->device, 1, &frame->fence));
    if (result)
        return result;
    bool joins = frame->intake_joins && !frame->semaphores.release_count;
    frame->fronts = frame->intake_submissions.count - joins;
    frame->parts = frame->fronts + stream->submissions.count;
    frame->sent = 0;
    bool first = !gvk_stream_find_unsent(stream);
    frame->ticket = ++stream->newest;
    if (!stream->paced)
        result = gvk_frame_send(stream, frame);
    else if (first)
        result = gvk_frame_send_part(stream, frame);
    if (result) {
        stream->newest--;
        return result;
    }
    *out = frame->ticket;
    return GVK_OK;
}

gvk_result gvk_stream_submit_with(gvk_stream *stream, const gvk_submit_params *given, gvk_ticket *out)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &stream->device->host;
    gvk_submit_params params;
    gvk_result result = gvk_struct_read(host, &layout_of_submit_params, given, &params);
    if (result)
        return result;
    if (!params.pictures || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A submit needs the pictures and a place for the ticket.");
    struct gvk_frame *frame = gvk_stream_next_frame(stream);
    struct gvk_frame_semaphores semaphores;
    result = read_semaphores(stream, &params, &semaphores);
    if (!result)
        result =
            gvk_frame_fill(stream, frame, params.pictures, params.picture_size, params.picture_count, !params.no_wait);
    if (result)
        return result;
    frame->semaphores = semaphores;
    frame->ticket = 0; /* its result is gone from here on */
    return send(stream, frame, out);
}

gvk_result gvk_stream_submit(gvk_stream *stream, const gvk_picture *pictures, size_t picture_size, uint32_t count,
                             gvk_ticket *out)
{
    const gvk_submit_params params = {
        .size = sizeof params, .pictures = pictures, .picture_size = picture_size, .picture_count = count};
    return gvk_stream_submit_with(stream, &params, out);
}

gvk_result gvk_stream_advance(gvk_stream *stream, uint32_t parts, uint32_t *left)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    if (stream->lost)
        return gvk_fail(&stream->device->host, GVK_ERROR_DEVICE_LOST,
                        "The device was lost; no further part of a frame is sent to it.");
    gvk_result result = GVK_OK;
    struct gvk_frame *frame = NULL;
    for (uint32_t i = 0; i < parts && !result && (frame = gvk_stream_find_unsent(stream)); i++)
        result = gvk_frame_send_part(stream, frame);
    uint32_t unsent = 0;
    for (uint32_t i = 0; i < stream->frame_count; i++)
        if (stream->frames[i].ticket)
            unsent += stream->frames[i].parts - stream->frames[i].sent;
    if (left)
        *left = unsent;
    return result;
}

gvk_result gvk_stream_record(gvk_stream *stream, VkCommandBuffer commands, const gvk_picture *pictures,
                             size_t picture_size, uint32_t count, gvk_ticket *out)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    if (!commands || !pictures || !out)
        return gvk_fail(&stream->device->host, GVK_ERROR_ARGUMENT,
                        "gvk_stream_record needs a command buffer, the pictures and a place for the ticket.");
    if (gvk_stream_find_unsent(stream))
        return gvk_fail(&stream->device->host, GVK_ERROR_ARGUMENT,
                        "Parts of older frames are not on the queue yet; gvk_stream_advance puts them there.");
    struct gvk_frame *frame = gvk_stream_next_frame(stream);
    gvk_result result = gvk_frame_fill(stream, frame, pictures, picture_size, count, false);
    if (result)
        return result;
    frame->ticket = 0;
    frame->fronts = frame->parts = frame->sent = 0;
    result = gvk_stream_record_into(stream, frame, commands);
    if (result)
        return result;
    frame->is_recorded = true;
    frame->ticket = ++stream->newest;
    *out = frame->ticket;
    return GVK_OK;
}

gvk_result gvk_stream_retire(gvk_stream *stream, gvk_ticket ticket)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_stream_find(stream, ticket, &frame);
    if (result)
        return result;
    if (!frame->is_recorded)
        return gvk_fail(&stream->device->host, GVK_ERROR_ARGUMENT,
                        "Only a frame that was recorded into a command buffer is retired, and only once.");
    result = gvk_buffer_invalidate(stream->device, &frame->result);
    frame->is_recorded = result != GVK_OK;
    return result;
}
