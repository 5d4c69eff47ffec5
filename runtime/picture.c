/* Uploads pictures and records their resize. Called by stream.c. */
#include "picture.h"

#include <string.h>

#include "half.h"
#include "record.h"
#include "resize.h"

#define LOCAL_SIZE 64
/* Ranges are bound at 256 bytes, the largest alignment that Vulkan allows a device to ask for. */
#define ALIGNMENT 256u

gvk_result gvk_intake_create(gvk_device *device, uint32_t batch, struct gvk_intake *out)
{
    struct gvk_intake made = {.count = batch};
    made.layouts = gvk_allocate_array(&device->host, batch, sizeof *made.layouts);
    made.passes = gvk_allocate_array(&device->host, (size_t)batch * 2, sizeof *made.passes);
    if (!made.layouts || !made.passes) {
        gvk_intake_destroy(device, &made);
        return gvk_fail_memory(&device->host);
    }
    *out = made;
    return GVK_OK;
}

static void destroy_pool(gvk_device *device, struct gvk_intake *intake)
{
    for (uint32_t i = 0; i < intake->counts.dispatches; i++)
        device->vk.FreeDescriptorSets(device->device, intake->pool, 1, &intake->passes[i].set);
    gvk_descriptor_pool_destroy(device, intake->pool, NULL, 0);
    intake->pool = VK_NULL_HANDLE;
    intake->counts = (gvk_recorded_counts){0};
}

void gvk_intake_destroy(gvk_device *device, struct gvk_intake *intake)
{
    destroy_pool(device, intake);
    gvk_buffer_destroy(device, &intake->upload);
    gvk_buffer_destroy(device, &intake->scratch);
    gvk_release(&device->host, intake->layouts);
    gvk_release(&device->host, intake->passes);
    *intake = (struct gvk_intake){0};
}

static uint32_t bytes_of(gvk_pixel_format format)
{
    return format == GVK_PIXELS_RGB8 ? 3 : 4;
}

