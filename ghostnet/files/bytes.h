/* Little-endian numbers at any address, on any host. */
#ifndef GVK_CHECKPOINT_BYTES_H
#define GVK_CHECKPOINT_BYTES_H

#include <stdint.h>

static inline uint16_t gvk_load_u16(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static inline uint32_t gvk_load_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint64_t gvk_load_u64(const unsigned char *bytes)
{
    return (uint64_t)gvk_load_u32(bytes) | (uint64_t)gvk_load_u32(bytes + 4) << 32;
}

static inline void gvk_store_u32(unsigned char *bytes, uint32_t value)
{
    bytes[0] = (unsigned char)(value & 0xff);
    bytes[1] = (unsigned char)(value >> 8 & 0xff);
    bytes[2] = (unsigned char)(value >> 16 & 0xff);
    bytes[3] = (unsigned char)(value >> 24 & 0xff);
}

#endif
