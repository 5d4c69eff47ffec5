/* A frame on its way: put on the queue part by part, waited for, found by its ticket; and the end of a stream, of which
 * only what the device has done with is freed. */
#include "stream_inside.h"

#include <inttypes.h>

#include "runtime/vulkan/debug.h"
#include "runtime/vulkan/queue.h"

gvk_result gvk_read_timestamps(const gvk_device *device, VkQueryPool pool, uint32_t first, uint32_t count,
                               uint64_t *out)
{
    return GVK_VULKAN(device, "vkGetQueryPoolResults",
                      device->vk.GetQueryPoolResults(device->device, pool, first, count, count * sizeof *out, out,
                                                     sizeof *out, VK_QUERY_RESULT_64_BIT));
}

double gvk_milliseconds_between(const gvk_device *device, uint64_t first, uint64_t last)
{
    uint64_t mask = device->timestamp_bits >= 64 ? UINT64_MAX : ((uint64_t)1 << device->timestamp_bits) - 1;
    return (double)((last - first) & mask) * device->timestamp_period_ns * 1e-6;
}

bool gvk_frame_fence(gvk_stream *stream, struct gvk_frame *frame)
{
    VkResult result = gvk_queue_submit(stream->device, &(struct gvk_submission){.fence = frame->fence});
    frame->in_flight = result == VK_SUCCESS;
    frame->is_unfenced = result != VK_SUCCESS && result != VK_ERROR_DEVICE_LOST; /* which runs nothing any more */
    return !frame->is_unfenced;
}

struct gvk_frame *gvk_stream_find_unsent(gvk_stream *stream)
{
    for (uint32_t back = stream->frame_count; back--;) {
        if (stream->newest <= back)
            continue;
        gvk_ticket ticket = stream->newest - back;
        struct gvk_frame *frame = &stream->frames[(ticket - 1) % stream->frame_count];
        if (frame->ticket == ticket && frame->sent < frame->parts)
            return frame;
    }
    return NULL;
}

gvk_result gvk_frame_send_part(gvk_stream *stream, struct gvk_frame *frame)
{
    const struct gvk_frame_semaphores *semaphores = &frame->semaphores;
    uint32_t part = frame->sent;
    bool joins = frame->fronts < frame->intake_submissions.count, last = part + 1 == frame->parts;
    VkCommandBuffer commands[2];
    struct gvk_submission submission = {.commands = commands, .fence = last ? frame->fence : VK_NULL_HANDLE};
    if (part < frame->fronts || (part == frame->fronts && joins))
        commands[submission.command_count++] = frame->intake_commands[part];
    if (part >= frame->fronts)
        commands[submission.command_count++] = frame->main_commands[part - frame->fronts];
    if (!part) {
        submission.waits = semaphores->waits;
        submission.wait_count = semaphores->wait_count;
    }
    if (part + 1 == frame->fronts) {
        submission.signals = semaphores->releases;
        submission.signal_count = semaphores->release_count;
    } else if (last) {
        submission.signals = semaphores->signals;
        submission.signal_count = semaphores->signal_count;
    }
    gvk_result result = GVK_VULKAN(stream->device, "vkQueueSubmit", gvk_queue_submit(stream->device, &submission));
    if (!result) {
        frame->sent++;
        frame->in_flight = last;
        frame->is_unfenced = !last;
        return GVK_OK;
    }
    frame->parts = frame->sent;
    frame->ticket = 0;
    if (result == GVK_ERROR_DEVICE_LOST) {
        frame->is_unfenced = false; /* it runs nothing any more */
        stream->lost = true;
    } else if (part) {
        /* What was submitted before runs without a fence; an empty submission has one for it. The frame has no ticket,
         * so its place is the next frame's, whose submit waits for that fence before it writes into the arena: no
         * barrier is needed between what was cut off and what follows. */
        gvk_frame_fence(stream, frame);
        stream->lost |= !frame->in_flight;
        if (stream->paced) /* then its place may be another's than the next frame's */
            gvk_frame_wait(stream, frame, GVK_PATIENTLY, "a frame");
    }
    return result;
}

gvk_result gvk_frame_send(gvk_stream *stream, struct gvk_frame *frame)
{
    gvk_result result = GVK_OK;
    while (frame->sent < frame->parts && !result) {
        struct gvk_frame *unsent = gvk_stream_find_unsent(stream);
        result = gvk_frame_send_part(stream, unsent ? unsent : frame);
    }
    return result;
}

gvk_result gvk_frame_wait(gvk_stream *stream, struct gvk_frame *frame, uint64_t timeout_ns, const char *what)
{
    gvk_device *device = stream->device;
    if (frame->is_recorded)
        return timeout_ns
                   ? gvk_fail(&device->host, GVK_ERROR_ARGUMENT,
                              "A frame in a command buffer of the host's is done when gvk_stream_retire says so.")
                   : GVK_NOT_READY;
    if (frame->sent < frame->parts && !timeout_ns)
        return GVK_NOT_READY;
    gvk_result sent = gvk_frame_send(stream, frame);
    if (sent)
        return sent;
    if (!frame->in_flight)
        return GVK_OK;
    VkResult waited = gvk_wait(device, frame->fence, timeout_ns, what);
    if (waited == VK_TIMEOUT && timeout_ns != GVK_PATIENTLY)
        return timeout_ns ? GVK_TIMEOUT : GVK_NOT_READY;
    if (waited == VK_TIMEOUT) {
        stream->lost = stream->stuck = true;
        return gvk_fail(&device->host, GVK_ERROR_DEVICE_LOST, "The device did not finish %s; it is taken for lost.",
                        what);
    }
    gvk_result result = GVK_VULKAN(device, "vkWaitForFences", waited);
    if (result == GVK_ERROR_DEVICE_LOST)
        stream->lost = true;
    if (!result)
        result = gvk_buffer_invalidate(device, &frame->result);
    if (!result)
        frame->in_flight = false; /* not before: a second try has to invalidate too */
    return result;
}

