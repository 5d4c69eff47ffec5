/* Waits for a frame and reads what it left: the result behind the network, tensors by name, and the times of its stages
 * and dispatches.
 */
#include "stream.h"

#include <math.h>

#include "runtime/base/half.h"
#include "runtime/base/structs.h"
#include "runtime/vulkan/debug.h"
#include "stream_inside.h"

static const struct gvk_layout layout_of_device_tensor = GVK_LAYOUT(gvk_device_tensor, reserved, type);

gvk_result gvk_stream_wait(gvk_stream *stream, gvk_ticket ticket, uint64_t timeout_ns)
{
    return stream ? gvk_stream_wait_ticket(stream, ticket, timeout_ns, "a frame") : GVK_ERROR_ARGUMENT;
}

gvk_result gvk_stream_wait_for(gvk_stream *stream, gvk_ticket ticket, const char *what)
{
    return gvk_stream_wait_ticket(stream, ticket, GVK_PATIENTLY, what);
}

gvk_result gvk_stream_result(gvk_stream *stream, gvk_ticket ticket, const void **out)
{
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_stream_find_done(stream, ticket, &frame);
    if (!result)
        *out = frame->result.mapped;
    return result;
}

gvk_result gvk_stream_result_buffer(gvk_stream *stream, gvk_ticket ticket, VkBuffer *out)
{
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_stream_find(stream, ticket, &frame);
    if (!result)
        *out = frame->result.buffer;
    return result;
}

/* A tensor that the stream keeps. */
static gvk_result find_readable(const gvk_stream *stream, const char *name, const struct gvk_readable **out)
{
    gvk_tensor tensor = gvk_graph_find_tensor(stream->model->graph, name);
    for (uint32_t i = 0; i < stream->readable_count; i++)
        if (tensor && stream->readables[i].tensor == tensor) {
            *out = &stream->readables[i];
            return GVK_OK;
        }
    return gvk_fail(&stream->device->host, GVK_ERROR_ARGUMENT,
                    "The tensor \"%s\" is neither an output nor kept in this stream.", name);
}

gvk_result gvk_stream_device_tensor(gvk_stream *stream, gvk_ticket ticket, const char *tensor, gvk_device_tensor *out)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &stream->device->host;
    if (!tensor || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "gvk_stream_device_tensor needs a tensor's name and a place for what is known of it.");
    struct gvk_frame *frame = NULL;
    const struct gvk_readable *readable = NULL;
    size_t size;
    gvk_result result = gvk_element_size(host, &layout_of_device_tensor, out->size, &size);
    if (!result)
        result = gvk_stream_find(stream, ticket, &frame);
    if (!result)
        result = find_readable(stream, tensor, &readable);
    if (result)
        return result;
    const struct gvk_program *program = stream->program;
    const struct gvk_shape *shape = &program->shapes[readable->tensor];
    const gvk_device_tensor made = {
        .buffer = frame->result.buffer,
        .offset = readable->offset,
        .bytes =
            (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height * program->quad_bytes * program->batch,
        .batch = program->batch,
        .channels = shape->channels,
        .height = shape->height,
        .width = shape->width,
        .type = program->quad_bytes == 8 ? GVK_TYPE_F16 : GVK_TYPE_F32,
    };
    gvk_struct_write(&layout_of_device_tensor, &made, out);
    return GVK_OK;
}

/* The value at a place of memory that holds fp32, or fp16. */
static float value_at(const void *memory, size_t index, bool half)
{
    return half ? gvk_float_of_half(((const uint16_t *)memory)[index]) : ((const float *)memory)[index];
}

/* NC4HW4 to N, C, H, W. False when a value is not finite. */
static bool unpack(const struct gvk_shape *shape, uint32_t batch, const void *from, bool half, float *to)
{
    size_t pixels = (size_t)shape->width * shape->height;
    size_t quads = gvk_quads(shape->channels);
    bool finite = true;
    for (size_t item = 0; item < batch; item++)
        for (size_t c = 0; c < shape->channels; c++) {
            size_t first = (item * quads + c / 4) * pixels * 4 + c % 4;
            float *plane = to + (item * shape->channels + c) * pixels;
            for (size_t p = 0; p < pixels; p++) {
                plane[p] = value_at(from, first + p * 4, half);
                finite = finite && isfinite(plane[p]);
            }
        }
    return finite;
}

