/* Descriptor sets with exact ranges, and command buffers with barriers only where there is a hazard. */
#include "recorder.h"

#include <string.h>

#include "runtime/vulkan/debug.h"

struct bound_range {
    VkBuffer buffer;
    uint64_t offset, bytes; /* as bound, at the device's alignment */
    uint32_t remainder;     /* quads from there to the operand's first */
};

static uint32_t quad_bytes_of(const struct gvk_operand *operand)
{
    return operand->quad_bytes ? operand->quad_bytes : 16;
}

static const struct gvk_buffer *buffer_of(const struct gvk_recorder *recorder, uint32_t frame,
                                          const struct gvk_operand *operand)
{
    switch (operand->memory) {
    case GVK_MEMORY_WEIGHTS: return recorder->weights;
    case GVK_MEMORY_PARAMETERS: return recorder->frames[frame].parameters;
    case GVK_MEMORY_RESULT: return recorder->frames[frame].result;
    case GVK_MEMORY_UPLOAD: return recorder->frames[frame].upload;
    case GVK_MEMORY_SCRATCH: return recorder->frames[frame].scratch;
    case GVK_MEMORY_PICTURE: return &recorder->frames[frame].pictures[operand->block].buffer;
    case GVK_MEMORY_ARENA:
    case GVK_MEMORY_COUNT: break;
    }
    return recorder->arena;
}

/* In its buffer. */
static uint64_t offset_of(const struct gvk_recorder *recorder, const struct gvk_operand *operand)
{
    uint64_t block = operand->memory == GVK_MEMORY_ARENA ? recorder->program->blocks[operand->block].offset : 0;
    return block + operand->offset;
}

static struct bound_range bind_operand(const struct gvk_recorder *recorder, uint32_t frame,
                                       const struct gvk_operand *operand)
{
    const struct gvk_traits *traits = &recorder->device->traits;
    bool texels = operand->binding >= GVK_FIRST_TEXEL_BINDING;
    uint64_t alignment = texels ? traits->texel_alignment : traits->storage_alignment;
    if (alignment < 16)
        alignment = 16;
    const struct gvk_buffer *buffer = buffer_of(recorder, frame, operand);
    uint64_t offset = offset_of(recorder, operand);
    struct bound_range range = {.buffer = buffer->buffer, .offset = offset / alignment * alignment};
    uint64_t end = offset + operand->bytes;
    if (end > buffer->bytes)
        end = buffer->bytes;
    range.bytes = end - range.offset;
    range.remainder = (uint32_t)((offset - range.offset) / quad_bytes_of(operand));
    return range;
}

/* The push constant word that holds a binding's offset: source texels share the source's, and so on. */
static uint32_t offset_word(uint32_t binding)
{
    return binding < GVK_FIRST_TEXEL_BINDING ? binding : binding - GVK_FIRST_TEXEL_BINDING + GVK_BINDING_SOURCE;
}

static gvk_result create_pool(struct gvk_recorder *recorder, uint32_t sets)
{
    gvk_device *device = recorder->device;
    VkDescriptorPoolSize sizes[2] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, sets * GVK_FIRST_TEXEL_BINDING},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, sets * (GVK_BINDING_COUNT - GVK_FIRST_TEXEL_BINDING)},
    };
    VkDescriptorPoolCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
        .maxSets = sets,
        .poolSizeCount = 2,
        .pPoolSizes = sizes,
    };
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorPool",
                                   device->vk.CreateDescriptorPool(device->device, &create, NULL, &recorder->pool));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL, (uint64_t)recorder->pool, "stream's sets");
    return result;
}

static VkDescriptorSet *set_of(const struct gvk_recorder *recorder, uint32_t frame, uint32_t command_index)
{
    return &recorder->sets[frame * recorder->capacity + command_index];
}

