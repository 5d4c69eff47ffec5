/* Finds the orientation tag without a general EXIF reader: walks the segments or chunks of a file, then the first
 * directory of the TIFF structure inside. Every step checks its offset against what is left, and every loop moves
 * forward, so a hostile file costs at most one pass over its bytes. */
#include "exif.h"

#include <stdbool.h>
#include <string.h>

#define UPRIGHT         1u
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

/* The value of one directory entry of 12 bytes: tag, type, count, then the value itself where it fits in 4 bytes. */
static uint32_t read_value(const struct tiff *tiff, size_t entry)
{
    enum { TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };
    if (read_u32(tiff, entry + 4) != 1)
        return UPRIGHT;
    switch (read_u16(tiff, entry + 2)) {
    case TYPE_BYTE: return tiff->bytes[entry + 8];
    case TYPE_SHORT: return read_u16(tiff, entry + 8);
    case TYPE_LONG: return read_u32(tiff, entry + 8);
    default: return UPRIGHT;
    }
}

static unsigned find_orientation(const uint8_t *bytes, size_t count)
{
    struct tiff tiff = {.bytes = bytes, .count = count};
    if (count < 8)
        return UPRIGHT;
    if (memcmp(bytes, "MM\0*", 4) == 0)
        tiff.big_endian = true;
    else if (memcmp(bytes, "II*\0", 4) != 0)
        return UPRIGHT;

    size_t directory = read_u32(&tiff, 4);
    if (directory > count || count - directory < 2)
        return UPRIGHT;
    size_t entries = read_u16(&tiff, directory), room = (count - directory - 2) / 12;
    if (entries > room)
        entries = room;
    for (size_t index = 0; index < entries; index++) {
        size_t entry = directory + 2 + 12 * index;
        if (read_u16(&tiff, entry) != ORIENTATION_TAG)
            continue;
        uint32_t value = read_value(&tiff, entry);
        return value >= 1 && value <= 8 ? (unsigned)value : UPRIGHT;
    }
    return UPRIGHT;
}

unsigned exif_orientation_of_jpeg(const uint8_t *bytes, size_t count)
{
    enum { START_OF_SCAN = 0xDA, APP1 = 0xE1, FILL = 0xFF };
    const struct tiff file = {.bytes = bytes, .count = count, .big_endian = true};
    size_t at = 2; /* behind the start-of-image marker */
    while (at < count && count - at >= 4 && bytes[at] == 0xFF) {
        unsigned marker = bytes[at + 1];
        if (marker == FILL) {
            at++;
            continue;
        }
        size_t length = read_u16(&file, at + 2); /* counts its own two bytes */
        if (marker == START_OF_SCAN || length < 2 || length > count - at - 2)
            break;
        if (marker == APP1 && length >= 8 && memcmp(bytes + at + 4, "Exif\0", 5) == 0)
            return find_orientation(bytes + at + 10, length - 8);
        at += 2 + length;
    }
    return UPRIGHT;
}

unsigned exif_orientation_of_png(const uint8_t *bytes, size_t count)
{
    const struct tiff file = {.bytes = bytes, .count = count, .big_endian = true};
    size_t at = 8; /* behind the signature */
    while (at < count && count - at >= 12) {
        size_t length = read_u32(&file, at);
        if (length > count - at - 12)
            break;
        const uint8_t *type = bytes + at + 4, *data = bytes + at + 8;
        if (memcmp(type, "eXIf", 4) == 0) {
            /* The chunk holds the TIFF structure alone, but some writers copy JPEG's prefix too. */
            bool prefixed = length >= 6 && memcmp(data, "Exif\0\0", 6) == 0;
            return prefixed ? find_orientation(data + 6, length - 6) : find_orientation(data, length);
        }
        if (memcmp(type, "IEND", 4) == 0)
            break;
        at += 12 + length;
    }
    return UPRIGHT;
}
