/* The mutator of the targets that read safetensors files. Most mutations change the JSON header alone and write its
 * length anew in front of it; some change the data; the others change bytes anywhere. */
#include <string.h>

#include "fuzz.h"

#define PREFIX_BYTES 8u
#define ROOM         8192u

static size_t header_bytes(const uint8_t *data, size_t size)
{
    uint64_t length = 0;
    for (size_t i = 0; i < PREFIX_BYTES && size >= PREFIX_BYTES; i++)
        length |= (uint64_t)data[i] << 8 * i;
    return size >= PREFIX_BYTES && length <= size - PREFIX_BYTES ? (size_t)length : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static uint8_t header[ROOM], rest[ROOM];
    size_t header_count = header_bytes(data, size), rest_count = size - PREFIX_BYTES - header_count;
    if (header_count == 0 || header_count > ROOM / 2 || rest_count > ROOM / 2 || seed % 8 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(header, data + PREFIX_BYTES, header_count);
    memcpy(rest, data + PREFIX_BYTES + header_count, rest_count);
    if (seed % 8 == 1)
        rest_count = LLVMFuzzerMutate(rest, rest_count, ROOM / 2);
    else
        header_count = LLVMFuzzerMutate(header, header_count, ROOM / 2);
    if (PREFIX_BYTES + header_count + rest_count > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 0; i < PREFIX_BYTES; i++)
        data[i] = (uint8_t)((uint64_t)header_count >> 8 * i & 0xff);
    memcpy(data + PREFIX_BYTES, header, header_count);
    memcpy(data + PREFIX_BYTES + header_count, rest, rest_count);
    return PREFIX_BYTES + header_count + rest_count;
}
