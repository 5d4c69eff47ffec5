/* The bytes of a checkpoint in one block of memory, which has its final address from the start and is filled as bytes
 * are needed: a file that is refused by its header, and tensors that nobody uses, are never read whole. */
#ifndef GVK_CHECKPOINT_CONTENT_H
#define GVK_CHECKPOINT_CONTENT_H

#include "text.h"

/* Files above this are refused unread. */
#define GVK_CONTENT_LIMIT (UINT64_C(4) << 30)

typedef struct gvk_content {
    const gvk_source *source;
    unsigned char *bytes; /* `count` of them, the host's memory; those that were not needed yet are undefined */
    size_t count;
    unsigned char *loaded;       /* a bit for each chunk; NULL: nothing more is loaded */
    const unsigned char *memory; /* where they come from: the caller's memory, or a file */
    int file;
    bool is_file;
} gvk_content;

/* The file's first bytes are recognised before memory is taken. After a failure, too, the content is to be closed and
 * its bytes are to be released. `source` outlives it. */
gvk_result gvk_content_open(const gvk_source *source, const char *path, gvk_content *out);
/* The same for bytes in memory, which must stay until the content is closed. */
gvk_result gvk_content_borrow(const gvk_source *source, const void *bytes, size_t count, gvk_content *out);
/* Loads a range, which must lie in the content. NULL stands for bytes that are all there. */
gvk_result gvk_content_need(gvk_content *content, uint64_t begin, uint64_t count);
/* No more is loaded; the bytes stay. */
void gvk_content_close(gvk_content *content);

#endif
