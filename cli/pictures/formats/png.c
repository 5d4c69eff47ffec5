/* PNG through libpng: decoding with limits that keep a hostile file cheap, and encoding.
 *
 * Chunks that do not change the pixels (profiles, texts) are skipped without being unpacked, which disarms bombs in
 * them. Their checksums still count: a file with a wrong one is damaged. What stands behind the last pixel's data costs
 * no pixel: it may be missing or wrong, as for Pillow. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "exif.h"
#include "formats.h"
#include "png_chunks.h"

#define CHUNK_BYTES_MAX 8000000u /* of memory that libpng may take for one chunk */
#define CHUNKS_MAX      1000
/* Deflate makes at most 1032 bytes of one. A file that promises more is cut short. */
#define INFLATION_MAX 1032u
/* Unpacking so many bytes takes a second. What is larger must be packed as pictures are, not as bombs. */
#define WORK_MAX          ((uint64_t)352 << 20)
#define WORK_PER_BYTE_MAX 256u
#define INTERLACING_COSTS 3u /* times as much */

struct codec {
    jmp_buf escape;
    char *message;
    size_t message_size;
    const char *subject; /* what the sentence begins with */
    const uint8_t *bytes;
    size_t count;
    FILE *stream;
    bool is_cut;        /* the file ends early: behind the last pixel's data, where it is read at all */
    bool behind_pixels; /* what goes wrong from here on costs none; in a cut file from the last row on */
    uint8_t *indices;   /* into the palette, one a pixel; here so that it is freed after an error */
};

