/* Checks pictures, uploads them with their tables, and makes the program that brings them into the input. */
#include "intake.h"

#include <inttypes.h>
#include <string.h>

#include "resize.h"
#include "runtime/base/half.h"
#include "runtime/base/structs.h"
#include "runtime/kernel/dispatch.h"

gvk_result gvk_intake_create(gvk_device *device, uint32_t batch, struct gvk_intake *out)
{
    struct gvk_intake made = {.count = batch};
    made.layouts = gvk_allocate_array(&device->host, batch, sizeof *made.layouts);
    made.planned = gvk_allocate_array(&device->host, batch, sizeof *made.planned);
    if (!made.layouts || !made.planned) {
        gvk_intake_destroy(device, &made);
        return gvk_fail_memory(&device->host);
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
    gvk_buffer_destroy(device, &intake->upload);
    gvk_buffer_destroy(device, &intake->scratch);
    gvk_release(&device->host, intake->layouts);
    gvk_release(&device->host, intake->planned);
    *intake = (struct gvk_intake){0};
}

static uint64_t align_up(uint64_t value)
{
    return (value + GVK_RANGE_ALIGNMENT - 1) / GVK_RANGE_ALIGNMENT * GVK_RANGE_ALIGNMENT;
}

static bool has_size(const gvk_picture *picture)
{
    return picture->width && picture->height && picture->width <= 65535 && picture->height <= 65535;
}

static const struct gvk_shape *shape_of(const struct gvk_input_target *target)
{
    return &target->builder.program->shapes[target->tensor];
}

static gvk_result check_picture(const struct gvk_input_target *target, const gvk_picture *picture, uint32_t index)
{
    const gvk_host *host = &target->device->host;
    const struct gvk_shape *shape = shape_of(target);
    if (!picture->pixels || !has_size(picture))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has no pixels, or a side that is not 1 to 65535.", index);
    if (picture->kind == GVK_PICTURE_TENSOR) {
        if (picture->width != shape->width || picture->height != shape->height)
            return gvk_fail(host, GVK_ERROR_ARGUMENT, "The tensor of picture %u is %ux%u; the stream's input is %ux%u.",
                            index, picture->width, picture->height, shape->width, shape->height);
        return GVK_OK;
    }
    if (picture->kind != GVK_PICTURE_PIXELS || (unsigned)picture->format > GVK_PIXELS_BGRA8 ||
        (picture->row_pitch && picture->row_pitch < (size_t)picture->width * gvk_pixel_bytes(picture->format)))
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u has an unknown kind or format, or a row pitch below its width.", index);
    if (shape->channels != 3)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Pictures go into an input of 3 channels; this one has %u.",
                        shape->channels);
    return GVK_OK;
}

/* Pixels, the tables of both passes, and the rows between them. */
static void lay_out_pixels(const gvk_picture *picture, uint32_t width, uint32_t height, uint64_t *upload,
                           uint64_t *scratch, struct gvk_picture_layout *out)
{
    struct gvk_placement place =
        gvk_place_picture(picture->width, picture->height, width, height, picture->letterbox != 0);
    uint64_t pixels = (uint64_t)picture->width * picture->height * gvk_pixel_bytes(picture->format);
    *out = (struct gvk_picture_layout){.kind = GVK_PICTURE_PIXELS,
                                       .format = picture->format,
                                       .width = picture->width,
                                       .height = picture->height,
                                       .placement = place,
                                       .pixels = *upload,
                                       .rows = *scratch};
    out->horizontal = align_up(*upload + pixels + 4);
    out->vertical = align_up(out->horizontal + gvk_resize_table_ints(picture->width, place.width) * 4);
    *upload = align_up(out->vertical + gvk_resize_table_ints(picture->height, place.height) * 4);
    *scratch = align_up(*scratch + (uint64_t)place.width * picture->height * 4);
}

