/* Finds a number by a byte string: a node, a tensor or a file's entry by its name. Names may come from a hostile file.
 */
#ifndef GVK_NAME_INDEX_H
#define GVK_NAME_INDEX_H

#include "host.h"

/* The most names in one index. It bounds the time that a file of colliding names can take. */
#define GVK_NAME_COUNT_LIMIT 16384u

typedef struct gvk_name_slot {
    const char *text; /* NULL: a free slot; else the caller's, which must outlive the index */
    size_t length;
    uint64_t hash;
    uint32_t value;
} gvk_name_slot;

typedef struct gvk_name_index {
    gvk_name_slot *slots;
    size_t mask;
} gvk_name_index;

/* Room for `count` names, at most GVK_NAME_COUNT_LIMIT. */
gvk_result gvk_name_index_create(const gvk_host *host, size_t count, gvk_name_index *out);
void gvk_name_index_release(const gvk_host *host, gvk_name_index *index);

/* False when the name is there already. No more names may be added than there is room for. */
bool gvk_name_index_add(gvk_name_index *index, const char *text, size_t length, uint32_t value);
/* False when there is none; also for an index that was never created. */
bool gvk_name_index_find(const gvk_name_index *index, const char *text, size_t length, uint32_t *value);

#endif
