/* A walk over JSON text, value by value, without a tree in memory. The text is hostile: it ends with a zero byte, and
 * nothing behind that is looked at. Every function moves on past what it took, or returns false. */
#ifndef GHOSTVK_CLI_JSON_WALK_H
#define GHOSTVK_CLI_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_walk {
    const char *at;
};

/* A string as it is written, without its quotes. */
struct json_text {
    const char *start;
    size_t length;
};

/* One of {}[]:, with white space before it. Without a match nothing is taken. */
bool json_take(struct json_walk *walk, char wanted);
bool json_take_text(struct json_walk *walk, struct json_text *out);
/* A whole number; false for others, such as 1.5 or 1e3. */
bool json_take_integer(struct json_walk *walk, int64_t *out);
/* Whatever comes next. */
bool json_skip(struct json_walk *walk);
/* The next member of an object whose { was taken, up to its colon; false at the } that ends it, which is taken, with
 * `*broken` as it was, and where the text is no JSON, with `*broken` true. `*first` is true before the first call. */
bool json_next_member(struct json_walk *walk, bool *first, bool *broken, struct json_text *key);
/* The same for an array's items. */
bool json_next_item(struct json_walk *walk, bool *first, bool *broken);

bool json_text_is(const struct json_text *text, const char *wanted);
/* What the text says, its escapes resolved, zero-terminated, from malloc; NULL when memory ran out. An escape that is
 * none stands as it is. */
char *json_text_decode(const struct json_text *text, size_t *length);

#endif
