/* See json_walk.h. */
#include "json_walk.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

static void skip_spaces(struct json_walk *walk)
{
    walk->at += strspn(walk->at, " \t\r\n");
}

bool json_take(struct json_walk *walk, char wanted)
{
    skip_spaces(walk);
    if (*walk->at != wanted)
        return false;
    walk->at++;
    return true;
}

bool json_take_text(struct json_walk *walk, struct json_text *out)
{
    if (!json_take(walk, '"'))
        return false;
    out->start = walk->at;
    for (; *walk->at != '"'; walk->at++) {
        if ((unsigned char)*walk->at < 0x20)
            return false;
        if (*walk->at == '\\' && (unsigned char)*++walk->at < 0x20)
            return false;
    }
    out->length = (size_t)(walk->at++ - out->start);
    return true;
}

bool json_take_integer(struct json_walk *walk, int64_t *out)
{
    skip_spaces(walk);
    bool negative = *walk->at == '-';
    const char *at = walk->at + negative, *start = at;
    int64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        int64_t digit = *at - '0';
        if (number > (INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (at == start || *at == '.' || *at == 'e' || *at == 'E')
        return false;
    *out = negative ? -number : number;
    walk->at = at;
    return true;
}

/* Loose about words and numbers, because nothing is done with them. */
bool json_skip(struct json_walk *walk)
{
    char closers[DEPTH_MAX];
    unsigned depth = 0;
    do {
        struct json_text text;
        skip_spaces(walk);
        if (depth && *walk->at == closers[depth - 1]) {
            walk->at++;
            depth--;
        } else if (*walk->at == '{' || *walk->at == '[') {
            if (depth == DEPTH_MAX)
                return false;
            closers[depth++] = *walk->at++ == '{' ? '}' : ']';
        } else if (*walk->at == '"') {
            if (!json_take_text(walk, &text))
                return false;
        } else if (depth && (*walk->at == ',' || *walk->at == ':')) {
            walk->at++;
        } else {
            size_t word = strspn(walk->at, "+-.0123456789Eaeflnrstu");
            if (word == 0)
                return false;
            walk->at += word;
        }
    } while (depth);
    return true;
}

/* Whether there is another one before `closer`. */
static bool go_on(struct json_walk *walk, char closer, bool *first, bool *broken)
{
    bool is_first = *first;
    *first = false;
    if (json_take(walk, closer))
        return false;
    if (is_first || json_take(walk, ','))
        return true;
    *broken = true;
    return false;
}

bool json_next_member(struct json_walk *walk, bool *first, bool *broken, struct json_text *key)
{
    if (!go_on(walk, '}', first, broken))
        return false;
    if (json_take_text(walk, key) && json_take(walk, ':'))
        return true;
    *broken = true;
    return false;
}

bool json_next_item(struct json_walk *walk, bool *first, bool *broken)
{
    return go_on(walk, ']', first, broken);
}

bool json_text_is(const struct json_text *text, const char *wanted)
{
    return text->length == strlen(wanted) && memcmp(text->start, wanted, text->length) == 0;
}

/* Four hexadecimal digits; -1 where there are none. */
static int32_t read_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int index = 0; index < 4; index++) {
        char digit = at[index];
        int value = digit >= '0' && digit <= '9'   ? digit - '0'
                    : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                    : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                                   : -1;
        if (value < 0)
            return -1;
        unit = unit * 16 + value;
    }
    return unit;
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t index = length - 1; index; index--, code >>= 6)
        out[index] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xF0) | code);
    return length;
}

char *json_text_decode(const struct json_text *text, size_t *length)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char *out = malloc(text->length + 1); /* no escape is shorter than what it means */
    size_t count = 0;
    if (!out)
        return NULL;
    const char *at = text->start, *end = at + text->length;
    while (at < end) {
        if (*at != '\\' || at + 1 == end) {
            out[count++] = *at++;
            continue;
        }
        const char *known = strchr(escapes, at[1]);
        if (known) {
            out[count++] = meant[known - escapes];
            at += 2;
            continue;
        }
        int32_t unit = at[1] == 'u' ? read_unit(at + 2, end) : -1;
        if (unit < 0) {
            out[count++] = *at++;
            continue;
        }
        at += 6;
        uint32_t code = (uint32_t)unit;
        if (code >= 0xD800 && code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
            int32_t low = read_unit(at + 2, end);
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
                at += 6;
            }
        }
        count += put_utf8(code, out + count);
    }
    out[count] = 0;
    *length = count;
    return out;
}
