/* See input_file.h. */
#include "input_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/paths.h"

const char *base_name(const char *path)
{
    const char *name = path;
    for (const char *at = path; *at; at++)
        if (path_parts_at(*at))
            name = at + 1;
    return name;
}

char *copy_folder(const char *path)
{
    size_t length = (size_t)(base_name(path) - path);
    char *folder = malloc(length + 1);
    if (folder) {
        memcpy(folder, path, length);
        folder[length] = 0;
    }
    return folder;
}

bool is_folder(const char *path)
{
    struct file_status status;
    return file_look(path, &status) && status.kind == FILE_FOLDER;
}

char *read_small_file(const char *path, size_t limit, size_t *count, char *message, size_t message_size)
{
    int file = file_open(path);
    if (file < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    char *bytes = NULL;
    size_t length = 0;
    struct file_status status;
    if (!file_look_at_open(file, &status)) {
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
        goto failed;
    }
    if (status.kind != FILE_REGULAR) {
        snprintf(message, message_size, "is %s, not a file",
                 status.kind == FILE_FOLDER ? "a folder" : "a device or pipe");
        goto failed;
    }
    if (status.size > limit) {
        snprintf(message, message_size, "is larger than %zu KiB", limit >> 10);
        goto failed;
    }
    size_t capacity = (size_t)status.size;
    bytes = malloc(capacity + 1);
    if (!bytes) {
        snprintf(message, message_size, "needs more memory than there is");
        goto failed;
    }
    while (length < capacity) {
        ptrdiff_t got = file_read(file, bytes + length, capacity - length);
        if (got < 0) {
            snprintf(message, message_size, "cannot be read: %s", strerror(errno));
            goto failed;
        }
        if (got == 0)
            break; /* it became shorter meanwhile */
        length += (size_t)got;
    }
    file_close(file);
    bytes[length] = 0;
    *count = length;
    return bytes;
failed:
    file_close(file);
    free(bytes);
    return NULL;
}
