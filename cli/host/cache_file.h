/* The content of one file of the cache folder, alike on every system. */
#ifndef GHOSTVK_CLI_CACHE_FILE_H
#define GHOSTVK_CLI_CACHE_FILE_H

#include <ghostvk/ghostnet.h>

#include <stdbool.h>

/* As gvk_host.cache_load: with `bytes` NULL *count gets the `size` that the file was found to have, else at most *count
 * bytes are read, fewer where it became shorter meanwhile. */
gvk_result cache_file_read(int file, uint64_t size, void *bytes, size_t *count);
/* Replaces the file whole, readable for nobody else. */
bool cache_file_write(const char *path, const void *bytes, size_t count);

#endif
