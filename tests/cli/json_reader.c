/* The JSON reader of json_reader.h. */
#include "json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *skip_json(const char *at);

static const char *skip_json_spaces(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_json_string(const char *at)
{
    if (*at++ != '"')
        fail_msg("a string was expected at: %.40s", at - 1);
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            fail_msg("a control character in a string");
        if (*at == '\\' && !strchr("\"\\/bfnrtu", *++at))
            fail_msg("an unknown escape");
    }
    return at + 1;
}

static const char *skip_json_members(const char *at, char close)
{
    at = skip_json_spaces(at + 1);
    if (*at == close)
        return at + 1;
    for (;; at++) {
        if (close == '}') {
            at = skip_json_spaces(skip_json_string(skip_json_spaces(at)));
            if (*at++ != ':')
                fail_msg("a colon was expected at: %.40s", at - 1);
        }
        at = skip_json_spaces(skip_json(at));
        if (*at == close)
            return at + 1;
        if (*at != ',')
            fail_msg("a comma was expected at: %.40s", at);
    }
}

static const char *skip_json(const char *at)
{
    at = skip_json_spaces(at);
    if (*at == '{' || *at == '[')
        return skip_json_members(at, *at == '{' ? '}' : ']');
    if (*at == '"')
        return skip_json_string(at);
    static const char *const words[] = {"true", "false", "null"};
    for (size_t index = 0; index < 3; index++)
        if (strncmp(at, words[index], strlen(words[index])) == 0)
            return at + strlen(words[index]);
    char *end;
    size_t length = strspn(at, "0123456789.eE+-");
    strtod(at, &end);
    if (length == 0 || end != at + length)
        fail_msg("a value was expected at: %.40s", at);
    return end;
}

void assert_json(const char *text)
{
    assert_string_equal(skip_json_spaces(skip_json(text)), "");
}

const char *member(const char *at, const char *key)
{
    at = skip_json_spaces(at);
    assert_true(*at == '{');
    for (at = skip_json_spaces(at + 1); *at == '"'; at = skip_json_spaces(at + (*at == ','))) {
        const char *end = skip_json_string(at);
        bool is_it = (size_t)(end - at) == strlen(key) + 2 && memcmp(at + 1, key, strlen(key)) == 0;
        at = skip_json_spaces(skip_json_spaces(end) + 1);
        if (is_it)
            return at;
        at = skip_json_spaces(skip_json(at));
    }
    fail_msg("the key %s is missing", key);
    return NULL;
}

const char *element(const char *at, size_t wanted)
{
    at = skip_json_spaces(at);
    assert_true(*at == '[');
    at = skip_json_spaces(at + 1);
    for (size_t index = 0; *at != ']'; index++) {
        if (index == wanted)
            return at;
        at = skip_json_spaces(skip_json(at));
        at = skip_json_spaces(at + (*at == ','));
    }
    return NULL;
}

double number_of(const char *object, const char *key)
{
    return strtod(member(object, key), NULL);
}
