/* Where the files of a picture's own lie: below an output folder in a tree like the pictures'. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"
#include "parts.h"

/* Whether the path leads nowhere but down. */
static bool leads_down(const char *path)
{
    for (const char *part = path; *part;) {
        const char *end = part;
        while (*end && !path_parts_at(*end))
            end++;
        if (end == part || (end - part == 1 && part[0] == '.') || (end - part == 2 && memcmp(part, "..", 2) == 0))
            return false;
        part = *end ? end + 1 : end;
    }
    return *path != 0;
}

char *picture_file_name(const char *folder, const struct picture_result *picture, const char *tail)
{
    const char *relative =
        picture->relative && leads_down(picture->relative) ? picture->relative : base_name(picture->path);
    const char *name = base_name(relative), *dot = strrchr(name, '.');
    bool has_ending = dot && dot != name && (picture->frame >= 0 || image_kind_of_path(name) != IMAGE_UNKNOWN);
    size_t stem = has_ending ? (size_t)(dot - relative) : strlen(relative), folder_length = strlen(folder);
    size_t size = folder_length + stem + strlen(tail) + 32;
    char *path = malloc(size), frame[24] = "";
    if (picture->frame >= 0)
        snprintf(frame, sizeof frame, "_%06" PRId64, picture->frame);
    const char *between = folder_length && path_parts_at(folder[folder_length - 1]) ? "" : "/";
    if (path)
        snprintf(path, size, "%s%s%.*s%s%s", folder, between, (int)stem, relative, frame, tail);
    return path;
}

/* The folders above the file. 0, or why not. */
static int make_folders(const char *name)
{
    char *folder = copy_folder(name);
    int reason = folder ? 0 : ENOMEM;
    size_t length = folder ? strlen(folder) : 0;
    if (length && !is_folder(folder)) {
        for (size_t at = 1; at < length && !reason; at++) {
            if (!path_parts_at(folder[at]))
                continue;
            char kept = folder[at];
            folder[at] = 0;
            if (!is_folder(folder) && !folder_make(folder, false)) {
                reason = errno;
                if (reason == EEXIST) /* another process was quicker, or it is a file */
                    reason = is_folder(folder) ? 0 : ENOTDIR;
            }
            folder[at] = kept;
        }
    }
    free(folder);
    return reason;
}

bool picture_file_claim(struct results *results, const char *name, char *message)
{
    bool is_new;
    int reason = make_folders(name);
    if (reason) {
        snprintf(message, RESULT_MESSAGE_SIZE, "cannot be written: %s", strerror(reason));
        return false;
    }
    if (!name_map_put(&results->claimed, name, strlen(name), 0, NULL, &is_new)) {
        snprintf(message, RESULT_MESSAGE_SIZE, "needs more memory than there is");
        return false;
    }
    if (!is_new)
        snprintf(message, RESULT_MESSAGE_SIZE, "is not written: it is another picture's, of the same name");
    return is_new;
}
