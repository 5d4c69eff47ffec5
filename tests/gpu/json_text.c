/* A reader of JSON that fails with NULL; json_text.h says for what. */
#include "json_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* below what cli/base/json.h writes */

static const char *skip_spaces(const char *at)
{
    return at ? at + strspn(at, " \t\r\n") : NULL;
}

static const char *skip_string(const char *at)
{
    if (!at || *at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at == '\\' && !strchr("\"\\/bfnrtu", *++at))
            return NULL;
        if (!*at)
            return NULL;
    }
    return at + 1;
}

static const char *skip_value(const char *at, int depth);

static const char *skip_members(const char *at, char close, int depth)
{
    at = skip_spaces(at + 1);
    if (*at == close)
        return at + 1;
    for (;; at++) {
        if (close == '}') {
            at = skip_spaces(skip_string(skip_spaces(at)));
            if (!at || *at++ != ':')
                return NULL;
        }
        at = skip_spaces(skip_value(at, depth + 1));
        if (!at)
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

static const char *skip_value(const char *at, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    at = skip_spaces(at);
    if (!at || depth > DEPTH_MAX)
        return NULL;
    if (*at == '{' || *at == '[')
        return skip_members(at, *at == '{' ? '}' : ']', depth);
    if (*at == '"')
        return skip_string(at);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strncmp(at, words[i], strlen(words[i])))
            return at + strlen(words[i]);
    char *end;
    size_t length = strspn(at, "0123456789.eE+-");
    strtod(at, &end);
    return length && end == at + length ? end : NULL;
}

bool json_text_is_whole(const char *text)
{
    const char *end = skip_spaces(skip_value(text, 0));
    return end && !*end;
}

const char *json_text_member(const char *object, const char *key)
{
    const char *at = skip_spaces(object);
    if (!at || *at != '{')
        return NULL;
    at = skip_spaces(at + 1);
    while (at && *at == '"') {
        const char *end = skip_string(at);
        bool is_it = end && (size_t)(end - at) == strlen(key) + 2 && !memcmp(at + 1, key, strlen(key));
        at = skip_spaces(end);
        if (!at || *at != ':')
            return NULL;
        at = skip_spaces(at + 1);
        if (is_it)
            return at;
        at = skip_spaces(skip_value(at, 0));
        at = at && *at == ',' ? skip_spaces(at + 1) : NULL;
    }
    return NULL;
}

const char *json_text_element(const char *array, size_t wanted)
{
    const char *at = skip_spaces(array);
    if (!at || *at != '[')
        return NULL;
    at = skip_spaces(at + 1);
    for (size_t i = 0; at && *at && *at != ']'; i++) {
        if (i == wanted)
            return at;
        at = skip_spaces(skip_value(at, 0));
        at = at && *at == ',' ? skip_spaces(at + 1) : NULL;
    }
    return NULL;
}

double json_text_number(const char *object, const char *key)
{
    const char *at = json_text_member(object, key);
    return at && strspn(at, "0123456789-") ? strtod(at, NULL) : NAN;
}

/* The bytes of a string at `at`; escapes of characters beyond ASCII become question marks, which no name here has. */
static void read_string(const char *at, char *out, size_t size)
{
    size_t used = 0;
    for (at++; *at != '"' && used + 1 < size; at++) {
        static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
        char letter = *at;
        if (letter == '\\') {
            letter = *++at;
            const char *found = strchr(letters, letter);
            if (letter == 'u') {
                char digits[5] = {0};
                strncpy(digits, at + 1, 4);
                unsigned long code = strtoul(digits, NULL, 16);
                letter = code < 0x80 ? (char)code : '?';
                at += strspn(at + 1, "0123456789abcdefABCDEF") >= 4 ? 4 : 0;
            } else if (found) {
                letter = meant[found - letters];
            }
        }
        out[used++] = letter;
    }
    out[used] = 0;
}

void json_text_string(const char *object, const char *key, char *out, size_t size)
{
    const char *at = json_text_member(object, key);
    out[0] = 0;
    if (at && *at == '"')
        read_string(at, out, size);
}

static void copy_members(struct json *json, const char *at)
{
    bool is_object = *at == '{';
    const char *next = skip_spaces(at + 1);
    if (is_object)
        json_open_object(json, JSON_LINE);
    else
        json_open_array(json, JSON_LINE);
    while (next && *next && *next != '}' && *next != ']') {
        if (is_object) {
            char key[256];
            read_string(next, key, sizeof key);
            json_key(json, key);
            next = skip_spaces(skip_string(next)) + 1;
        }
        next = skip_spaces(next);
        json_text_copy(json, next);
        next = skip_spaces(skip_value(next, 0));
        next = next && *next == ',' ? skip_spaces(next + 1) : NULL;
    }
    json_close(json);
}

void json_text_copy(struct json *json, const char *value)
{
    const char *at = skip_spaces(value), *end = skip_value(at, 0);
    if (!end) {
        json_none(json);
    } else if (*at == '{' || *at == '[') {
        copy_members(json, at);
    } else if (*at == '"') {
        char *text = malloc((size_t)(end - at) + 1);
        if (text)
            read_string(at, text, (size_t)(end - at) + 1);
        json_quoted(json, text);
        free(text);
    } else if (*at == 't' || *at == 'f') {
        json_bool(json, *at == 't');
    } else if (*at == 'n') {
        json_none(json);
    } else if (strcspn(at, ".eE-") >= (size_t)(end - at)) {
        json_unsigned(json, strtoull(at, NULL, 10));
    } else {
        json_double(json, strtod(at, NULL));
    }
}
