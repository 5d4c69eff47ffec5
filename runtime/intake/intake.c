/* Uploads pictures with their tables, and makes the program that brings them into the input. */
#include "intake.h"

#include <string.h>

#include "handover.h"
#include "layout.h"
#include "runtime/base/half.h"
#include "runtime/picture/rules.h"

gvk_result gvk_intake_create(gvk_device *device, uint32_t batch, struct gvk_intake *out)
{
    struct gvk_intake made = {.count = batch};
    made.layouts = gvk_allocate_array(&device->host, batch, sizeof *made.layouts);
    made.planned = gvk_allocate_array(&device->host, batch, sizeof *made.planned);
    gvk_result result =
        made.layouts && made.planned ? gvk_images_create(device, batch, &made.images) : gvk_fail_memory(&device->host);
    if (result) {
        gvk_intake_destroy(device, &made);
        return result;
    }
    *out = made;
    return GVK_OK;
}

static void forget_program(struct gvk_intake *intake)
{
    gvk_recorder_destroy(&intake->recorder);
    gvk_program_destroy(intake->program);
    intake->program = NULL;
    intake->counts = (gvk_recorded_counts){0};
    intake->recorded = false;
}

void gvk_intake_destroy(gvk_device *device, struct gvk_intake *intake)
{
    forget_program(intake);
    gvk_images_destroy(device, &intake->images);
    gvk_buffer_destroy(device, &intake->upload);
    gvk_buffer_destroy(device, &intake->scratch);
    gvk_release(&device->host, intake->layouts);
    gvk_release(&device->host, intake->planned);
    *intake = (struct gvk_intake){0};
}

static const struct gvk_shape *shape_of(const struct gvk_input_target *target)
{
    return &target->builder.program->shapes[target->tensor];
}

/* ---- planning ---- */

static gvk_result check_input(const struct gvk_input_target *target, const gvk_picture *picture, uint32_t index)
{
    const gvk_host *host = &target->device->host;
    const struct gvk_shape *shape = shape_of(target);
    if (picture->kind != GVK_PICTURE_TENSOR && shape->channels != 3)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Pictures go into an input of 3 channels; this one has %u.",
                        shape->channels);
    if (picture->kind == GVK_PICTURE_TENSOR && (picture->width != shape->width || picture->height != shape->height))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "The tensor of picture %u is %ux%u; the stream's input is %ux%u.",
                        index, picture->width, picture->height, shape->width, shape->height);
    return GVK_OK;
}

static gvk_result plan_picture(const struct gvk_input_target *target, const gvk_picture *given, uint32_t index,
                               bool likeness, uint64_t *upload, uint64_t *scratch, struct gvk_picture_layout *planned)
{
    gvk_picture picture;
    uint64_t first_upload = *upload, first_scratch = *scratch;
    gvk_result result = gvk_picture_complete(target->device, given, index, likeness, &picture);
    if (!result)
        result = check_input(target, &picture, index);
    /* Most pictures are like the one that was planned here last. */
    bool again = planned->width && planned->upload_begin == first_upload && planned->scratch_begin == first_scratch &&
                 gvk_lies_alike(&planned->picture, &picture);
    if (!result && again) {
        planned->picture = picture;
        *upload = planned->upload_end;
        *scratch = planned->scratch_end;
        return GVK_OK;
    }
    if (!result)
        result = gvk_lay_out_picture(target->device, &picture, index, shape_of(target),
                                     target->builder.program->quad_bytes, upload, scratch, planned);
    planned->upload_begin = first_upload;
    planned->scratch_begin = first_scratch;
    planned->upload_end = *upload;
    planned->scratch_end = *scratch;
    if (result)
        planned->width = 0; /* it is none of a picture */
    return result;
}

static gvk_result plan(struct gvk_intake *intake, const struct gvk_input_target *target, const gvk_picture *pictures,
                       bool likeness)
{
    uint64_t upload = 0, scratch = 0;
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < intake->count && !result; i++)
        result = plan_picture(target, &pictures[i], i, likeness, &upload, &scratch, &intake->planned[i]);
    intake->planned_upload = upload;
    intake->planned_scratch = scratch;
    return result;
}

