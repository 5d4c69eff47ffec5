/* A stream's command buffers and what is recorded into them.
 *
 * A frame in flight has command buffers for the `intake` (uploads, resize; recorded anew when picture sizes change) and
 * for the `main` commands (network, epilogue, copies to the result; recorded once), one for each submission. The arena
 * is shared: frames run after one another on the device while the host fills the next one's upload. */
#include "stream_inside.h"

#include "runtime/vulkan/debug.h"

static gvk_result allocate_commands(const gvk_stream *stream, VkCommandBuffer *out, uint32_t count, uint32_t frame,
                                    const char *what)
{
    gvk_device *device = stream->device;
    VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = stream->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = count,
    };
    gvk_result result = GVK_VULKAN(device, "vkAllocateCommandBuffers",
                                   device->vk.AllocateCommandBuffers(device->device, &allocate, out));
    for (uint32_t i = 0; i < count && !result; i++)
        gvk_name_object(device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)out[i], "frame %u, %s, %u", frame,
                        what, i);
    return result;
}

/* Room for the intake's submissions. */
static gvk_result grow_intake_commands(const gvk_stream *stream, struct gvk_frame *frame, uint32_t count)
{
    uint32_t have = frame->intake_command_count;
    if (count <= have)
        return GVK_OK;
    VkCommandBuffer *grown =
        gvk_grow_array(&stream->device->host, frame->intake_commands, have, count, sizeof(VkCommandBuffer));
    if (!grown)
        return gvk_fail_memory(&stream->device->host);
    frame->intake_commands = grown;
    gvk_result result =
        allocate_commands(stream, grown + have, count - have, (uint32_t)(frame - stream->frames), "intake");
    if (!result)
        frame->intake_command_count = count;
    return result;
}

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
    for (uint32_t i = 0; i < stream->frame_count && !result; i++) {
        struct gvk_frame *frame = &stream->frames[i];
        frame->intake_command_count = 0;
        frame->intake.recorded = false;
        result = grow_intake_commands(stream, frame, 1);
        if (result)
            return result;
        gvk_release(&device->host, frame->main_commands);
        frame->main_commands =
            gvk_allocate_array(&device->host, stream->submissions.count, sizeof *frame->main_commands);
        if (!frame->main_commands)
            return gvk_fail_memory(&device->host);
        result = allocate_commands(stream, frame->main_commands, stream->submissions.count, i, "network");
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

/* Everything before, on this queue, is done and visible to everything after: also what a host's graphics read of the
 * results of the frame before, which are about to be overwritten. */
static void record_full_barrier(const gvk_stream *stream, VkCommandBuffer commands, gvk_recorded_counts *counts)
{
    VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                         VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    stream->device->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, stages, 0, 1, &barrier, 0, NULL,
                                          0, NULL);
    counts->barriers++;
}

/* Commands [first, end) of the program, with the timestamps behind the network and behind the epilogue. */
static gvk_result record_commands(gvk_stream *stream, uint32_t index, VkCommandBuffer commands, uint32_t first,
                                  uint32_t end, struct gvk_hazards *hazards)
{
    const struct gvk_program *program = stream->program;
    struct gvk_frame *frame = &stream->frames[index];
    const struct {
        gvk_recorded_counts *counts;
        uint32_t end;
        enum gvk_timestamp behind; /* GVK_TIME_COUNT: none */
    } sections[] = {
        {&stream->main_counts, program->network_first, GVK_TIME_COUNT},
        {&stream->network_counts, program->network_end, GVK_TIME_NETWORK},
        {&stream->main_counts, stream->epilogue_end, GVK_TIME_EPILOGUE},
        {&stream->main_counts, program->command_count, GVK_TIME_COUNT},
    };
    uint32_t at = first;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        uint32_t section_end = sections[i].end < end ? sections[i].end : end;
        gvk_result result = GVK_OK;
        if (at < section_end) {
            result = gvk_recorder_record(&stream->recorder, commands, index, at, section_end, hazards,
                                         frame->main_profile, sections[i].counts);
            at = section_end;
        }
        if (result)
            return result;
        if (sections[i].behind != GVK_TIME_COUNT && sections[i].end <= end && (first < sections[i].end || !first))
            write_timestamp(stream, frame, commands, sections[i].behind);
    }
    return GVK_OK;
}

/* What follows the last command: the result on its way to the host, and everything visible to the next frame's intake,
 * which writes into the same arena. */
