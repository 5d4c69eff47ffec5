/* Where the parts of a path end, and a file beside another. */
#ifndef GHOSTVK_CLI_PATHS_H
#define GHOSTVK_CLI_PATHS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Between the paths of a list in the environment. */
#if defined(_WIN32)
#define PATH_LIST_SEPARATOR ";"
#else
#define PATH_LIST_SEPARATOR ":"
#endif

/* Whether a folder's name ends in front of `character`; on Windows that may be a drive's colon. */
static inline bool path_parts_at(char character)
{
#if defined(_WIN32)
    return character == '/' || character == '\\' || character == ':';
#else
    return character == '/';
#endif
}

/* `name` in the folder of `path`: the part up to and with its last separator, followed by the name; from malloc. NULL
 * when there is no memory. */
static inline char *path_in_folder(const char *path, const char *name)
{
    size_t folder = strlen(path), length = strlen(name);
    while (folder && !path_parts_at(path[folder - 1]))
        folder--;
    char *joined = malloc(folder + length + 1);
    if (!joined)
        return NULL;
    memcpy(joined, path, folder);
    memcpy(joined + folder, name, length + 1);
    return joined;
}

#endif
