/* One file a key in the cache folder, replaced whole; on Windows, where the folder of a user's application data lets
 * nobody else in, and what is made there inherits that. */
#include <stdbool.h>
#include <stdio.h>

#include "cache_file.h"
#include "cache_folder.h"
#include "cli/system/files.h"
#include "cli/system/process.h"
#include "program.h"

#define PATH_SIZE 4096

static bool write_path(const char *key, char *path, size_t size)
{
    char folder[PATH_SIZE];
    if (!process_cache_folder(folder, sizeof folder))
        return false;
    int used = snprintf(path, size, "%s/ghostvk%s%s", folder, *key ? "/" : "", key);
    return used > 0 && (size_t)used < size;
}

gvk_result cache_folder_load(void *user, const char *key, void *bytes, size_t *count)
{
    char path[PATH_SIZE];
    struct file_status status;
    (void)user;
    int file = write_path(key, path, sizeof path) ? file_open(path) : -1;
    if (file < 0)
        return GVK_ERROR_FILE;
    gvk_result result = GVK_ERROR_FILE;
    if (file_look_at_open(file, &status) && status.kind == FILE_REGULAR && status.size)
        result = cache_file_read(file, status.size, bytes, count);
    file_close(file);
    return result;
}

static bool store(const char *key, const void *bytes, size_t count)
{
    char path[PATH_SIZE];
    if (!write_path("", path, sizeof path))
        return false;
    folder_make(path, true); /* it may be there */
    return write_path(key, path, sizeof path) && cache_file_write(path, bytes, count);
}

void cache_folder_store(void *user, const char *key, const void *bytes, size_t count)
{
    struct program *program = user;
    if (!store(key, bytes, count) && program)
        program->cache_failed = true;
}
