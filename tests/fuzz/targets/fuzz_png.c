/* Fuzzes reading a PNG picture: the limits of cli/pictures/formats/png.c, palettes, the orientation of
 * cli/pictures/formats/exif.c, turning upright. The input is a whole file. Most mutations change one chunk, of the
 * pixels also what was packed, and write its length and checksum anew; the others change bytes anywhere. */
#include <string.h>

#include <zlib.h>

#include "tests/fuzz/fuzz_picture.h"

#define SIGNATURE_BYTES 8u
#define FRAME_BYTES     12u /* of a chunk: length, type, checksum */
#define CHUNKS          64u
#define ROOM            65536u

struct chunk {
    size_t at, bytes; /* of its data */
};

static uint32_t load_big(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i) & 0xff);
}

static size_t find_chunks(const uint8_t *data, size_t size, struct chunk *out)
{
    size_t count = 0;
    for (size_t at = SIGNATURE_BYTES; count < CHUNKS && at < size && size - at >= FRAME_BYTES; count++) {
        uint32_t bytes = load_big(data + at);
        if (bytes > size - at - FRAME_BYTES)
            break;
        out[count] = (struct chunk){.at = at + 8, .bytes = bytes};
        at += FRAME_BYTES + bytes;
    }
    return count;
}

/* Unpacks the pixels, changes them, and packs them again. */
static size_t mutate_packed(uint8_t *data, size_t count)
{
    static uint8_t pixels[ROOM];
    uLongf unpacked = ROOM, packed = ROOM;
    if (uncompress(pixels, &unpacked, data, count) != Z_OK)
        return LLVMFuzzerMutate(data, count, ROOM / 2);
    unpacked = LLVMFuzzerMutate(pixels, unpacked, ROOM / 2);
    return compress2(data, &packed, pixels, unpacked, 1) == Z_OK ? packed : count;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static uint8_t changed[ROOM];
    struct chunk chunks[CHUNKS];
    unsigned choice = seed % 8;
    size_t count = size > SIGNATURE_BYTES ? find_chunks(data, size, chunks) : 0;
    if (choice == 0 || count == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    const struct chunk *chunk = &chunks[seed / 8 % count];
    if (chunk->bytes > ROOM / 2)
        return LLVMFuzzerMutate(data, size, max_size);
    if (chunk->bytes)
        memcpy(changed, data + chunk->at, chunk->bytes);
    bool is_packed = memcmp(data + chunk->at - 4, "IDAT", 4) == 0 && choice < 6;
    size_t bytes = is_packed ? mutate_packed(changed, chunk->bytes) : LLVMFuzzerMutate(changed, chunk->bytes, ROOM / 2);
    size_t behind = size - chunk->at - chunk->bytes - 4;
    if (chunk->at + bytes + 4 + behind > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memmove(data + chunk->at + bytes + 4, data + chunk->at + chunk->bytes + 4, behind);
    if (bytes)
        memcpy(data + chunk->at, changed, bytes);
    store_big(data + chunk->at - 8, (uint32_t)bytes);
    store_big(data + chunk->at + bytes, (uint32_t)crc32(0, data + chunk->at - 4, (uInt)bytes + 4));
    return chunk->at + bytes + 4 + behind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= SIGNATURE_BYTES && memcmp(data, "\x89PNG\r\n\x1a\n", SIGNATURE_BYTES) == 0)
        fuzz_read_picture(data, size);
    return 0;
}
