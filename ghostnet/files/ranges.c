/* Sorts byte ranges with a heap: the C library's qsort may allocate, or be slow on an order made to hurt. */
#include "ranges.h"

#include <stdbool.h>

static bool is_before(const gvk_range *a, const gvk_range *b)
{
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
}

static void swap(gvk_range *a, gvk_range *b)
{
    gvk_range kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_down(gvk_range *ranges, size_t root, size_t count)
{
    for (;;) {
        size_t child = root * 2 + 1;
        if (child >= count)
            return;
        if (child + 1 < count && is_before(&ranges[child], &ranges[child + 1]))
            child++;
        if (!is_before(&ranges[root], &ranges[child]))
            return;
        swap(&ranges[root], &ranges[child]);
        root = child;
    }
}

void gvk_sort_ranges(gvk_range *ranges, size_t count)
{
    for (size_t root = count / 2; root > 0; root--)
        sift_down(ranges, root - 1, count);
    for (size_t end = count; end > 1; end--) {
        swap(&ranges[0], &ranges[end - 1]);
        sift_down(ranges, 0, end - 1);
    }
}
