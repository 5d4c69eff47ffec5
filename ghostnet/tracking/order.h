/* Sorts by a group and a number in it, with a heap: the C library's qsort may allocate, or be slow on an order made to
 * hurt. */
#ifndef GVK_ORDER_H
#define GVK_ORDER_H

#include <stdint.h>

struct gvk_sort_key {
    double at; /* finite */
    uint32_t group;
    uint32_t index; /* of whatever is sorted; the last to decide, so that equal input gives equal order */
};

void gvk_sort_keys(struct gvk_sort_key *keys, uint32_t count);

#endif
