/* A small JSON reader that shares nothing with the program's writer: fails the test where the text is no JSON. */
#ifndef GVK_TESTS_CLI_JSON_READER_H
#define GVK_TESTS_CLI_JSON_READER_H

#include <stddef.h>

void assert_json(const char *text);
/* The value of a key of the object at `at`; fails where there is none. */
const char *member(const char *at, const char *key);
/* The element of an array, or NULL behind its end. */
const char *element(const char *at, size_t wanted);
double number_of(const char *object, const char *key);

#endif