static gvk_result allocate_set(struct gvk_recorder *recorder, uint32_t frame, uint32_t command_index)
{
    gvk_device *device = recorder->device;
    VkDescriptorSet *set = set_of(recorder, frame, command_index);
    VkDescriptorSetLayout layout = gvk_descriptor_set_layout(device);
    VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = recorder->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    gvk_result result = GVK_VULKAN(device, "vkAllocateDescriptorSets",
                                   device->vk.AllocateDescriptorSets(device->device, &allocate, set));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET, (uint64_t)*set, "%s",
                        recorder->program->commands[command_index].label);
    return result;
}

static gvk_result write_set(struct gvk_recorder *recorder, uint32_t frame, uint32_t command_index, VkBufferView *views)
{
    gvk_device *device = recorder->device;
    const struct gvk_functions *vk = &device->vk;
    const struct gvk_command *command = &recorder->program->commands[command_index];
    const VkDescriptorSet *set = set_of(recorder, frame, command_index);
    gvk_result result = GVK_OK;
    VkWriteDescriptorSet writes[GVK_MAX_OPERANDS];
    VkDescriptorBufferInfo buffers[GVK_MAX_OPERANDS];
    for (uint32_t i = 0; i < command->operand_count; i++) {
        const struct gvk_operand *operand = &command->operands[i];
        if (operand->memory == GVK_MEMORY_PICTURE && !buffer_of(recorder, frame, operand)->buffer)
            return GVK_OK;
        struct bound_range range = bind_operand(recorder, frame, operand);
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = *set,
            .dstBinding = operand->binding,
            .descriptorCount = 1,
        };
        if (operand->binding < GVK_FIRST_TEXEL_BINDING) {
            buffers[i] = (VkDescriptorBufferInfo){range.buffer, range.offset, range.bytes};
            writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
            writes[i].pBufferInfo = &buffers[i];
            continue;
        }
        if (range.bytes / quad_bytes_of(operand) > device->traits.max_texels)
            return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED,
                            "\"%s\" is too large for this device: a texel buffer holds at most %u texels.",
                            command->label, device->traits.max_texels);
        if (!views[i]) {
            VkBufferViewCreateInfo create = {
                .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                .buffer = range.buffer,
                .format = quad_bytes_of(operand) == 16 ? VK_FORMAT_R32G32B32A32_SFLOAT : VK_FORMAT_R16G16B16A16_SFLOAT,
                .offset = range.offset,
                .range = range.bytes,
            };
            result = GVK_VULKAN(device, "vkCreateBufferView",
                                vk->CreateBufferView(device->device, &create, NULL, &views[i]));
            if (result)
                return result;
            gvk_name_object(device, VK_OBJECT_TYPE_BUFFER_VIEW, (uint64_t)views[i], "%s, operand %u", command->label,
                            i);
        }
        writes[i].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
        writes[i].pTexelBufferView = &views[i];
    }
    vk->UpdateDescriptorSets(device->device, command->operand_count, writes, 0, NULL);
    return GVK_OK;
}

/* The pipeline that comes with the command's picture, or VK_NULL_HANDLE. */
static VkPipeline own_pipeline(const struct gvk_recorder *recorder, const struct gvk_command *command)
{
    return command->image ? recorder->frames[0].pictures[command->image - 1].pipeline : VK_NULL_HANDLE;
}

static gvk_result write_sets(struct gvk_recorder *recorder)
{
    const struct gvk_program *program = recorder->program;
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < program->command_count && !result; i++) {
        const struct gvk_command *command = &program->commands[i];
        recorder->pipelines[i] = VK_NULL_HANDLE;
        if (command->kind != GVK_COMMAND_DISPATCH)
            continue;
        recorder->pipelines[i] = own_pipeline(recorder, command);
        if (!recorder->pipelines[i])
            result = gvk_pipeline_get(recorder->device, &command->key, &recorder->pipelines[i]);
        for (uint32_t j = 0; j < recorder->frame_count && !result; j++) {
            if (!*set_of(recorder, j, i))
                result = allocate_set(recorder, j, i);
            if (!result)
                result = write_set(recorder, j, i, &recorder->views[i * GVK_MAX_OPERANDS]);
        }
    }
    return result;
}

