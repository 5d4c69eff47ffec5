/* See output_folder.h. */
#include "output_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/output_file.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"

/* 0, or why not; `existing` as in the struct. */
static int make(const char *path, size_t *existing)
{
    size_t length = strlen(path);
    char *part = malloc(length + 1);
    int reason = 0;
    if (!part)
        return ENOMEM;
    memcpy(part, path, length + 1);
    *existing = 0;
    bool made = false;
    for (size_t at = 1; at <= length && !reason; at++) {
        if (!path_parts_at(part[at]) && part[at] != 0)
            continue;
        char kept = part[at];
        part[at] = 0;
        if (!is_folder(part)) {
            reason = folder_make(part, false) ? 0 : errno;
            made = made || !reason;
            if (reason == EEXIST) /* another process was quicker, or it is a file */
                reason = is_folder(part) ? 0 : ENOTDIR;
        } else if (!made) {
            *existing = at;
        }
        part[at] = kept;
    }
    free(part);
    return reason;
}

void output_folder_unmake(struct output_folder *folder)
{
    size_t length = folder->path ? strlen(folder->path) : 0;
    char *part = length > folder->existing ? malloc(length + 1) : NULL;
    if (part)
        memcpy(part, folder->path, length + 1);
    for (size_t at = length; part && at > folder->existing; at--) {
        if (!path_parts_at(folder->path[at]) && folder->path[at] != 0)
            continue;
        part[at] = 0;
        folder_remove(part); /* which takes no folder that holds anything */
    }
    free(part);
    *folder = (struct output_folder){0};
}

static bool can_hold_files(const char *path, char *message, size_t message_size)
{
    static const char name[] = "/.ghostvk";
    size_t length = strlen(path);
    char *file = malloc(length + sizeof name);
    int held = -1;
    if (!file) {
        snprintf(message, message_size, "needs more memory than there is");
        return false;
    }
    memcpy(file, path, length);
    memcpy(file + length, name, sizeof name);
    bool holds = output_file_try(file, &held, message, message_size);
    if (held >= 0)
        file_close(held);
    free(file);
    return holds;
}

bool output_folder_make(struct output_folder *folder, const char *path, char *message, size_t message_size)
{
    *folder = (struct output_folder){.path = path};
    int reason = make(path, &folder->existing);
    if (reason)
        snprintf(message, message_size, "the folder cannot be made: %s", strerror(reason));
    else if (can_hold_files(path, message, message_size))
        return true;
    output_folder_unmake(folder);
    return false;
}
