/* See input_file.h. */
#include "input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
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
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *read_small_file(const char *path, size_t limit, size_t *count, char *message, size_t message_size)
{
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); /* a pipe must not make us wait */
    if (descriptor < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    char *bytes = NULL;
    size_t length = 0;
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
        goto failed;
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(message, message_size, "is %s, not a file", S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
        goto failed;
    }
    if ((uintmax_t)status.st_size > limit) {
        snprintf(message, message_size, "is larger than %zu KiB", limit >> 10);
        goto failed;
    }
    size_t capacity = (size_t)status.st_size;
    bytes = malloc(capacity + 1);
    if (!bytes) {
        snprintf(message, message_size, "needs more memory than there is");
        goto failed;
    }
    while (length < capacity) {
        ssize_t got = read(descriptor, bytes + length, capacity - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            snprintf(message, message_size, "cannot be read: %s", strerror(errno));
            goto failed;
        }
        if (got == 0)
            break; /* it became shorter meanwhile */
        length += (size_t)got;
    }
    close(descriptor);
    bytes[length] = 0;
    *count = length;
    return bytes;
failed:
    close(descriptor);
    free(bytes);
    return NULL;
}