static void record_end(gvk_stream *stream, VkCommandBuffer commands)
{
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

/* The main commands of one submission. */
static gvk_result record_main_part(gvk_stream *stream, uint32_t index, uint32_t part, VkCommandBuffer commands,
                                   struct gvk_hazards *hazards)
{
    const struct gvk_functions *vk = &stream->device->vk;
    struct gvk_frame *frame = &stream->frames[index];
    if (!part) {
        stream->main_counts = (gvk_recorded_counts){0}; /* every frame's are the same */
        stream->network_counts = (gvk_recorded_counts){0};
        /* The main commands reset what they write themselves: they run without the intake's when they are timed. */
        if (frame->queries)
            vk->CmdResetQueryPool(commands, frame->queries, GVK_TIME_NETWORK, GVK_TIME_COUNT - GVK_TIME_NETWORK);
        if (frame->main_profile)
            vk->CmdResetQueryPool(commands, frame->main_profile, 0, 2 * stream->program->command_count);
        record_full_barrier(stream, commands, &stream->main_counts);
    } else {
        gvk_hazards_cut(hazards);
    }
    gvk_result result = record_commands(stream, index, commands, part ? stream->submissions.ends[part - 1] : 0,
                                        stream->submissions.ends[part], hazards);
    if (!result && part + 1 == stream->submissions.count)
        record_end(stream, commands);
    return result;
}

gvk_result gvk_stream_record_main(gvk_stream *stream, uint32_t index)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    struct gvk_hazards hazards = {.host = &device->host};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < stream->submissions.count && !result; i++) {
        VkCommandBuffer commands = stream->frames[index].main_commands[i];
        result = GVK_VULKAN(device, "vkBeginCommandBuffer", vk->BeginCommandBuffer(commands, &begin));
        if (!result)
            result = record_main_part(stream, index, i, commands, &hazards);
        if (!result)
            result = GVK_VULKAN(device, "vkEndCommandBuffer", vk->EndCommandBuffer(commands));
    }
    gvk_hazards_release(&hazards);
    return result;
}

/* ---- the intake ---- */

struct gvk_input_target gvk_stream_input(gvk_stream *stream)
{
    struct gvk_input_target target = {
        .device = stream->device,
        .builder = gvk_model_builder(stream->model),
        .arena = &stream->arena,
        .tensor = stream->model->graph->inputs[0].tensor,
        .samplers = &stream->samplers,
        .max_us = stream->max_us,
        .turn_us = {stream->turn_us[0], stream->turn_us[1]},
    };
    target.builder.program = stream->program;
    return target;
}

gvk_result gvk_submissions_cut(const gvk_host *host, const double *microseconds, uint32_t commands, uint32_t max_us,
                               struct gvk_submissions *out)
{
    struct gvk_submissions made = {.ends = gvk_allocate_array(host, commands ? commands : 1, sizeof *made.ends)};
    if (!made.ends)
        return gvk_fail_memory(host);
    for (uint32_t i = 0; i < commands && max_us; i++) {
        if (i && microseconds[i] > 0 && made.last_us + microseconds[i] > max_us) {
            made.first_us = made.count ? made.first_us : made.last_us;
            made.ends[made.count++] = i;
            made.last_us = 0;
        }
        made.last_us += microseconds[i];
    }
    made.first_us = made.count ? made.first_us : made.last_us;
    made.ends[made.count++] = commands;
    gvk_release(host, out->ends);
    *out = made;
    return GVK_OK;
}

static gvk_result cut_intake(const gvk_stream *stream, struct gvk_frame *frame, const struct gvk_input_target *target)
{
    const gvk_host *host = &stream->device->host;
    const struct gvk_program *program = frame->intake.program;
    double *microseconds = gvk_allocate_array(host, program->command_count, sizeof *microseconds);
    if (!microseconds)
        return gvk_fail_memory(host);
    for (uint32_t i = 0; i < program->command_count; i++)
        microseconds[i] = gvk_expect_us(target, &program->commands[i]);
    gvk_result result =
        gvk_submissions_cut(host, microseconds, program->command_count, stream->max_us, &frame->intake_submissions);
    gvk_release(host, microseconds);
    double last = frame->intake_submissions.last_us;
    frame->intake_joins = last <= 0 || last + stream->submissions.first_us <= stream->max_us;
    return result;
}

