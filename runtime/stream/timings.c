/* What a stream tells of itself: the times of stages and of single dispatches, and counts of what it has recorded.
 * Called by hosts through gvk.h; `ghostvk bench` is made of it. */
#include "runtime/base/structs.h"
#include "stream_inside.h"

double gvk_milliseconds_between(const gvk_device *device, uint64_t first, uint64_t last)
{
    uint64_t mask = device->timestamp_bits >= 64 ? UINT64_MAX : ((uint64_t)1 << device->timestamp_bits) - 1;
    return (double)((last - first) & mask) * device->timestamp_period_ns * 1e-6;
}

gvk_result gvk_stream_timings(gvk_stream *stream, gvk_ticket ticket, gvk_timing *out, size_t timing_size,
                              uint32_t *count)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    gvk_device *device = stream->device;
    if (!count || (*count && !out))
        return gvk_fail(&device->host, GVK_ERROR_ARGUMENT,
                        "gvk_stream_timings needs a count, and room for that many stages.");
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_element_size(&device->host, &gvk_layout_of_timing, timing_size, &timing_size);
    if (!result)
        result = gvk_stream_find_done(stream, ticket, &frame);
    if (result)
        return result;
    uint32_t stages = !frame->queries ? 0 : stream->tail.emit ? 3 : 2;
    uint64_t times[GVK_TIME_COUNT] = {0};
    if (stages) {
        result =
            GVK_VULKAN(device, "vkGetQueryPoolResults",
                       device->vk.GetQueryPoolResults(device->device, frame->queries, 0, GVK_TIME_COUNT, sizeof times,
                                                      times, sizeof times[0], VK_QUERY_RESULT_64_BIT));
        if (result)
            return result;
    }
    const char *const names[3] = {"resize", "network", stream->tail.stage};
    for (uint32_t i = 0; i < stages && i < *count; i++) {
        gvk_timing timing = {names[i], gvk_milliseconds_between(device, times[i], times[i + 1])};
        gvk_element_write(&gvk_layout_of_timing, &timing, out, timing_size, i);
    }
    *count = stages;
    return GVK_OK;
}

/* Milliseconds that a pair of timestamps is apart, and from the frame's first to it. */
static gvk_result read_pair(const gvk_stream *stream, const struct gvk_frame *frame, uint64_t start, uint32_t query,
                            gvk_layer_timing *out)
{
    gvk_device *device = stream->device;
    uint64_t times[2];
    gvk_result result =
        GVK_VULKAN(device, "vkGetQueryPoolResults",
                   device->vk.GetQueryPoolResults(device->device, frame->profile, query, 2, sizeof times, times,
                                                  sizeof times[0], VK_QUERY_RESULT_64_BIT));
    if (result)
        return result;
    out->ms = gvk_milliseconds_between(device, times[0], times[1]);
    out->start_ms = gvk_milliseconds_between(device, start, times[0]);
    return GVK_OK;
}

static uint64_t count_bytes(const struct gvk_command *command)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < command->operand_count; i++)
        bytes += command->operands[i].useful;
    return bytes;
}

