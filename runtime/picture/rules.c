/* Checks pictures member by member, each with a sentence of its own. */
#include "rules.h"

#include "picture_layout.h"

static gvk_result check_size(const gvk_host *host, const gvk_picture *picture, uint32_t index, bool likeness)
{
    bool has_pixels = picture->kind == GVK_PICTURE_PIXELS || picture->kind == GVK_PICTURE_TENSOR;
    if (!picture->width || !picture->height || picture->width > 65535 || picture->height > 65535)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u is %ux%u; each side is 1 to 65535 pixels.", index,
                        picture->width, picture->height);
    if (has_pixels && !likeness && !picture->pixels)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has no pixels.", index);
    return GVK_OK;
}

/* And turns it: the whole picture where none is given. */
static gvk_result complete_crop(const gvk_host *host, gvk_picture *picture, uint32_t index)
{
    if (picture->orientation > 8)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has orientation %u; there are 1 to 8, and 0 for 1.",
                        index, picture->orientation);
    picture->orientation = picture->orientation ? picture->orientation : 1;
    bool swapped = gvk_swaps_sides(picture->orientation);
    uint32_t width = swapped ? picture->height : picture->width;
    uint32_t height = swapped ? picture->width : picture->height;
    bool whole = !picture->crop_x && !picture->crop_y && !picture->crop_width && !picture->crop_height;
    if (whole) {
        picture->crop_width = width;
        picture->crop_height = height;
    }
    if (!picture->crop_width || !picture->crop_height || picture->crop_x >= width || picture->crop_y >= height ||
        picture->crop_width > width - picture->crop_x || picture->crop_height > height - picture->crop_y)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "The crop of picture %u, %ux%u at %u, %u, is empty or leaves the upright picture of %ux%u.",
                        index, picture->crop_width, picture->crop_height, picture->crop_x, picture->crop_y, width,
                        height);
    if (picture->kind == GVK_PICTURE_TENSOR && (picture->orientation != 1 || !whole))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u is a tensor, which is neither turned nor cropped.",
                        index);
    return GVK_OK;
}

/* Of a row pitch or an offset, so that no sum of them and of sides leaves 64 bits. */
#define MOST_BYTES ((uint64_t)1 << 44)

static gvk_result complete_rows(const gvk_host *host, gvk_picture *picture, uint32_t index)
{
    if ((unsigned)picture->format > GVK_PIXELS_BGRA8)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has an unknown pixel format.", index);
    size_t row = (size_t)picture->width * gvk_pixel_bytes(picture->format);
    picture->row_pitch = picture->row_pitch ? picture->row_pitch : row;
    if (picture->height == 1)
        picture->row_pitch = row;              /* there is no other row */
    const uint64_t pitch = picture->row_pitch; /* a size_t of 32 bits is never above, and compilers say so */
    if (pitch > MOST_BYTES || picture->offset > MOST_BYTES)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has a row pitch or an offset that no memory has.", index);
    if (picture->row_pitch < row)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has a row pitch of %zu bytes; a row takes %zu.", index,
                        picture->row_pitch, row);
    return GVK_OK;
}

static gvk_result check_buffer(const gvk_host *host, const gvk_picture *picture, uint32_t index)
{
    if (!picture->buffer)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has no buffer.", index);
    uint64_t bytes = picture->buffer_bytes / 4 * 4; /* whole words are read */
    uint64_t row = (uint64_t)picture->width * gvk_pixel_bytes(picture->format), above = picture->height - 1;
    bool fits = picture->offset <= bytes && row <= bytes - picture->offset &&
                (!above || picture->row_pitch <= (bytes - picture->offset - row) / above);
    if (!fits)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u leaves its buffer, or ends in the buffer's last %u bytes, which are no whole word.",
                        index, (unsigned)(picture->buffer_bytes % 4));
    return GVK_OK;
}

static bool is_known(VkFormat format)
{
    static const VkFormat formats[] = {
        VK_FORMAT_R8G8B8A8_UNORM,           VK_FORMAT_R8G8B8A8_SRGB,
        VK_FORMAT_B8G8R8A8_UNORM,           VK_FORMAT_B8G8R8A8_SRGB,
        VK_FORMAT_A8B8G8R8_UNORM_PACK32,    VK_FORMAT_A8B8G8R8_SRGB_PACK32,
        VK_FORMAT_A2R10G10B10_UNORM_PACK32, VK_FORMAT_A2B10G10R10_UNORM_PACK32,
        VK_FORMAT_R16G16B16A16_UNORM,       VK_FORMAT_R16G16B16A16_SFLOAT,
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i] == format)
            return true;
    return false;
}

