/* Checks pictures and uploads them with their tables; picture_commands.c records the resize. */
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
    made.passes = gvk_allocate_array(&device->host, (size_t)batch * 2, sizeof *made.passes);
    if (!made.layouts || !made.passes) {
        gvk_intake_destroy(device, &made);
        return gvk_fail_memory(&device->host);
    }
    *out = made;
    return GVK_OK;
}

void gvk_intake_destroy(gvk_device *device, struct gvk_intake *intake)
{
    gvk_intake_forget(intake, device);
    gvk_buffer_destroy(device, &intake->upload);
    gvk_buffer_destroy(device, &intake->scratch);
    gvk_release(&device->host, intake->layouts);
    gvk_release(&device->host, intake->passes);
    gvk_release(&device->host, intake->sets);
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

static gvk_result check_picture(const struct gvk_input_target *target, const gvk_picture *picture, uint32_t index)
{
    const gvk_host *host = &target->device->host;
    const struct gvk_shape *shape = &target->program->shapes[target->tensor];
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
static void lay_out_pixels(const gvk_picture *picture, const struct gvk_placement *place, uint64_t *upload,
                           uint64_t *scratch, struct gvk_picture_layout *out)
{
    uint64_t pixels = (uint64_t)picture->width * picture->height * gvk_pixel_bytes(picture->format);
    out->pixels = *upload;
    out->horizontal = align_up(*upload + pixels + 4);
    out->vertical = align_up(out->horizontal + gvk_resize_table_ints(picture->width, place->width) * 4);
    *upload = align_up(out->vertical + gvk_resize_table_ints(picture->height, place->height) * 4);
    out->rows = *scratch;
    *scratch = align_up(*scratch + (uint64_t)place->width * picture->height * 4);
}

/* Whether a device can resize a picture at all. */
static gvk_result check_resize(const gvk_device *device, const gvk_picture *picture, const struct gvk_placement *place,
                               uint32_t height, uint32_t index)
{
    uint32_t taps_x = gvk_resize_taps(picture->width, place->width),
             taps_y = gvk_resize_taps(picture->height, place->height);
    if ((taps_x > GVK_MOST_TURNS && picture->width > GVK_MOST_TURNS) ||
        (taps_y > GVK_MOST_TURNS && picture->height > GVK_MOST_TURNS))
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED,
                        "Picture %u, %ux%u, is too large for an input where it gets %ux%u: at most 4096 pixels become "
                        "one.",
                        index, picture->width, picture->height, place->width, place->height);
    if (!gvk_count_strips(device, picture->format, picture->width, picture->height, place, height))
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
    gvk_result result = GVK_OK;
    out->pixels = *upload;
    if (picture->kind == GVK_PICTURE_TENSOR) {
        out->letterbox = 0;
        out->format = GVK_PIXELS_RGB8;
        *upload = align_up(*upload + (uint64_t)gvk_quads(shape->channels) * shape->width * shape->height *
                                         target->program->quad_bytes);
    } else {
        struct gvk_placement place =
            gvk_place_picture(picture->width, picture->height, shape->width, shape->height, out->letterbox);
        result = check_resize(target->device, picture, &place, shape->height, index);
        lay_out_pixels(picture, &place, upload, scratch, out);
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
    struct gvk_placement place =
        gvk_place_picture(picture->width, picture->height, width, height, picture->letterbox != 0);
    struct gvk_picture_layout layout;
    uint64_t upload = 0, scratch = 0;
    lay_out_pixels(picture, &place, &upload, &scratch, &layout);
    result = check_resize(device, picture, &place, height, 0);
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