gvk_result gvk_stream_read_any(gvk_stream *stream, gvk_ticket ticket, const char *name, gvk_array *out, bool *finite)
{
    const gvk_host *host = &stream->device->host;
    struct gvk_frame *frame = NULL;
    gvk_result result = gvk_stream_find_done(stream, ticket, &frame);
    const struct gvk_readable *readable = NULL;
    if (!result)
        result = find_readable(stream, name, &readable);
    if (result)
        return result;
    const struct gvk_shape *shape = &stream->program->shapes[readable->tensor];
    uint32_t batch = stream->program->batch;
    uint64_t count = (uint64_t)batch * shape->channels * shape->width * shape->height;
    if (count > stream->value_capacity) {
        gvk_release(host, stream->values);
        stream->value_capacity = 0;
        stream->values = count > SIZE_MAX / 4 ? NULL : gvk_allocate_array(host, (size_t)count, sizeof *stream->values);
        if (!stream->values)
            return gvk_fail_memory(host);
        stream->value_capacity = count;
    }
    const unsigned char *mapped = frame->result.mapped;
    *finite = unpack(shape, batch, mapped + readable->offset, stream->program->quad_bytes == 8, stream->values);
    *out = (gvk_array){
        .type = GVK_TYPE_F32,
        .rank = 4,
        .shape = {batch, shape->channels, shape->height, shape->width},
        .data = stream->values,
        .bytes = count * 4,
    };
    return GVK_OK;
}

gvk_result gvk_stream_read(gvk_stream *stream, gvk_ticket ticket, const char *name, gvk_array *out)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &stream->device->host;
    if (!name || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_stream_read needs a tensor's name and a place for the array.");
    gvk_array array;
    bool finite = false;
    gvk_result result = gvk_stream_read_any(stream, ticket, name, &array, &finite);
    if (!result && !finite)
        return gvk_fail(host, GVK_ERROR_NUMBER, "The tensor \"%s\" holds an infinity or a not-a-number.", name);
    if (!result)
        *out = array;
    return result;
}

/* ---- times ---- */

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
    uint32_t stages = !frame->queries ? 0 : stream->epilogue.emit ? 3 : 2;
    uint64_t times[GVK_TIME_COUNT] = {0};
    if (stages) {
        result = gvk_read_timestamps(device, frame->queries, 0, GVK_TIME_COUNT, times);
        if (result)
            return result;
    }
    const char *const names[3] = {"resize", "network", stream->epilogue.stage};
    for (uint32_t i = 0; i < stages && i < *count; i++) {
        gvk_timing timing = {names[i], gvk_milliseconds_between(device, times[i], times[i + 1])};
        gvk_element_write(&gvk_layout_of_timing, &timing, out, timing_size, i);
    }
    *count = stages;
    return GVK_OK;
}

/* Milliseconds that a pair of timestamps is apart, and from the frame's first to it. */
static gvk_result read_pair(const gvk_stream *stream, VkQueryPool profile, uint64_t start, uint32_t query,
                            gvk_layer_timing *out)
{
    gvk_device *device = stream->device;
    uint64_t times[2];
    gvk_result result = gvk_read_timestamps(device, profile, query, 2, times);
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

/* Where timings go. */
struct timing_list {
    gvk_layer_timing *out;
    size_t size; /* of an element as the host knows it */
    uint32_t capacity, count;
};

/* Adds the dispatches of a program, whose timestamps are in `profile`. */
static gvk_result add_timings(const gvk_stream *stream, const struct gvk_program *program, VkQueryPool profile,
                              uint64_t start, struct timing_list *list)
{
    for (uint32_t i = 0; i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        if (command->kind != GVK_COMMAND_DISPATCH)
            continue;
        gvk_layer_timing timing = {
            .name = command->label,
            .kernel = gvk_shader_codes[command->key.shader].name,
            .macs = command->macs,
            .bytes = count_bytes(command),
        };
        gvk_result result = read_pair(stream, profile, start, 2 * i, &timing);
        if (result)
            return result;
        if (list->count < list->capacity)
            gvk_element_write(&gvk_layout_of_layer_timing, &timing, list->out, list->size, list->count);
        list->count++;
    }
    return GVK_OK;
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
    struct timing_list list = {.out = out, .size = timing_size, .capacity = *count};
    if (!frame->main_profile) {
        *count = 0;
        return GVK_OK;
    }
    uint64_t start = 0;
    result = gvk_read_timestamps(device, frame->queries, GVK_TIME_START, 1, &start);
    if (!result)
        result = add_timings(stream, frame->intake.program, frame->intake_profile, start, &list);
    if (!result)
        result = add_timings(stream, stream->program, frame->main_profile, start, &list);
    if (result)
        return result;
    *count = list.count;
    return GVK_OK;
}
