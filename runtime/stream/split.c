/* Frames in several submissions: a GPU that a compositor or a game shares is not to be held by one submission for
 * longer than the host allows. The commands are timed once, when the stream is made, and cut where the time is up. */
#include "stream_inside.h"

#include "runtime/base/clock.h"
#include "runtime/vulkan/debug.h"
#include "runtime/vulkan/queue.h"

/* What a detector's epilogue reads beside the maps. */
static gvk_result fill_parameters(gvk_stream *stream, struct gvk_frame *frame)
{
    if (!stream->epilogue.fill_longest)
        return GVK_OK;
    stream->epilogue.fill_longest(&stream->epilogue, frame->parameters.mapped);
    return gvk_buffer_flush(stream->device, &frame->parameters);
}

/* Runs what is recorded in one command buffer alone, over whatever lies in the arena. *ms is how long the host waited
 * for it. */
static gvk_result run_alone(gvk_stream *stream, struct gvk_frame *frame, const VkCommandBuffer *commands, double *ms)
{
    double start = gvk_clock_ms();
    gvk_result result = GVK_VULKAN(stream->device, "vkResetFences",
                                   stream->device->vk.ResetFences(stream->device->device, 1, &frame->fence));
    const struct gvk_submission submission = {.commands = commands, .command_count = 1, .fence = frame->fence};
    if (!result)
        result = GVK_VULKAN(stream->device, "vkQueueSubmit", gvk_queue_submit(stream->device, &submission));
    if (result)
        return result;
    frame->in_flight = true;
    result = gvk_frame_wait(stream, frame, GVK_PATIENTLY, "a frame that is timed");
    *ms = gvk_clock_ms() - start;
    return result;
}

/* What a host may wait beside the work itself: other programs' frames in front of it. */
#define QUEUE_MS 20.0

double gvk_timestamp_correction(double device_ms, double host_ms)
{
    if (!(device_ms > 0))
        return 0;
    bool too_little = host_ms > 4 * device_ms + QUEUE_MS, too_much = device_ms > 1.25 * host_ms + 1;
    return too_little || too_much ? host_ms / device_ms : 1;
}

static gvk_result read_times(const gvk_stream *stream, VkQueryPool profile, uint32_t commands, double *microseconds)
{
    gvk_device *device = stream->device;
    for (uint32_t i = 0; i < commands; i++) {
        uint64_t times[2];
        gvk_result result = gvk_read_timestamps(device, profile, 2 * i, 2, times);
        if (result)
            return result;
        microseconds[i] = 1e3 * gvk_milliseconds_between(device, times[0], times[1]);
    }
    return GVK_OK;
}

/* Runs the main commands, until their timestamps are believed or three times: what the host waits for beside them, such
 * as a kernel that is compiled late, is not there each time. *correction is that of the quickest run. */
static gvk_result run_timed(gvk_stream *stream, struct gvk_frame *frame, uint32_t commands, double *microseconds,
                            double *correction)
{
    gvk_result result = GVK_OK;
    double least = 0, host_ms = 0;
    *correction = 0;
    for (int run = 0; run < 3 && *correction != 1 && !result; run++) {
        result = run_alone(stream, frame, frame->main_commands, &host_ms);
        if (!result)
            result = read_times(stream, frame->main_profile, commands, microseconds);
        double device_ms = 0;
        for (uint32_t i = 0; i < commands && !result; i++)
            device_ms += microseconds[i] / 1e3;
        double wanted = gvk_timestamp_correction(device_ms, host_ms);
        if (!result && (!run || wanted == 1 || host_ms < least)) {
            least = host_ms;
            *correction = wanted;
        }
    }
    return result;
}

/* Microseconds of each main command, when none overlaps another. */
static gvk_result time_commands(gvk_stream *stream, double *microseconds)
{
    gvk_device *device = stream->device;
    struct gvk_frame *frame = &stream->frames[0];
    VkQueryPool own = frame->main_profile;
    uint32_t commands = stream->program->command_count;
    gvk_result result = GVK_OK;
    if (!own)
        result = gvk_stream_create_queries(device, 2 * commands, 0, &frame->main_profile);
    if (!result)
        result = gvk_stream_record_main(stream, 0);
    if (!result)
        result = fill_parameters(stream, frame);
    double correction = 1;
    if (!result)
        result = run_timed(stream, frame, commands, microseconds, &correction);
    if (!result && correction != 1)
        gvk_log(&device->host, GVK_LOG_DEBUG, "The device's clock is not believed: its times are taken %g times.",
                correction);
    for (uint32_t i = 0; i < commands && !result; i++)
        microseconds[i] = correction > 0 ? correction * microseconds[i] : stream->max_us;
    stream->clock_correction = correction;
    if (!own && frame->main_profile && !frame->in_flight) { /* else the stream's end has to wait for it first */
        device->vk.DestroyQueryPool(device->device, frame->main_profile, NULL);
        frame->main_profile = VK_NULL_HANDLE;
    }
    return result;
}

