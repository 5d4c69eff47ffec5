/* Streams: everything of a frame made once, then submit (stream_end.c waits and destroys, read.c reads). Called by
 * hosts through gvk.h and by detector.c.
 *
 * A frame in flight has two command buffers: `intake` (uploads, resize; recorded anew when picture sizes change) and
 * `main` (network, tail, copies to the result; recorded once). The arena is shared: frames run after one another on
 * the device while the host fills the next one's upload. */
#include "stream_inside.h"

#include <string.h>

#include "runtime/base/structs.h"
#include "runtime/op/table.h"
#include "runtime/vulkan/queue.h"

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

static gvk_result add_readable(gvk_stream *stream, const char *name)
{
    const gvk_host *host = &stream->device->host;
    gvk_tensor tensor = gvk_graph_find_tensor(stream->model->graph, name);
    if (!tensor)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "There is no tensor \"%s\" in this graph, or a rewrite removed it.",
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
    gvk_program_keep_block(stream->program, stream->program->places[tensor].block);
    return GVK_OK;
}

static gvk_result make_program(gvk_stream *stream, const gvk_stream_params *params)
{
    struct gvk_builder builder = gvk_model_builder(stream->model);
    gvk_result result = gvk_program_create(builder.host, &stream->program);
    if (result)
        return result;
    builder.program = stream->program;
    result = gvk_program_place_tensors(&builder, params->width, params->height, params->batch ? params->batch : 1);
    if (!result && stream->tail.prepare)
        result = stream->tail.prepare(&stream->tail, &builder);
    if (result)
        return result;
    stream->readable_offset = stream->result_bytes = align_up(stream->tail.result_bytes, 256);
    const struct gvk_graph *graph = stream->model->graph;
    for (uint32_t i = 0; i < graph->output_count && !stream->tail.emit && !result; i++)
        result = add_readable(stream, graph->outputs[i].name);
    for (uint32_t i = 0; i < params->kept_count && !result; i++)
        result = add_readable(stream, params->kept_tensors[i]);
    if (result)
        return result;
    /* The input is written in front of the first command. */
    gvk_program_fill_before(stream->program, stream->program->places[graph->inputs[0].tensor].block);
    result = gvk_emit_graph(&builder);
    if (!result && stream->tail.emit)
        result = stream->tail.emit(&stream->tail, &builder);
    if (result)
        return result;
    return gvk_program_plan(stream->program);
}

/* Command buffers for the intake of each frame and for each of its parts; those that there were are freed. */
static gvk_result create_commands(gvk_stream *stream)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    if (stream->pool)
        vk->DestroyCommandPool(device->device, stream->pool, NULL);
    stream->pool = VK_NULL_HANDLE;
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = device->queue_family,
    };
    gvk_result result =
        GVK_VULKAN(device, "vkCreateCommandPool", vk->CreateCommandPool(device->device, &pool, NULL, &stream->pool));
    if (result)
        return result;
    gvk_name_object(device, VK_OBJECT_TYPE_COMMAND_POOL, (uint64_t)stream->pool, "stream");
    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = stream->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    for (uint32_t i = 0; i < stream->frame_count && !result; i++) {
        struct gvk_frame *frame = &stream->frames[i];
        gvk_release(&device->host, frame->main_commands);
        frame->main_commands = gvk_allocate_array(&device->host, stream->part_count, sizeof *frame->main_commands);
        if (!frame->main_commands)
            return gvk_fail_memory(&device->host);
        allocate.commandBufferCount = 1;
        result = GVK_VULKAN(device, "vkAllocateCommandBuffers",
                            vk->AllocateCommandBuffers(device->device, &allocate, &frame->intake_commands));
        if (result)
            return result;
        gvk_name_object(device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)frame->intake_commands,
                        "frame %u, intake", i);
        allocate.commandBufferCount = stream->part_count;
        result = GVK_VULKAN(device, "vkAllocateCommandBuffers",
                            vk->AllocateCommandBuffers(device->device, &allocate, frame->main_commands));
        for (uint32_t j = 0; j < stream->part_count && !result; j++)
            gvk_name_object(device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)frame->main_commands[j],
                            "frame %u, network, part %u", i, j);
    }
    return result;
}

