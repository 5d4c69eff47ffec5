/* Streams: everything that its frames need, made once. */
#include "stream.h"

#include <string.h>

#include "runtime/base/structs.h"
#include "runtime/op/table.h"
#include "runtime/vulkan/debug.h"
#include "stream_inside.h"

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

static gvk_result add_readable(gvk_stream *stream, const char *name)
{
    const gvk_host *host = &stream->device->host;
    gvk_tensor tensor = gvk_graph_find_tensor(stream->model->graph, name);
    if (!tensor)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "There is no tensor \"%s\" in this graph, or a rewrite removed it, which a tap prevents.",
                        name);
    for (uint32_t i = 0; i < stream->readable_count; i++)
        if (stream->readables[i].tensor == tensor)
            return GVK_OK;
    const struct gvk_shape *shape = &stream->program->shapes[tensor];
    uint64_t bytes = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height * stream->program->quad_bytes *
                     stream->program->batch;
    struct gvk_readable *grown = gvk_grow_array(host, stream->readables, stream->readable_count,
                                                (size_t)stream->readable_count + 1, sizeof *grown);
    if (!grown)
        return gvk_fail_memory(host);
    stream->readables = grown;
    stream->readables[stream->readable_count++] = (struct gvk_readable){tensor, stream->result_bytes};
    stream->result_bytes = align_up(stream->result_bytes + bytes, 16);
    gvk_program_keep_block(stream->program, stream->program->locations[tensor].block);
    return GVK_OK;
}

/* Appends the copies of a tensor to the result: of each item by itself, since other tensors may lie between. */
static gvk_result emit_readable(gvk_stream *stream, const struct gvk_readable *readable)
{
    struct gvk_program *program = stream->program;
    const struct gvk_tensor_location *place = &program->locations[readable->tensor];
    const struct gvk_shape *shape = &program->shapes[readable->tensor];
    uint64_t bytes = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height * program->quad_bytes;
    gvk_result result = GVK_OK;
    for (uint32_t item = 0; item < program->batch && !result; item++) {
        struct gvk_command command = {.kind = GVK_COMMAND_COPY, .label = "result", .operand_count = 2};
        command.operands[1] = gvk_tensor_operand(program, readable->tensor, GVK_BINDING_SOURCE, GVK_READ);
        command.operands[1].offset += (uint64_t)place->item * item * program->quad_bytes;
        command.operands[1].bytes = command.operands[1].useful = bytes;
        command.operands[0] = (struct gvk_operand){.binding = GVK_BINDING_OUTPUT,
                                                   .memory = GVK_MEMORY_RESULT,
                                                   .access = GVK_WRITE,
                                                   .offset = readable->offset + bytes * item,
                                                   .bytes = bytes};
        result = gvk_program_add_command(program, &command);
    }
    return result;
}

static gvk_result make_program(gvk_stream *stream, const gvk_stream_params *params)
{
    struct gvk_builder builder = gvk_model_builder(stream->model);
    gvk_result result = gvk_program_create(builder.host, &stream->program);
    if (result)
        return result;
    builder.program = stream->program;
    result = gvk_program_place_tensors(&builder, params->width, params->height, params->batch ? params->batch : 1);
    if (!result && stream->epilogue.prepare)
        result = stream->epilogue.prepare(&stream->epilogue, &builder);
    if (result)
        return result;
    stream->readable_offset = stream->result_bytes = align_up(stream->epilogue.result_bytes, 256);
    const struct gvk_graph *graph = stream->model->graph;
    for (uint32_t i = 0; i < graph->output_count && !stream->epilogue.emit && !result; i++)
        result = add_readable(stream, graph->outputs[i].name);
    for (uint32_t i = 0; i < params->kept_count && !result; i++)
        result = add_readable(stream, params->kept_tensors[i]);
    if (result)
        return result;
    /* The input is written in front of the first command. */
    gvk_program_fill_before(stream->program, stream->program->locations[graph->inputs[0].tensor].block);
    result = gvk_emit_graph(&builder);
    if (!result && stream->epilogue.emit)
        result = stream->epilogue.emit(&stream->epilogue, &builder);
    if (!result)
        result = gvk_program_plan(stream->program);
    stream->epilogue_end = stream->program->command_count;
    for (uint32_t i = 0; i < stream->readable_count && !result; i++)
        result = emit_readable(stream, &stream->readables[i]);
    return result;
}

