/* Frames in several submissions: a GPU that a compositor or a game shares is not to be held by one submission for
 * longer than the host allows. The commands are timed once, when the stream is made, and cut where the time is up. */
#include "stream_inside.h"

#include "runtime/vulkan/debug.h"
#include "runtime/vulkan/queue.h"

/* What a detector's tail reads beside the maps. */
static gvk_result fill_parameters(gvk_stream *stream, struct gvk_frame *frame)
{
    if (!stream->tail.fill_longest)
        return GVK_OK;
    stream->tail.fill_longest(&stream->tail, frame->parameters.mapped);
    return gvk_buffer_flush(stream->device, &frame->parameters);
}

/* Runs the recorded main part of the frame alone, over whatever lies in the arena. */
static gvk_result run_alone(gvk_stream *stream, struct gvk_frame *frame)
{
    gvk_result result = GVK_VULKAN(stream->device, "vkQueueSubmit",
                                   gvk_queue_submit(stream->device, frame->main_commands, 1, frame->fence));
    if (result)
        return result;
    frame->in_flight = true;
    return gvk_frame_wait(stream, frame, GVK_PATIENTLY, "a frame that is timed");
}

/* Microseconds of each command, when none overlaps another. */
static gvk_result time_commands(gvk_stream *stream, double *microseconds)
{
    gvk_device *device = stream->device;
    struct gvk_frame *frame = &stream->frames[0];
    VkQueryPool own = frame->profile;
    gvk_result result = GVK_OK;
    if (!own)
        result = gvk_stream_create_queries(device, 2 * stream->program->command_count, 0, &frame->profile);
    if (!result)
        result = gvk_stream_record_main(stream, 0);
    if (!result)
        result = fill_parameters(stream, frame);
    if (!result)
        result = run_alone(stream, frame);
    for (uint32_t i = 0; i < stream->program->command_count && !result; i++) {
        uint64_t times[2];
        result = GVK_VULKAN(device, "vkGetQueryPoolResults",
                            device->vk.GetQueryPoolResults(device->device, frame->profile, 2 * i, 2, sizeof times,
                                                           times, sizeof times[0], VK_QUERY_RESULT_64_BIT));
        if (!result)
            microseconds[i] = 1e3 * gvk_milliseconds_between(device, times[0], times[1]);
    }
    if (!own && frame->profile && !frame->in_flight) { /* else the stream's end has to wait for it first */
        device->vk.DestroyQueryPool(device->device, frame->profile, NULL);
        frame->profile = VK_NULL_HANDLE;
    }
    return result;
}

gvk_result gvk_stream_split(gvk_stream *stream, uint32_t max_us)
{
    const gvk_host *host = &stream->device->host;
    uint32_t commands = stream->program->command_count;
    uint32_t *ends = gvk_allocate_array(host, commands, sizeof *ends);
    double *microseconds = gvk_allocate_array(host, commands, sizeof *microseconds);
    gvk_result result = ends && microseconds ? GVK_OK : gvk_fail_memory(host);
    /* A device that tells no times gets a submission a command. */
    for (uint32_t i = 0; i < commands && !result; i++)
        microseconds[i] = max_us;
    if (!result && stream->device->timestamp_bits)
        result = time_commands(stream, microseconds);
    uint32_t count = 0;
    double sum = 0;
    for (uint32_t i = 0; i < commands && !result; i++) {
        if (i && sum + microseconds[i] > max_us) {
            ends[count++] = i;
            sum = 0;
        }
        sum += microseconds[i];
    }
    gvk_release(host, microseconds);
    if (result) {
        gvk_release(host, ends);
        return result;
    }
    ends[count++] = commands;
    gvk_release(host, stream->part_ends);
    stream->part_ends = ends;
    stream->part_count = count;
    return GVK_OK;
}
