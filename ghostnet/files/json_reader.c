/* The JSON grammar of RFC 8259, read strictly; see json_reader.h. */
#include "json_reader.h"

#include <string.h>

#include "text.h"

static bool fail(gvk_json *json, const char *problem)
{
    if (!json->problem)
        json->problem = problem;
    return false;
}

static void skip_space(gvk_json *json)
{
    while (json->at < json->count) {
        unsigned char byte = json->bytes[json->at];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return;
        json->at++;
    }
}

bool gvk_json_take(gvk_json *json, char wanted)
{
    skip_space(json);
    if (json->at >= json->count || json->bytes[json->at] != (unsigned char)wanted)
        return false;
    json->at++;
    return true;
}

bool gvk_json_take_null(gvk_json *json)
{
    skip_space(json);
    if (json->count - json->at < 4 || memcmp(json->bytes + json->at, "null", 4) != 0)
        return false;
    json->at += 4;
    return true;
}

bool gvk_json_expect(gvk_json *json, char wanted)
{
    if (gvk_json_take(json, wanted))
        return true;
    if (json->at >= json->count)
        return fail(json, "it ends too early");
    switch (wanted) {
    case '{': return fail(json, "an object is expected");
    case '[': return fail(json, "an array is expected");
    case ':': return fail(json, "a colon is expected");
    case '}': return fail(json, "a comma or the end of an object is expected");
    case ']': return fail(json, "a comma or the end of an array is expected");
    case '"': return fail(json, "a string is expected");
    default: return fail(json, "something else is expected");
    }
}

static bool read_four_digits(gvk_json *json, uint32_t *out)
{
    if (json->count - json->at < 4)
        return fail(json, "it ends too early");
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char byte = json->bytes[json->at + (size_t)i];
        uint32_t digit;
        if (byte >= '0' && byte <= '9')
            digit = (uint32_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            digit = (uint32_t)(byte - 'a') + 10;
        else if (byte >= 'A' && byte <= 'F')
            digit = (uint32_t)(byte - 'A') + 10;
        else
            return fail(json, "an escape of a character has a wrong digit");
        value = value << 4 | digit;
    }
    json->at += 4;
    *out = value;
    return true;
}

/* What follows "\u": one code unit, or two that are a surrogate pair. */
static bool read_code_point(gvk_json *json, uint32_t *out)
{
    uint32_t first, second;
    if (!read_four_digits(json, &first))
        return false;
    if (first >= 0xdc00 && first <= 0xdfff)
        return fail(json, "an escape is the second half of a surrogate pair");
    if (first >= 0xd800 && first <= 0xdbff) {
        if (json->count - json->at < 2 || json->bytes[json->at] != '\\' || json->bytes[json->at + 1] != 'u')
            return fail(json, "an escape is half of a surrogate pair");
        json->at += 2;
        if (!read_four_digits(json, &second))
            return false;
        if (second < 0xdc00 || second > 0xdfff)
            return fail(json, "an escape is half of a surrogate pair");
        first = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }
    if (first == 0)
        return fail(json, "a string holds the character U+0000");
    *out = first;
    return true;
}

