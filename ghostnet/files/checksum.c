/* See checksum.h. Tables for eight bytes a step: weights are large, and a byte at a time would take as long as reading
 * them. */
#include "checksum.h"

#include "bytes.h"

void gvk_checksum_start(gvk_checksum *checksum)
{
    uint32_t(*tables)[256] = checksum->tables;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
        tables[0][byte] = value;
    }
    for (uint32_t t = 1; t < GVK_CHECKSUM_TABLES; t++)
        for (uint32_t byte = 0; byte < 256; byte++)
            tables[t][byte] = tables[t - 1][byte] >> 8 ^ tables[0][tables[t - 1][byte] & 0xff];
}

uint32_t gvk_checksum_of(const gvk_checksum *checksum, const unsigned char *data, size_t size)
{
    const uint32_t(*tables)[256] = checksum->tables;
    uint32_t sum = 0xffffffffu;
    for (; size >= 8; size -= 8, data += 8) {
        uint32_t low = gvk_load_u32(data) ^ sum, high = gvk_load_u32(data + 4);
        sum = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
              tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^ tables[1][high >> 16 & 0xff] ^
              tables[0][high >> 24];
    }
    for (; size > 0; size--, data++)
        sum = sum >> 8 ^ tables[0][(sum ^ *data) & 0xff];
    return ~sum;
}
