/* Where the program keeps caches between runs: $XDG_CACHE_HOME/ghostvk, or ~/.cache/ghostvk. common.c hands these to
 * the library as the host's cache callbacks. Everything may fail in silence: a cache only saves time, and the library
 * checks what it reads back. */
#ifndef GHOSTVK_CLI_CACHE_FOLDER_H
#define GHOSTVK_CLI_CACHE_FOLDER_H

#include <ghostvk/ghostnet.h>

gvk_result cache_folder_load(void *user, const char *key, void *bytes, size_t *count);
void cache_folder_store(void *user, const char *key, const void *bytes, size_t count);

#endif