/* Whether a device can resize a picture at all. */
static gvk_result check_resize(const gvk_device *device, const struct gvk_picture_layout *picture, uint32_t height,
                               uint32_t index)
{
    const struct gvk_placement *place = &picture->placement;
    uint32_t taps_x = gvk_resize_taps(picture->width, place->width),
             taps_y = gvk_resize_taps(picture->height, place->height);
    if ((taps_x > GVK_MOST_TURNS && picture->width > GVK_MOST_TURNS) ||
        (taps_y > GVK_MOST_TURNS && picture->height > GVK_MOST_TURNS))
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED,
                        "Picture %u, %ux%u, is too large for an input where it gets %ux%u: at most 4096 pixels become "
                        "one.",
                        index, picture->width, picture->height, place->width, place->height);
    if (!gvk_can_resize(device, picture->format, place, height))
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED,
                        "Picture %u, %ux%u, is too large for this device: it binds at most %u MiB at once.", index,
                        picture->width, picture->height, (unsigned)(device->traits.max_storage_bytes >> 20));
    return GVK_OK;
}

/* Whether buffers of these sizes can be; `index` of the picture that is one too many. */
static gvk_result check_buffers(const gvk_device *device, const gvk_picture *picture, uint32_t index, uint64_t upload,
                                uint64_t scratch)
{
    uint64_t most = device->traits.max_buffer_bytes ? device->traits.max_buffer_bytes : UINT64_MAX;
    if (device->info.memory_bytes && device->info.memory_bytes < most)
        most = device->info.memory_bytes;
    uint64_t largest = upload > scratch ? upload : scratch;
    if (largest <= most)
        return GVK_OK;
    return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED,
                    "Picture %u, %ux%u, is too large for this device: it would take a buffer of %" PRIu64
                    " MiB, and %" PRIu64 " MiB is the most.",
                    index, picture->width, picture->height, largest >> 20, most >> 20);
}

/* Where the picture lies in the upload and the scratch, and in the input. */
static gvk_result lay_out(const struct gvk_input_target *target, const gvk_picture *picture, uint32_t index,
                          uint64_t *upload, uint64_t *scratch, struct gvk_picture_layout *out)
{
    const struct gvk_shape *shape = shape_of(target);
    gvk_result result = GVK_OK;
    if (picture->kind == GVK_PICTURE_TENSOR) {
        *out = (struct gvk_picture_layout){
            .kind = GVK_PICTURE_TENSOR,
            .width = picture->width,
            .height = picture->height,
            .placement = gvk_place_picture(picture->width, picture->height, shape->width, shape->height, false),
            .pixels = *upload};
        *upload = align_up(*upload + (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height *
                                         target->builder.program->quad_bytes);
    } else {
        lay_out_pixels(picture, shape->width, shape->height, upload, scratch, out);
        result = check_resize(target->device, out, shape->height, index);
    }
    return result ? result : check_buffers(target->device, picture, index, *upload, *scratch);
}

gvk_result gvk_device_check_picture(const gvk_device *device, const gvk_picture *given, uint32_t width, uint32_t height)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    gvk_picture read;
    const gvk_picture *picture = &read;
    gvk_result result = gvk_struct_read(&device->host, &gvk_layout_of_picture, given, &read);
    if (result)
        return result;
    if (!given || !width || !height || width > 65535 || height > 65535 || picture->kind != GVK_PICTURE_PIXELS ||
        (unsigned)picture->format > GVK_PIXELS_BGRA8)
        return gvk_fail(&device->host, GVK_ERROR_ARGUMENT,
                        "gvk_device_check_picture needs a picture of pixels and the size of an input.");
    if (!has_size(picture))
        return gvk_fail(&device->host, GVK_ERROR_ARGUMENT, "A side of the picture is not 1 to 65535 pixels.");
    struct gvk_picture_layout layout;
    uint64_t upload = 0, scratch = 0;
    lay_out_pixels(picture, width, height, &upload, &scratch, &layout);
    result = check_resize(device, &layout, height, 0);
    return result ? result : check_buffers(device, picture, 0, upload, scratch);
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
    size_t row = (size_t)picture->width * gvk_pixel_bytes(picture->format);
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
    const struct gvk_placement *place = &layout->placement;
    uint32_t taps_x = gvk_resize_taps(picture->width, place->width),
             taps_y = gvk_resize_taps(picture->height, place->height);
    double *scratch = gvk_allocate_array(host, taps_x > taps_y ? taps_x : taps_y, sizeof *scratch);
    if (!scratch)
        return gvk_fail_memory(host);
    gvk_resize_fill_table(picture->width, place->width, scratch, (int32_t *)(void *)(upload + layout->horizontal));
    gvk_resize_fill_table(picture->height, place->height, scratch, (int32_t *)(void *)(upload + layout->vertical));
    gvk_release(host, scratch);
    return GVK_OK;
}