static size_t encode(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static bool read_escape(gvk_json *json, char *out, size_t *length)
{
    if (json->at >= json->count)
        return fail(json, "it ends too early");
    unsigned char byte = json->bytes[json->at++];
    uint32_t point = byte;
    switch (byte) {
    case '"':
    case '\\':
    case '/': break;
    case 'b': point = '\b'; break;
    case 'f': point = '\f'; break;
    case 'n': point = '\n'; break;
    case 'r': point = '\r'; break;
    case 't': point = '\t'; break;
    case 'u':
        if (!read_code_point(json, &point))
            return false;
        break;
    default: return fail(json, "an escape is unknown");
    }
    *length = encode(point, out);
    return true;
}

/* How many characters come next that stand for themselves and are one byte long. */
static size_t count_plain(const gvk_json *json)
{
    size_t count = 0, left = json->count - json->at;
    const unsigned char *text = json->bytes + json->at;
    while (count < left && text[count] >= 0x20 && text[count] < 0x80 && text[count] != '"' && text[count] != '\\')
        count++;
    return count;
}

bool gvk_json_string(gvk_json *json, char *out, size_t room, size_t *length)
{
    size_t written = 0;
    if (!gvk_json_expect(json, '"'))
        return false;
    for (;;) {
        size_t plain = count_plain(json);
        if (out && plain > room - written)
            return fail(json, "a string is too long");
        if (out && plain)
            memcpy(out + written, json->bytes + json->at, plain);
        written += plain;
        json->at += plain;
        if (json->at == json->count)
            return fail(json, "a string does not end");
        unsigned char byte = json->bytes[json->at];
        char piece[4];
        size_t piece_length;
        if (byte == '"') {
            json->at++;
            *length = written;
            return true;
        }
        if (byte < 0x20)
            return fail(json, "a string holds a bare control character");
        if (byte == '\\') {
            json->at++;
            if (!read_escape(json, piece, &piece_length))
                return false;
        } else {
            piece_length = gvk_utf8_sequence(json->bytes + json->at, json->count - json->at);
            if (piece_length == 0)
                return fail(json, "a string is not valid UTF-8");
            memcpy(piece, json->bytes + json->at, piece_length);
            json->at += piece_length;
        }
        if (out && piece_length > room - written)
            return fail(json, "a string is too long");
        if (out)
            memcpy(out + written, piece, piece_length);
        written += piece_length;
    }
}

static bool is_digit(const gvk_json *json)
{
    return json->at < json->count && json->bytes[json->at] >= '0' && json->bytes[json->at] <= '9';
}

bool gvk_json_unsigned(gvk_json *json, uint64_t *out)
{
    skip_space(json);
    if (!is_digit(json))
        return fail(json, "a non-negative whole number is expected");
    size_t start = json->at;
    uint64_t value = 0;
    while (is_digit(json)) {
        uint64_t digit = (uint64_t)(json->bytes[json->at] - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10)
            return fail(json, "a number is too large");
        value = value * 10 + digit;
        json->at++;
    }
    if (json->bytes[start] == '0' && json->at - start > 1)
        return fail(json, "a number begins with a needless 0");
    unsigned char next = json->at < json->count ? json->bytes[json->at] : ' ';
    if (next == '.' || next == 'e' || next == 'E')
        return fail(json, "a whole number is expected");
    *out = value;
    return true;
}

static bool skip_digits(gvk_json *json)
{
    if (!is_digit(json))
        return fail(json, "a number lacks a digit");
    while (is_digit(json))
        json->at++;
    return true;
}

static bool next_is(const gvk_json *json, char a, char b)
{
    return json->at < json->count &&
           (json->bytes[json->at] == (unsigned char)a || json->bytes[json->at] == (unsigned char)b);
}

static bool skip_number(gvk_json *json)
{
    if (next_is(json, '-', '-'))
        json->at++;
    if (next_is(json, '0', '0'))
        json->at++;
    else if (!skip_digits(json))
        return false;
    if (next_is(json, '.', '.')) {
        json->at++;
        if (!skip_digits(json))
            return false;
    }
    if (next_is(json, 'e', 'E')) {
        json->at++;
        if (next_is(json, '+', '-'))
            json->at++;
        return skip_digits(json);
    }
    return true;
}

static bool skip_word(gvk_json *json, const char *word)
{
    size_t length = strlen(word);
    if (json->count - json->at < length || memcmp(json->bytes + json->at, word, length) != 0)
        return fail(json, "a value is expected");
    json->at += length;
    return true;
}

static bool skip_value(gvk_json *json, int depth);

static bool skip_members(gvk_json *json, int depth)
{
    if (gvk_json_take(json, '}'))
        return true;
    do {
        size_t length;
        if (!gvk_json_string(json, NULL, 0, &length) || !gvk_json_expect(json, ':') || !skip_value(json, depth))
            return false;
    } while (gvk_json_take(json, ','));
    return gvk_json_expect(json, '}');
}

static bool skip_items(gvk_json *json, int depth)
{
    if (gvk_json_take(json, ']'))
        return true;
    do {
        if (!skip_value(json, depth))
            return false;
    } while (gvk_json_take(json, ','));
    return gvk_json_expect(json, ']');
}

static bool skip_value(gvk_json *json, int depth)
{
    skip_space(json);
    if (json->at >= json->count)
        return fail(json, "it ends too early");
    size_t length;
    switch (json->bytes[json->at]) {
    case '"': return gvk_json_string(json, NULL, 0, &length);
    case 't': return skip_word(json, "true");
    case 'f': return skip_word(json, "false");
    case 'n': return skip_word(json, "null");
    case '{':
    case '[': break;
    default: return skip_number(json);
    }
    if (depth >= GVK_JSON_DEPTH_LIMIT)
        return fail(json, "it is nested too deeply");
    return json->bytes[json->at++] == '{' ? skip_members(json, depth + 1) : skip_items(json, depth + 1);
}

bool gvk_json_skip(gvk_json *json)
{
    return skip_value(json, 0);
}

bool gvk_json_is_at_end(gvk_json *json)
{
    skip_space(json);
    return json->at == json->count;
}
