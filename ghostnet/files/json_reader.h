/* A small pull parser for JSON, bounded in depth and never allocating: the caller walks the grammar that it
 * expects, and the parser only answers what stands there.
 * The first failing call sets `problem`; after it, the object is good for messages only. */
#ifndef GVK_CHECKPOINT_JSON_READER_H
#define GVK_CHECKPOINT_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How deep gvk_json_skip follows arrays and objects. */
#define GVK_JSON_DEPTH_LIMIT 16

typedef struct gvk_json {
    const unsigned char *bytes;
    size_t count, at;
    const char *problem; /* the end of a sentence, such as "a string does not end" */
} gvk_json;

/* Skips white space and takes `wanted` when it comes next. */
bool gvk_json_take(gvk_json *json, char wanted);
/* The same for the word null. */
bool gvk_json_take_null(gvk_json *json);
/* The same as gvk_json_take, but anything else is a problem. */
bool gvk_json_expect(gvk_json *json, char wanted);
/* A string, decoded to UTF-8 without a terminator, into `room` bytes; a longer one is a problem. NULL only checks.
 * U+0000 is refused, since the result becomes a C string. */
bool gvk_json_string(gvk_json *json, char *out, size_t room, size_t *length);
/* A non-negative whole number below 2^63. */
bool gvk_json_unsigned(gvk_json *json, uint64_t *out);
/* Any value, checked and dropped. */
bool gvk_json_skip(gvk_json *json);
/* Whether only white space is left. */
bool gvk_json_is_at_end(gvk_json *json);

#endif
