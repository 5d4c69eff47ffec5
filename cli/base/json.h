/* A small JSON writer: values go out in the order of the calls, commas and indentation come by themselves.
 *
 * It writes to a stream, or to a buffer that grows. Errors are kept until json_finish, so that the calls between need
 * no checks. Several values one after another at the top make JSON Lines, when each is laid out as JSON_LINE. No
 * function is called as one of Jansson's, which the program may be linked with as a static library. */
#ifndef GHOSTVK_CLI_JSON_H
#define GHOSTVK_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 32

enum json_layout {
    JSON_BLOCK, /* a line for each member, two spaces deeper */
    JSON_LINE,  /* all on one line, with all that is inside: boxes, rows of numbers */
};

struct json {
    FILE *stream;            /* the caller's; NULL when writing to the buffer */
    char *text;              /* the buffer, zero-terminated */
    size_t length, capacity; /* of the buffer */
    bool failed;
    bool has_key; /* the next value belongs to the key just written */
    unsigned depth;
    struct json_level {
        size_t count; /* members so far */
        enum json_layout layout;
        char close;
    } levels[JSON_DEPTH_MAX + 1]; /* the first is the top */
};

/* With `stream` NULL to a buffer, which json_release frees. */
void json_start(struct json *json, FILE *stream);
/* Ends the last line. False when the stream failed, memory ran out, or the calls were not balanced. */
bool json_finish(struct json *json);
void json_release(struct json *json);

void json_open_object(struct json *json, enum json_layout layout);
void json_open_array(struct json *json, enum json_layout layout);
/* Closes the innermost object or array. */
void json_close(struct json *json);

void json_key(struct json *json, const char *key);
/* Each invalid byte of UTF-8 becomes U+FFFD. NULL is written as null. */
void json_quoted(struct json *json, const char *string);
void json_quoted_of(struct json *json, const char *bytes, size_t count);
void json_unsigned(struct json *json, uint64_t value);
void json_signed(struct json *json, int64_t value);
/* The shortest digits that read back as the same number, in any locale; NaN and infinities, which JSON lacks, become
 * null. */
void json_float(struct json *json, float value);
void json_double(struct json *json, double value);
void json_bool(struct json *json, bool value);
void json_none(struct json *json);

#endif
