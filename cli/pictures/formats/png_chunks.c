/* See png_chunks.h. */
#include "png_chunks.h"

#include <string.h>

#define ZLIB_CONST /* what is unpacked is only read */
#include <zlib.h>

#define FRAME_BYTES 12u /* of a chunk: length, type, checksum */
#define BUFFER      65536u
#define FILTER_MAX  4u

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool png_next_chunk(const uint8_t *bytes, size_t count, size_t *at, struct png_chunk *out)
{
    if (*at > count || count - *at < 8)
        return false;
    size_t length = read_u32(bytes + *at), room = count - *at - 8;
    *out = (struct png_chunk){.data = bytes + *at + 8, .count = length < room ? length : room};
    memcpy(out->type, bytes + *at + 4, 4);
    out->is_whole = room >= 4 && length <= room - 4;
    *at = out->is_whole ? *at + FRAME_BYTES + length : count;
    return true;
}

static bool has_right_sum(const struct png_chunk *chunk)
{
    uLong sum = crc32(crc32(0, (const Bytef *)chunk->type, 4), chunk->data, (uInt)chunk->count);
    return sum == read_u32(chunk->data + chunk->count);
}

bool png_is_whole(const uint8_t *bytes, size_t count)
{
    struct png_chunk chunk = {{0}, NULL, 0, false};
    for (size_t at = PNG_FIRST_CHUNK; png_next_chunk(bytes, count, &at, &chunk);)
        if (strcmp(chunk.type, "IEND") == 0)
            break;
    return chunk.is_whole && strcmp(chunk.type, "IEND") == 0;
}

/* The rows as they come out of the packed data, pass by pass. */
struct rows {
    uint32_t width, height;
    unsigned bits_per_pixel, pass, passes;
    uint32_t rows_left;    /* of this pass, with the one that is under way */
    uint64_t row_bytes;    /* of this pass, with the filter's byte */
    uint64_t bytes_of_row; /* that are still to come */
};

static void start_pass(struct rows *rows)
{
    static const struct {
        uint8_t left, top, across, down;
    } interlaced[7] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                       {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    rows->rows_left = 0;
    for (; rows->pass < rows->passes && rows->rows_left == 0; rows->pass++) {
        uint64_t width = rows->width, height = rows->height;
        if (rows->passes > 1) {
            unsigned left = interlaced[rows->pass].left, top = interlaced[rows->pass].top;
            unsigned across = interlaced[rows->pass].across, down = interlaced[rows->pass].down;
            width = (width + across - 1 - left) / across;
            height = (height + down - 1 - top) / down;
        }
        rows->rows_left = width ? (uint32_t)height : 0;
        rows->row_bytes = 1 + (width * rows->bits_per_pixel + 7) / 8;
        rows->bytes_of_row = rows->row_bytes;
    }
}

static bool read_header(const uint8_t *bytes, size_t count, struct rows *out)
{
    static const uint8_t channels[7] = {1, 0, 3, 1, 2, 0, 4};
    if (count < 33 || memcmp(bytes + 12, "IHDR", 4) != 0)
        return false;
    unsigned depth = bytes[24], colour = bytes[25], interlaced = bytes[28];
    if (colour > 6 || !channels[colour] || depth == 0 || depth > 16 || interlaced > 1)
        return false;
    *out = (struct rows){.width = read_u32(bytes + 16),
                         .height = read_u32(bytes + 20),
                         .bits_per_pixel = depth * channels[colour],
                         .passes = interlaced ? 7 : 1};
    start_pass(out);
    return true;
}

/* What is left of `count` bytes behind the last row goes to *beyond. False for a row whose filter there is not. */
static bool take_bytes(struct rows *rows, const uint8_t *bytes, size_t count, size_t *beyond)
{
    while (count && rows->rows_left) {
        if (rows->bytes_of_row == rows->row_bytes && bytes[0] > FILTER_MAX)
            return false;
        size_t step = count < rows->bytes_of_row ? count : (size_t)rows->bytes_of_row;
        rows->bytes_of_row -= step;
        bytes += step;
        count -= step;
        if (rows->bytes_of_row)
            continue;
        rows->bytes_of_row = rows->row_bytes;
        if (--rows->rows_left == 0)
            start_pass(rows);
    }
    *beyond += count;
    return true;
}

bool png_holds_its_pixels(const uint8_t *bytes, size_t count, bool with_sums)
{
    struct rows rows;
    struct png_chunk chunk;
    uint8_t buffer[BUFFER];
    z_stream stream = {0};
    size_t beyond = 0;
    if (!read_header(bytes, count, &rows) || inflateInit(&stream) != Z_OK)
        return false;
    int state = Z_OK;
    for (size_t at = PNG_FIRST_CHUNK; png_next_chunk(bytes, count, &at, &chunk);) {
        if (with_sums && chunk.is_whole && strcmp(chunk.type, "IDAT") == 0 && !has_right_sum(&chunk)) {
            state = Z_DATA_ERROR;
            break;
        }
        if (strcmp(chunk.type, "IDAT") != 0)
            continue;
        stream.next_in = chunk.data;
        stream.avail_in = (uInt)chunk.count;
        while (state == Z_OK && (rows.rows_left || (with_sums && !beyond)) &&
               (stream.avail_in || stream.avail_out == 0)) {
            stream.next_out = buffer;
            stream.avail_out = BUFFER;
            state = inflate(&stream, Z_NO_FLUSH);
            if (!take_bytes(&rows, buffer, BUFFER - stream.avail_out, &beyond))
                state = Z_DATA_ERROR;
        }
        if (state == Z_BUF_ERROR)
            state = Z_OK; /* this chunk is used up */
    }
    inflateEnd(&stream);
    return rows.rows_left == 0 && (!with_sums || state == Z_STREAM_END || (state == Z_OK && beyond));
}
