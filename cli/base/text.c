/* See text.h. */
#include "text.h"

#include <string.h>

size_t text_measure(const char *bytes, size_t count)
{
    const unsigned char *at = (const unsigned char *)bytes;
    unsigned first = count ? at[0] : 0xFF;
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length > count)
        return 0;
    for (size_t index = 1; index < length; index++)
        if ((at[index] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) || (first == 0xF0 && at[1] < 0x90) ||
        (first == 0xF4 && at[1] > 0x8F))
        return 0;
    return length;
}

uint32_t text_decode(const char *character, size_t length)
{
    const unsigned char *at = (const unsigned char *)character;
    uint32_t code = length == 1 ? at[0] : at[0] & 0xFFu >> (length + 1);
    for (size_t index = 1; index < length; index++)
        code = code << 6 | (at[index] & 0x3Fu);
    return code;
}

bool text_steers(const char *character, size_t length)
{
    uint32_t code = text_decode(character, length);
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool mark = code == 0x061C || code == 0x200E || code == 0x200F;
    bool line = code == 0x2028 || code == 0x2029; /* which some take for a new line */
    bool turn = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return control || mark || line || turn;
}

/* Every steering character has a byte from 0x80 to 0x9F in UTF-8, so what is left of a cut one steers nothing, whatever
 * is printed behind it. */
void print_text(FILE *stream, const char *text)
{
    for (size_t left = strlen(text); left;) {
        size_t length = text_measure(text, left), step = length ? length : 1;
        bool steers = length ? text_steers(text, length) : (unsigned char)*text < 0xA0;
        if (steers)
            fputc('?', stream);
        else
            fwrite(text, 1, step, stream);
        text += step;
        left -= step;
    }
}

size_t text_width(const char *text)
{
    size_t width = 0;
    for (size_t left = strlen(text); left; width++) {
        size_t length = text_measure(text, left), step = length ? length : 1;
        text += step;
        left -= step;
    }
    return width;
}

void print_padded(FILE *stream, const char *text, size_t width)
{
    print_text(stream, text);
    for (size_t written = text_width(text); written < width; written++)
        fputc(' ', stream);
}
