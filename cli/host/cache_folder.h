/* Where the program keeps caches between runs: $XDG_CACHE_HOME/ghostvk, or ~/.cache/ghostvk; on Windows
 * ghostvk in the user's local application data. These are a gvk_host's cache callbacks, with a struct program or NULL
 * as its user. Everything may fail in silence: a cache only saves time, and the library checks what it reads back. */
#ifndef GHOSTVK_CLI_CACHE_FOLDER_H
#define GHOSTVK_CLI_CACHE_FOLDER_H

#include <ghostvk/ghostnet.h>

gvk_result cache_folder_load(void *user, const char *key, void *bytes, size_t *count);
void cache_folder_store(void *user, const char *key, const void *bytes, size_t count);

#endif
