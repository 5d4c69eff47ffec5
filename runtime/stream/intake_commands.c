/* Records the resize of a frame's pictures: two passes a picture, each in as many dispatches as the device's largest
 * range asks for. */
#include "intake.h"
#include "recorder.h"
#include "runtime/vulkan/debug.h"

#define LOCAL_SIZE 64

/* ---- strips ---- */

/* What a strip may bind; a range may begin up to an alignment early, and ends at a whole word. */
static uint64_t strip_limit(const gvk_device *device)
{
    uint64_t most = device->traits.max_storage_bytes;
    most = most < GVK_STRIP_BYTES ? most : GVK_STRIP_BYTES;
    return most > 2 * GVK_RANGE_ALIGNMENT ? most - 2 * GVK_RANGE_ALIGNMENT : 0;
}

static uint64_t longer_row(gvk_pixel_format format, uint32_t source_width, const struct gvk_placement *place)
{
    uint64_t read = (uint64_t)source_width * gvk_pixel_bytes(format), written = (uint64_t)place->width * 4;
    return read > written ? read : written;
}

uint32_t gvk_count_strips(const gvk_device *device, gvk_pixel_format format, uint32_t source_width,
                          uint32_t source_height, const struct gvk_placement *place, uint32_t height)
{
    uint64_t limit = strip_limit(device), row_bytes = longer_row(format, source_width, place);
    struct gvk_strip across = {0}, down = {0};
    uint32_t count = 0;
    while (gvk_next_horizontal_strip(source_height, row_bytes, limit, &across))
        count++;
    while (gvk_next_vertical_strip(source_height, place, height, (uint64_t)place->width * 4, limit, &down))
        count++;
    return across.first + across.rows == source_height && down.first + down.rows == height ? count : 0;
}

/* `bytes` at `offset`, bound where the device can bind them; *begin is where they begin in the range. */
static VkDescriptorBufferInfo bind_range(VkBuffer buffer, uint64_t offset, uint64_t bytes, uint32_t *begin)
{
    uint64_t bound = offset / GVK_RANGE_ALIGNMENT * GVK_RANGE_ALIGNMENT;
    *begin = (uint32_t)(offset - bound);
    return (VkDescriptorBufferInfo){buffer, bound, (*begin + bytes + 3) / 4 * 4};
}

/* ---- commands ---- */

/* One strip: a set, a push block, a dispatch. */
struct strip_dispatch {
    VkDescriptorBufferInfo output, source, table;
    struct gvk_resize_push push;
    uint32_t groups_x, groups_y;
};

/* The commands that gvk_intake_record writes, and its timestamps, if any. */
struct recording {
    VkCommandBuffer commands;
    VkQueryPool profile;
    uint32_t first_query;
};

/* What the passes so far wrote is there for the next. */
static void record_barrier(struct gvk_intake *intake, const gvk_device *device, VkCommandBuffer commands)
{
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_SHADER_READ_BIT};
    device->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                  0, 1, &barrier, 0, NULL, 0, NULL);
    intake->counts.barriers++;
}

/* A pass under way: its pipeline is bound, its first timestamp written. */
static gvk_result begin_pass(struct gvk_intake *intake, gvk_device *device, const struct recording *recording,
                             enum gvk_shader shader, const char *label, uint64_t bytes)
{
    VkCommandBuffer commands = recording->commands;
    struct gvk_pipeline_key key = {.shader = shader, .constants = {LOCAL_SIZE}};
    VkPipeline pipeline;
    gvk_result result = gvk_pipeline_get(device, &key, &pipeline);
    if (result)
        return result;
    if (recording->profile) {
        if (intake->pass_count) /* nothing overlaps */
            record_barrier(intake, device, commands);
        device->vk.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recording->profile,
                                     recording->first_query + 2 * intake->pass_count);
    }
    gvk_begin_label(device, commands, label);
    device->vk.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    intake->passes[intake->pass_count] =
        (struct gvk_resize_pass){label, gvk_shader_codes[shader].name, pipeline, bytes};
    return GVK_OK;
}

