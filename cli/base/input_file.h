/* Paths, and small files read whole. */
#ifndef GHOSTVK_CLI_INPUT_FILE_H
#define GHOSTVK_CLI_INPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* A copy of `path` up to and with its last separator, or an empty string, from malloc. NULL when memory ran out. */
char *copy_folder(const char *path);
/* What of `path` stands behind its last separator. */
const char *base_name(const char *path);
bool is_folder(const char *path);

/* A regular file's content, zero-terminated, from malloc; NULL with a predicate in `message` ("cannot be opened: No
 * such file or directory"). */
char *read_small_file(const char *path, size_t limit, size_t *count, char *message, size_t message_size);

#endif
