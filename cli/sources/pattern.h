/* Patterns of file names, for shells that leave them alone (Windows has one) and for quoted ones.
 *
 * In a part of a path `*` is any characters, `?` one, `[a-f]` one of those and `[!a-f]` one of the others; a part that
 * is `**` is any number of folders, none among them, and leads through no links; then files alone are meant. Names that
 * begin with a dot are matched by patterns that do. Where a backslash parts no paths, it takes the next character's
 * meaning away. */
#ifndef GHOSTVK_CLI_SOURCES_PATTERN_H
#define GHOSTVK_CLI_SOURCES_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the path holds a character with a meaning. */
bool pattern_is_one(const char *path);
/* Whether one part of a pattern matches a name: `length` bytes of it. */
bool pattern_matches(const char *pattern, size_t length, const char *name);

/* Paths, each from malloc. Zeroed is empty. */
struct path_set {
    char **paths;
    size_t count, capacity;
};

/* All that is there and matches, sorted part by part by their bytes. *fixed is the length of the pattern's part in
 * front of the first one with a meaning, which all paths begin with. False when memory ran out. */
bool pattern_expand(const char *pattern, struct path_set *out, size_t *fixed);
void path_set_release(struct path_set *set);

#endif
