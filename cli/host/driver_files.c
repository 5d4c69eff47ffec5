/* See driver_files.h. */
#include "driver_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"

/* 0, or why the file or folder cannot be read. */
static int find_reason(const char *path)
{
    int file = file_open(path);
    if (file < 0)
        return errno;
    file_close(file);
    return 0;
}

/* The next path of a list; false at its end. `left` moves behind it. */
static bool next_path(const char **left, char *path, size_t size)
{
    while (**left) {
        size_t length = strcspn(*left, PATH_LIST_SEPARATOR);
        bool fits = length > 0 && length < size;
        if (fits) {
            memcpy(path, *left, length);
            path[length] = 0;
        }
        *left += length + ((*left)[length] != 0);
        if (fits)
            return true;
    }
    return false;
}

static void describe(const char *variable, const char *path, int reason, char *sentence, size_t size)
{
    snprintf(sentence, size, "%s names %.400s, which cannot be read: %s.", variable, path, strerror(reason));
}

/* How many of the named files can be read; says which cannot, or, where `sentence` is given, describes the first. */
static size_t look_at(const char *variable, const char *value, size_t *named, char *sentence, size_t size)
{
    char path[4096], text[512];
    size_t readable = 0;
    *named = 0;
    for (const char *left = value; next_path(&left, path, sizeof path); ++*named) {
        int reason = find_reason(path);
        if (!reason) {
            readable++;
            continue;
        }
        describe(variable, path, reason, text, sizeof text);
        if (!sentence)
            say("note: %s", text);
        else if (!*sentence)
            snprintf(sentence, size, "%s", text);
    }
    return readable;
}

bool driver_files_are_missing(char *sentence, size_t size)
{
    /* The first that is set is the loader's list; VK_ADD_DRIVER_FILES adds to whatever that gives. */
    const char *first = getenv("VK_DRIVER_FILES"), *second = getenv("VK_ICD_FILENAMES"),
               *added = getenv("VK_ADD_DRIVER_FILES");
    bool has_first = first && *first;
    const char *variable = has_first ? "VK_DRIVER_FILES" : "VK_ICD_FILENAMES", *value = has_first ? first : second;
    size_t named = 0, added_named = 0;
    *sentence = 0;
    size_t readable = value ? look_at(variable, value, &named, sentence, size) : 0;
    bool missing = named > 0 && readable == 0 && !(added && *added);
    if (!missing && readable < named)
        look_at(variable, value, &named, NULL, 0);
    if (added)
        look_at("VK_ADD_DRIVER_FILES", added, &added_named, NULL, 0);
    return missing;
}
