/* TIFF through libtiff: the first picture of a file, in strips or tiles, samples together or in planes. Rows and tiles
 * are read one by one, so that no size that a file claims becomes memory beside the pixels. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#include "formats.h"

#define PIXELS_FREE  (32u << 20) /* an empty fax page takes a bit a row */
#define PIECE_MAX    ((uint64_t)32 << 20)
#define SAMPLES_MAX  16u
#define REASON_BYTES 200

/* What libtiff reads from, and its last complaint. */
struct stream {
    const struct image_file *file;
    uint64_t at;
    char reason[REASON_BYTES];
};

struct layout {
    uint32_t width, height;
    uint16_t bits, samples, photometric, compression;
    bool in_planes, is_premultiplied;
    const uint16_t *map[3]; /* of a palette */
    uint64_t row_bytes;     /* of a row of a strip, or of a tile */
};

/* ---- libtiff's side ---------------------------------------------------------------------------------------------- */

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t count)
{
    struct stream *stream = (struct stream *)handle;
    uint64_t left = stream->at < stream->file->count ? stream->file->count - stream->at : 0;
    size_t step = count < 0 ? 0 : (uint64_t)count < left ? (size_t)count : (size_t)left;
    if (step)
        memcpy(to, stream->file->bytes + stream->at, step);
    stream->at += step;
    return (tmsize_t)step;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t count)
{
    (void)handle;
    (void)from;
    (void)count;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int from)
{
    struct stream *stream = (struct stream *)handle;
    stream->at = from == SEEK_SET ? offset : from == SEEK_CUR ? stream->at + offset : stream->file->count + offset;
    return stream->at;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t measure(thandle_t handle)
{
    return ((const struct stream *)handle)->file->count;
}

/* libtiff only reads what it is lent. */
static int lend(thandle_t handle, void **bytes, toff_t *count)
{
    const struct stream *stream = (const struct stream *)handle;
    memcpy(bytes, &stream->file->bytes, sizeof *bytes);
    *count = stream->file->count;
    return 1;
}

static void take_back(thandle_t handle, void *bytes, toff_t count)
{
    (void)handle;
    (void)bytes;
    (void)count;
}

#if TIFFLIB_VERSION >= 20221213 /* 4.5: a file has handlers of its own */
static int keep_reason(TIFF *library, void *user, const char *module, const char *format, va_list arguments)
{
    struct stream *stream = user;
    (void)library;
    (void)module;
    if (!stream->reason[0])
        vsnprintf(stream->reason, sizeof stream->reason, format, arguments);
    return 1;
}

static int pass_over(TIFF *library, void *user, const char *module, const char *format, va_list arguments)
{
    (void)library;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static TIFF *open_stream(struct stream *stream)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(2 * PIECE_MAX));
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_reason, stream);
    TIFFOpenOptionsSetWarningHandlerExtR(options, pass_over, stream);
    TIFF *library = TIFFClientOpenExt("picture", "r", stream, read_bytes, write_nothing, seek, close_nothing, measure,
                                      lend, take_back, options);
    TIFFOpenOptionsFree(options);
    return library;
}
#else
static TIFF *open_stream(struct stream *stream)
{
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    return TIFFClientOpen("picture", "r", stream, read_bytes, write_nothing, seek, close_nothing, measure, lend,
                          take_back);
}
#endif