gvk_result gvk_stream_layer_timings(gvk_stream *stream, gvk_ticket ticket, gvk_layer_timing *out, size_t timing_size,
                                    uint32_t *count)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    gvk_device *device = stream->device;
    if (!count || (*count && !out))
        return gvk_fail(&device->host, GVK_ERROR_ARGUMENT,
                        "gvk_stream_layer_timings needs a count, and room for that many dispatches.");
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_element_size(&device->host, &gvk_layout_of_layer_timing, timing_size, &timing_size);
    if (!result)
        result = gvk_stream_find_done(stream, ticket, &frame);
    if (result)
        return result;
    uint32_t capacity = *count, filled = 0;
    if (!frame->profile) {
        *count = 0;
        return GVK_OK;
    }
    uint64_t start = 0;
    result = GVK_VULKAN(device, "vkGetQueryPoolResults",
                        device->vk.GetQueryPoolResults(device->device, frame->queries, GVK_TIME_START, 1, sizeof start,
                                                       &start, sizeof start, VK_QUERY_RESULT_64_BIT));
    for (uint32_t i = 0; i < frame->intake.pass_count && !result; i++, filled++) {
        const struct gvk_resize_pass *pass = &frame->intake.passes[i];
        gvk_layer_timing timing = {.name = pass->label, .kernel = pass->kernel, .bytes = pass->bytes};
        result = read_pair(stream, frame, start, gvk_first_resize_query(stream) + 2 * i, &timing);
        if (!result && filled < capacity)
            gvk_element_write(&gvk_layout_of_layer_timing, &timing, out, timing_size, filled);
    }
    for (uint32_t i = 0; i < stream->program->command_count && !result; i++) {
        const struct gvk_command *command = &stream->program->commands[i];
        if (command->kind != GVK_COMMAND_DISPATCH)
            continue;
        gvk_layer_timing timing = {
            .name = command->label,
            .kernel = gvk_shader_codes[command->key.shader].name,
            .macs = command->macs,
            .bytes = count_bytes(command),
        };
        result = read_pair(stream, frame, start, 2 * i, &timing);
        if (!result && filled < capacity)
            gvk_element_write(&gvk_layout_of_layer_timing, &timing, out, timing_size, filled);
        filled++;
    }
    if (result)
        return result;
    *count = filled;
    return GVK_OK;
}

/* ---- counts ---- */

static void add_counts(gvk_recorded_counts *sum, const gvk_recorded_counts *counts)
{
    sum->dispatches += counts->dispatches;
    sum->transfers += counts->transfers;
    sum->barriers += counts->barriers;
}

/* How many pipelines the first `end` commands bind. */
static uint32_t count_pipelines(const gvk_stream *stream, uint32_t end)
{
    const VkPipeline *pipelines = stream->recorder.pipelines;
    uint32_t count = 0;
    for (uint32_t i = 0; i < end; i++) {
        bool seen = !pipelines[i]; /* a fill binds none */
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = pipelines[j] == pipelines[i];
        count += !seen;
    }
    return count;
}

/* The resize's: no command of the network or the tail has them. */
static uint32_t count_resize_pipelines(const struct gvk_intake *intake)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < intake->pass_count; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = intake->passes[j].pipeline == intake->passes[i].pipeline;
        count += !seen;
    }
    return count;
}

void gvk_stream_describe(const gvk_stream *stream, gvk_stream_info *out)
{
    if (!out)
        return;
    if (!stream) {
        gvk_struct_write(&gvk_layout_of_stream_info, &(gvk_stream_info){.size = 0}, out);
        return;
    }
    const struct gvk_program *program = stream->program;
    uint64_t newest = stream->newest ? stream->newest - 1 : 0;
    const struct gvk_intake *intake = &stream->frames[newest % stream->frame_count].intake;
    gvk_stream_info info = {
        .width = program->width,
        .height = program->height,
        .batch = program->batch,
        .frames = stream->frame_count,
        .frame = stream->network_counts,
        .network = stream->network_counts,
        .precision = stream->model->policy.half ? GVK_PRECISION_FP16 : GVK_PRECISION_FP32,
        .submissions = stream->part_count,
        .pipelines = count_pipelines(stream, program->command_count) + count_resize_pipelines(intake),
        .network_pipelines = count_pipelines(stream, program->network_end),
        .arena_bytes = program->arena_bytes,
        .weight_bytes = stream->model->packing.quads * stream->program->quad_bytes,
    };
    add_counts(&info.frame, &stream->main_counts);
    add_counts(&info.frame, &intake->counts);
    for (uint32_t i = 0; i < program->network_end; i++)
        info.macs += program->commands[i].macs;
    gvk_struct_write(&gvk_layout_of_stream_info, &info, out);
}