gvk_result gvk_recorder_change(struct gvk_recorder *recorder, const struct gvk_program *program,
                               const struct gvk_frame_buffers *frame)
{
    recorder->program = program;
    recorder->frames[0] = *frame;
    return write_sets(recorder);
}

gvk_result gvk_recorder_create(gvk_device *device, const struct gvk_program *program, const struct gvk_buffer *arena,
                               const struct gvk_buffer *weights, const struct gvk_frame_buffers *frames,
                               uint32_t frame_count, struct gvk_recorder *out)
{
    struct gvk_recorder made = {.device = device,
                                .program = program,
                                .arena = arena,
                                .weights = weights,
                                .frame_count = frame_count,
                                .capacity = program->command_count,
                                .view_count = program->command_count * GVK_MAX_OPERANDS};
    struct gvk_pipeline_key *keys = NULL;
    gvk_result result = GVK_OK;
    made.sets = gvk_allocate_array(&device->host, (size_t)frame_count * program->command_count, sizeof *made.sets);
    made.views = gvk_allocate_array(&device->host, made.view_count, sizeof *made.views);
    made.frames = gvk_allocate_array(&device->host, frame_count, sizeof *made.frames);
    made.pipelines = gvk_allocate_array(&device->host, program->command_count, sizeof *made.pipelines);
    keys = gvk_allocate_array(&device->host, program->command_count, sizeof *keys);
    if (!made.sets || !made.views || !made.frames || !made.pipelines || !keys) {
        result = gvk_fail_memory(&device->host);
        goto fail;
    }
    memcpy(made.frames, frames, frame_count * sizeof *frames);
    uint32_t dispatches = 0;
    for (uint32_t i = 0; i < program->command_count; i++)
        if (program->commands[i].kind == GVK_COMMAND_DISPATCH && !own_pipeline(&made, &program->commands[i]))
            keys[dispatches++] = program->commands[i].key;
    result = create_pool(&made, program->command_count ? program->command_count * frame_count : 1);
    if (!result)
        result = gvk_pipelines_make(device, keys, dispatches);
    if (!result)
        result = write_sets(&made);
    if (result)
        goto fail;
    gvk_release(&device->host, keys);
    *out = made;
    return GVK_OK;
fail:
    gvk_release(&device->host, keys);
    gvk_recorder_destroy(&made);
    return result;
}

void gvk_recorder_destroy(struct gvk_recorder *recorder)
{
    if (!recorder->device)
        return;
    gvk_device *device = recorder->device;
    gvk_descriptor_pool_destroy(device, recorder->pool, recorder->sets, recorder->frame_count * recorder->capacity);
    for (uint32_t i = 0; recorder->views && i < recorder->view_count; i++)
        if (recorder->views[i])
            device->vk.DestroyBufferView(device->device, recorder->views[i], NULL);
    gvk_release(&device->host, recorder->sets);
    gvk_release(&device->host, recorder->views);
    gvk_release(&device->host, recorder->frames);
    gvk_release(&device->host, recorder->pipelines);
    *recorder = (struct gvk_recorder){0};
}

static void record_barrier(const gvk_device *device, VkCommandBuffer commands, bool transfer)
{
    VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | (transfer ? VK_PIPELINE_STAGE_TRANSFER_BIT : 0u);
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | (transfer ? VK_ACCESS_TRANSFER_WRITE_BIT : 0u),
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         (transfer ? VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT : 0u),
    };
    device->vk.CmdPipelineBarrier(commands, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
}

