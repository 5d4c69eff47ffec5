/* Large pages for large blocks of host memory: a page fault costs up to 13 us on virtual machines, and a network's
 * weights have 11,000 pages of 4 KiB. */
#ifndef GVK_PAGES_H
#define GVK_PAGES_H

#include <stddef.h>

/* Asks the system to back the block, not yet written to, by large pages where it lies over whole ones. Contents and
 * size stay as they are; nothing happens where the system has none to give. */
void gvk_prefer_large_pages(void *block, size_t bytes);

#endif