static _Noreturn void handle_error(png_structp library, png_const_charp reason)
{
    struct codec *codec = png_get_error_ptr(library);
    if (codec->is_cut && codec->count == 0)
        snprintf(codec->message, codec->message_size, "is a PNG picture that is cut short");
    else
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
    if (count > codec->count && !codec->is_cut)
        fail(codec, "is a PNG picture that is cut short");
    size_t there = count < codec->count ? count : codec->count;
    if (there)
        memcpy(to, codec->bytes, there);
    if (there < count) { /* of a cut file: only a checksum, or what follows it */
        memset(to + there, 0, count - there);
        png_set_crc_action(library, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    }
    codec->bytes += there;
    codec->count -= there;
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

/* An index beyond the palette is the grey of its number, as in Pillow. */
static void apply_palette(png_structp library, png_infop info, const uint8_t *indices, struct image *out)
{
    uint8_t colours[256][3];
    png_colorp palette = NULL;
    int count = 0;
    png_get_PLTE(library, info, &palette, &count);
    for (int index = 0; index < 256; index++) {
        bool is_there = index < count;
        colours[index][0] = is_there ? palette[index].red : (uint8_t)index;
        colours[index][1] = is_there ? palette[index].green : (uint8_t)index;
        colours[index][2] = is_there ? palette[index].blue : (uint8_t)index;
    }
    size_t pixels = (size_t)out->width * out->height;
    for (size_t pixel = 0; pixel < pixels; pixel++)
        memcpy(out->pixels + 3 * pixel, colours[indices[pixel]], 3);
}

/* Whether so much may be unpacked, and is there. */
static bool check_data(png_structp library, png_infop info, const struct image_file *file)
{
    uint32_t width = png_get_image_width(library, info), height = png_get_image_height(library, info);
    bool is_interlaced = png_get_interlace_type(library, info) != PNG_INTERLACE_NONE;
    uint64_t bytes = png_get_rowbytes(library, info) * (uint64_t)height, pixels = 3 * (uint64_t)width * height;
    uint64_t work = (bytes > pixels ? bytes : pixels) * (is_interlaced ? INTERLACING_COSTS : 1);
    if (bytes / INFLATION_MAX > file->count)
        return image_refuse(file, "is a PNG picture that is cut short");
    if (work > WORK_MAX && work / WORK_PER_BYTE_MAX > file->count)
        return image_refuse(file, "is taken for a bomb: %" PRIu32 " x %" PRIu32 " pixels in a file of %zu bytes", width,
                            height, file->count);
    if (((const struct codec *)png_get_error_ptr(library))->is_cut)
        return png_holds_its_pixels(file->bytes, file->count, false) ||
               image_refuse(file, "is a PNG picture that is cut short");
    if (image_is_suspicious(file, width, height) && !png_holds_its_pixels(file->bytes, file->count, true))
        return image_refuse(file, "is a damaged PNG picture: its data end before its pixels, or have wrong checksums");
    return true;
}

/* The packed data's own checksum may be what is missing of a cut file. A libpng that cannot do without refuses it. */
static void ignore_sum(png_structp library)
{
#ifdef PNG_IGNORE_ADLER32
    png_set_option(library, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
#else
    (void)library;
#endif
}

static bool read_rows(png_structp library, png_infop info, struct image_file *file, struct image *out)
{
    struct codec *codec = png_get_error_ptr(library);
    png_set_read_fn(library, codec, read_bytes);
    limit(library);
    if (codec->is_cut)
        ignore_sum(library);
    png_read_info(library, info);
    uint32_t width = png_get_image_width(library, info), height = png_get_image_height(library, info);
    bool has_palette = png_get_color_type(library, info) == PNG_COLOR_TYPE_PALETTE;
    uint64_t pixels = (uint64_t)width * height;
    if (!check_data(library, info, file) || !image_begin(file, width, height, has_palette ? pixels : 0, out))
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
        for (size_t y = 0; y < height; y++) {
#ifdef PNG_IGNORE_ADLER32
            codec->behind_pixels = codec->is_cut && pass == passes - 1 && y == height - 1;
#endif
            png_read_row(library, plane + y * row_bytes, NULL);
        }
    codec->behind_pixels = true;
    if (!codec->is_cut)
        png_read_end(library, NULL);
    return true;
}

/* Everything between the creation of the decoder and its end. No local variable changes between setjmp and longjmp. */
static bool decode(png_structp library, png_infop info, struct image_file *file, struct image *out)
{
    struct codec *codec = png_get_error_ptr(library);
    if (setjmp(codec->escape) == 0) {
        if (!read_rows(library, info, file, out))
            return false;
    } else if (!codec->behind_pixels) {
        return false;
    }
    codec->behind_pixels = false;
    if (codec->indices)
        apply_palette(library, info, codec->indices, out);
    return true;
}

/* The size stands first in every PNG file; looking here gives a better sentence than libpng's, at once. */
static bool check_size(const struct image_file *file)
{
    if (file->count < 24)
        return true; /* cut short, as reading will find */
    uint32_t size[2] = {0};
    for (size_t index = 0; index < 8; index++)
        size[index / 4] = size[index / 4] << 8 | file->bytes[16 + index];
    if (size[0] == 0 || size[1] == 0)
        return image_refuse(file, "is a picture without pixels");
    if (size[0] > IMAGE_SIDE_MAX || size[1] > IMAGE_SIDE_MAX)
        return image_refuse(file, "is a picture of %" PRIu32 " x %" PRIu32 " pixels; at most %u a side can be read",
                            size[0], size[1], IMAGE_SIDE_MAX);
    return true;
}

bool image_decode_png(struct image_file *file, struct image *out)
{
    if (!check_size(file))
        return false;
    struct codec codec = {
        .message = file->message,
        .message_size = file->message_size,
        .subject = "is a damaged PNG picture",
        .bytes = file->bytes,
        .count = file->count,
    };
    codec.is_cut = !png_is_whole(file->bytes, file->count);
    file->orientation = exif_orientation_of_png(file->bytes, file->count);
    png_structp library = png_create_read_struct(PNG_LIBPNG_VER_STRING, &codec, handle_error, handle_warning);
    png_infop info = library ? png_create_info_struct(library) : NULL;
    if (!info) {
        png_destroy_read_struct(&library, NULL, NULL);
        return image_refuse(file, "needs more memory than there is");
    }
    bool whole = decode(library, info, file, out);
    png_destroy_read_struct(&library, &info, NULL);
    free(codec.indices);
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
