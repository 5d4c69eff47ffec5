/* Reads JSON that a step has left, which may be cut or none at all: every call takes NULL and answers with nothing
 * then. */
#ifndef GVK_TESTS_GPU_JSON_TEXT_H
#define GVK_TESTS_GPU_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/base/json.h"

/* The text is one JSON value. */
bool json_text_is_whole(const char *text);
/* The value of a key, or NULL. Of whole text alone, as the others. */
const char *json_text_member(const char *object, const char *key);
const char *json_text_element(const char *array, size_t wanted);
/* NAN where there is no number. */
double json_text_number(const char *object, const char *key);
/* The string, cut to `size`; "" where there is none. */
void json_text_string(const char *object, const char *key, char *out, size_t size);
/* Writes the value once more; null where it is NULL. */
void json_text_copy(struct json *json, const char *value);

#endif