/* The picture is like the one that was planned here last, which most are. */
static bool is_planned(const struct gvk_picture_layout *planned, const gvk_picture *picture, uint64_t upload,
                       uint64_t scratch)
{
    bool pixels = picture->kind == GVK_PICTURE_PIXELS;
    return planned->width == picture->width && planned->height == picture->height && planned->kind == picture->kind &&
           (!pixels ||
            (planned->format == picture->format && (planned->placement.scale > 0) == (picture->letterbox != 0))) &&
           planned->pixels == upload && planned->rows == (pixels ? scratch : 0);
}

gvk_result gvk_intake_plan(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures)
{
    uint64_t upload = 0, scratch = 0;
    for (uint32_t i = 0; i < intake->count; i++) {
        struct gvk_picture_layout *planned = &intake->planned[i];
        gvk_result result = check_picture(target, &pictures[i], i);
        if (!result && !is_planned(planned, &pictures[i], upload, scratch)) {
            result = lay_out(target, &pictures[i], i, &upload, &scratch, planned);
            planned->upload_end = upload;
            planned->scratch_end = scratch;
        }
        if (result) {
            planned->width = 0; /* it is none of a picture */
            return result;
        }
        upload = planned->upload_end;
        scratch = planned->scratch_end;
    }
    intake->planned_upload = upload;
    intake->planned_scratch = scratch;
    return GVK_OK;
}

static bool differ(const struct gvk_picture_layout *left, const struct gvk_picture_layout *right)
{
    return left->kind != right->kind || left->format != right->format || left->width != right->width ||
           left->height != right->height || (left->placement.scale > 0) != (right->placement.scale > 0);
}

/* Of what gvk_intake_fill makes. */
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
    *changed = !intake->recorded;
    for (uint32_t i = 0; i < intake->count; i++) {
        *changed |= differ(&intake->layouts[i], &intake->planned[i]);
        intake->layouts[i] = intake->planned[i];
    }
    intake->recorded &= !*changed;
    gvk_result result = grow(device, &intake->upload, intake->planned_upload, GVK_BUFFER_UPLOAD, "upload", changed);
    if (!result && intake->planned_scratch)
        result = grow(device, &intake->scratch, intake->planned_scratch, GVK_BUFFER_DEVICE, "resized rows", changed);
    if (result)
        return result;
    for (uint32_t i = 0; i < intake->count && !result; i++) {
        const struct gvk_picture_layout *layout = &intake->layouts[i];
        unsigned char *mapped = intake->upload.mapped;
        if (layout->kind == GVK_PICTURE_TENSOR)
            copy_tensor(shape_of(target), pictures[i].pixels, target->builder.program->quad_bytes == 8,
                        mapped + layout->pixels);
        else
            result = copy_pixels(target, &pictures[i], layout, mapped, *changed);
    }
    return result ? result : gvk_buffer_flush(device, &intake->upload);
}

gvk_result gvk_intake_prepare(struct gvk_intake *intake, const struct gvk_input_target *target)
{
    const struct gvk_frame_buffers buffers = {.upload = &intake->upload, .scratch = &intake->scratch};
    forget_program(intake);
    gvk_result result = gvk_program_create(target->builder.host, &intake->program);
    if (!result)
        result = gvk_emit_intake(target, intake->layouts, intake->count, intake->program);
    if (!result)
        result =
            gvk_recorder_create(target->device, intake->program, target->arena, NULL, &buffers, 1, &intake->recorder);
    if (result)
        forget_program(intake);
    return result;
}
