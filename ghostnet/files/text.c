/* Checks and cleans text that comes from a file, and words refusals. */
#include "text.h"

#include <stdio.h>
#include <string.h>

/* A path is cut so that a sentence of the log (512 bytes) has room for the reason. */
#define LABEL_LIMIT 120

gvk_result gvk_refuse(const gvk_source *source, const char *format, ...)
{
    char sentence[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return gvk_fail(source->host, GVK_ERROR_FORMAT, "%s: %s", source->label, sentence);
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t gvk_utf8_sequence(const unsigned char *text, size_t room)
{
    if (room == 0)
        return 0;
    unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (room < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(text[i]))
            return 0;
    /* The second byte tells overlong forms, surrogates and what lies beyond U+10FFFF. */
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) || (first == 0xf0 && text[1] < 0x90) ||
        (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

const char *gvk_name_problem(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (length == 0)
        return "is empty";
    if (length > GVK_NAME_LIMIT)
        return "is longer than 1024 bytes";
    for (size_t at = 0; at < length;) {
        size_t step = gvk_utf8_sequence(bytes + at, length - at);
        if (step == 0)
            return "is not valid UTF-8";
        if (bytes[at] < 0x20 || bytes[at] == 0x7f)
            return "holds a control character";
        at += step;
    }
    return NULL;
}

/* Writes at most `room - 1` bytes and a terminator; tells how many bytes of the text were used. */
static size_t clean(char *out, size_t room, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t used = 0, written = 0;
    while (used < length) {
        size_t step = gvk_utf8_sequence(bytes + used, length - used);
        bool shown = step > 1 || (step == 1 && bytes[used] >= 0x20 && bytes[used] != 0x7f);
        size_t needed = shown ? step : 1;
        if (needed > room - 1 - written)
            break;
        if (shown)
            memcpy(out + written, text + used, step);
        else
            out[written] = '?';
        written += needed;
        used += shown ? step : 1;
    }
    out[written] = '\0';
    return used;
}

const char *gvk_quote(gvk_quoted *quoted, const char *text, size_t length)
{
    size_t room = sizeof quoted->text - 3;
    if (clean(quoted->text, room, text, length) < length)
        memcpy(quoted->text + strlen(quoted->text), "...", 4);
    return quoted->text;
}

char *gvk_copy_label(const gvk_host *host, const char *path)
{
    size_t length = strlen(path);
    size_t skipped = length > LABEL_LIMIT ? length - LABEL_LIMIT : 0;
    char *label = gvk_allocate(host, LABEL_LIMIT + 4);
    if (!label)
        return NULL;
    while (skipped > 0 && skipped < length && is_continuation((unsigned char)path[skipped]))
        skipped++;
    size_t dots = skipped ? 3 : 0;
    memcpy(label, "...", dots);
    clean(label + dots, LABEL_LIMIT + 1, path + skipped, length - skipped);
    return label;
}
