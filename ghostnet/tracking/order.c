/* See order.h. */
#include "order.h"

#include <stdbool.h>

static bool is_before(const struct gvk_sort_key *left, const struct gvk_sort_key *right)
{
    if (left->group != right->group)
        return left->group < right->group;
    if (left->at < right->at || left->at > right->at)
        return left->at < right->at;
    return left->index < right->index;
}

/* Lets the key at `place` sink below those that come after it. */
static void sink(struct gvk_sort_key *keys, uint32_t place, uint32_t count)
{
    struct gvk_sort_key moved = keys[place];
    for (;;) {
        uint64_t child = 2 * (uint64_t)place + 1;
        if (child >= count)
            break;
        if (child + 1 < count && is_before(&keys[child], &keys[child + 1]))
            child++;
        if (!is_before(&moved, &keys[child]))
            break;
        keys[place] = keys[child];
        place = (uint32_t)child;
    }
    keys[place] = moved;
}

void gvk_sort_keys(struct gvk_sort_key *keys, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sink(keys, i, count);
    for (uint32_t end = count; end > 1; end--) {
        struct gvk_sort_key last = keys[end - 1];
        keys[end - 1] = keys[0];
        keys[0] = last;
        sink(keys, 0, end - 1);
    }
}
