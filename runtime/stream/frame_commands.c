/* A stream's command buffers and what is recorded into them.
 *
 * A frame in flight has command buffers for the `intake` (uploads, resize; recorded anew when picture sizes change) and
 * for the `main` commands (network, tail, copies to the result; recorded once), one for each submission. The arena is
 * shared: frames run after one another on the device while the host fills the next one's upload. */
#include "stream_inside.h"

#include "runtime/vulkan/debug.h"

gvk_result gvk_stream_create_commands(gvk_stream *stream)
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

gvk_result gvk_stream_record_intake(gvk_stream *stream, struct gvk_frame *frame, const struct gvk_input_target *target)
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
    write_timestamp(stream, frame, frame->intake_commands, GVK_TIME_START);
    result = gvk_intake_record(&frame->intake, target, frame->intake_commands, frame->profile,
                               gvk_first_resize_query(stream));
    write_timestamp(stream, frame, frame->intake_commands, GVK_TIME_RESIZED);
    VkResult ended = vk->EndCommandBuffer(frame->intake_commands); /* in any case: the next try begins it again */
    return result ? result : GVK_VULKAN(device, "vkEndCommandBuffer", ended);
}