static gvk_result create_frame(gvk_stream *stream, uint32_t index)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    struct gvk_frame *frame = &stream->frames[index];
    gvk_result result = gvk_intake_create(device, stream->program->batch, &frame->intake);
    if (!result && stream->epilogue.parameter_bytes)
        result = gvk_buffer_create(device, stream->epilogue.parameter_bytes, GVK_BUFFER_UPLOAD, "frame's parameters",
                                   &frame->parameters);
    if (!result)
        result = gvk_buffer_create(device, stream->result_bytes, GVK_BUFFER_READBACK, "frame's result", &frame->result);
    if (result)
        return result;
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    result = GVK_VULKAN(device, "vkCreateFence", vk->CreateFence(device->device, &fence, NULL, &frame->fence));
    if (result)
        return result;
    gvk_name_object(device, VK_OBJECT_TYPE_FENCE, (uint64_t)frame->fence, "frame %u", index);
    if (!device->timestamp_bits)
        return GVK_OK;
    result = gvk_stream_create_queries(device, GVK_TIME_COUNT, index, &frame->queries);
    if (!result && stream->profiled)
        result = gvk_stream_create_queries(device, 2 * stream->program->command_count, index, &frame->main_profile);
    return result;
}

static gvk_result make_intake_pipelines(gvk_stream *stream)
{
    const struct gvk_input_target target = gvk_stream_input(stream);
    return gvk_intake_make_pipelines(&target);
}

/* Names of tensors, no more of them than there are: a count that was never set is not followed. */
static bool names_kept_tensors(const gvk_stream *stream, const gvk_stream_params *params)
{
    if (params->kept_count && (!params->kept_tensors || params->kept_count > stream->model->graph->tensor_count))
        return false;
    for (uint32_t i = 0; i < params->kept_count; i++)
        if (!params->kept_tensors[i])
            return false;
    return true;
}

gvk_result gvk_stream_plan(gvk_model *model, const gvk_stream_params *params, const struct gvk_epilogue *epilogue,
                           gvk_stream **out)
{
    gvk_device *device = model->device;
    const gvk_host *host = &device->host;
    gvk_result result = GVK_OK;
    gvk_stream *stream = gvk_allocate(host, sizeof *stream);
    if (!stream) {
        if (epilogue && epilogue->release)
            epilogue->release(host, epilogue->user);
        return gvk_fail_memory(host);
    }
    stream->device = device;
    stream->model = model;
    if (epilogue)
        stream->epilogue = *epilogue;
    stream->frame_count = params->frames ? params->frames : 1;
    if (stream->frame_count > GVK_MAX_FRAMES || !names_kept_tensors(stream, params)) {
        result = gvk_fail(host, GVK_ERROR_ARGUMENT,
                          "A stream has at most %u frames in flight, and names its kept tensors.", GVK_MAX_FRAMES);
        stream->frame_count = 0;
        goto fail;
    }
    stream->profiled = params->profile != 0;
    stream->paced = params->paced != 0;
    if (stream->paced && !params->max_submit_us) {
        result = gvk_fail(host, GVK_ERROR_ARGUMENT,
                          "A paced stream says in max_submit_us how long a part of a frame may take.");
        goto fail;
    }
    result = make_program(stream, params);
    if (result)
        goto fail;
    result = gvk_submissions_cut(host, NULL, stream->program->command_count, 0, &stream->submissions);
    if (result)
        goto fail;
    stream->pictures = gvk_allocate_array(host, stream->program->batch, sizeof *stream->pictures);
    if (!stream->pictures) {
        result = gvk_fail_memory(host);
        goto fail;
    }
    stream->max_us = params->max_submit_us;
    *out = stream;
    return GVK_OK;
fail:
    gvk_stream_destroy(stream);
    return result;
}