static void end_pass(struct gvk_intake *intake, gvk_device *device, const struct recording *recording)
{
    gvk_end_label(device, recording->commands);
    if (recording->profile)
        device->vk.CmdWriteTimestamp(recording->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recording->profile,
                                     recording->first_query + 2 * intake->pass_count + 1);
    intake->pass_count++;
}

static gvk_result record_strip(struct gvk_intake *intake, gvk_device *device, const struct recording *recording,
                               const struct strip_dispatch *strip)
{
    VkCommandBuffer commands = recording->commands;
    const struct gvk_functions *vk = &device->vk;
    if (strip->groups_x > device->traits.max_workgroup_count || strip->groups_y > device->traits.max_workgroup_count)
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "A picture is too large for this device.");
    VkDescriptorSetLayout layout = gvk_descriptor_set_layout(device);
    VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = intake->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    VkDescriptorSet *set = &intake->sets[intake->set_count];
    gvk_result result =
        GVK_VULKAN(device, "vkAllocateDescriptorSets", vk->AllocateDescriptorSets(device->device, &allocate, set));
    if (result)
        return result;
    intake->set_count++;
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET, (uint64_t)*set, "%s",
                    intake->passes[intake->pass_count].label);
    const VkDescriptorBufferInfo *infos[3] = {&strip->output, &strip->source, &strip->table};
    const uint32_t bindings[3] = {GVK_BINDING_OUTPUT, GVK_BINDING_SOURCE, GVK_BINDING_EXTRA};
    VkWriteDescriptorSet writes[3];
    for (int i = 0; i < 3; i++)
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = *set,
            .dstBinding = bindings[i],
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = infos[i],
        };
    vk->UpdateDescriptorSets(device->device, 3, writes, 0, NULL);
    VkPipelineLayout pipeline_layout = gvk_pipeline_layout(device);
    vk->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_layout, 0, 1, set, 0, NULL);
    vk->CmdPushConstants(commands, pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof strip->push, &strip->push);
    vk->CmdDispatch(commands, strip->groups_x, strip->groups_y, 1);
    intake->counts.dispatches++;
    return GVK_OK;
}

/* What all strips of a picture have in common. */
static struct gvk_resize_push push_of(const struct gvk_picture_layout *layout, const struct gvk_placement *place,
                                      const struct gvk_shape *shape)
{
    return (struct gvk_resize_push){
        .row_bytes = layout->width * gvk_pixel_bytes(layout->format),
        .pixel_bytes = gvk_pixel_bytes(layout->format),
        .red_first = layout->format != GVK_PIXELS_BGRA8,
        .source_width = layout->width,
        .source_height = layout->height,
        .inner_x = place->x,
        .inner_y = place->y,
        .inner_width = place->width,
        .inner_height = place->height,
        .width = shape->width,
        .height = shape->height,
    };
}

static struct gvk_placement place_of(const struct gvk_picture_layout *layout, const struct gvk_shape *shape)
{
    return gvk_place_picture(layout->width, layout->height, shape->width, shape->height, layout->letterbox);
}

