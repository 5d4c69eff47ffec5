/* See folder_walk.h. */
#include "folder_walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/paths.h"

#define LEVELS_MAX 256

struct folder_level {
    char *names; /* one behind the other, each with its kind in front and a zero behind */
    size_t length, capacity;
    const char **sorted; /* into names, at the kinds */
    size_t count, at;
    size_t path_length; /* of the folder, its separator included */
    uint64_t place[2];
};

struct listing {
    struct folder_level *level;
    bool (*wants)(const char *name);
    bool lacks_memory;
};

static bool take_name(void *user, const char *name, enum folder_entry entry)
{
    struct listing *listing = user;
    struct folder_level *level = listing->level;
    if (name[0] == '.' || (entry == FOLDER_ENTRY_FILE && !listing->wants(name)))
        return true;
    size_t size = strlen(name) + 2;
    if (level->capacity - level->length < size) {
        size_t capacity = level->capacity * 2 + size + 512;
        char *names = realloc(level->names, capacity);
        if (!names) {
            listing->lacks_memory = true;
            return false;
        }
        level->names = names;
        level->capacity = capacity;
    }
    level->names[level->length] = (char)entry;
    memcpy(level->names + level->length + 1, name, size - 1);
    level->length += size;
    level->count++;
    return true;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left + 1, *(const char *const *)right + 1);
}

static void release_level(struct folder_level *level)
{
    free(level->names);
    free(level->sorted);
    *level = (struct folder_level){0};
}

/* 0, or why not. */
static int list(struct folder_level *level, const char *path, bool (*wants)(const char *name))
{
    struct listing listing = {.level = level, .wants = wants};
    if (!folder_visit(path, take_name, &listing))
        return listing.lacks_memory ? ENOMEM : errno;
    level->sorted = malloc((level->count ? level->count : 1) * sizeof *level->sorted);
    if (!level->sorted)
        return ENOMEM;
    const char *name = level->names;
    for (size_t index = 0; index < level->count; index++, name += strlen(name + 1) + 2)
        level->sorted[index] = name;
    if (level->count)
        qsort(level->sorted, level->count, sizeof *level->sorted, compare_names);
    return 0;
}

static bool make_room(struct folder_walk *walk, size_t length)
{
    if (length < walk->path_capacity)
        return true;
    char *path = realloc(walk->path, length * 2 + 64);
    if (!path)
        return false;
    walk->path = path;
    walk->path_capacity = length * 2 + 64;
    return true;
}

/* Whether the folder at that place is to be passed over: one that is left out, or that is open. */
static bool is_closed(const struct folder_walk *walk, const uint64_t place[2])
{
    for (size_t index = 0; index < walk->left_out_count; index++)
        if (memcmp(place, walk->left_out[index], sizeof walk->left_out[index]) == 0)
            return true;
    for (size_t index = 0; index < walk->depth; index++)
        if (memcmp(place, walk->levels[index].place, sizeof walk->levels[index].place) == 0)
            return true;
    return false;
}

/* The folder walk->path, `length` bytes long. 0 also when it is passed over, or why it cannot be read. */
static int enter(struct folder_walk *walk, size_t length)
{
    struct file_status status;
    if (!file_look(walk->path, &status))
        return errno;
    if (status.kind != FILE_FOLDER)
        return ENOTDIR;
    if (is_closed(walk, status.place))
        return 0;
    if (walk->depth == LEVELS_MAX)
        return ENAMETOOLONG;
    if (walk->depth == walk->capacity) {
        size_t capacity = walk->capacity ? walk->capacity * 2 : 8;
        struct folder_level *levels = realloc(walk->levels, capacity * sizeof *levels);
        if (!levels)
            return ENOMEM;
        walk->levels = levels;
        walk->capacity = capacity;
    }
    struct folder_level level = {.path_length = length, .place = {status.place[0], status.place[1]}};
    int reason = list(&level, walk->path, walk->wants);
    if (!reason && !make_room(walk, length + 1))
        reason = ENOMEM;
    if (reason) {
        release_level(&level);
        return reason;
    }
    if (!path_parts_at(walk->path[length - 1])) {
        memcpy(walk->path + length, "/", 2);
        level.path_length++;
    }
    walk->levels[walk->depth++] = level;
    return 0;
}

static void explain(int reason, char *message, size_t message_size)
{
    if (reason == ENOMEM)
        snprintf(message, message_size, "needs more memory than there is");
    else
        snprintf(message, message_size, "the folder cannot be read: %s", strerror(reason));
}

bool folder_walk_open(struct folder_walk *walk, const char *path, const char *const left_out[FOLDERS_LEFT_OUT],
                      bool (*wants)(const char *name), char *message, size_t message_size)
{
    struct file_status status;
    size_t length = strlen(path);
    *walk = (struct folder_walk){.wants = wants};
    for (size_t index = 0; index < FOLDERS_LEFT_OUT; index++)
        if (left_out[index] && file_look(left_out[index], &status))
            memcpy(walk->left_out[walk->left_out_count++], status.place, sizeof status.place);
    int reason = make_room(walk, length + 1) ? 0 : ENOMEM;
    if (!reason) {
        memcpy(walk->path, path, length + 1);
        reason = enter(walk, length);
    }
    if (!reason) {
        walk->below = walk->depth ? walk->levels[0].path_length : length;
        return true;
    }
    folder_walk_close(walk);
    explain(reason, message, message_size);
    return false;
}

int folder_walk_next(struct folder_walk *walk, char *message, size_t message_size)
{
    while (walk->depth) {
        struct folder_level *level = &walk->levels[walk->depth - 1];
        if (level->at == level->count) {
            release_level(level);
            walk->depth--;
            continue;
        }
        const char *entry = level->sorted[level->at++], *name = entry + 1;
        size_t length = strlen(name);
        if (!make_room(walk, level->path_length + length + 1)) {
            explain(ENOMEM, message, message_size);
            folder_walk_close(walk);
            return -1;
        }
        memcpy(walk->path + level->path_length, name, length + 1);
        enum folder_entry kind = (enum folder_entry) * entry;
        struct file_status status;
        if (kind == FOLDER_ENTRY_OTHER) /* a link that leads nowhere counts as the file that its name promises */
            kind =
                file_look(walk->path, &status) && status.kind == FILE_FOLDER ? FOLDER_ENTRY_FOLDER : FOLDER_ENTRY_FILE;
        if (kind == FOLDER_ENTRY_FILE) {
            if (walk->wants(name))
                return 1;
            continue;
        }
        int reason = enter(walk, level->path_length + length); /* after which `level` may have moved */
        if (reason) {
            explain(reason, message, message_size);
            if (reason == ENOMEM)
                folder_walk_close(walk);
            return -1;
        }
    }
    return 0;
}

void folder_walk_close(struct folder_walk *walk)
{
    for (size_t index = 0; index < walk->depth; index++)
        release_level(&walk->levels[index]);
    free(walk->levels);
    free(walk->path);
    *walk = (struct folder_walk){0};
}
