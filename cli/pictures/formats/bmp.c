/* BMP, read here because no library does it alone: Windows headers of 40 to 124 bytes and OS/2's of 12, palettes of 1,
 * 4 and 8 bits, RLE, 16, 24 and 32 bits with or without masks, rows from below or above. Every byte that is read lies
 * behind a check, and whatever the header says, a row is decoded only where its data are there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"

#define FILE_HEADER     14u
#define CORE_HEADER     12u
#define INFO_HEADER     40u
#define HEADER_MAX      124u
#define RLE_PIXELS_FREE (16u << 20) /* run lengths make a picture of nothing */

enum compression { PLAIN = 0, RLE8 = 1, RLE4 = 2, BIT_FIELDS = 3, ALPHA_BIT_FIELDS = 6 };

struct bmp {
    uint32_t width, height, bits, compression;
    bool from_above;
    size_t data; /* where the rows begin */
    uint32_t masks[3];
    uint8_t palette[256][3];
};

static uint32_t read_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return read_u16(bytes) | read_u16(bytes + 2) << 16;
}

static bool refuse_cut(const struct image_file *file)
{
    return image_refuse(file, "is a BMP picture that is cut short");
}

static bool read_masks(const struct image_file *file, size_t *behind_header, uint32_t header, struct bmp *out)
{
    static const uint32_t usual_16[3] = {0x7C00, 0x3E0, 0x1F}, usual_32[3] = {0xFF0000, 0xFF00, 0xFF};
    memcpy(out->masks, out->bits == 16 ? usual_16 : usual_32, sizeof out->masks);
    if (out->compression != BIT_FIELDS && out->compression != ALPHA_BIT_FIELDS)
        return true;
    if (file->count < FILE_HEADER + INFO_HEADER + 12)
        return refuse_cut(file);
    uint32_t read[3], all = 0;
    for (size_t index = 0; index < 3; index++) {
        read[index] = read_u32(file->bytes + FILE_HEADER + INFO_HEADER + 4 * index);
        all |= read[index];
    }
    if (header == INFO_HEADER)
        *behind_header += out->compression == ALPHA_BIT_FIELDS ? 16 : 12;
    if (all)
        memcpy(out->masks, read, sizeof read);
    for (size_t index = 0; index < 3; index++) {
        uint32_t mask = out->masks[index];
        uint32_t lowest = mask & (~mask + 1);
        if (!mask || ((mask + lowest) & mask) || (out->bits < 32 && mask >> out->bits))
            return image_refuse(file, "is a BMP picture whose colour masks make no sense");
    }
    return true;
}

static bool read_palette(const struct image_file *file, size_t at, uint32_t colours, size_t entry, struct bmp *out)
{
    uint32_t most = 1u << out->bits;
    if (colours == 0 || colours > most)
        colours = most;
    for (uint32_t index = 0; index < 256; index++)
        memset(out->palette[index], (int)index, 3); /* beyond the palette the grey of its number, as in Pillow */
    for (uint32_t index = 0; index < colours; index++, at += entry) {
        if (at > file->count || file->count - at < entry)
            return refuse_cut(file);
        for (size_t channel = 0; channel < 3; channel++)
            out->palette[index][channel] = file->bytes[at + 2 - channel];
    }
    return true;
}

static bool read_header(const struct image_file *file, struct bmp *out)
{
    const uint8_t *bytes = file->bytes;
    if (file->count < FILE_HEADER + CORE_HEADER)
        return refuse_cut(file);
    uint32_t header = read_u32(bytes + FILE_HEADER), colours = 0;
    if (header != CORE_HEADER && (header < INFO_HEADER || header > HEADER_MAX))
        return image_refuse(file, "is a BMP picture with a header of %" PRIu32 " bytes, which is unknown", header);
    if (file->count < FILE_HEADER + header)
        return refuse_cut(file);
    *out = (struct bmp){.data = read_u32(bytes + 10)};
    if (header == CORE_HEADER) {
        out->width = read_u16(bytes + 18);
        out->height = read_u16(bytes + 20);
        out->bits = read_u16(bytes + 24);
    } else {
        out->width = read_u32(bytes + 18);
        out->height = read_u32(bytes + 22);
        out->from_above = out->height > INT32_MAX;
        if (out->from_above)
            out->height = ~out->height + 1;
        out->bits = read_u16(bytes + 28);
        out->compression = read_u32(bytes + 30);
        colours = read_u32(bytes + 46);
    }
    bool is_rle = out->compression == RLE8 || out->compression == RLE4;
    bool has_masks = out->compression == BIT_FIELDS || out->compression == ALPHA_BIT_FIELDS;
    bool fits = is_rle      ? out->bits == (out->compression == RLE8 ? 8 : 4)
                : has_masks ? out->bits == 16 || out->bits == 32
                            : out->compression == PLAIN && (out->bits == 1 || out->bits == 4 || out->bits == 8 ||
                                                            out->bits == 16 || out->bits == 24 || out->bits == 32);
    if (!fits)
        return image_refuse(file,
                            "is a BMP picture of a kind that is not read (%" PRIu32 " bits, compression %" PRIu32 ")",
                            out->bits, out->compression);
    size_t behind = FILE_HEADER + header;
    if (!read_masks(file, &behind, header, out))
        return false;
    if (out->bits <= 8 && !read_palette(file, behind, colours, header == CORE_HEADER ? 3 : 4, out))
        return false;
    return out->data <= file->count || refuse_cut(file);
}

static uint8_t *row_of(const struct bmp *bmp, struct image *out, uint32_t y)
{
    return out->pixels + 3 * (size_t)out->width * (bmp->from_above ? y : bmp->height - 1 - y);
}