static gvk_result record_horizontal(struct gvk_intake *intake, const struct gvk_input_target *target,
                                    const struct recording *recording, uint32_t item)
{
    gvk_device *device = target->device;
    const struct gvk_picture_layout *layout = &intake->layouts[item];
    const struct gvk_shape *shape = &target->program->shapes[target->tensor];
    struct gvk_placement place = place_of(layout, shape);
    struct strip_dispatch dispatch = {
        .table = {intake->upload.buffer, layout->horizontal, gvk_resize_table_ints(layout->width, place.width) * 4},
        .push = push_of(layout, &place, shape),
        .groups_x = (place.width + LOCAL_SIZE - 1) / LOCAL_SIZE,
    };
    uint64_t read = dispatch.push.row_bytes, written = (uint64_t)place.width * 4;
    gvk_result result = begin_pass(intake, device, recording, GVK_SHADER_RESIZE_HORIZONTAL, "resize, horizontal",
                                   (read + written) * layout->height);
    if (result)
        return result;
    dispatch.push.taps = gvk_resize_taps(layout->width, place.width);
    struct gvk_strip strip = {0};
    while (!result && gvk_next_horizontal_strip(layout->height, longer_row(layout->format, layout->width, &place),
                                                strip_limit(device), &strip)) {
        uint32_t output_begin;
        dispatch.source = bind_range(intake->upload.buffer, layout->pixels + strip.source_first * read,
                                     strip.source_rows * read, &dispatch.push.pixels_byte);
        dispatch.output = bind_range(intake->scratch.buffer, layout->rows + strip.first * written, strip.rows * written,
                                     &output_begin);
        dispatch.push.output_offset = output_begin / 16; /* whole, because strips begin at every fourth row */
        dispatch.push.source_height = strip.rows;
        dispatch.groups_y = (strip.rows + GVK_RESIZE_ROWS - 1) / GVK_RESIZE_ROWS;
        result = record_strip(intake, device, recording, &dispatch);
    }
    end_pass(intake, device, recording);
    return result;
}

static gvk_result record_vertical(struct gvk_intake *intake, const struct gvk_input_target *target,
                                  const struct recording *recording, uint32_t item)
{
    gvk_device *device = target->device;
    const struct gvk_program *program = target->program;
    const struct gvk_shape *shape = &program->shapes[target->tensor];
    const struct gvk_tensor_place *tensor_place = &program->places[target->tensor];
    const struct gvk_picture_layout *layout = &intake->layouts[item];
    struct gvk_placement place = place_of(layout, shape);
    uint64_t offset = program->blocks[tensor_place->block].offset + tensor_place->offset +
                      (uint64_t)tensor_place->item * item * program->quad_bytes;
    uint64_t input_bytes = (uint64_t)shape->width * shape->height * program->quad_bytes;
    uint64_t row_bytes = (uint64_t)place.width * 4;
    uint32_t begin;
    struct strip_dispatch dispatch = {
        .output = bind_range(target->arena->buffer, offset, input_bytes, &begin),
        .table = {intake->upload.buffer, layout->vertical, gvk_resize_table_ints(layout->height, place.height) * 4},
        .push = push_of(layout, &place, shape),
        .groups_x = (shape->width + LOCAL_SIZE - 1) / LOCAL_SIZE,
    };
    dispatch.push.output_offset = begin / program->quad_bytes;
    dispatch.push.taps = gvk_resize_taps(layout->height, place.height);
    gvk_result result =
        begin_pass(intake, device, recording,
                   program->quad_bytes == 8 ? GVK_SHADER_RESIZE_VERTICAL_HALF : GVK_SHADER_RESIZE_VERTICAL,
                   "resize, vertical", row_bytes * layout->height + input_bytes);
    if (result)
        return result;
    struct gvk_strip strip = {0};
    while (!result &&
           gvk_next_vertical_strip(layout->height, &place, shape->height, row_bytes, strip_limit(device), &strip)) {
        uint32_t rows = strip.source_rows ? strip.source_rows : 1; /* a strip that reads nothing binds something */
        dispatch.source =
            bind_range(intake->scratch.buffer, layout->rows + strip.source_first * row_bytes, rows * row_bytes, &begin);
        dispatch.push.source_offset = begin / 16; /* whole, because what strips read begins at every fourth row */
        dispatch.push.first_row = strip.first;
        dispatch.push.source_row = strip.source_first;
        dispatch.push.source_height = strip.source_rows;
        dispatch.groups_y = strip.rows;
        result = record_strip(intake, device, recording, &dispatch);
    }
    end_pass(intake, device, recording);
    return result;
}