gvk_result gvk_intake_plan(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures)
{
    return plan(intake, target, pictures, false);
}

gvk_result gvk_intake_plan_likeness(struct gvk_intake *intake, const struct gvk_input_target *target,
                                    const gvk_picture *pictures)
{
    return plan(intake, target, pictures, true);
}

/* ---- filling ---- */

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

/* What is looked at of them, row behind row. */
static void copy_pixels(const struct gvk_picture_layout *layout, unsigned char *upload)
{
    const gvk_picture *picture = &layout->picture;
    const struct gvk_rectangle *stored = &layout->stored;
    size_t pixel = gvk_pixel_bytes(picture->format), row = stored->width * pixel, pitch = picture->row_pitch;
    const unsigned char *pixels = (const unsigned char *)picture->pixels + stored->y * pitch + stored->x * pixel;
    if (pitch == row) {
        memcpy(upload + layout->pixels, pixels, row * stored->height);
        return;
    }
    for (uint32_t y = 0; y < stored->height; y++)
        memcpy(upload + layout->pixels + y * row, pixels + y * pitch, row);
}

static gvk_result fill_tables(const gvk_host *host, const struct gvk_picture_layout *layout, unsigned char *upload)
{
    const struct gvk_placement *place = &layout->placement;
    uint32_t taps_x = gvk_resize_taps(layout->width, place->width),
             taps_y = gvk_resize_taps(layout->height, place->height);
    double *scratch = gvk_allocate_array(host, taps_x > taps_y ? taps_x : taps_y, sizeof *scratch);
    if (!scratch)
        return gvk_fail_memory(host);
    gvk_resize_fill_table(layout->width, place->width, scratch, (int32_t *)(void *)(upload + layout->horizontal));
    gvk_resize_fill_table(layout->height, place->height, scratch, (int32_t *)(void *)(upload + layout->vertical));
    gvk_release(host, scratch);
    return GVK_OK;
}

/* The tables of the one are the other's, at the same place. */
static bool has_same_tables(const struct gvk_picture_layout *left, const struct gvk_picture_layout *right)
{
    bool tensors = left->picture.kind == GVK_PICTURE_TENSOR || right->picture.kind == GVK_PICTURE_TENSOR;
    return !tensors && left->horizontal == right->horizontal && left->vertical == right->vertical &&
           left->width == right->width && left->height == right->height &&
           left->placement.width == right->placement.width && left->placement.height == right->placement.height;
}

/* Takes over the planned layouts. */
static void take_plan(struct gvk_intake *intake, bool *changed)
{
    for (uint32_t i = 0; i < intake->count; i++) {
        struct gvk_picture_layout *layout = &intake->layouts[i];
        const struct gvk_picture_layout *planned = &intake->planned[i];
        intake->has_tables &= has_same_tables(layout, planned) || planned->picture.kind == GVK_PICTURE_TENSOR;
        *changed |= layout->upload_begin != planned->upload_begin || layout->scratch_begin != planned->scratch_begin ||
                    !gvk_reads_alike(&layout->picture, &planned->picture);
        *layout = *planned;
    }
    intake->recorded &= !*changed;
}

/* A device whose memory is the process's own has pages of it only once they are touched, which takes as long as the
 * copy itself. */
static void touch(const struct gvk_buffer *buffer)
{
    if (buffer->mapped)
        memset(buffer->mapped, 0, (size_t)buffer->bytes);
}

gvk_result gvk_intake_measure(const struct gvk_intake *intake, const struct gvk_input_target *target, uint64_t *out)
{
    struct gvk_buffer_needs upload = {0}, scratch = {0};
    gvk_result result = gvk_buffer_measure(target->device, intake->planned_upload, GVK_BUFFER_UPLOAD, &upload);
    if (!result && intake->planned_scratch)
        result = gvk_buffer_measure(target->device, intake->planned_scratch, GVK_BUFFER_DEVICE, &scratch);
    *out = upload.bytes + scratch.bytes;
    return result;
}

