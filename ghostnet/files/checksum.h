/* The checksum of zip entries (CRC-32). */
#ifndef GVK_CHECKPOINT_CHECKSUM_H
#define GVK_CHECKPOINT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define GVK_CHECKSUM_TABLES 8u

typedef struct gvk_checksum {
    uint32_t tables[GVK_CHECKSUM_TABLES][256];
} gvk_checksum;

void gvk_checksum_start(gvk_checksum *checksum);
uint32_t gvk_checksum_of(const gvk_checksum *checksum, const unsigned char *data, size_t size);

#endif