void gvk_intake_forget(struct gvk_intake *intake, gvk_device *device)
{
    gvk_descriptor_pool_destroy(device, intake->pool, intake->sets, intake->set_count);
    intake->pool = VK_NULL_HANDLE;
    intake->set_count = intake->pass_count = 0;
    intake->counts = (gvk_recorded_counts){0};
}

/* A pool for as many sets as the pictures take dispatches, and room for their handles. */
static gvk_result renew_pool(struct gvk_intake *intake, const struct gvk_input_target *target)
{
    gvk_device *device = target->device;
    const struct gvk_shape *shape = &target->program->shapes[target->tensor];
    uint32_t most = 0;
    gvk_intake_forget(intake, device);
    for (uint32_t i = 0; i < intake->count; i++) {
        const struct gvk_picture_layout *layout = &intake->layouts[i];
        struct gvk_placement place = place_of(layout, shape);
        if (layout->kind == GVK_PICTURE_PIXELS)
            most += gvk_count_strips(device, layout->format, layout->width, layout->height, &place, shape->height);
    }
    if (most < intake->count * 2) /* of ordinary pictures; so that the next ones allocate nothing */
        most = intake->count * 2;
    if (most > intake->set_capacity) {
        gvk_release(&device->host, intake->sets);
        intake->set_capacity = 0;
        intake->sets = gvk_allocate_array(&device->host, most, sizeof(VkDescriptorSet));
        if (!intake->sets)
            return gvk_fail_memory(&device->host);
        intake->set_capacity = most;
    }
    VkDescriptorPoolSize sizes[2] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, most * GVK_FIRST_TEXEL_BINDING},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, most * (GVK_BINDING_COUNT - GVK_FIRST_TEXEL_BINDING)},
    };
    VkDescriptorPoolCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
        .maxSets = most,
        .poolSizeCount = 2,
        .pPoolSizes = sizes,
    };
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorPool",
                                   device->vk.CreateDescriptorPool(device->device, &create, NULL, &intake->pool));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL, (uint64_t)intake->pool, "resize's sets");
    return result;
}

gvk_result gvk_intake_record(struct gvk_intake *intake, const struct gvk_input_target *target, VkCommandBuffer commands,
                             VkQueryPool profile, uint32_t first_query)
{
    gvk_device *device = target->device;
    const struct gvk_functions *vk = &device->vk;
    const struct gvk_program *program = target->program;
    const struct gvk_shape *shape = &program->shapes[target->tensor];
    const struct gvk_tensor_place *place = &program->places[target->tensor];
    const struct recording recording = {commands, profile, first_query};
    gvk_result result = renew_pool(intake, target);
    if (result)
        return result;
    if (profile)
        vk->CmdResetQueryPool(commands, profile, first_query, 4 * intake->count);
    bool any_pixels = false;
    for (uint32_t i = 0; i < intake->count; i++) {
        if (intake->layouts[i].kind == GVK_PICTURE_PIXELS) {
            any_pixels = true;
            result = record_horizontal(intake, target, &recording, i);
            if (result)
                return result;
            continue;
        }
        VkBufferCopy region = {
            .srcOffset = intake->layouts[i].pixels,
            .dstOffset =
                program->blocks[place->block].offset + place->offset + (uint64_t)place->item * i * program->quad_bytes,
            .size = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height * program->quad_bytes,
        };
        vk->CmdCopyBuffer(commands, intake->upload.buffer, target->arena->buffer, 1, &region);
        intake->counts.transfers++;
    }
    if (any_pixels)
        record_barrier(intake, device, commands);
    for (uint32_t i = 0; i < intake->count; i++) {
        if (intake->layouts[i].kind != GVK_PICTURE_PIXELS)
            continue;
        result = record_vertical(intake, target, &recording, i);
        if (result)
            return result;
    }
    intake->recorded = true;
    return GVK_OK;
}
