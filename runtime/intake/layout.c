/* Where pictures lie, and whether the device's limits allow it. */
#include "layout.h"

#include <inttypes.h>

#include "intake_commands.h"
#include "runtime/base/structs.h"
#include "runtime/picture/rules.h"

static uint64_t align_up(uint64_t value)
{
    return (value + GVK_RANGE_ALIGNMENT - 1) / GVK_RANGE_ALIGNMENT * GVK_RANGE_ALIGNMENT;
}

/* What is looked at, how it is turned, and where its bytes lie: of pixels that part alone is uploaded. */
static struct gvk_picture_layout place_source(const gvk_picture *picture, uint64_t *upload)
{
    const struct gvk_rectangle crop = {picture->crop_x, picture->crop_y, picture->crop_width, picture->crop_height};
    struct gvk_picture_layout made = {.picture = *picture,
                                      .width = crop.width,
                                      .height = crop.height,
                                      .crop_x = crop.x,
                                      .crop_y = crop.y,
                                      .pitch = picture->row_pitch};
    made.turn = gvk_turn_picture(picture->orientation, picture->width, picture->height, &crop);
    made.stored = gvk_stored_crop(&made.turn, &crop);
    if (picture->kind == GVK_PICTURE_BUFFER)
        made.pixels = picture->offset;
    if (picture->kind != GVK_PICTURE_PIXELS)
        return made;
    const struct gvk_rectangle whole = {0, 0, crop.width, crop.height};
    made.turn = gvk_turn_picture(picture->orientation, made.stored.width, made.stored.height, &whole);
    made.pitch = (uint64_t)made.stored.width * gvk_pixel_bytes(picture->format);
    made.pixels = *upload;
    *upload += made.pitch * made.stored.height + 4;
    return made;
}

/* Pixels, the tables of both passes, and the rows between them. */
static void lay_out_pixels(const gvk_picture *picture, uint32_t width, uint32_t height, uint64_t *upload,
                           uint64_t *scratch, struct gvk_picture_layout *out)
{
    *out = place_source(picture, upload);
    out->placement = gvk_place_picture(out->width, out->height, width, height, picture->letterbox != 0);
    out->rows = *scratch;
    out->horizontal = align_up(*upload);
    out->vertical = align_up(out->horizontal + gvk_resize_table_ints(out->width, out->placement.width) * 4);
    *upload = align_up(out->vertical + gvk_resize_table_ints(out->height, out->placement.height) * 4);
    *scratch = align_up(*scratch + (uint64_t)out->placement.width * out->height * 4);
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
    if (!gvk_can_resize(device, picture, height))
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

gvk_result gvk_lay_out_picture(const gvk_device *device, const gvk_picture *picture, uint32_t index,
                               const struct gvk_shape *input, uint32_t quad_bytes, uint64_t *upload, uint64_t *scratch,
                               struct gvk_picture_layout *out)
{
    gvk_result result = GVK_OK;
    if (picture->kind == GVK_PICTURE_TENSOR) {
        *out = (struct gvk_picture_layout){
            .picture = *picture,
            .width = picture->width,
            .height = picture->height,
            .placement = gvk_place_picture(picture->width, picture->height, input->width, input->height, false),
            .pixels = *upload};
        *upload = align_up(*upload + (uint64_t)gvk_quads(input->channels) * input->width * input->height * quad_bytes);
    } else {
        lay_out_pixels(picture, input->width, input->height, upload, scratch, out);
        result = check_resize(device, out, input->height, index);
    }
    return result ? result : check_buffers(device, picture, index, *upload, *scratch);
}

bool gvk_lies_alike(const gvk_picture *left, const gvk_picture *right)
{
    if (left->kind != right->kind || left->width != right->width || left->height != right->height)
        return false;
    if (left->kind == GVK_PICTURE_TENSOR)
        return true;
    bool bytes = left->kind == GVK_PICTURE_PIXELS || left->kind == GVK_PICTURE_BUFFER;
    return !left->letterbox == !right->letterbox && left->orientation == right->orientation &&
           left->crop_x == right->crop_x && left->crop_y == right->crop_y && left->crop_width == right->crop_width &&
           left->crop_height == right->crop_height && (!bytes || left->format == right->format) &&
           (left->kind != GVK_PICTURE_BUFFER || (left->offset == right->offset && left->row_pitch == right->row_pitch));
}

bool gvk_reads_alike(const gvk_picture *left, const gvk_picture *right)
{
    /* A handle of the host's that looks the same may be that of another object: Vulkan gives those of destroyed ones
     * again, and a set still has the old. */
    bool is_copied = left->kind == GVK_PICTURE_PIXELS || left->kind == GVK_PICTURE_TENSOR;
    return is_copied && gvk_lies_alike(left, right);
}

gvk_result gvk_device_check_picture(const gvk_device *device, const gvk_picture *given, uint32_t width, uint32_t height)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    gvk_picture picture;
    gvk_result result = gvk_struct_read(&device->host, &gvk_layout_of_picture, given, &picture);
    if (result)
        return result;
    if (!given || !width || !height || width > 65535 || height > 65535 || picture.kind == GVK_PICTURE_TENSOR)
        return gvk_fail(&device->host, GVK_ERROR_ARGUMENT,
                        "gvk_device_check_picture needs a picture that is no tensor, and the size of an input.");
    const struct gvk_shape input = {.channels = 3, .width = width, .height = height};
    struct gvk_picture_layout layout;
    uint64_t upload = 0, scratch = 0;
    result = gvk_picture_complete(device, &picture, 0, true, &picture);
    return result ? result : gvk_lay_out_picture(device, &picture, 0, &input, 16, &upload, &scratch, &layout);
}