static bool refuse_damaged(const struct stream *stream)
{
    return image_refuse(stream->file, "is a damaged TIFF picture%s%s", stream->reason[0] ? ": " : "", stream->reason);
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

static bool is_read_as_rows(const struct layout *layout, uint16_t format)
{
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
        return false;
    bool is_byte = layout->bits == 8 || layout->bits == 16,
         is_part = layout->bits == 1 || layout->bits == 2 || layout->bits == 4;
    switch (layout->photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK: return is_byte || is_part;
    case PHOTOMETRIC_PALETTE: return layout->bits == 8 || is_part;
    case PHOTOMETRIC_RGB: return is_byte && layout->samples >= 3;
    case PHOTOMETRIC_SEPARATED: return is_byte && layout->samples >= 4 && !layout->in_planes;
    default: return false;
    }
}

/* Cameras' raw files are TIFF files whose first picture is a preview, or all that a reader of TIFF understands of them:
 * boxes of that would be boxes of another picture. */
static bool is_raw_file(TIFF *library, const struct image_file *file)
{
    enum { TAG_DNG_VERSION = 50706 };
    uint32_t kind = 0;
    const void *version = NULL;
    bool is_preview = TIFFGetField(library, TIFFTAG_SUBFILETYPE, &kind) && (kind & FILETYPE_REDUCEDIMAGE);
    bool is_canon = file->count > 10 && memcmp(file->bytes + 8, "CR", 2) == 0;
    return is_preview || is_canon || TIFFGetField(library, TAG_DNG_VERSION, &version);
}

static bool read_layout(const struct stream *stream, TIFF *library, struct layout *out)
{
    uint16_t planes = PLANARCONFIG_CONTIG, format = SAMPLEFORMAT_UINT, extra_count = 0, *extra = NULL;
    uint16_t *map[3] = {NULL, NULL, NULL};
    *out = (struct layout){.photometric = PHOTOMETRIC_MINISWHITE};
    if (!TIFFGetField(library, TIFFTAG_IMAGEWIDTH, &out->width) ||
        !TIFFGetField(library, TIFFTAG_IMAGELENGTH, &out->height))
        return image_refuse(stream->file, "is a picture without pixels");
    TIFFGetFieldDefaulted(library, TIFFTAG_BITSPERSAMPLE, &out->bits);
    TIFFGetFieldDefaulted(library, TIFFTAG_SAMPLESPERPIXEL, &out->samples);
    TIFFGetFieldDefaulted(library, TIFFTAG_COMPRESSION, &out->compression);
    TIFFGetFieldDefaulted(library, TIFFTAG_PLANARCONFIG, &planes);
    TIFFGetFieldDefaulted(library, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(library, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
    TIFFGetField(library, TIFFTAG_PHOTOMETRIC, &out->photometric);
    out->in_planes = planes == PLANARCONFIG_SEPARATE && out->samples > 1;
    if (out->photometric == PHOTOMETRIC_YCBCR && out->compression == COMPRESSION_JPEG && !out->in_planes) {
        TIFFSetField(library, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        out->photometric = PHOTOMETRIC_RGB;
    }
    out->is_premultiplied = out->photometric == PHOTOMETRIC_RGB && !out->in_planes && out->samples >= 4 &&
                            extra_count > 0 && extra[0] == EXTRASAMPLE_ASSOCALPHA;
    if (out->photometric == PHOTOMETRIC_YCBCR)
        return true; /* libtiff's own way to RGB */
    if (out->samples == 0 || out->samples > SAMPLES_MAX || !is_read_as_rows(out, format))
        return image_refuse(stream->file,
                            "is a TIFF picture of a kind that is not read (%u samples of %u bits, photometric %u)",
                            out->samples, out->bits, out->photometric);
    if (out->photometric == PHOTOMETRIC_PALETTE) {
        if (!TIFFGetField(library, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
            return image_refuse(stream->file, "is a damaged TIFF picture: it lacks its palette");
        for (size_t channel = 0; channel < 3; channel++)
            out->map[channel] = map[channel];
    }
    return true;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

/* Its own value below 8 bits, the high byte of 16; libtiff gives these in the machine's order. */
static unsigned sample_at(const struct layout *layout, const uint8_t *from, size_t index)
{
    uint16_t wide;
    switch (layout->bits) {
    case 8: return from[index];
    case 16: memcpy(&wide, from + 2 * index, 2); return wide >> 8;
    default: {
        size_t bit = index * layout->bits;
        return (unsigned)from[bit / 8] >> (8 - layout->bits - bit % 8) & ((1u << layout->bits) - 1);
    }
    }
}

static void store_inks(const struct layout *layout, const uint8_t *from, size_t index, uint8_t *to)
{
    uint8_t inverted[4];
    for (size_t ink = 0; ink < 4; ink++)
        inverted[ink] = (uint8_t)(255 - sample_at(layout, from, index + ink));
    image_convert_inverted_cmyk(inverted, to, 1);
}

/* Alpha was multiplied in; it is taken out again, as Pillow does. */
static void store_premultiplied(const struct layout *layout, const uint8_t *from, size_t index, uint8_t *to)
{
    unsigned alpha = sample_at(layout, from, index + 3);
    for (size_t channel = 0; channel < 3; channel++) {
        unsigned value = sample_at(layout, from, index + channel);
        unsigned plain = alpha ? value * 255 / alpha : 0;
        to[channel] = (uint8_t)(plain > 255 ? 255 : plain);
    }
}

/* A run of pixels of one row; of `plane` alone where samples lie in planes. */
static void store(const struct layout *layout, const uint8_t *from, size_t pixels, unsigned plane, uint8_t *to)
{
    size_t step = layout->in_planes ? 1 : layout->samples;
    for (size_t pixel = 0; pixel < pixels; pixel++, to += 3) {
        size_t index = pixel * step;
        unsigned value = sample_at(layout, from, index), most = layout->bits < 8 ? (1u << layout->bits) - 1 : 255;
        switch (layout->photometric) {
        case PHOTOMETRIC_PALETTE:
            for (size_t channel = 0; channel < 3; channel++)
                to[channel] = (uint8_t)(layout->map[channel][value] >> 8);
            break;
        case PHOTOMETRIC_RGB:
            if (layout->in_planes)
                to[plane] = (uint8_t)value;
            else if (layout->is_premultiplied)
                store_premultiplied(layout, from, index, to);
            else
                for (size_t channel = 0; channel < 3; channel++)
                    to[channel] = (uint8_t)sample_at(layout, from, index + channel);
            break;
        case PHOTOMETRIC_SEPARATED: store_inks(layout, from, index, to); break;
        default: {
            unsigned grey = value * (255 / most);
            to[0] = to[1] = to[2] = (uint8_t)(layout->photometric == PHOTOMETRIC_MINISWHITE ? 255 - grey : grey);
        }
        }
    }
}

/* ---- rows and tiles ---------------------------------------------------------------------------------------------- */

/* With `pixels` NULL they are decoded and forgotten. */
static bool read_strips(TIFF *library, const struct layout *layout, unsigned plane, uint8_t *buffer, uint8_t *pixels)
{
    for (uint32_t y = 0; y < layout->height; y++) {
        if (TIFFReadScanline(library, buffer, y, (uint16_t)plane) < 0)
            return false;
        if (pixels)
            store(layout, buffer, layout->width, plane, pixels + 3 * (size_t)layout->width * y);
    }
    return true;
}

static bool read_tiles(TIFF *library, const struct layout *layout, unsigned plane, uint8_t *buffer, uint8_t *pixels)
{
    uint32_t tile_width = 0, tile_height = 0;
    TIFFGetField(library, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(library, TIFFTAG_TILELENGTH, &tile_height);
    if (tile_width == 0 || tile_height == 0)
        return false;
    for (uint64_t top = 0; top < layout->height; top += tile_height)
        for (uint64_t left = 0; left < layout->width; left += tile_width) {
            if (TIFFReadTile(library, buffer, (uint32_t)left, (uint32_t)top, 0, (uint16_t)plane) < 0)
                return false;
            uint64_t right = left + tile_width < layout->width ? left + tile_width : layout->width;
            uint64_t bottom = top + tile_height < layout->height ? top + tile_height : layout->height;
            for (uint64_t y = top; pixels && y < bottom; y++)
                store(layout, buffer + (y - top) * layout->row_bytes, (size_t)(right - left), plane,
                      pixels + 3 * (size_t)(layout->width * y + left));
        }
    return true;
}

static bool read_planes(const struct stream *stream, TIFF *library, struct layout *layout, uint8_t *pixels)
{
    bool is_tiled = TIFFIsTiled(library) != 0;
    uint32_t across = layout->width;
    if (is_tiled)
        TIFFGetField(library, TIFFTAG_TILEWIDTH, &across);
    uint64_t bytes = is_tiled ? TIFFTileSize64(library) : TIFFScanlineSize64(library);
    uint64_t needed = ((uint64_t)across * layout->bits * (layout->in_planes ? 1 : layout->samples) + 7) / 8;
    layout->row_bytes = is_tiled ? TIFFTileRowSize64(library) : bytes;
    if (bytes == 0 || layout->row_bytes < needed)
        return refuse_damaged(stream);
    if (bytes > PIECE_MAX)
        return image_refuse(stream->file, "is a TIFF picture with tiles or rows of %" PRIu64 " MiB; %u can be read",
                            bytes >> 20, (unsigned)(PIECE_MAX >> 20));
    uint8_t *buffer = malloc((size_t)bytes);
    if (!buffer)
        return image_refuse(stream->file, "needs more memory than there is");
    unsigned planes = !layout->in_planes ? 1 : layout->photometric == PHOTOMETRIC_RGB ? 3 : 1;
    bool is_read = true;
    for (unsigned plane = 0; plane < planes && is_read; plane++)
        is_read = is_tiled ? read_tiles(library, layout, plane, buffer, pixels)
                           : read_strips(library, layout, plane, buffer, pixels);
    free(buffer);
    return is_read || refuse_damaged(stream);
}

/* YCbCr that is not JPEG inside: rare, and libtiff knows how. */
static bool read_converted(const struct stream *stream, TIFF *library, const struct layout *layout, uint8_t *pixels)
{
    uint16_t orientation = ORIENTATION_TOPLEFT;
    TIFFGetFieldDefaulted(library, TIFFTAG_ORIENTATION, &orientation);
    size_t count = (size_t)layout->width * layout->height;
    uint32_t *raster = malloc(count * sizeof *raster);
    if (!raster)
        return image_refuse(stream->file, "needs more memory than there is");
    bool is_read = TIFFReadRGBAImageOriented(library, layout->width, layout->height, raster, orientation, 1) == 1;
    for (size_t pixel = 0; is_read && pixel < count; pixel++) {
        pixels[3 * pixel] = (uint8_t)TIFFGetR(raster[pixel]);
        pixels[3 * pixel + 1] = (uint8_t)TIFFGetG(raster[pixel]);
        pixels[3 * pixel + 2] = (uint8_t)TIFFGetB(raster[pixel]);
    }
    free(raster);
    return is_read || refuse_damaged(stream);
}

static bool check_bytes(const struct image_file *file, const struct layout *layout)
{
    uint64_t bits = (uint64_t)layout->bits * layout->samples * layout->width;
    if (layout->compression == COMPRESSION_NONE && layout->photometric != PHOTOMETRIC_YCBCR &&
        bits / 8 * layout->height > file->count)
        return image_refuse(file, "is a TIFF picture that is cut short");
    return image_is_plausible(file, layout->width, layout->height, PIXELS_FREE);
}

bool image_decode_tiff(struct image_file *file, struct image *out)
{
    struct stream stream = {.file = file};
    struct layout layout;
    TIFF *library = open_stream(&stream);
    bool is_read = false;
    if (!library)
        return refuse_damaged(&stream);
    if (is_raw_file(library, file)) {
        image_refuse(file, "is a camera's raw file, of which only a preview could be read");
        goto done;
    }
    uint16_t orientation = ORIENTATION_TOPLEFT;
    TIFFGetFieldDefaulted(library, TIFFTAG_ORIENTATION, &orientation);
    file->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    if (!read_layout(&stream, library, &layout) || !check_bytes(file, &layout))
        goto done;
    bool is_converted = layout.photometric == PHOTOMETRIC_YCBCR;
    uint64_t further = is_converted ? 4 * (uint64_t)layout.width * layout.height : PIECE_MAX;
    if (!image_begin(file, layout.width, layout.height, further, out))
        goto done;
    if (is_converted)
        is_read = read_converted(&stream, library, &layout, out->pixels);
    else
        is_read =
            (!image_is_suspicious(file, layout.width, layout.height) || read_planes(&stream, library, &layout, NULL)) &&
            read_planes(&stream, library, &layout, out->pixels);
done:
    TIFFClose(library);
    return is_read;
}
