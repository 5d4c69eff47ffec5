/* One file a key in the cache folder, replaced whole. Called by the library through gvk_host. */
#include "cache_folder.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common.h"
#include "output_file.h"

static bool write_path(const char *key, char *path, size_t size)
{
    const char *folder = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int used = -1;
    if (folder && *folder == '/')
        used = snprintf(path, size, "%s/ghostvk/%s", folder, key);
    else if (home && *home == '/')
        used = snprintf(path, size, "%s/.cache/ghostvk/%s", home, key);
    return used > 0 && (size_t)used < size;
}

gvk_result cache_folder_load(void *user, const char *key, void *bytes, size_t *count)
{
    char path[4096];
    (void)user;
    FILE *file = write_path(key, path, sizeof path) ? fopen(path, "rb") : NULL;
    if (!file)
        return GVK_ERROR_FILE;
    gvk_result result = GVK_ERROR_FILE;
    if (bytes) {
        *count = fread(bytes, 1, *count, file);
        result = ferror(file) ? GVK_ERROR_FILE : GVK_OK;
    } else if (fseek(file, 0, SEEK_END) == 0) {
        long end = ftell(file);
        if (end > 0) {
            *count = (size_t)end;
            result = GVK_OK;
        }
    }
    fclose(file);
    return result;
}

void cache_folder_store(void *user, const char *key, const void *bytes, size_t count)
{
    char path[4096], message[512];
    struct output_file file;
    (void)user;
    if (!write_path(key, path, sizeof path))
        return;
    char *folder = copy_folder(path);
    bool there = folder && (is_folder(folder) || create_folder(folder));
    free(folder);
    if (!there || !output_file_open(&file, path, message, sizeof message))
        return;
    if (fwrite(bytes, 1, count, file.stream) == count)
        output_file_commit(&file, message, sizeof message);
    else
        output_file_abort(&file);
}