gvk_result gvk_stream_create_queries(gvk_device *device, uint32_t count, uint32_t frame, VkQueryPool *out)
{
    VkQueryPoolCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = count,
    };
    gvk_result result =
        GVK_VULKAN(device, "vkCreateQueryPool", device->vk.CreateQueryPool(device->device, &create, NULL, out));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_QUERY_POOL, (uint64_t)*out, "frame %u, %u timestamps", frame, count);
    return result;
}

static gvk_result create_frame(gvk_stream *stream, uint32_t index)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    struct gvk_frame *frame = &stream->frames[index];
    gvk_result result = gvk_intake_create(device, stream->program->batch, &frame->intake);
    if (!result && stream->tail.parameter_bytes)
        result = gvk_buffer_create(device, stream->tail.parameter_bytes, GVK_BUFFER_UPLOAD, "frame's parameters",
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
        result = gvk_stream_create_queries(device, gvk_first_resize_query(stream) + 4 * stream->program->batch, index,
                                           &frame->profile);
    return result;
}

static void write_timestamp(gvk_stream *stream, struct gvk_frame *frame, VkCommandBuffer commands,
                            enum gvk_timestamp time)
{
    if (frame->queries)
        stream->device->vk.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, frame->queries, time);
}

/* Everything before, on this queue, is done and visible to everything after. */
static void record_full_barrier(const gvk_stream *stream, VkCommandBuffer commands, gvk_recorded_counts *counts)
{
    VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                         VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    stream->device->vk.CmdPipelineBarrier(commands, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
    counts->barriers++;
}

static void record_readables(gvk_stream *stream, VkCommandBuffer commands, struct gvk_frame *frame)
{
    const struct gvk_program *program = stream->program;
    if (!stream->readable_count)
        return;
    record_full_barrier(stream, commands, &stream->main_counts);
    for (uint32_t i = 0; i < stream->readable_count; i++) {
        const struct gvk_readable *readable = &stream->readables[i];
        const struct gvk_tensor_place *place = &program->places[readable->tensor];
        const struct gvk_shape *shape = &program->shapes[readable->tensor];
        uint64_t bytes = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height * program->quad_bytes;
        for (uint32_t item = 0; item < program->batch; item++) {
            VkBufferCopy region = {
                .srcOffset = program->blocks[place->block].offset + place->offset +
                             (uint64_t)place->item * item * program->quad_bytes,
                .dstOffset = readable->offset + bytes * item,
                .size = bytes,
            };
            stream->device->vk.CmdCopyBuffer(commands, stream->arena.buffer, frame->result.buffer, 1, &region);
            stream->main_counts.transfers++;
        }
    }
}

/* Commands [first, end) of the program, with the timestamps behind the network and behind the tail. */
static gvk_result record_part(gvk_stream *stream, uint32_t index, VkCommandBuffer commands, uint32_t first,
                              uint32_t end, struct gvk_hazards *hazards)
{
    const struct gvk_program *program = stream->program;
    struct gvk_frame *frame = &stream->frames[index];
    uint32_t front = program->network_first < end ? program->network_first : end;
    uint32_t network = program->network_end < end ? program->network_end : end;
    gvk_result result = GVK_OK;
    if (first < front)
        result = gvk_recorder_record(&stream->recorder, commands, index, first, front, hazards, frame->profile,
                                     &stream->main_counts);
    uint32_t begin = first < front ? front : first;
    if (!result && begin < network)
        result = gvk_recorder_record(&stream->recorder, commands, index, begin, network, hazards, frame->profile,
                                     &stream->network_counts);
    if (!result && end >= program->network_end && (!first || first < program->network_end))
        write_timestamp(stream, frame, commands, GVK_TIME_NETWORK);
    first = first < network ? network : first;
    if (!result && first < end)
        result = gvk_recorder_record(&stream->recorder, commands, index, first, end, hazards, frame->profile,
                                     &stream->main_counts);
    return result;
}

/* What follows the last command: the result on its way to the host, and everything visible to the next frame's intake,
 * which writes into the same arena. */
static void record_end(gvk_stream *stream, struct gvk_frame *frame, VkCommandBuffer commands)
{
    write_timestamp(stream, frame, commands, GVK_TIME_TAIL);
    record_readables(stream, commands, frame);
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    stream->device->vk.CmdPipelineBarrier(commands, stages, stages | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                                          NULL, 0, NULL);
    stream->main_counts.barriers++;
}

gvk_result gvk_stream_record_main(gvk_stream *stream, uint32_t index)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    struct gvk_frame *frame = &stream->frames[index];
    struct gvk_hazards hazards = {.host = &device->host};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    gvk_result result = GVK_OK;
    stream->main_counts = (gvk_recorded_counts){0}; /* every frame's are the same */
    stream->network_counts = (gvk_recorded_counts){0};
    for (uint32_t part = 0; part < stream->part_count && !result; part++) {
        VkCommandBuffer commands = frame->main_commands[part];
        result = GVK_VULKAN(device, "vkBeginCommandBuffer", vk->BeginCommandBuffer(commands, &begin));
        if (result)
            break;
        /* Each command buffer resets what it writes itself: parts.c runs this one without the intake's. */
        if (!part && frame->queries)
            vk->CmdResetQueryPool(commands, frame->queries, GVK_TIME_NETWORK, GVK_TIME_COUNT - GVK_TIME_NETWORK);
        if (!part && frame->profile)
            vk->CmdResetQueryPool(commands, frame->profile, 0, 2 * stream->program->command_count);
        if (!part)
            record_full_barrier(stream, commands, &stream->main_counts);
        result = record_part(stream, index, commands, part ? stream->part_ends[part - 1] : 0, stream->part_ends[part],
                             &hazards);
        if (result)
            break;
        if (part + 1 == stream->part_count)
            record_end(stream, frame, commands);
        result = GVK_VULKAN(device, "vkEndCommandBuffer", vk->EndCommandBuffer(commands));
    }
    gvk_hazards_release(&hazards);
    return result;
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

gvk_result gvk_stream_create_with_tail(gvk_model *model, const gvk_stream_params *params, const struct gvk_tail *tail,
                                       gvk_stream **out)
{
    gvk_device *device = model->device;
    const gvk_host *host = &device->host;
    gvk_result result = GVK_OK;
    gvk_stream *stream = gvk_allocate(host, sizeof *stream);
    if (!stream) {
        if (tail && tail->release)
            tail->release(host, tail->user);
        return gvk_fail_memory(host);
    }
    stream->device = device;
    stream->model = model;
    if (tail)
        stream->tail = *tail;
    stream->frame_count = params->frames ? params->frames : 1;
    if (stream->frame_count > GVK_MAX_FRAMES || !names_kept_tensors(stream, params)) {
        result = gvk_fail(host, GVK_ERROR_ARGUMENT,
                          "A stream has at most %u frames in flight, and names its kept tensors.", GVK_MAX_FRAMES);
        stream->frame_count = 0;
        goto fail;
    }
    stream->profiled = params->profile != 0;
    result = make_program(stream, params);
    if (result)
        goto fail;
    stream->part_ends = gvk_allocate(host, sizeof *stream->part_ends);
    stream->pictures = gvk_allocate_array(host, stream->program->batch, sizeof *stream->pictures);
    if (!stream->part_ends || !stream->pictures) {
        result = gvk_fail_memory(host);
        goto fail;
    }
    stream->part_ends[0] = stream->program->command_count;
    stream->part_count = 1;
    result = gvk_buffer_create(device, stream->program->arena_bytes, GVK_BUFFER_DEVICE, "arena", &stream->arena);
    if (!result)
        result = create_commands(stream);
    struct gvk_frame_buffers buffers[GVK_MAX_FRAMES];
    for (uint32_t i = 0; i < stream->frame_count && !result; i++) {
        result = create_frame(stream, i);
        buffers[i] = (struct gvk_frame_buffers){&stream->frames[i].parameters, &stream->frames[i].result};
    }
    if (!result)
        result = gvk_recorder_create(device, stream->program, &stream->arena, &model->weights, buffers,
                                     stream->frame_count, &stream->recorder);
    stream->recorder.chunks = model->chunks;
    if (!result && params->max_submit_us)
        result = gvk_stream_split(stream, params->max_submit_us);
    if (!result && stream->part_count > 1)
        result = create_commands(stream);
    for (uint32_t i = 0; i < stream->frame_count && !result; i++)
        result = gvk_stream_record_main(stream, i);
    if (result)
        goto fail;
    *out = stream;
    return GVK_OK;
fail:
    gvk_stream_destroy(stream);
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
    return result ? result : gvk_stream_create_with_tail(model, &used, NULL, out);
}

static gvk_result record_intake(gvk_stream *stream, struct gvk_frame *frame, const struct gvk_input_target *target)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    gvk_result result =
        GVK_VULKAN(device, "vkBeginCommandBuffer", vk->BeginCommandBuffer(frame->intake_commands, &begin));
    if (result)
        return result;
    if (frame->queries)
        vk->CmdResetQueryPool(frame->intake_commands, frame->queries, 0, GVK_TIME_NETWORK);
    gvk_recorded_counts barrier = {0};
    if (stream->is_cut_off) /* the frame before may still use the arena, and ended without its barrier */
        record_full_barrier(stream, frame->intake_commands, &barrier);
    stream->is_cut_off = false;
    write_timestamp(stream, frame, frame->intake_commands, GVK_TIME_START);
    result = gvk_intake_record(&frame->intake, target, frame->intake_commands, frame->profile,
                               gvk_first_resize_query(stream));
    frame->intake.counts.barriers += barrier.barriers;
    write_timestamp(stream, frame, frame->intake_commands, GVK_TIME_RESIZED);
    VkResult ended = vk->EndCommandBuffer(frame->intake_commands); /* in any case: the next try begins it again */
    return result ? result : GVK_VULKAN(device, "vkEndCommandBuffer", ended);
}