gvk_result gvk_stream_find(gvk_stream *stream, gvk_ticket ticket, struct gvk_frame **out)
{
    if (ticket && ticket <= stream->newest) {
        struct gvk_frame *frame = &stream->frames[(ticket - 1) % stream->frame_count];
        if (frame->ticket == ticket) {
            *out = frame;
            return GVK_OK;
        }
    }
    return gvk_fail(&stream->device->host, GVK_ERROR_ARGUMENT,
                    "Ticket %" PRIu64 " is unknown, or later frames took its place.", ticket);
}

gvk_result gvk_stream_wait_ticket(gvk_stream *stream, gvk_ticket ticket, uint64_t timeout_ns, const char *what)
{
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_stream_find(stream, ticket, &frame);
    return result ? result : gvk_frame_wait(stream, frame, timeout_ns, what);
}

gvk_result gvk_stream_find_done(gvk_stream *stream, gvk_ticket ticket, struct gvk_frame **out)
{
    gvk_result result = gvk_stream_wait_ticket(stream, ticket, 0, "");
    if (result == GVK_NOT_READY)
        return gvk_fail(&stream->device->host, GVK_ERROR_ARGUMENT,
                        "A frame is read that is not done; wait for it first.");
    return result ? result : gvk_stream_find(stream, ticket, out);
}

/* The device has done with what the frame uses. */
static bool frame_is_unused(gvk_stream *stream, struct gvk_frame *frame)
{
    if (frame->is_recorded)
        return false;
    if (frame->is_unfenced && !gvk_frame_fence(stream, frame))
        return false;
    if (!frame->in_flight)
        return true;
    frame->in_flight = stream->stuck ? !gvk_is_unused(stream->device, frame->fence)
                                     : !gvk_wait_until_unused(stream->device, frame->fence, "a frame");
    stream->stuck |= frame->in_flight;
    return !frame->in_flight;
}

static bool is_unused(void *object)
{
    gvk_stream *stream = object;
    bool unused = true;
    /* What the host waits for by a semaphore is still to come. */
    for (struct gvk_frame *frame = gvk_stream_find_unsent(stream); frame && !stream->lost;
         frame = gvk_stream_find_unsent(stream))
        gvk_frame_send_part(stream, frame); /* where it fails nothing is left to be sent */
    for (uint32_t i = 0; i < stream->frame_count; i++)
        unused &= frame_is_unused(stream, &stream->frames[i]);
    return unused;
}

/* The device ends, so its host has done with its own command buffers, too. */
static bool is_unused_at_the_end(void *object)
{
    gvk_stream *stream = object;
    for (uint32_t i = 0; i < stream->frame_count; i++)
        stream->frames[i].is_recorded = false;
    return is_unused(stream);
}

static void destroy_frame(gvk_device *device, struct gvk_frame *frame)
{
    const struct gvk_functions *vk = &device->vk;
    gvk_intake_destroy(device, &frame->intake);
    gvk_release(&device->host, frame->intake_submissions.ends);
    gvk_release(&device->host, frame->intake_commands);
    gvk_release(&device->host, frame->main_commands);
    gvk_buffer_destroy(device, &frame->parameters);
    gvk_buffer_destroy(device, &frame->result);
    if (frame->fence)
        vk->DestroyFence(device->device, frame->fence, NULL);
    if (frame->queries)
        vk->DestroyQueryPool(device->device, frame->queries, NULL);
    if (frame->main_profile)
        vk->DestroyQueryPool(device->device, frame->main_profile, NULL);
    if (frame->intake_profile)
        vk->DestroyQueryPool(device->device, frame->intake_profile, NULL);
}

static void destroy_stream(void *object)
{
    gvk_stream *stream = object;
    gvk_device *device = stream->device;
    gvk_recorder_destroy(&stream->recorder);
    for (uint32_t i = 0; i < stream->frame_count; i++)
        destroy_frame(device, &stream->frames[i]);
    gvk_samplers_destroy(device, &stream->samplers);
    if (stream->pool)
        device->vk.DestroyCommandPool(device->device, stream->pool, NULL);
    gvk_buffer_destroy(device, &stream->arena);
    gvk_program_destroy(stream->program);
    if (stream->epilogue.release)
        stream->epilogue.release(&device->host, stream->epilogue.user);
    gvk_release(&device->host, stream->submissions.ends);
    gvk_release(&device->host, stream->pictures);
    gvk_release(&device->host, stream->readables);
    gvk_release(&device->host, stream->values);
    gvk_release(&device->host, stream);
}

void gvk_stream_destroy(gvk_stream *stream)
{
    if (!stream)
        return;
    if (is_unused(stream)) {
        destroy_stream(stream);
        return;
    }
    gvk_log(&stream->device->host, GVK_LOG_ERROR,
            "A frame did not finish. The device may still use its stream, whose memory stays allocated.");
    stream->remains =
        (struct gvk_remains){.is_unused = is_unused_at_the_end, .destroy = destroy_stream, .object = stream};
    gvk_remains_keep(stream->device, &stream->remains);
}