static uint64_t align_up(uint64_t value)
{
    return (value + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static gvk_result check_picture(const struct gvk_input_target *target, const gvk_picture *picture, uint32_t index)
{
    const gvk_host *host = &target->device->host;
    const struct gvk_shape *shape = &target->program->shapes[target->tensor];
    if (!picture->pixels || !picture->width || !picture->height || picture->width > 65535 || picture->height > 65535)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has no pixels, or a side that is not 1 to 65535.", index);
    if (picture->kind == GVK_PICTURE_TENSOR) {
        if (picture->width != shape->width || picture->height != shape->height)
            return gvk_fail(host, GVK_ERROR_ARGUMENT, "The tensor of picture %u is %ux%u; the stream's input is %ux%u.",
                            index, picture->width, picture->height, shape->width, shape->height);
        return GVK_OK;
    }
    if (picture->kind != GVK_PICTURE_PIXELS || (unsigned)picture->format > GVK_PIXELS_BGRA8 ||
        (picture->row_pitch && picture->row_pitch < (size_t)picture->width * bytes_of(picture->format)))
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u has an unknown kind or format, or a row pitch below its width.", index);
    if (shape->channels != 3)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Pictures go into an input of 3 channels; this one has %u.",
                        shape->channels);
    return GVK_OK;
}

/* Where each picture's parts lie in the upload and the scratch. */
static gvk_result lay_out(const struct gvk_input_target *target, const gvk_picture *picture, uint32_t index,
                          uint64_t *upload, uint64_t *scratch, struct gvk_picture_layout *out)
{
    const struct gvk_shape *shape = &target->program->shapes[target->tensor];
    *out = (struct gvk_picture_layout){.kind = picture->kind,
                                       .format = picture->format,
                                       .width = picture->width,
                                       .height = picture->height,
                                       .letterbox = picture->letterbox != 0};
    uint64_t largest;
    out->pixels = *upload;
    if (picture->kind == GVK_PICTURE_TENSOR) {
        out->letterbox = 0;
        out->format = GVK_PIXELS_RGB8;
        largest = (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height * target->program->quad_bytes;
        *upload = align_up(*upload + largest);
    } else {
        struct gvk_placement place =
            gvk_place_picture(picture->width, picture->height, shape->width, shape->height, out->letterbox);
        uint64_t pixels = (uint64_t)picture->width * picture->height * bytes_of(picture->format);
        uint64_t horizontal = gvk_resize_table_ints(picture->width, place.width) * 4;
        uint64_t vertical = gvk_resize_table_ints(picture->height, place.height) * 4;
        uint64_t rows = (uint64_t)place.width * picture->height * 4;
        out->horizontal = align_up(*upload + pixels + 4);
        out->vertical = align_up(out->horizontal + horizontal);
        *upload = align_up(out->vertical + vertical);
        out->rows = *scratch;
        *scratch = align_up(*scratch + rows);
        largest = pixels > rows ? pixels : rows;
    }
    if (largest > target->device->traits.max_storage_bytes)
        return gvk_fail(&target->device->host, GVK_ERROR_UNSUPPORTED,
                        "Picture %u, %ux%u, is too large for this device: it binds at most %u MiB at once.", index,
                        picture->width, picture->height, (unsigned)(target->device->traits.max_storage_bytes >> 20));
    return GVK_OK;
}

static gvk_result grow(gvk_device *device, struct gvk_buffer *buffer, uint64_t bytes, enum gvk_buffer_use use,
                       const char *name, bool *changed)
{
    if (buffer->buffer && buffer->bytes >= bytes)
        return GVK_OK;
    *changed = true;
    gvk_buffer_destroy(device, buffer);
    return gvk_buffer_create(device, bytes, use, name, buffer);
}

/* To NC4HW4 of fp32, or fp16. */
static void copy_tensor(const struct gvk_shape *shape, const float *from, bool half, void *to)
{
    size_t pixels = (size_t)shape->width * shape->height;
    for (uint32_t c = 0; c < gvk_quads(shape->channels) * 4; c++) {
        size_t first = (size_t)(c / 4) * pixels * 4 + c % 4;
        for (size_t p = 0; p < pixels; p++) {
            float value = c < shape->channels ? from[c * pixels + p] : 0.0f;
            if (half)
                ((uint16_t *)to)[first + p * 4] = gvk_half_of_float(value);
            else
                ((float *)to)[first + p * 4] = value;
        }
    }
}

static gvk_result copy_pixels(const struct gvk_input_target *target, const gvk_picture *picture,
                              const struct gvk_picture_layout *layout, unsigned char *upload, bool tables)
{
    const gvk_host *host = &target->device->host;
    size_t row = (size_t)picture->width * bytes_of(picture->format);
    size_t pitch = picture->row_pitch ? picture->row_pitch : row;
    const unsigned char *pixels = picture->pixels;
    if (pitch == row) {
        memcpy(upload + layout->pixels, pixels, row * picture->height);
    } else {
        for (uint32_t y = 0; y < picture->height; y++)
            memcpy(upload + layout->pixels + y * row, pixels + y * pitch, row);
    }
    if (!tables)
        return GVK_OK;
    const struct gvk_shape *shape = &target->program->shapes[target->tensor];
    struct gvk_placement place =
        gvk_place_picture(picture->width, picture->height, shape->width, shape->height, layout->letterbox);
    uint32_t taps_x = gvk_resize_taps(picture->width, place.width),
             taps_y = gvk_resize_taps(picture->height, place.height);
    double *scratch = gvk_allocate_array(host, taps_x > taps_y ? taps_x : taps_y, sizeof *scratch);
    if (!scratch)
        return gvk_fail_memory(host);
    gvk_resize_fill_table(picture->width, place.width, scratch, (int32_t *)(void *)(upload + layout->horizontal));
    gvk_resize_fill_table(picture->height, place.height, scratch, (int32_t *)(void *)(upload + layout->vertical));
    gvk_release(host, scratch);
    return GVK_OK;
}

gvk_result gvk_intake_fill(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures, uint32_t count, bool *changed)
{
    gvk_device *device = target->device;
    uint64_t upload = 0, scratch = 0;
    *changed = !intake->recorded;
    for (uint32_t i = 0; i < count; i++) {
        struct gvk_picture_layout layout;
        gvk_result result = check_picture(target, &pictures[i], i);
        if (!result)
            result = lay_out(target, &pictures[i], i, &upload, &scratch, &layout);
        if (result)
            return result;
        const struct gvk_picture_layout *last = &intake->layouts[i];
        *changed |= last->kind != layout.kind || last->format != layout.format || last->width != layout.width ||
                    last->height != layout.height || last->letterbox != layout.letterbox;
        intake->recorded &= !*changed;
        intake->layouts[i] = layout;
    }
    gvk_result result = grow(device, &intake->upload, upload, GVK_BUFFER_UPLOAD, "upload", changed);
    if (!result && scratch)
        result = grow(device, &intake->scratch, scratch, GVK_BUFFER_DEVICE, "resized rows", changed);
    if (result)
        return result;
    for (uint32_t i = 0; i < count && !result; i++) {
        const struct gvk_picture_layout *layout = &intake->layouts[i];
        unsigned char *mapped = intake->upload.mapped;
        if (layout->kind == GVK_PICTURE_TENSOR)
            copy_tensor(&target->program->shapes[target->tensor], pictures[i].pixels, target->program->quad_bytes == 8,
                        mapped + layout->pixels);
        else
            result = copy_pixels(target, &pictures[i], layout, mapped, *changed);
    }
    return result ? result : gvk_buffer_flush(device, &intake->upload);
}

/* One pass of one picture: a set, a push block, a dispatch. */
struct resize_pass {
    enum gvk_shader shader;
    const char *label;
    VkDescriptorBufferInfo output, source, table;
    struct gvk_resize_push push;
    uint32_t groups_x, groups_y;
    uint64_t bytes; /* of pixels, read and written */
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

static gvk_result record_pass(struct gvk_intake *intake, gvk_device *device, const struct recording *recording,
                              const struct resize_pass *pass)
{
    VkCommandBuffer commands = recording->commands;
    uint32_t index = intake->counts.dispatches, query = recording->first_query + 2 * index;
    const struct gvk_functions *vk = &device->vk;
    if (pass->groups_x > device->traits.max_workgroup_count || pass->groups_y > device->traits.max_workgroup_count)
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "A picture is too large for this device.");
    struct gvk_pipeline_key key = {.shader = pass->shader, .constants = {LOCAL_SIZE}};
    VkPipeline pipeline;
    gvk_result result = gvk_pipeline_get(device, &key, &pipeline);
    if (result)
        return result;
    VkDescriptorSetLayout layout = gvk_descriptor_set_layout(device);
    VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = intake->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    VkDescriptorSet set;
    result =
        GVK_VULKAN(device, "vkAllocateDescriptorSets", vk->AllocateDescriptorSets(device->device, &allocate, &set));
    if (result)
        return result;
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET, (uint64_t)set, "%s", pass->label);
    const VkDescriptorBufferInfo *infos[3] = {&pass->output, &pass->source, &pass->table};
    const uint32_t bindings[3] = {GVK_BINDING_OUTPUT, GVK_BINDING_SOURCE, GVK_BINDING_EXTRA};
    VkWriteDescriptorSet writes[3];
    for (int i = 0; i < 3; i++)
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = bindings[i],
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = infos[i],
        };
    vk->UpdateDescriptorSets(device->device, 3, writes, 0, NULL);
    VkPipelineLayout pipeline_layout = gvk_pipeline_layout(device);
    if (recording->profile) {
        if (index) /* nothing overlaps */
            record_barrier(intake, device, commands);
        vk->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recording->profile, query);
    }
    gvk_begin_label(device, commands, pass->label);
    vk->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vk->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_layout, 0, 1, &set, 0, NULL);
    vk->CmdPushConstants(commands, pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof pass->push, &pass->push);
    vk->CmdDispatch(commands, pass->groups_x, pass->groups_y, 1);
    gvk_end_label(device, commands);
    if (recording->profile)
        vk->CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, recording->profile, query + 1);
    intake->passes[index] =
        (struct gvk_resize_pass){pass->label, gvk_shader_codes[pass->shader].name, pipeline, set, pass->bytes};
    intake->counts.dispatches++;
    return GVK_OK;
}