/* A side of the picture that the resize is timed with, which is stretched: large enough to keep a device busy. */
#define SAMPLE_SIDE 512u

/* Has the picture resized by itself and tells what a turn of each pass takes. The second run counts: drivers are busy
 * with other things in the first. */
static gvk_result time_sample(gvk_stream *stream, struct gvk_frame *frame, const gvk_picture *sample)
{
    const struct gvk_input_target target = gvk_stream_input(stream);
    double microseconds[2], host_ms;
    bool changed;
    gvk_result result = gvk_intake_plan(&frame->intake, &target, sample);
    if (!result)
        result = gvk_intake_fill(&frame->intake, &target, sample, &changed);
    if (!result)
        result = gvk_stream_record_intake(stream, frame, true);
    for (int run = 0; run < 2 && !result; run++)
        result = run_alone(stream, frame, frame->intake_commands, &host_ms);
    const struct gvk_program *program = frame->intake.program;
    if (result || program->command_count != 2) /* in strips: whatever the times, the device binds little */
        return result;
    result = read_times(stream, frame->intake_profile, 2, microseconds);
    for (int i = 0; i < 2 && !result; i++)
        stream->turn_us[i] = stream->clock_correction * microseconds[i] /
                             ((double)program->commands[i].groups[0] * program->commands[i].groups[1] *
                              (double)program->commands[i].turns);
    return result;
}

bool gvk_stream_split_sample(const gvk_stream *stream, gvk_picture *out)
{
    *out = (gvk_picture){.size = sizeof *out, .width = SAMPLE_SIDE, .height = SAMPLE_SIDE};
    return stream->max_us && stream->device->timestamp_bits &&
           stream->program->shapes[stream->model->graph->inputs[0].tensor].channels == 3;
}

/* The sample has an intake of its own in the first frame. */
static gvk_result time_resize(gvk_stream *stream)
{
    gvk_device *device = stream->device;
    struct gvk_frame *frame = &stream->frames[0];
    struct gvk_intake other = frame->intake;
    uint32_t max_us = stream->max_us;
    gvk_picture sample;
    if (!gvk_stream_split_sample(stream, &sample))
        return GVK_OK;
    void *pixels = gvk_allocate(&device->host, (size_t)SAMPLE_SIDE * SAMPLE_SIDE * 3);
    if (!pixels)
        return gvk_fail_memory(&device->host);
    sample.pixels = pixels;
    struct gvk_intake own = {0};
    gvk_result result = gvk_intake_create(device, 1, &own);
    if (!result) {
        frame->intake = own;
        stream->max_us = 0; /* the sample is not cut */
        result = time_sample(stream, frame, &sample);
        stream->max_us = max_us;
        if (!frame->in_flight) { /* else the stream's end has to wait for it first */
            own = frame->intake;
            frame->intake = other;
            other = own;
        }
        gvk_intake_destroy(device, &other);
    }
    gvk_release(&device->host, pixels);
    return result;
}

gvk_result gvk_stream_split(gvk_stream *stream)
{
    const gvk_host *host = &stream->device->host;
    uint32_t commands = stream->program->command_count;
    double *microseconds = gvk_allocate_array(host, commands, sizeof *microseconds);
    gvk_result result = microseconds ? GVK_OK : gvk_fail_memory(host);
    /* Where a device has no timestamps, every command is a submission of its own. */
    for (uint32_t i = 0; i < commands && !result; i++)
        microseconds[i] = stream->max_us;
    if (!result && stream->device->timestamp_bits)
        result = time_commands(stream, microseconds);
    if (!result)
        result = time_resize(stream);
    for (uint32_t i = stream->epilogue_end; i < commands && !result; i++)
        microseconds[i] = 0; /* copies of results go with what is before them */
    if (!result)
        result = gvk_submissions_cut(host, microseconds, commands, stream->max_us, &stream->submissions);
    gvk_release(host, microseconds);
    return result;
}
