/* The entries of a zip archive as torch.save writes it: stored. Compressed ones are listed and not read.
 * Opening checks the whole directory; nothing of an entry's data is loaded. */
#ifndef GVK_CHECKPOINT_ZIP_H
#define GVK_CHECKPOINT_ZIP_H

#include "content.h"
#include "runtime/base/name_index.h"

typedef struct gvk_zip_entry {
    const char *name; /* in the archive's bytes, without a terminator */
    size_t name_length;
    const unsigned char *data;
    size_t size;
    uint32_t checksum;
    uint32_t record; /* for the caller */
    uint32_t method; /* of compression; 0: none. A compressed entry has no data */
} gvk_zip_entry;

typedef struct gvk_zip {
    gvk_source source;
    gvk_content *content;       /* or NULL, when all bytes are there */
    const unsigned char *bytes; /* the caller's */
    size_t byte_count;
    gvk_zip_entry *entries;
    uint32_t count;
    gvk_name_index index;
} gvk_zip;

/* `out` is to be closed also after a failure. */
gvk_result gvk_zip_open(const gvk_source *source, gvk_content *content, const unsigned char *bytes, size_t count,
                        gvk_zip *out);
void gvk_zip_close(gvk_zip *zip);

bool gvk_zip_find(const gvk_zip *zip, const char *name, size_t length, uint32_t *entry);
/* The sentence for a compressed entry that is needed. */
gvk_result gvk_zip_refuse_compressed(const gvk_zip *zip, uint32_t entry);

#endif