static gvk_result record_resize(struct gvk_intake *intake, const struct gvk_input_target *target,
                                const struct recording *recording, uint32_t item, bool vertical)
{
    gvk_device *device = target->device;
    const struct gvk_program *program = target->program;
    const struct gvk_shape *shape = &program->shapes[target->tensor];
    const struct gvk_tensor_place *tensor_place = &program->places[target->tensor];
    const struct gvk_picture_layout *layout = &intake->layouts[item];
    struct gvk_placement place =
        gvk_place_picture(layout->width, layout->height, shape->width, shape->height, layout->letterbox);
    uint64_t rows = (uint64_t)place.width * layout->height * 4;
    VkDescriptorBufferInfo rows_info = {intake->scratch.buffer, layout->rows, rows};
    struct resize_pass pass = {
        .push = {.row_bytes = layout->width * bytes_of(layout->format),
                 .pixel_bytes = bytes_of(layout->format),
                 .red_first = layout->format != GVK_PIXELS_BGRA8,
                 .source_width = layout->width,
                 .source_height = layout->height,
                 .inner_x = place.x,
                 .inner_y = place.y,
                 .inner_width = place.width,
                 .inner_height = place.height,
                 .width = shape->width,
                 .height = shape->height},
    };
    if (!vertical) {
        pass.shader = GVK_SHADER_RESIZE_HORIZONTAL;
        pass.label = "resize, horizontal";
        pass.output = rows_info;
        uint64_t bytes = (uint64_t)layout->width * layout->height * bytes_of(layout->format);
        pass.source = (VkDescriptorBufferInfo){intake->upload.buffer, layout->pixels, (bytes + 3) / 4 * 4};
        pass.bytes = bytes + rows;
        pass.table = (VkDescriptorBufferInfo){intake->upload.buffer, layout->horizontal,
                                              gvk_resize_table_ints(layout->width, place.width) * 4};
        pass.push.taps = gvk_resize_taps(layout->width, place.width);
        pass.groups_x = (place.width + LOCAL_SIZE - 1) / LOCAL_SIZE;
        pass.groups_y = (layout->height + GVK_RESIZE_ROWS - 1) / GVK_RESIZE_ROWS;
    } else {
        uint64_t offset = program->blocks[tensor_place->block].offset + tensor_place->offset +
                          (uint64_t)tensor_place->item * item * program->quad_bytes;
        uint64_t bound = offset / ALIGNMENT * ALIGNMENT;
        uint64_t input_bytes = (uint64_t)shape->width * shape->height * program->quad_bytes;
        pass.shader = program->quad_bytes == 8 ? GVK_SHADER_RESIZE_VERTICAL_HALF : GVK_SHADER_RESIZE_VERTICAL;
        pass.label = "resize, vertical";
        pass.output = (VkDescriptorBufferInfo){target->arena->buffer, bound, offset - bound + input_bytes};
        pass.push.output_offset = (uint32_t)((offset - bound) / program->quad_bytes);
        pass.source = rows_info;
        pass.bytes = rows + input_bytes;
        pass.table = (VkDescriptorBufferInfo){intake->upload.buffer, layout->vertical,
                                              gvk_resize_table_ints(layout->height, place.height) * 4};
        pass.push.taps = gvk_resize_taps(layout->height, place.height);
        pass.groups_x = (shape->width + LOCAL_SIZE - 1) / LOCAL_SIZE;
        pass.groups_y = shape->height;
    }
    return record_pass(intake, device, recording, &pass);
}

static gvk_result renew_pool(struct gvk_intake *intake, gvk_device *device)
{
    destroy_pool(device, intake);
    VkDescriptorPoolSize sizes[2] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, intake->count * 2 * GVK_FIRST_TEXEL_BINDING},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, intake->count * 2 * (GVK_BINDING_COUNT - GVK_FIRST_TEXEL_BINDING)},
    };
    VkDescriptorPoolCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
        .maxSets = intake->count * 2,
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
    gvk_result result = renew_pool(intake, device);
    if (result)
        return result;
    if (profile)
        vk->CmdResetQueryPool(commands, profile, first_query, 4 * intake->count);
    bool any_pixels = false;
    for (uint32_t i = 0; i < intake->count; i++) {
        if (intake->layouts[i].kind == GVK_PICTURE_PIXELS) {
            any_pixels = true;
            result = record_resize(intake, target, &recording, i, false);
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
        result = record_resize(intake, target, &recording, i, true);
        if (result)
            return result;
    }
    intake->recorded = true;
    return GVK_OK;
}
