/* One file a key in the cache folder, replaced whole. Called by the library through gvk_host. */
#include "cache_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
    /* A pipe in its place must not make us wait. */
    int descriptor = write_path(key, path, sizeof path) ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return GVK_ERROR_FILE;
    gvk_result result = GVK_ERROR_FILE;
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        goto done;
    if (!bytes) {
        *count = (uintmax_t)status.st_size > SIZE_MAX ? SIZE_MAX : (size_t)status.st_size;
        result = GVK_OK;
        goto done;
    }
    size_t filled = 0;
    while (filled < *count) {
        ssize_t got = read(descriptor, (char *)bytes + filled, *count - filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            goto done;
        if (got == 0)
            break; /* it became shorter meanwhile */
        filled += (size_t)got;
    }
    *count = filled;
    result = GVK_OK;
done:
    close(descriptor);
    return result;
}

void cache_folder_store(void *user, const char *key, const void *bytes, size_t count)
{
    char path[4096], message[512];
    struct output_file file;
    struct stat status;
    (void)user;
    if (!write_path(key, path, sizeof path))
        return;
    /* output_file writes devices and pipes straight, which is right for outputs that a person names, not here. */
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
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
