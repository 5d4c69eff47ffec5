/* Byte ranges of a file, sorted, so that overlaps and holes show between neighbours. */
#ifndef GVK_CHECKPOINT_RANGES_H
#define GVK_CHECKPOINT_RANGES_H

#include <stddef.h>
#include <stdint.h>

typedef struct gvk_range {
    uint64_t begin, end;
    uint32_t owner; /* the caller's number for it */
} gvk_range;

/* By begin, then by end. n log n steps whatever the order was, and no memory. */
void gvk_sort_ranges(gvk_range *ranges, size_t count);

#endif