static gvk_result add_buffer(const gvk_device *device, uint64_t bytes, enum gvk_buffer_use use, uint32_t count,
                             uint64_t *sum)
{
    struct gvk_buffer_needs needs = {0};
    gvk_result result = gvk_buffer_measure(device, bytes, use, &needs);
    *sum += needs.bytes * count;
    return result;
}

gvk_result gvk_stream_measure_created(const gvk_stream *stream, uint64_t *out)
{
    const gvk_device *device = stream->device;
    uint64_t parameters = stream->epilogue.parameter_bytes;
    *out = 0;
    gvk_result result = add_buffer(device, stream->program->arena_bytes, GVK_BUFFER_DEVICE, 1, out);
    if (!result && parameters)
        result = add_buffer(device, parameters, GVK_BUFFER_UPLOAD, stream->frame_count, out);
    if (!result)
        result = add_buffer(device, stream->result_bytes, GVK_BUFFER_READBACK, stream->frame_count, out);
    return result;
}

gvk_result gvk_stream_create_with_epilogue(gvk_model *model, const gvk_stream_params *params,
                                           const struct gvk_epilogue *epilogue, gvk_stream **out)
{
    gvk_device *device = model->device;
    gvk_stream *stream = NULL;
    uint64_t needed = 0;
    gvk_result result = gvk_stream_plan(model, params, epilogue, &stream);
    if (result)
        return result;
    if (device->memory_ceiling)
        result = gvk_stream_measure_created(stream, &needed);
    if (!result)
        result = gvk_budget_check(device, needed);
    if (!result)
        result = gvk_buffer_create(device, stream->program->arena_bytes, GVK_BUFFER_DEVICE, "arena", &stream->arena);
    if (!result)
        result = gvk_stream_create_commands(stream);
    struct gvk_frame_buffers buffers[GVK_MAX_FRAMES];
    for (uint32_t i = 0; i < stream->frame_count && !result; i++) {
        result = create_frame(stream, i);
        buffers[i] = (struct gvk_frame_buffers){.parameters = &stream->frames[i].parameters,
                                                .result = &stream->frames[i].result};
    }
    if (!result)
        result = gvk_recorder_create(device, stream->program, &stream->arena, &model->weights, buffers,
                                     stream->frame_count, &stream->recorder);
    stream->recorder.chunks = model->chunks;
    if (!result) /* now, lest the first picture waits for them */
        result = make_intake_pipelines(stream);
    if (!result && stream->max_us)
        result = gvk_stream_split(stream);
    if (!result && stream->submissions.count > 1)
        result = gvk_stream_create_commands(stream);
    for (uint32_t i = 0; i < stream->frame_count && !result; i++)
        result = gvk_stream_record_main(stream, i);
    if (result)
        gvk_stream_destroy(stream);
    else
        *out = stream;
    return result;
}

gvk_result gvk_stream_create(gvk_model *model, const gvk_stream_params *params, gvk_stream **out)
{
    if (!model)
        return GVK_ERROR_ARGUMENT;
    if (!params || !out)
        return gvk_fail(&model->device->host, GVK_ERROR_ARGUMENT,
                        "gvk_stream_create needs params and a place for the stream.");
    gvk_stream_params used;
    gvk_result result = gvk_struct_read(&model->device->host, &gvk_layout_of_stream_params, params, &used);
    return result ? result : gvk_stream_create_with_epilogue(model, &used, NULL, out);
}

void *gvk_stream_epilogue_user(const gvk_stream *stream, gvk_result (*emit)(const struct gvk_epilogue *epilogue,
                                                                            const struct gvk_builder *builder))
{
    return stream && stream->epilogue.emit == emit ? stream->epilogue.user : NULL;
}

const gvk_host *gvk_stream_host(const gvk_stream *stream)
{
    return &stream->device->host;
}

const struct gvk_program *gvk_stream_program(const gvk_stream *stream)
{
    return stream->program;
}

const struct gvk_buffer *gvk_stream_arena(const gvk_stream *stream)
{
    return &stream->arena;
}
