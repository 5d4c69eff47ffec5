/* Blocks of bytes that the host keeps between starts (gvk_host.cache_load, cache_store), each for one device, driver
 * and configuration (gvk_device.configuration). What comes back is believed only when header and hash fit. */
#ifndef GVK_STORED_H
#define GVK_STORED_H

#include "device.h"

#define GVK_STORED_HEADER 64 /* bytes in front of the data */

struct gvk_cache_entry_kind {
    const char *magic;    /* 8 characters, which change with the format */
    const char *prefix;   /* of the host's key */
    size_t ceiling;       /* header and all */
    const char *sentence; /* "pipeline cache is" */
};

uint64_t gvk_hash(const void *bytes, size_t count);

/* Header and data in the host's memory, which the caller releases; the data begin at GVK_STORED_HEADER. NULL when there
 * is nothing to trust. */
unsigned char *gvk_cache_entry_load(const struct gvk_device *device, const struct gvk_cache_entry_kind *kind,
                                    size_t *bytes);
/* `stored` has room for the header in front of `bytes` bytes of data. The host must have cache_store. */
void gvk_cache_entry_save(const struct gvk_device *device, const struct gvk_cache_entry_kind *kind,
                          unsigned char *stored, size_t bytes);

#endif
