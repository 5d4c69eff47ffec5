/* See json.h. */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void put(struct json *json, const char *bytes, size_t count)
{
    if (json->failed || count == 0)
        return;
    if (json->stream) {
        json->failed = fwrite(bytes, 1, count, json->stream) != count;
        return;
    }
    if (count >= json->capacity - json->length) {
        size_t larger = json->capacity ? json->capacity : 256;
        while (larger - json->length <= count && larger <= SIZE_MAX / 2)
            larger *= 2;
        char *text = larger - json->length > count ? realloc(json->text, larger) : NULL;
        if (!text) {
            json->failed = true;
            return;
        }
        json->text = text;
        json->capacity = larger;
    }
    memcpy(json->text + json->length, bytes, count);
    json->length += count;
    json->text[json->length] = 0;
}

static void put_text(struct json *json, const char *text)
{
    put(json, text, strlen(text));
}

static void put_line_start(struct json *json)
{
    put_text(json, "\n");
    for (unsigned level = 0; level < json->depth; level++)
        put_text(json, "  ");
}

/* What stands between the last thing written and the next member: a comma, a new line, or a space. */
static void separate(struct json *json)
{
    struct json_level *level = &json->levels[json->depth];
    if (json->has_key) {
        json->has_key = false;
        return;
    }
    if (json->depth == 0) {
        if (level->count++)
            put_text(json, "\n");
        return;
    }
    bool first = level->count++ == 0;
    if (!first)
        put_text(json, ",");
    if (level->layout == JSON_BLOCK)
        put_line_start(json);
    else if (!first)
        put_text(json, " ");
}

/* A member of an object needs a key, and only there is one allowed. */
static void begin_value(struct json *json)
{
    bool in_object = json->levels[json->depth].close == '}';
    if (in_object != json->has_key)
        json->failed = true;
    separate(json);
}

void json_start(struct json *json, FILE *stream)
{
    *json = (struct json){.stream = stream};
}

bool json_finish(struct json *json)
{
    if (json->depth != 0 || json->has_key)
        json->failed = true;
    put_text(json, "\n");
    return !json->failed;
}

void json_release(struct json *json)
{
    free(json->text);
    *json = (struct json){0};
}

static void open_level(struct json *json, enum json_layout layout, const char *open, char close)
{
    begin_value(json);
    put_text(json, open);
    if (json->depth == JSON_DEPTH_MAX) {
        json->failed = true;
        return;
    }
    if (json->levels[json->depth].layout == JSON_LINE)
        layout = JSON_LINE;
    json->levels[++json->depth] = (struct json_level){.layout = layout, .close = close};
}

void json_open_object(struct json *json, enum json_layout layout)
{
    open_level(json, layout, "{", '}');
}

void json_open_array(struct json *json, enum json_layout layout)
{
    open_level(json, layout, "[", ']');
}

void json_close(struct json *json)
{
    if (json->depth == 0 || json->has_key) {
        json->failed = true;
        return;
    }
    const struct json_level level = json->levels[json->depth--];
    if (level.layout == JSON_BLOCK && level.count)
        put_line_start(json);
    put(json, &level.close, 1);
}

static void put_escaped(struct json *json, uint32_t code)
{
    char escape[12];
    switch (code) {
    case '"': put_text(json, "\\\""); break;
    case '\\': put_text(json, "\\\\"); break;
    case '\n': put_text(json, "\\n"); break;
    case '\r': put_text(json, "\\r"); break;
    case '\t': put_text(json, "\\t"); break;
    default:
        snprintf(escape, sizeof escape, "\\u%04" PRIx32, code);
        put_text(json, escape);
        break;
    }
}

/* What steers a terminal or turns the reading direction is escaped: JSON is looked at there, too. */
static void put_quoted(struct json *json, const char *bytes, size_t count)
{
    const char *at = bytes, *end = at + count;
    put_text(json, "\"");
    while (at < end) {
        size_t length = text_measure(at, (size_t)(end - at));
        if (length == 0)
            put_text(json, "\xEF\xBF\xBD");
        else if (*at == '"' || *at == '\\' || text_steers(at, length))
            put_escaped(json, text_decode(at, length)); /* all of them below U+10000 */
        else
            put(json, at, length);
        at += length ? length : 1;
    }
    put_text(json, "\"");
}

void json_key(struct json *json, const char *key)
{
    if (json->has_key || json->levels[json->depth].close != '}')
        json->failed = true;
    separate(json);
    put_quoted(json, key, strlen(key));
    put_text(json, ": ");
    json->has_key = true;
}

void json_quoted_of(struct json *json, const char *bytes, size_t count)
{
    begin_value(json);
    put_quoted(json, bytes, count);
}

void json_quoted(struct json *json, const char *string)
{
    if (string)
        json_quoted_of(json, string, strlen(string));
    else
        json_none(json);
}

static void put_value(struct json *json, const char *text)
{
    begin_value(json);
    put_text(json, text);
}

void json_unsigned(struct json *json, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_value(json, text);
}

void json_signed(struct json *json, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    put_value(json, text);
}

/* Writes "d.ddde+xx" as a person would: 0.0125, 416, 1.5e-9. Takes digits only, because the locale chooses the point.
 */
static void put_scientific(struct json *json, const char *scientific)
{
    char digits[32], text[64];
    size_t count = 0, length = 0;
    const char *at = scientific;
    bool negative = *at == '-';
    for (; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9' && count < sizeof digits)
            digits[count++] = *at;
    int exponent = *at ? (int)strtol(at + 1, NULL, 10) : 0;
    while (count > 1 && digits[count - 1] == '0')
        count--;

    if (negative)
        text[length++] = '-';
    bool plain = exponent >= -5 && exponent < 16;
    if (plain && exponent < 0) {
        text[length++] = '0';
        text[length++] = '.';
        for (int zero = -1; zero > exponent; zero--)
            text[length++] = '0';
    }
    size_t whole = !plain ? 1 : exponent >= 0 ? (size_t)exponent + 1 : count; /* digits before the point */
    for (size_t index = 0; index < count || index < whole; index++) {
        if (index == whole)
            text[length++] = '.';
        text[length++] = index < count ? digits[index] : '0';
    }
    text[length] = 0;
    if (!plain)
        snprintf(text + length, sizeof text - length, "e%d", exponent);
    put_value(json, text);
}

void json_float(struct json *json, float value)
{
    char text[48];
    if (!isfinite(value)) {
        json_none(json);
        return;
    }
    for (int precision = 0; precision < 9; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, (double)value);
        if (memcmp(&(float){strtof(text, NULL)}, &value, sizeof value) == 0)
            break;
    }
    put_scientific(json, text);
}

void json_double(struct json *json, double value)
{
    char text[48];
    if (!isfinite(value)) {
        json_none(json);
        return;
    }
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (memcmp(&(double){strtod(text, NULL)}, &value, sizeof value) == 0)
            break;
    }
    put_scientific(json, text);
}

void json_bool(struct json *json, bool value)
{
    put_value(json, value ? "true" : "false");
}

void json_none(struct json *json)
{
    put_value(json, "null");
}
