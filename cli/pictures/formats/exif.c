/* Finds the orientation tag without a general EXIF reader: walks a JPEG file's segments, then the first directory of
 * the TIFF structure inside. Every step checks its offset against what is left, and every loop moves forward, so a
 * hostile file costs at most one pass over its bytes. */
#include "exif.h"

#include <stdbool.h>
#include <string.h>

#define ORIENTATION_TAG 0x0112u

struct tiff {
    const uint8_t *bytes;
    size_t count;
    bool big_endian;
};

static unsigned read_u16(const struct tiff *tiff, size_t at)
{
    unsigned first = tiff->bytes[at], second = tiff->bytes[at + 1];
    return tiff->big_endian ? first << 8 | second : second << 8 | first;
}

static uint32_t read_u32(const struct tiff *tiff, size_t at)
{
    uint32_t first = read_u16(tiff, at), second = read_u16(tiff, at + 2);
    return tiff->big_endian ? first << 16 | second : second << 16 | first;
}

/* The first value of a directory entry of 12 bytes: tag, type, count, then the values, or where they are if they do not
 * fit into 4 bytes. 0 where it is no whole number. */
static uint32_t read_value(const struct tiff *tiff, size_t entry)
{
    enum { TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_SIGNED_SHORT = 8, TYPE_SIGNED_LONG = 9 };
    unsigned type = read_u16(tiff, entry + 2);
    uint32_t values = read_u32(tiff, entry + 4);
    bool is_short = type == TYPE_SHORT || type == TYPE_SIGNED_SHORT;
    if (values == 0 || (!is_short && type != TYPE_LONG && type != TYPE_SIGNED_LONG))
        return 0;
    size_t at = entry + 8;
    if (values > (is_short ? 2u : 1u)) {
        at = read_u32(tiff, at);
        if (at > tiff->count || tiff->count - at < 4)
            return 0;
    }
    return is_short ? read_u16(tiff, at) : read_u32(tiff, at);
}

unsigned exif_find_orientation(const uint8_t *bytes, size_t count)
{
    if (count >= 6 && memcmp(bytes, "Exif\0\0", 6) == 0) {
        bytes += 6;
        count -= 6;
    }
    struct tiff tiff = {.bytes = bytes, .count = count};
    if (count < 8)
        return 0;
    if (memcmp(bytes, "MM\0*", 4) == 0)
        tiff.big_endian = true;
    else if (memcmp(bytes, "II*\0", 4) != 0)
        return 0;

    size_t directory = read_u32(&tiff, 4);
    if (directory > count || count - directory < 2)
        return 0;
    size_t entries = read_u16(&tiff, directory), room = (count - directory - 2) / 12;
    if (entries > room)
        entries = room;
    unsigned found = 0;
    for (size_t index = 0; index < entries; index++) { /* the last of several counts */
        size_t entry = directory + 2 + 12 * index;
        if (read_u16(&tiff, entry) != ORIENTATION_TAG)
            continue;
        uint32_t value = read_value(&tiff, entry);
        found = value >= 1 && value <= 8 ? (unsigned)value : EXIF_UPRIGHT;
    }
    return found;
}

unsigned exif_orientation_of_block(const uint8_t *bytes, size_t count)
{
    unsigned found = exif_find_orientation(bytes, count);
    return found ? found : EXIF_UPRIGHT;
}

/* The first segment with EXIF data counts. Bytes between segments are skipped, as libjpeg and Pillow do. */
unsigned exif_orientation_of_jpeg(const uint8_t *bytes, size_t count)
{
    enum { TEMPORARY = 0x01, RESTART_FIRST = 0xD0, END_OF_IMAGE = 0xD9, START_OF_SCAN = 0xDA, APP1 = 0xE1 };
    const struct tiff file = {.bytes = bytes, .count = count, .big_endian = true};
    size_t at = 2; /* behind the start-of-image marker */
    while (at < count) {
        const uint8_t *found = memchr(bytes + at, 0xFF, count - at);
        if (!found)
            break;
        at = (size_t)(found - bytes);
        while (at < count && bytes[at] == 0xFF)
            at++;
        if (at == count)
            break;
        unsigned marker = bytes[at++];
        if (marker == START_OF_SCAN || marker == END_OF_IMAGE)
            break;
        if (marker <= TEMPORARY || (marker >= RESTART_FIRST && marker < END_OF_IMAGE))
            continue;
        if (count - at < 2)
            break;
        size_t length = read_u16(&file, at); /* counts its own two bytes */
        if (length < 2 || length > count - at)
            break;
        if (marker == APP1 && length >= 8 && memcmp(bytes + at + 2, "Exif\0", 5) == 0)
            return exif_orientation_of_block(bytes + at + 8, length - 8);
        at += length;
    }
    return EXIF_UPRIGHT;
}