static uint8_t take_bits(uint32_t value, uint32_t mask)
{
    while (!(mask & 1)) {
        mask >>= 1;
        value >>= 1;
    }
    uint32_t sample = value & mask;
    return (uint8_t)(mask > 255 ? (uint64_t)sample * 255 / mask : sample * 255 / mask);
}

static void convert_row(const struct bmp *bmp, const uint8_t *from, uint8_t *to)
{
    for (uint32_t x = 0; x < bmp->width; x++, to += 3) {
        uint32_t value;
        switch (bmp->bits) {
        case 1: memcpy(to, bmp->palette[from[x / 8] >> (7 - x % 8) & 1], 3); break;
        case 4: memcpy(to, bmp->palette[from[x / 2] >> (x % 2 ? 0 : 4) & 15], 3); break;
        case 8: memcpy(to, bmp->palette[from[x]], 3); break;
        case 24:
            for (size_t channel = 0; channel < 3; channel++)
                to[channel] = from[3 * (size_t)x + 2 - channel];
            break;
        default:
            value = bmp->bits == 16 ? read_u16(from + 2 * (size_t)x) : read_u32(from + 4 * (size_t)x);
            for (size_t channel = 0; channel < 3; channel++)
                to[channel] = take_bits(value, bmp->masks[channel]);
        }
    }
}

static bool decode_plain(const struct bmp *bmp, const struct image_file *file, struct image *out)
{
    size_t stride = (size_t)(((uint64_t)bmp->width * bmp->bits + 31) / 32 * 4);
    for (uint32_t y = 0; y < bmp->height; y++)
        convert_row(bmp, file->bytes + bmp->data + y * stride, row_of(bmp, out, y));
    return true;
}

/* Where runs go on, and the bytes that they are read from. */
struct runs {
    const struct bmp *bmp;
    struct image *out;
    const uint8_t *at, *end;
    uint32_t x, y;
};

static void put(struct runs *runs, unsigned index)
{
    if (runs->x >= runs->bmp->width) /* too much data for the row */
        return;
    memcpy(row_of(runs->bmp, runs->out, runs->y) + 3 * (size_t)runs->x, runs->bmp->palette[index], 3);
    runs->x++;
}

static unsigned nibble(uint8_t byte, size_t index)
{
    return index % 2 ? byte & 15 : byte >> 4;
}

static bool is_at_end(const struct runs *runs)
{
    return runs->y >= runs->bmp->height;
}

/* An escape: the end of the row or of the picture, a jump, or `code` pixels as they are. False for the end. */
static bool take_escape(struct runs *runs, unsigned code)
{
    bool by_nibbles = runs->bmp->compression == RLE4;
    if (code == 0) {
        runs->x = 0;
        runs->y++;
    } else if (code == 1) {
        return false;
    } else if (code == 2) {
        if (runs->end - runs->at < 2)
            return false;
        uint64_t right = (uint64_t)runs->x + runs->at[0];
        runs->y += runs->at[1] + (uint32_t)(right / runs->bmp->width);
        runs->x = (uint32_t)(right % runs->bmp->width);
        runs->at += 2;
    } else {
        size_t bytes = by_nibbles ? (code + 1) / 2 : code, padded = (bytes + 1) / 2 * 2;
        if ((size_t)(runs->end - runs->at) < bytes)
            return false;
        for (size_t index = 0; index < code; index++)
            put(runs, by_nibbles ? nibble(runs->at[index / 2], index) : runs->at[index]);
        runs->at += (size_t)(runs->end - runs->at) < padded ? bytes : padded;
    }
    return true;
}

/* What no run reaches has the palette's first colour. */
static bool decode_runs(const struct bmp *bmp, const struct image_file *file, struct image *out)
{
    struct runs runs = {.bmp = bmp, .out = out, .at = file->bytes + bmp->data, .end = file->bytes + file->count};
    for (size_t pixel = 0; pixel < (size_t)out->width * out->height; pixel++)
        memcpy(out->pixels + 3 * pixel, bmp->palette[0], 3);
    bool goes_on = true;
    while (goes_on && !is_at_end(&runs)) {
        if (runs.end - runs.at < 2)
            return refuse_cut(file);
        unsigned count = runs.at[0], value = runs.at[1];
        runs.at += 2;
        if (count == 0) {
            goes_on = take_escape(&runs, value);
            if (!goes_on && value != 1)
                return refuse_cut(file);
        }
        for (size_t index = 0; index < count; index++)
            put(&runs, bmp->compression == RLE4 ? nibble((uint8_t)value, index) : value);
    }
    return true;
}

bool image_decode_bmp(struct image_file *file, struct image *out)
{
    struct bmp bmp;
    if (!read_header(file, &bmp))
        return false;
    bool is_plain = bmp.compression != RLE8 && bmp.compression != RLE4;
    uint64_t bits = (uint64_t)bmp.width * bmp.bits, stride = (bits + 31) / 32 * 4;
    bool has_size =
        bmp.height && bmp.width <= IMAGE_SIDE_MAX && bmp.height <= IMAGE_SIDE_MAX; /* else image_begin says */
    if (is_plain && has_size && stride * (bmp.height - 1) + (bits + 7) / 8 > file->count - bmp.data)
        return refuse_cut(file); /* the last row needs no padding */
    if (!is_plain && !image_is_plausible(file, bmp.width, bmp.height, RLE_PIXELS_FREE))
        return false;
    if (!image_begin(file, bmp.width, bmp.height, 0, out))
        return false;
    return is_plain ? decode_plain(&bmp, file, out) : decode_runs(&bmp, file, out);
}