/* The pictures as they are given, into stream->pictures. */
static gvk_result take_pictures(gvk_stream *stream, const gvk_picture *pictures, size_t picture_size)
{
    const gvk_host *host = &stream->device->host;
    gvk_result result = gvk_element_size(host, &gvk_layout_of_picture, picture_size, &picture_size);
    for (uint32_t i = 0; i < stream->program->batch && !result; i++)
        result = gvk_element_read(host, &gvk_layout_of_picture, pictures, picture_size, i, &stream->pictures[i]);
    return result;
}

gvk_result gvk_stream_submit(gvk_stream *stream, const gvk_picture *given, size_t picture_size, uint32_t count,
                             gvk_ticket *out)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    gvk_device *device = stream->device;
    const gvk_host *host = &device->host;
    if (!given || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_stream_submit needs the pictures and a place for the ticket.");
    if (count != stream->program->batch)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A frame of this stream takes %u pictures; %u were given.",
                        stream->program->batch, count);
    const gvk_picture *pictures = stream->pictures;
    gvk_result result = take_pictures(stream, given, picture_size);
    if (result)
        return result;
    struct gvk_frame *frame = &stream->frames[stream->newest % stream->frame_count];
    if (stream->lost)
        return gvk_fail(host, GVK_ERROR_DEVICE_LOST, "The device was lost; its streams take no more frames.");
    result = gvk_frame_wait(stream, frame, GVK_PATIENTLY, "a frame");
    if (result)
        return result;
    struct gvk_input_target target = {
        .device = device,
        .program = stream->program,
        .arena = &stream->arena,
        .tensor = stream->model->graph->inputs[0].tensor,
    };
    bool changed = false;
    frame->ticket = 0; /* its result is gone from here on */
    result = gvk_intake_fill(&frame->intake, &target, pictures, count, &changed);
    if (!result && changed)
        result = record_intake(stream, frame, &target);
    if (result) {
        frame->intake.recorded = false;
        return result;
    }
    if (stream->tail.fill) {
        stream->tail.fill(&stream->tail, pictures, count, frame->parameters.mapped);
        result = gvk_buffer_flush(device, &frame->parameters);
        if (result)
            return result;
    }
    result = GVK_VULKAN(device, "vkResetFences", device->vk.ResetFences(device->device, 1, &frame->fence));
    if (result)
        return result;
    result = gvk_frame_submit(stream, frame);
    if (result == GVK_ERROR_DEVICE_LOST)
        stream->lost = true;
    if (result)
        return result;
    frame->in_flight = true;
    frame->ticket = ++stream->newest;
    *out = frame->ticket;
    return GVK_OK;
}

void *gvk_stream_tail_user(const gvk_stream *stream,
                           gvk_result (*emit)(const struct gvk_tail *tail, const struct gvk_builder *builder))
{
    return stream && stream->tail.emit == emit ? stream->tail.user : NULL;
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
