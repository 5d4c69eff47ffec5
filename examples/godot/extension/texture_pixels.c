#include "texture_pixels.h"

/* Image.Format of Godot */
enum { FORMAT_RGB8 = 4, FORMAT_RGBA8 = 5 };

/* What a texture gives may be its own image, so it is changed as a copy. NULL, or why it cannot be. */
static const char *to_rgba8(variant *image)
{
    variant copy, format = variant_of_integer(FORMAT_RGBA8);
    const bool copied = variant_call(image, "duplicate", NULL, 0, &copy);
    variant_destroy(image);
    *image = copy;
    if (!copied)
        return "the texture's image cannot be copied";
    if (variant_ask(image, "is_compressed") && variant_ask(image, "decompress") != 0)
        return "the texture's compressed image cannot be decompressed";
    variant_call(image, "convert", &format, 1, NULL);
    return variant_ask(image, "get_format") == FORMAT_RGBA8 ? NULL : "the texture's image cannot be converted to RGBA8";
}

/* The image is Godot's, but its figures are checked all the same: pixels beyond its bytes would be read. */
static const char *read_image(variant *image, texture_pixels *out)
{
    if (variant_type(image) != GDEXTENSION_VARIANT_TYPE_OBJECT || !variant_to_bool(image) ||
        variant_ask(image, "is_empty"))
        return "the texture is empty";
    int64_t format = variant_ask(image, "get_format");
    if (format != FORMAT_RGB8 && format != FORMAT_RGBA8) {
        const char *why = to_rgba8(image);
        if (why)
            return why;
        format = FORMAT_RGBA8;
    }
    const int64_t width = variant_ask(image, "get_width"), height = variant_ask(image, "get_height");
    if (width < 1 || height < 1 || width > 65535 || height > 65535)
        return "a side of the texture is not 1 to 65535 pixels";
    if (!variant_call(image, "get_data", NULL, 0, &out->bytes))
        return "the texture's image gives no pixels";
    size_t count;
    const uint8_t *pixels = variant_bytes(&out->bytes, &count);
    const uint64_t pixel_bytes = format == FORMAT_RGB8 ? 3 : 4;
    if (!pixels || count < (uint64_t)width * (uint64_t)height * pixel_bytes) /* smaller levels may follow */
        return "the texture's image has too few bytes";
    out->picture = (gvk_picture){.size = sizeof out->picture,
                                 .kind = GVK_PICTURE_PIXELS,
                                 .format = format == FORMAT_RGB8 ? GVK_PIXELS_RGB8 : GVK_PIXELS_RGBA8,
                                 .width = (uint32_t)width,
                                 .height = (uint32_t)height,
                                 .pixels = pixels};
    return NULL;
}

const char *texture_pixels_get(const variant *texture, texture_pixels *out)
{
    *out = (texture_pixels){.bytes = variant_nil()};
    if (variant_type(texture) != GDEXTENSION_VARIANT_TYPE_OBJECT || !variant_to_bool(texture))
        return "there is no texture";
    variant image;
    const char *why = "the texture is empty";
    if (variant_call(texture, "get_image", NULL, 0, &image))
        why = read_image(&image, out);
    variant_destroy(&image);
    if (why)
        variant_destroy(&out->bytes);
    return why;
}
