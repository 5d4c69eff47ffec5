/* Where the parts of a path end. */
#ifndef GHOSTVK_CLI_PATHS_H
#define GHOSTVK_CLI_PATHS_H

#include <stdbool.h>

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

#endif