gvk_result gvk_intake_fill(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures, bool *changed)
{
    gvk_device *device = target->device;
    bool grown = false;
    *changed = !intake->recorded;
    take_plan(intake, changed);
    gvk_result result = grow(device, &intake->upload, intake->planned_upload, GVK_BUFFER_UPLOAD, "upload", &grown);
    intake->has_tables &= !grown;
    if (!result && intake->planned_scratch)
        result = grow(device, &intake->scratch, intake->planned_scratch, GVK_BUFFER_DEVICE, "resized rows", &grown);
    *changed |= grown;
    intake->recorded &= !grown;
    if (result)
        return result;
    if (!pictures) {
        intake->has_tables = false;
        touch(&intake->upload);
        touch(&intake->scratch);
    }
    for (uint32_t i = 0; i < intake->count && !result; i++) {
        const struct gvk_picture_layout *layout = &intake->layouts[i];
        unsigned char *mapped = intake->upload.mapped;
        if (layout->picture.kind != GVK_PICTURE_TENSOR && !intake->has_tables)
            result = fill_tables(&device->host, layout, mapped);
        if (!pictures)
            continue;
        if (layout->picture.kind == GVK_PICTURE_TENSOR)
            copy_tensor(shape_of(target), layout->picture.pixels, target->builder.program->quad_bytes == 8,
                        mapped + layout->pixels);
        else if (layout->picture.kind == GVK_PICTURE_PIXELS)
            copy_pixels(layout, mapped);
    }
    intake->has_tables = !result;
    return result ? result : gvk_buffer_flush(device, &intake->upload);
}

/* ---- the program ---- */

/* Over what the recorder has made already, where that is room enough. */
static gvk_result make_recorder(struct gvk_intake *intake, const struct gvk_input_target *target,
                                const struct gvk_program *program)
{
    const struct gvk_frame_buffers buffers = {
        .upload = &intake->upload, .scratch = &intake->scratch, .pictures = intake->images.bound};
    if (intake->recorder.device && program->command_count <= intake->recorder.capacity)
        return gvk_recorder_change(&intake->recorder, program, &buffers);
    gvk_recorder_destroy(&intake->recorder);
    return gvk_recorder_create(target->device, program, target->arena, NULL, &buffers, 1, &intake->recorder);
}

gvk_result gvk_intake_prepare(struct gvk_intake *intake, const struct gvk_input_target *target)
{
    struct gvk_program *made = NULL;
    intake->recorded = false;
    gvk_result result = gvk_program_create(target->builder.host, &made);
    if (!result)
        result = gvk_emit_intake(target, intake->layouts, intake->count, made);
    if (!result)
        result = gvk_images_bind(target->device, &intake->images, intake->layouts, target->samplers);
    if (!result)
        result = make_recorder(intake, target, made);
    struct gvk_program *old = result ? made : intake->program;
    if (!result)
        intake->program = made;
    else
        forget_program(intake);
    gvk_program_destroy(old);
    return result;
}

bool gvk_intake_is_bound(const struct gvk_intake *intake)
{
    for (uint32_t i = 0; i < intake->count; i++) {
        const gvk_picture *picture = &intake->layouts[i].picture;
        if ((picture->kind == GVK_PICTURE_BUFFER && !picture->buffer) ||
            (gvk_is_image(&intake->layouts[i]) && !picture->view) ||
            (picture->kind == GVK_PICTURE_PLANES && !picture->chroma_view))
            return false;
    }
    return true;
}

gvk_result gvk_intake_record(struct gvk_intake *intake, VkCommandBuffer commands, uint32_t first, uint32_t end,
                             struct gvk_hazards *hazards, VkQueryPool profile)
{
    const gvk_device *device = intake->recorder.device;
    if (!first) {
        intake->counts = (gvk_recorded_counts){0};
        intake->counts.barriers += gvk_record_acquire(device, commands, intake->layouts, intake->count);
    }
    gvk_result result =
        gvk_recorder_record(&intake->recorder, commands, 0, first, end, hazards, profile, &intake->counts);
    if (!result && end == intake->program->command_count)
        intake->counts.barriers += gvk_record_release(device, commands, intake->layouts, intake->count);
    return result;
}
