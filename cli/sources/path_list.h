/* A list of paths on standard input: one a line, or with a NUL behind each. It is read as it comes, so that who writes
 * it may be at work still. */
#ifndef GHOSTVK_CLI_SOURCES_PATH_LIST_H
#define GHOSTVK_CLI_SOURCES_PATH_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct path_list {
    int file;
    bool ends_in_null;              /* each path; otherwise lines */
    bool (*is_stopped)(void *user); /* asked while it waits for more; NULL: never */
    void *user;
    char *bytes; /* what was read and not given yet begins at `start` */
    size_t start, end, capacity;
    bool is_at_end, is_past_first;
};

/* Of a file that is open already and stays so. */
void path_list_start(struct path_list *list, int file, bool ends_in_null, bool (*is_stopped)(void *user), void *user);
/* 1: *path lives until the next call. Empty lines are passed over; a carriage return at a line's end is no part of it.
 * 0: the end, or stopped. -1: it cannot be read on, for which `message` has a predicate. */
int path_list_next(struct path_list *list, const char **path, char *message, size_t message_size);
/* Accepts a zeroed one. */
void path_list_release(struct path_list *list);

#endif
