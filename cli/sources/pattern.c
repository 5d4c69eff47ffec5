/* See pattern.h. */
#include "pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/text.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"

#define FOLDERS_DEEP_MAX 64 /* below one another; deeper ones are passed over */

/* ---- one name ---------------------------------------------------------------------------------------------------- */

/* Whether a backslash is an escape here; where it parts paths, letters of either size are one. */
static bool escapes(void)
{
    return !path_parts_at('\\');
}

/* The character at `*at`, moved behind it; a byte that is no part of one is its own. */
static uint32_t take(const char **at, size_t count)
{
    size_t length = text_measure(*at, count);
    uint32_t character = length ? text_decode(*at, length) : (uint32_t)(unsigned char)**at | 0x80000000u;
    *at += length ? length : 1;
    if (!escapes() && character >= 'A' && character <= 'Z')
        character += 'a' - 'A';
    return character;
}

/* `*at` stands behind the opening bracket; false with `*at` as it was where nothing closes it. */
static bool read_class(const char **at, const char *end, uint32_t character, bool *is_in)
{
    const char *next = *at;
    bool is_other = next < end && (*next == '!' || *next == '^'), found = false;
    next += is_other;
    for (bool is_first = true; next < end; is_first = false) {
        if (*next == ']' && !is_first) {
            *at = next + 1;
            *is_in = found != is_other;
            return true;
        }
        uint32_t low = take(&next, (size_t)(end - next)), high = low;
        if (end - next > 1 && next[0] == '-' && next[1] != ']') {
            next++;
            high = take(&next, (size_t)(end - next));
        }
        found = found || (low <= character && character <= high);
    }
    return false;
}

/* One character of the pattern against one of the name; both are moved on. */
static bool match_one(const char **pattern, const char *end, const char **name)
{
    uint32_t character = take(name, strlen(*name));
    if (**pattern == '?') {
        ++*pattern;
        return true;
    }
    if (**pattern == '[') {
        const char *inside = *pattern + 1;
        bool is_in = false;
        if (read_class(&inside, end, character, &is_in)) {
            *pattern = inside;
            return is_in;
        }
    }
    if (**pattern == '\\' && escapes() && end - *pattern > 1)
        ++*pattern;
    return take(pattern, (size_t)(end - *pattern)) == character;
}