static void record_dispatch(struct gvk_recorder *recorder, VkCommandBuffer commands, uint32_t frame, uint32_t index,
                            VkPipeline *bound)
{
    const struct gvk_functions *vk = &recorder->device->vk;
    const struct gvk_command *command = &recorder->program->commands[index];
    const struct gvk_bound_picture *picture =
        command->image ? &recorder->frames[frame].pictures[command->image - 1] : NULL;
    VkPipelineLayout layout = picture ? picture->layout : gvk_pipeline_layout(recorder->device);
    if (*bound != recorder->pipelines[index]) {
        vk->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, recorder->pipelines[index]);
        *bound = recorder->pipelines[index];
    }
    vk->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, set_of(recorder, frame, index), 0,
                              NULL);
    if (picture)
        vk->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 1, 1, &picture->set, 0, NULL);
    uint32_t push[GVK_PUSH_BYTES / 4] = {0};
    for (uint32_t i = 0; i < command->push_bytes / 4; i++)
        push[i] = command->push[i];
    for (uint32_t i = 0; i < command->operand_count; i++) {
        if (!command->operands[i].is_aligned)
            push[offset_word(command->operands[i].binding)] +=
                bind_operand(recorder, frame, &command->operands[i]).remainder;
    }
    vk->CmdPushConstants(commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, command->push_bytes, push);
    vk->CmdDispatch(commands, command->groups[0], command->groups[1], command->groups[2]);
}

static void record_transfer(const struct gvk_recorder *recorder, VkCommandBuffer commands, uint32_t frame,
                            const struct gvk_command *command)
{
    const struct gvk_functions *vk = &recorder->device->vk;
    const struct gvk_operand *to = &command->operands[0], *from = &command->operands[1];
    if (command->kind == GVK_COMMAND_CLEAR) {
        vk->CmdFillBuffer(commands, buffer_of(recorder, frame, to)->buffer, offset_of(recorder, to), to->bytes, 0);
        return;
    }
    VkBufferCopy region = {offset_of(recorder, from), offset_of(recorder, to), to->bytes};
    vk->CmdCopyBuffer(commands, buffer_of(recorder, frame, from)->buffer, buffer_of(recorder, frame, to)->buffer, 1,
                      &region);
}

gvk_result gvk_recorder_record(struct gvk_recorder *recorder, VkCommandBuffer commands, uint32_t frame, uint32_t first,
                               uint32_t end, struct gvk_hazards *hazards, VkQueryPool profile,
                               gvk_recorded_counts *counts)
{
    const struct gvk_program *program = recorder->program;
    const struct gvk_functions *vk = &recorder->device->vk;
    VkPipeline bound = VK_NULL_HANDLE;
    if (recorder->chunks)
        vk->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, gvk_pipeline_layout(recorder->device), 1, 1,
                                  &recorder->chunks, 0, NULL);
    for (uint32_t i = first; i < end; i++) {
        const struct gvk_command *command = &program->commands[i];
        bool barrier, transfer;
        gvk_result result = gvk_hazards_check(hazards, program, command, &barrier, &transfer);
        if (result)
            return result;
        if (barrier || profile) {
            record_barrier(recorder->device, commands, transfer || profile);
            counts->barriers++;
        }
        if (profile)
            vk->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, profile, 2 * i);
        gvk_begin_label(recorder->device, commands, command->label);
        if (command->kind == GVK_COMMAND_DISPATCH) {
            record_dispatch(recorder, commands, frame, i, &bound);
            counts->dispatches++;
        } else {
            record_transfer(recorder, commands, frame, command);
            counts->transfers++;
        }
        gvk_end_label(recorder->device, commands);
        if (profile)
            vk->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, profile, 2 * i + 1);
    }
    return GVK_OK;
}

gvk_result gvk_count_barriers(const struct gvk_program *program, uint32_t first, uint32_t end, uint32_t *out)
{
    struct gvk_hazards hazards = {.host = program->host};
    gvk_result result = GVK_OK;
    uint32_t count = 0;
    for (uint32_t i = first; i < end && !result; i++) {
        bool barrier, transfer;
        result = gvk_hazards_check(&hazards, program, &program->commands[i], &barrier, &transfer);
        count += barrier;
    }
    gvk_hazards_release(&hazards);
    *out = count;
    return result;
}
