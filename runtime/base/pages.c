/* Large pages on Linux and Android, by advice to the kernel. Elsewhere nothing. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "pages.h"

#if defined(__linux__)
#include <stdint.h>
#include <sys/mman.h>

#define LARGE_PAGE ((uintptr_t)2 << 20) /* of x86-64, and of ARM with pages of 4 KiB */
/* Below it rounding to large pages leaves too little. */
#define SMALLEST (2 * LARGE_PAGE)

void gvk_prefer_large_pages(void *block, size_t bytes)
{
    if (!block || bytes < SMALLEST)
        return;
    size_t skipped = (size_t)(-(uintptr_t)block % LARGE_PAGE); /* to the first whole one */
    size_t whole = (bytes - skipped) / LARGE_PAGE * LARGE_PAGE;
    (void)madvise((char *)block + skipped, whole, MADV_HUGEPAGE); /* advice: a refusal changes nothing */
}
#else
void gvk_prefer_large_pages(void *block, size_t bytes)
{
    (void)block;
    (void)bytes;
}
#endif
