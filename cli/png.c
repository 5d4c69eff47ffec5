/* PNG through libpng: decoding with limits that keep a hostile file cheap, and encoding. Called by image_io.c.
 *
 * Chunks that do not change the pixels (profiles, texts) are skipped without being unpacked, which disarms bombs in
 * them. Their checksums still count: a file with a wrong one is damaged. */
#include "image_io.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#define CHUNK_BYTES_MAX 8000000u /* of memory that libpng may take for one chunk */
#define CHUNKS_MAX      1000
/* Deflate makes at most 1032 bytes of one. A file that promises more is cut short. */
#define INFLATION_MAX 1032u

struct codec {
    jmp_buf escape;
    char *message;
    size_t message_size;
    const char *subject; /* what the sentence begins with */
    const uint8_t *bytes;
    size_t count;
    FILE *stream;
    uint8_t *indices; /* into the palette, one a pixel; here so that it is freed after an error */
};

static _Noreturn void handle_error(png_structp library, png_const_charp reason)
{
    struct codec *codec = png_get_error_ptr(library);
    snprintf(codec->message, codec->message_size, "%s: %s", codec->subject, reason);
    longjmp(codec->escape, 1);
}

static void handle_warning(png_structp library, png_const_charp reason)
{
    (void)library;
    (void)reason; /* libpng warns of metadata only; what concerns pixels is an error */
}

static _Noreturn void fail(struct codec *codec, const char *sentence)
{
    snprintf(codec->message, codec->message_size, "%s", sentence);
    longjmp(codec->escape, 1);
}

static void read_bytes(png_structp library, png_bytep to, size_t count)
{
    struct codec *codec = png_get_io_ptr(library);
    if (count > codec->count)
        fail(codec, "is a PNG picture that is cut short");
    memcpy(to, codec->bytes, count);
    codec->bytes += count;
    codec->count -= count;
}