bool gvk_is_linear(const gvk_picture *picture)
{
    if (picture->light != GVK_LIGHT_AUTO)
        return picture->light == GVK_LIGHT_LINEAR;
    if (picture->kind != GVK_PICTURE_IMAGE || picture->ycbcr_sampler)
        return false;
    return picture->view_format == VK_FORMAT_R8G8B8A8_SRGB || picture->view_format == VK_FORMAT_B8G8R8A8_SRGB ||
           picture->view_format == VK_FORMAT_A8B8G8R8_SRGB_PACK32 ||
           picture->view_format == VK_FORMAT_R16G16B16A16_SFLOAT;
}

static gvk_result check_image(const gvk_device *device, const gvk_picture *picture, uint32_t index, bool likeness)
{
    const gvk_host *host = &device->host;
    if (!likeness && !picture->view)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has no view of its image.", index);
    if (picture->layout != VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL && picture->layout != VK_IMAGE_LAYOUT_GENERAL)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "The image of picture %u is in layout %d; it is read in SHADER_READ_ONLY_OPTIMAL and GENERAL.",
                        index, (int)picture->layout);
    if ((unsigned)picture->light > GVK_LIGHT_LINEAR)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has an unknown light.", index);
    if (picture->kind == GVK_PICTURE_PLANES)
        return GVK_OK;
    if (!picture->ycbcr_sampler && !is_known(picture->view_format))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "The view of picture %u has format %d, which is none of those taken.",
                        index, (int)picture->view_format);
    if (picture->ycbcr_sampler && !device->traits.sampler_conversion)
        return gvk_fail(host, GVK_ERROR_UNSUPPORTED,
                        "Picture %u has a sampler that converts YCbCr, but the device was created without the feature "
                        "samplerYcbcrConversion.",
                        index);
    return GVK_OK;
}

static gvk_result complete_planes(const gvk_host *host, gvk_picture *picture, uint32_t index, bool likeness)
{
    if (!likeness && !picture->chroma_view)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u has no view of its chroma.", index);
    if (picture->ycbcr_sampler)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u has two planes and a sampler that converts; a picture has one of them.", index);
    if (!picture->ycbcr_model)
        picture->ycbcr_model = VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_601;
    if ((unsigned)picture->ycbcr_model > VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_2020 ||
        picture->ycbcr_model == VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_IDENTITY ||
        (unsigned)picture->ycbcr_range > VK_SAMPLER_YCBCR_RANGE_ITU_NARROW)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u has an unknown model or range of YCbCr; there are 601, 709 and 2020.", index);
    return GVK_OK;
}

static gvk_result check_ownership(const gvk_host *host, const gvk_picture *picture, uint32_t index, bool likeness)
{
    if (!picture->acquire)
        return GVK_OK;
    bool is_image = picture->kind == GVK_PICTURE_IMAGE || picture->kind == GVK_PICTURE_PLANES;
    if (!is_image && picture->kind != GVK_PICTURE_BUFFER)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u lies in host memory, which no queue family has to release.", index);
    if (is_image && !likeness && !picture->image)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Picture %u is to be acquired, but its image is not named beside the view.", index);
    return GVK_OK;
}

gvk_result gvk_picture_complete(const gvk_device *device, const gvk_picture *given, uint32_t index, bool likeness,
                                gvk_picture *out)
{
    const gvk_host *host = &device->host;
    *out = *given;
    if ((unsigned)out->kind > GVK_PICTURE_PLANES)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Picture %u is of an unknown kind.", index);
    gvk_result result = check_size(host, out, index, likeness);
    if (!result)
        result = complete_crop(host, out, index);
    if (!result && (out->kind == GVK_PICTURE_PIXELS || out->kind == GVK_PICTURE_BUFFER))
        result = complete_rows(host, out, index);
    if (!result && out->kind == GVK_PICTURE_BUFFER && !likeness)
        result = check_buffer(host, out, index);
    if (!result && (out->kind == GVK_PICTURE_IMAGE || out->kind == GVK_PICTURE_PLANES))
        result = check_image(device, out, index, likeness);
    if (!result && out->kind == GVK_PICTURE_PLANES)
        result = complete_planes(host, out, index, likeness);
    return result ? result : check_ownership(host, out, index, likeness);
}
