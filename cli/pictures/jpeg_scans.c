/* Walks a JPEG file's segments as libjpeg does: garbage between them is skipped, and coded data end at the next marker
 * that is no restart. See jpeg_scans.h. */
#include "jpeg_scans.h"

#include <string.h>

#define COMPONENTS_MAX 4
#define BLOCK_SIDE     8u

enum marker {
    FRAME_FIRST = 0xC0,
    HUFFMAN_TABLE = 0xC4,
    EXTENSION = 0xC8,
    ARITHMETIC_TABLE = 0xCC,
    FRAME_LAST = 0xCF,
    RESTART_FIRST = 0xD0,
    RESTART_LAST = 0xD7,
    START_OF_IMAGE = 0xD8,
    END_OF_IMAGE = 0xD9,
    START_OF_SCAN = 0xDA,
    TEMPORARY = 0x01
};

struct component {
    uint8_t id;
    uint64_t blocks; /* without what pads a row to whole units */
};

struct frame {
    bool is_huffman, is_progressive;
    unsigned count; /* of components; 0: no frame yet, or one that is left to libjpeg */
    struct component components[COMPONENTS_MAX];
};

static unsigned read_u16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint64_t divide_up(uint64_t value, uint64_t by)
{
    return (value + by - 1) / by;
}

/* `segment` begins behind the length. */
static void read_frame(unsigned marker, const uint8_t *segment, size_t count, struct frame *out)
{
    *out = (struct frame){.is_huffman = marker <= 0xC2, .is_progressive = marker == 0xC2};
    if (count < 6 || marker == 0xC3 || segment[5] == 0 || segment[5] > COMPONENTS_MAX || count < 6 + 3u * segment[5])
        return;
    unsigned height = read_u16(segment + 1), width = read_u16(segment + 3), most_x = 1, most_y = 1;
    for (unsigned index = 0; index < segment[5]; index++) {
        unsigned sampling = segment[6 + 3 * index + 1];
        most_x = sampling >> 4 > most_x ? sampling >> 4 : most_x;
        most_y = (sampling & 15) > most_y ? sampling & 15 : most_y;
    }
    for (unsigned index = 0; index < segment[5]; index++) {
        const uint8_t *entry = segment + 6 + 3 * index;
        uint64_t across = divide_up((uint64_t)width * (entry[1] >> 4), (uint64_t)most_x * BLOCK_SIDE),
                 down = divide_up((uint64_t)height * (entry[1] & 15), (uint64_t)most_y * BLOCK_SIDE);
        out->components[index] = (struct component){.id = entry[0], .blocks = across * down};
    }
    out->count = segment[5];
}

/* The bits that a scan takes at least: a code for each block's average, and in a sequential file one more for the end
 * of the block. What refines, or adds detail, may take next to nothing. */
static uint64_t count_bits(const struct frame *frame, const uint8_t *segment, size_t count)
{
    if (!frame->is_huffman || count < 1 || count < 4 + 2u * segment[0])
        return 0;
    const uint8_t *spectrum = segment + 1 + 2 * segment[0];
    bool has_averages = !frame->is_progressive || (spectrum[0] == 0 && spectrum[2] >> 4 == 0);
    uint64_t bits = 0;
    for (unsigned index = 0; index < segment[0] && has_averages; index++)
        for (unsigned other = 0; other < frame->count; other++)
            if (frame->components[other].id == segment[1 + 2 * index])
                bits += frame->components[other].blocks * (frame->is_progressive ? 1 : 2);
    return bits;
}

/* Where coded data end: at a marker's first byte, or at `count`. */
static size_t skip_data(const uint8_t *bytes, size_t count, size_t at)
{
    while (at < count) {
        const uint8_t *found = memchr(bytes + at, 0xFF, count - at);
        if (!found)
            return count;
        at = (size_t)(found - bytes);
        if (count - at < 2)
            return count;
        unsigned next = bytes[at + 1];
        if (next == 0xFF)
            at++;
        else if (next == 0 || (next >= RESTART_FIRST && next <= RESTART_LAST))
            at += 2;
        else
            return at;
    }
    return count;
}

static bool is_frame(unsigned marker)
{
    return marker >= FRAME_FIRST && marker <= FRAME_LAST && marker != HUFFMAN_TABLE && marker != EXTENSION &&
           marker != ARITHMETIC_TABLE;
}

bool jpeg_holds_its_pixels(const uint8_t *bytes, size_t count)
{
    struct frame frame = {0};
    size_t at = 2; /* behind the start-of-image marker */
    while (at < count) {
        const uint8_t *found = memchr(bytes + at, 0xFF, count - at);
        if (!found)
            return false;
        at = (size_t)(found - bytes);
        while (at < count && bytes[at] == 0xFF)
            at++;
        if (at == count)
            return false;
        unsigned marker = bytes[at++];
        if (marker == END_OF_IMAGE)
            return true;
        if (marker <= TEMPORARY || (marker >= RESTART_FIRST && marker <= START_OF_IMAGE))
            continue;
        if (count - at < 2)
            return false;
        size_t length = read_u16(bytes + at);
        if (length < 2 || length > count - at)
            return length < 2; /* damaged, as libjpeg will say, or cut short */
        const uint8_t *segment = bytes + at + 2;
        at += length;
        if (is_frame(marker) && frame.count == 0)
            read_frame(marker, segment, length - 2, &frame);
        if (marker != START_OF_SCAN)
            continue;
        size_t end = skip_data(bytes, count, at);
        if (count_bits(&frame, segment, length - 2) / 8 > end - at)
            return false;
        at = end;
    }
    return false;
}
