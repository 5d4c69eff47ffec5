/* Walks a JPEG file's segments as libjpeg does: garbage between them is skipped, and coded data end at the next marker
 * that is no restart. See jpeg_scans.h. */
#include "jpeg_scans.h"

#include <stdbool.h>
#include <string.h>

#define COMPONENTS_MAX 4
#define BLOCK_SIDE     8u
/* 64 coefficients of 16 bits of code and 11 of value, each byte stuffed. */
#define BLOCK_BYTES_MAX ((uint64_t)512)
#define GARBAGE_MAX     ((uint64_t)4 << 20)

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
    *out = (struct frame){.is_huffman = marker <= 0xC2, .is_progressive = marker == 0xC2 || marker == 0xCA};
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

/* The components of a scan, bit by component. Each is looked for among those that the scan has not named yet, because
 * there are files that give all of them one number. */
static unsigned find_components(const struct frame *frame, const uint8_t *segment, size_t count)
{
    unsigned found = 0;
    if (count < 1 || count < 4 + 2u * segment[0])
        return 0;
    for (unsigned index = 0; index < segment[0]; index++)
        for (unsigned other = 0; other < frame->count; other++)
            if (frame->components[other].id == segment[1 + 2 * index] && !(found & 1u << other)) {
                found |= 1u << other;
                break;
            }
    return found;
}

static uint64_t count_blocks(const struct frame *frame, unsigned components)
{
    uint64_t blocks = 0;
    for (unsigned index = 0; index < frame->count; index++)
        if (components & 1u << index)
            blocks += frame->components[index].blocks;
    return blocks;
}

/* Whether a scan gives its components' averages: every one of a sequential file does, in a progressive one those that
 * begin with them and refine nothing. `segment` names components, so it is long enough. */
static bool has_averages(const struct frame *frame, const uint8_t *segment)
{
    const uint8_t *spectrum = segment + 1 + 2 * segment[0];
    return !frame->is_progressive || (spectrum[0] == 0 && spectrum[2] >> 4 == 0);
}

/* The bits that each block of such a scan takes at least: a code for its average, and in a sequential file one more for
 * the end of the block. What refines, or adds detail, may take next to nothing. */
static unsigned count_codes(const struct frame *frame)
{
    return !frame->is_huffman ? 0 : frame->is_progressive ? 1 : 2;
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

const char *jpeg_find_problem(const uint8_t *bytes, size_t count, unsigned *scans)
{
    static const char is_cut[] = "is a JPEG picture that is cut short";
    static const char has_garbage[] = "is a damaged JPEG picture: it holds megabytes of garbage";
    struct frame frame = {0};
    uint64_t garbage = 0;
    unsigned averages = 0; /* bit by component: a scan has them */
    size_t at = 2;         /* behind the start-of-image marker */
    *scans = 0;
    while (at < count) {
        const uint8_t *found = memchr(bytes + at, 0xFF, count - at);
        if (!found)
            return is_cut;
        garbage += (size_t)(found - bytes) - at;
        if (garbage > GARBAGE_MAX)
            return has_garbage;
        at = (size_t)(found - bytes);
        while (at < count && bytes[at] == 0xFF)
            at++;
        if (at == count)
            return is_cut;
        unsigned marker = bytes[at++];
        if (marker == END_OF_IMAGE)
            return *scans && averages != (1u << frame.count) - 1 ? "is a JPEG picture that lacks a colour component"
                                                                 : NULL;
        if (marker <= TEMPORARY || (marker >= RESTART_FIRST && marker <= START_OF_IMAGE))
            continue;
        if (count - at < 2)
            return is_cut;
        size_t length = read_u16(bytes + at);
        if (length < 2 || length > count - at)
            return length < 2 ? NULL : is_cut; /* libjpeg has a sentence for the former */
        const uint8_t *segment = bytes + at + 2;
        at += length;
        if (is_frame(marker) && frame.count == 0)
            read_frame(marker, segment, length - 2, &frame);
        if (marker != START_OF_SCAN)
            continue;
        size_t end = skip_data(bytes, count, at);
        unsigned components = find_components(&frame, segment, length - 2);
        uint64_t blocks = count_blocks(&frame, components), data = end - at;
        ++*scans;
        if (components && has_averages(&frame, segment)) {
            averages |= components;
            if (blocks * count_codes(&frame) / 8 > data)
                return is_cut;
        }
        if (frame.count && data > blocks * BLOCK_BYTES_MAX + GARBAGE_MAX)
            return end < count ? has_garbage : is_cut;
        at = end;
    }
    return is_cut;
}
