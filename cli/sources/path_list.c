/* See path_list.h. */
#include "path_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"

#define READ_AT_ONCE    4096
#define PATH_LENGTH_MAX 65536
#define LOOK_UP_MS      100 /* how often it is asked whether to stop */

void path_list_start(struct path_list *list, int file, bool ends_in_null, bool (*is_stopped)(void *user), void *user)
{
    *list = (struct path_list){.file = file, .ends_in_null = ends_in_null, .is_stopped = is_stopped, .user = user};
}

/* False with the message when nothing can be read any more, other than at the end. */
static bool read_more(struct path_list *list, char *message, size_t message_size)
{
    if (list->bytes) /* a null pointer may not be moved from, not even by nothing */
        memmove(list->bytes, list->bytes + list->start, list->end - list->start);
    list->end -= list->start;
    list->start = 0;
    if (list->end > PATH_LENGTH_MAX) {
        snprintf(message, message_size, "holds a path of more than %d bytes", PATH_LENGTH_MAX);
        return false;
    }
    if (list->capacity - list->end <= READ_AT_ONCE) {
        size_t capacity = list->capacity * 2 + READ_AT_ONCE + 1;
        char *bytes = realloc(list->bytes, capacity);
        if (!bytes) {
            snprintf(message, message_size, "needs more memory than there is");
            return false;
        }
        list->bytes = bytes;
        list->capacity = capacity;
    }
    while (!file_wait(list->file, LOOK_UP_MS))
        if (list->is_stopped && list->is_stopped(list->user)) {
            list->is_at_end = true;
            list->end = list->start;
            return true;
        }
    ptrdiff_t got = file_read(list->file, list->bytes + list->end, READ_AT_ONCE);
    if (got < 0) {
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
        return false;
    }
    list->is_at_end = got == 0;
    list->end += (size_t)got;
    return true;
}

/* The path of `length` bytes at list->start, terminated. Its end has room for a zero. */
static const char *cut(struct path_list *list, size_t length)
{
    char *path = list->bytes + list->start;
    list->start += length < list->end - list->start ? length + 1 : length;
    path[length] = 0;
    if (!list->ends_in_null && length && path[length - 1] == '\r')
        path[length - 1] = 0;
    if (!list->is_past_first && strncmp(path, "\xEF\xBB\xBF", 3) == 0) /* what editors on Windows begin a text with */
        path += 3;
    list->is_past_first = true;
    return path;
}

int path_list_next(struct path_list *list, const char **path, char *message, size_t message_size)
{
    const char end = list->ends_in_null ? 0 : '\n';
    for (;;) {
        size_t held = list->end - list->start;
        const char *first = list->bytes ? list->bytes + list->start : NULL;
        const char *found = held ? memchr(first, end, held) : NULL;
        if (!found && !list->is_at_end) {
            if (!read_more(list, message, message_size))
                return -1;
            continue;
        }
        if (!held)
            return 0;
        *path = cut(list, found ? (size_t)(found - first) : held);
        if (**path)
            return 1;
    }
}

void path_list_release(struct path_list *list)
{
    free(list->bytes);
    *list = (struct path_list){0};
}