bool pattern_matches(const char *pattern, size_t length, const char *name)
{
    const char *end = pattern + length, *star = NULL, *behind = NULL; /* where the last star's match may be longer */
    if (name[0] == '.' && (length == 0 || pattern[0] != '.'))
        return false;
    while (*name) {
        const char *one = pattern, *rest = name;
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            behind = name;
        } else if (pattern < end && match_one(&one, end, &rest)) {
            pattern = one;
            name = rest;
        } else if (star) {
            take(&behind, strlen(behind));
            pattern = star;
            name = behind;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

static bool has_meaning(const char *part, size_t length)
{
    for (size_t index = 0; index < length; index++)
        if (strchr("*?[", part[index]))
            return true;
    return false;
}

bool pattern_is_one(const char *path)
{
    return has_meaning(path, strlen(path));
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

struct expansion {
    struct path_set *out;
    bool files_alone; /* behind `**`, which gives what is in folders already */
    bool lacks_memory;
};

struct names {
    struct expansion *expansion;
    struct path_set set;
    const char *pattern;
    size_t length;
};

static char *join(const char *folder, const char *name, size_t length)
{
    size_t before = strlen(folder);
    char *path = malloc(before + length + 1);
    if (path) {
        memcpy(path, folder, before);
        memcpy(path + before, name, length);
        path[before + length] = 0;
    }
    return path;
}

/* Takes the path over. */
static bool add(struct path_set *set, char *path)
{
    if (path && set->count == set->capacity) {
        size_t capacity = set->capacity ? set->capacity * 2 : 16;
        char **paths = realloc(set->paths, capacity * sizeof *paths);
        if (!paths) {
            free(path);
            return false;
        }
        set->paths = paths;
        set->capacity = capacity;
    }
    if (path)
        set->paths[set->count++] = path;
    return path != NULL;
}

static bool take_name(void *user, const char *name, enum folder_entry entry)
{
    struct names *names = user;
    bool any_folder = names->length == 0;
    if (any_folder ? entry != FOLDER_ENTRY_FOLDER || name[0] == '.'
                   : !pattern_matches(names->pattern, names->length, name))
        return true;
    if (add(&names->set, join("", name, strlen(name))))
        return true;
    names->expansion->lacks_memory = true;
    return false;
}

static void expand(struct expansion *expansion, const char *folder, const char *pattern, unsigned deep);

/* All in `folder` that the part matches, and what is behind it in the pattern; a part of no length is every folder that
 * is no link, with `rest` for each. */
static void expand_names(struct expansion *expansion, const char *folder, const char *part, size_t length,
                         const char *rest, unsigned deep)
{
    struct names names = {.expansion = expansion, .pattern = part, .length = length};
    folder_visit(*folder ? folder : ".", take_name, &names);
    for (size_t index = 0; index < names.set.count && !expansion->lacks_memory; index++) {
        const char *name = names.set.paths[index];
        char *path = join(folder, name, strlen(name)), *inside = NULL;
        if (path && *rest && is_folder(path)) {
            inside = join(path, "/", 1);
            if (inside)
                expand(expansion, inside, rest, deep + 1);
            expansion->lacks_memory = expansion->lacks_memory || !inside;
        }
        bool is_meant = path && !*rest && !(expansion->files_alone && is_folder(path));
        expansion->lacks_memory = expansion->lacks_memory || !path || (is_meant && !add(expansion->out, path));
        if (!is_meant)
            free(path);
        free(inside);
    }
    path_set_release(&names.set);
}

/* `folder` is empty or ends where parts do. */
static void expand(struct expansion *expansion, const char *folder, const char *pattern, unsigned deep)
{
    size_t length = 0;
    while (pattern[length] && !path_parts_at(pattern[length]))
        length++;
    const char *rest = pattern + length;
    while (path_parts_at(*rest))
        rest++;
    if (expansion->lacks_memory || deep > FOLDERS_DEEP_MAX)
        return;
    if (length == 2 && memcmp(pattern, "**", 2) == 0) {
        expansion->files_alone = true;
        expand(expansion, folder, *rest ? rest : "*", deep + 1);
        expand_names(expansion, folder, "", 0, pattern, deep);
    } else if (has_meaning(pattern, length)) {
        expand_names(expansion, folder, pattern, length, rest, deep);
    } else {
        struct file_status status;
        char *path = join(folder, pattern, *rest ? (size_t)(rest - pattern) : length);
        expansion->lacks_memory = !path;
        if (path && *rest)
            expand(expansion, path, rest, deep + 1);
        else if (path && length && file_look(path, &status) && add(expansion->out, path))
            return;
        free(path);
    }
}

/* Part by part, as a walk through the folders would come upon them. */
static int compare_paths(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int first = *a == 0 ? -1 : path_parts_at(*a) ? 0 : (unsigned char)*a;
    int second = *b == 0 ? -1 : path_parts_at(*b) ? 0 : (unsigned char)*b;
    return first - second;
}

bool pattern_expand(const char *pattern, struct path_set *out, size_t *fixed)
{
    struct expansion expansion = {.out = out};
    size_t meaning = strcspn(pattern, "*?[");
    while (meaning && !path_parts_at(pattern[meaning - 1]))
        meaning--;
    *fixed = meaning;
    *out = (struct path_set){0};
    char *start = join("", pattern, meaning);
    if (start)
        expand(&expansion, start, pattern + meaning, 0);
    bool whole = start && !expansion.lacks_memory;
    free(start);
    if (!whole) {
        path_set_release(out);
        return false;
    }
    if (out->count)
        qsort(out->paths, out->count, sizeof *out->paths, compare_paths);
    size_t kept = 0; /* a pattern with two `**` finds some several times */
    for (size_t index = 0; index < out->count; index++)
        if (kept && strcmp(out->paths[kept - 1], out->paths[index]) == 0)
            free(out->paths[index]);
        else
            out->paths[kept++] = out->paths[index];
    out->count = kept;
    return true;
}

void path_set_release(struct path_set *set)
{
    for (size_t index = 0; index < set->count; index++)
        free(set->paths[index]);
    free(set->paths);
    *set = (struct path_set){0};
}
