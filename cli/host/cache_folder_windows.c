/* One file a key in the cache folder, replaced whole; on Windows, where the folder of a user's application data lets
 * nobody else in, and what is made there inherits that. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cache_folder.h"
#include "cli/base/output_file.h"
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
    if (!file_look_at_open(file, &status) || status.kind != FILE_REGULAR || status.size == 0)
        goto done;
    if (!bytes) {
        *count = status.size > SIZE_MAX ? SIZE_MAX : (size_t)status.size;
        result = GVK_OK;
        goto done;
    }
    size_t filled = 0;
    while (filled < *count) {
        ptrdiff_t got = file_read(file, (char *)bytes + filled, *count - filled);
        if (got < 0)
            goto done;
        if (got == 0)
            break; /* it became shorter meanwhile */
        filled += (size_t)got;
    }
    *count = filled;
    result = GVK_OK;
done:
    file_close(file);
    return result;
}

static bool store(const char *key, const void *bytes, size_t count)
{
    char path[PATH_SIZE], message[512];
    struct output_file file;
    if (!write_path("", path, sizeof path))
        return false;
    folder_make(path, true); /* it may be there */
    if (!write_path(key, path, sizeof path) || !output_file_open_private(&file, path, message, sizeof message))
        return false;
    if (fwrite(bytes, 1, count, file.stream) == count)
        return output_file_commit(&file, message, sizeof message);
    output_file_abort(&file);
    return false;
}

void cache_folder_store(void *user, const char *key, const void *bytes, size_t count)
{
    struct program *program = user;
    if (!store(key, bytes, count) && program)
        program->cache_failed = true;
}