/* Room for the timestamps of so many commands. */
static gvk_result grow_intake_profile(const gvk_stream *stream, struct gvk_frame *frame, uint32_t commands)
{
    gvk_device *device = stream->device;
    if (commands <= frame->intake_profile_size)
        return GVK_OK;
    if (frame->intake_profile)
        device->vk.DestroyQueryPool(device->device, frame->intake_profile, NULL);
    frame->intake_profile = VK_NULL_HANDLE;
    frame->intake_profile_size = 0;
    gvk_result result =
        gvk_stream_create_queries(device, 2 * commands, (uint32_t)(frame - stream->frames), &frame->intake_profile);
    if (!result)
        frame->intake_profile_size = commands;
    return result;
}

/* The intake's commands of one submission; `profile`: a pool for the times of each, or none. */
static gvk_result record_intake_part(gvk_stream *stream, struct gvk_frame *frame, uint32_t part,
                                     VkCommandBuffer commands, VkQueryPool profile, struct gvk_hazards *hazards)
{
    const struct gvk_functions *vk = &stream->device->vk;
    struct gvk_intake *intake = &frame->intake;
    if (!part) {
        if (frame->queries)
            vk->CmdResetQueryPool(commands, frame->queries, 0, GVK_TIME_NETWORK);
        if (profile)
            vk->CmdResetQueryPool(commands, profile, 0, 2 * intake->program->command_count);
        write_timestamp(stream, frame, commands, GVK_TIME_START);
    }
    gvk_result result = gvk_intake_record(intake, commands, part ? frame->intake_submissions.ends[part - 1] : 0,
                                          frame->intake_submissions.ends[part], hazards, profile);
    if (part + 1 == frame->intake_submissions.count)
        write_timestamp(stream, frame, commands, GVK_TIME_RESIZED);
    return result;
}

static gvk_result record_intake(gvk_stream *stream, struct gvk_frame *frame, VkQueryPool profile,
                                struct gvk_hazards *hazards)
{
    gvk_device *device = stream->device;
    const struct gvk_functions *vk = &device->vk;
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < frame->intake_submissions.count && !result; i++) {
        VkCommandBuffer commands = frame->intake_commands[i];
        result = GVK_VULKAN(device, "vkBeginCommandBuffer", vk->BeginCommandBuffer(commands, &begin));
        if (result)
            break;
        result = record_intake_part(stream, frame, i, commands, profile, hazards);
        VkResult ended = vk->EndCommandBuffer(commands); /* in any case: the next try begins it again */
        result = result ? result : GVK_VULKAN(device, "vkEndCommandBuffer", ended);
    }
    return result;
}

gvk_result gvk_stream_record_intake(gvk_stream *stream, struct gvk_frame *frame, bool timed)
{
    const struct gvk_input_target target = gvk_stream_input(stream);
    struct gvk_hazards hazards = {.host = &stream->device->host};
    timed = timed && stream->device->timestamp_bits;
    gvk_result result = gvk_intake_prepare(&frame->intake, &target);
    if (!result)
        result = cut_intake(stream, frame, &target);
    if (!result)
        result = grow_intake_commands(stream, frame, frame->intake_submissions.count);
    if (!result && timed)
        result = grow_intake_profile(stream, frame, frame->intake.program->command_count);
    if (!result && gvk_intake_is_bound(&frame->intake))
        result = record_intake(stream, frame, timed ? frame->intake_profile : VK_NULL_HANDLE, &hazards);
    gvk_hazards_release(&hazards);
    frame->intake.recorded = !result && gvk_intake_is_bound(&frame->intake);
    return result;
}

gvk_result gvk_stream_record_into(gvk_stream *stream, struct gvk_frame *frame, VkCommandBuffer commands)
{
    struct gvk_hazards hazards = {.host = &stream->device->host};
    VkQueryPool profile = stream->profiled ? frame->intake_profile : VK_NULL_HANDLE;
    const gvk_recorded_counts main_counts = stream->main_counts, network_counts = stream->network_counts;
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < frame->intake_submissions.count && !result; i++)
        result = record_intake_part(stream, frame, i, commands, profile, &hazards);
    gvk_hazards_release(&hazards);
    hazards = (struct gvk_hazards){.host = &stream->device->host};
    for (uint32_t i = 0; i < stream->submissions.count && !result; i++)
        result = record_main_part(stream, (uint32_t)(frame - stream->frames), i, commands, &hazards);
    gvk_hazards_release(&hazards);
    if (result) { /* what the stream's own command buffers hold is what it was */
        stream->main_counts = main_counts;
        stream->network_counts = network_counts;
    }
    return result;
}
