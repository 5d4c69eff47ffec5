/* Where the members of a release's structs lie, and what its constants are: layout.c, compiled against its headers. */
#ifndef GVK_TEST_LAYOUT_H
#define GVK_TEST_LAYOUT_H

#include <stddef.h>

struct layout_item {
    const char *name; /* of the struct, the member or the constant */
    size_t size, offset;
    long long value;
};

extern const struct layout_item layout_of_0_1[], layout_of_today[];
extern const size_t layout_count_of_0_1, layout_count_of_today;

#endif