static void limit(png_structp library)
{
    png_set_user_limits(library, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_chunk_cache_max(library, CHUNKS_MAX);
    png_set_chunk_malloc_max(library, CHUNK_BYTES_MAX);
    png_set_crc_action(library, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    /* -1: every chunk but the header, the palette, its transparency and the pixels */
    png_set_keep_unknown_chunks(library, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

/* An index beyond the palette has no colour, so such a picture is damaged. */
static void apply_palette(png_structp library, png_infop info, const uint8_t *indices, struct image *out)
{
    png_colorp palette = NULL;
    int colours = 0;
    png_get_PLTE(library, info, &palette, &colours);
    size_t pixels = (size_t)out->width * out->height;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        if (indices[pixel] >= colours)
            png_error(library, "a pixel's colour is not in its palette");
        const png_color *colour = &palette[indices[pixel]];
        uint8_t *to = out->pixels + 3 * pixel;
        to[0] = colour->red;
        to[1] = colour->green;
        to[2] = colour->blue;
    }
}

/* The size stands first in every PNG file; looking here gives a better sentence than libpng's. */
static bool check_size(const struct codec *codec)
{
    if (codec->count < 24)
        return true; /* cut short, as reading will find */
    uint32_t size[2] = {0};
    for (size_t index = 0; index < 8; index++)
        size[index / 4] = size[index / 4] << 8 | codec->bytes[16 + index];
    return image_check_size(size[0], size[1], codec->message, codec->message_size);
}

/* Everything between the creation of the decoder and its end. No local variable changes between setjmp and longjmp. */
static bool decode(png_structp library, png_infop info, struct image *out)
{
    struct codec *codec = png_get_error_ptr(library);
    if (!check_size(codec) || setjmp(codec->escape))
        return false;
    png_set_read_fn(library, codec, read_bytes);
    limit(library);
    size_t file_bytes = codec->count;
    png_read_info(library, info);
    uint32_t width = png_get_image_width(library, info), height = png_get_image_height(library, info);
    bool has_palette = png_get_color_type(library, info) == PNG_COLOR_TYPE_PALETTE;
    uint64_t pixels = (uint64_t)width * height;
    if (pixels <= IMAGE_PIXELS_MAX && png_get_rowbytes(library, info) * (uint64_t)height / INFLATION_MAX > file_bytes)
        fail(codec, "is a PNG picture that is cut short");
    if (!image_create(width, height, out, codec->message, codec->message_size))
        return false;

    uint8_t *plane = out->pixels;
    size_t row_bytes = has_palette ? width : 3 * (size_t)width;
    if (has_palette) {
        png_set_packing(library);
        plane = codec->indices = malloc((size_t)pixels);
        if (!plane)
            fail(codec, "needs more memory than there is");
    } else {
        png_set_expand_gray_1_2_4_to_8(library);
        png_set_gray_to_rgb(library);
        png_set_strip_16(library);
        png_set_strip_alpha(library);
    }
    int passes = png_set_interlace_handling(library);
    png_read_update_info(library, info);
    if (png_get_rowbytes(library, info) != row_bytes)
        png_error(library, "its pixels have an unknown layout");

    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++)
            png_read_row(library, plane + y * row_bytes, NULL);
    png_read_end(library, NULL);
    if (has_palette)
        apply_palette(library, info, codec->indices, out);
    return true;
}

bool image_decode_png(const uint8_t *bytes, size_t count, struct image *out, char *message, size_t message_size)
{
    *out = (struct image){0};
    struct codec codec = {
        .message = message,
        .message_size = message_size,
        .subject = "is a damaged PNG picture",
        .bytes = bytes,
        .count = count,
    };
    png_structp library = png_create_read_struct(PNG_LIBPNG_VER_STRING, &codec, handle_error, handle_warning);
    png_infop info = library ? png_create_info_struct(library) : NULL;
    if (!info) {
        snprintf(message, message_size, "needs more memory than there is");
        png_destroy_read_struct(&library, NULL, NULL);
        return false;
    }
    bool whole = decode(library, info, out);
    png_destroy_read_struct(&library, &info, NULL);
    free(codec.indices);
    if (!whole)
        image_release(out);
    return whole;
}

static void write_bytes(png_structp library, png_bytep from, size_t count)
{
    struct codec *codec = png_get_io_ptr(library);
    errno = 0;
    if (fwrite(from, 1, count, codec->stream) != count)
        png_error(library, errno ? strerror(errno) : "the data does not fit");
}

static void flush_nothing(png_structp library)
{
    (void)library; /* the stream's owner flushes once, and sees the result */
}

static bool encode(png_structp library, png_infop info, const struct image *image)
{
    struct codec *codec = png_get_error_ptr(library);
    if (setjmp(codec->escape))
        return false;
    png_set_write_fn(library, codec, write_bytes, flush_nothing);
    png_set_user_limits(library, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_IHDR(library, info, image->width, image->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(library, info);
    for (size_t y = 0; y < image->height; y++)
        png_write_row(library, image->pixels + 3 * (size_t)image->width * y);
    png_write_end(library, info);
    return true;
}

bool image_write_png(FILE *stream, const struct image *image, char *message, size_t message_size)
{
    if (!image->pixels) {
        snprintf(message, message_size, "cannot be written: the picture is empty");
        return false;
    }
    struct codec codec = {
        .message = message, .message_size = message_size, .subject = "cannot be written", .stream = stream};
    png_structp library = png_create_write_struct(PNG_LIBPNG_VER_STRING, &codec, handle_error, handle_warning);
    png_infop info = library ? png_create_info_struct(library) : NULL;
    if (!info) {
        snprintf(message, message_size, "cannot be written: there is not enough memory");
        png_destroy_write_struct(&library, NULL);
        return false;
    }
    bool whole = encode(library, info, image);
    png_destroy_write_struct(&library, &info);
    return whole;
}
