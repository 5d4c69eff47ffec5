/* The orientation of a PNG file, in the order of Pillow: EXIF data (an eXIf chunk, or a text "exif"), EXIF data as
 * ImageMagick writes them (hexadecimal digits in a text), and where these have no such tag, XMP. Of several the last
 * counts. Texts behind the pixels are looked at too; packed ones up to a mebibyte. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "exif.h"
#include "png_chunks.h"

#define TEXT_MAX  ((size_t)1 << 20)
#define TEXTS_MAX 16u /* that are unpacked: a small file may hold thousands */
#define RAW_EXIF  "Raw profile type exif"
#define XMP       "XML:com.adobe.xmp"
#define RAW_LINES 3 /* in front of the digits: an empty one, a name, a count */

struct text {
    uint8_t *bytes; /* NULL: none */
    size_t count;
};

struct findings {
    const uint8_t *exif;
    size_t exif_count;
    struct text raw, xmp;
    unsigned unpacked; /* texts so far */
};

static bool unpack(const uint8_t *bytes, size_t count, struct text *out)
{
    uLongf unpacked = TEXT_MAX;
    uint8_t *room = malloc(TEXT_MAX);
    if (room && uncompress(room, &unpacked, bytes, (uLong)count) == Z_OK) {
        *out = (struct text){.bytes = room, .count = (size_t)unpacked};
        return true;
    }
    free(room);
    return false;
}

static bool copy(const uint8_t *bytes, size_t count, struct text *out)
{
    uint8_t *made = malloc(count ? count : 1);
    if (!made)
        return false;
    memcpy(made, bytes, count);
    *out = (struct text){.bytes = made, .count = count};
    return true;
}

/* Behind the zero that ends a string at *at; false where there is none. */
static bool skip_string(const struct png_chunk *chunk, size_t *at)
{
    const uint8_t *end = *at < chunk->count ? memchr(chunk->data + *at, 0, chunk->count - *at) : NULL;
    if (end)
        *at = (size_t)(end - chunk->data) + 1;
    return end != NULL;
}

/* A text chunk's content, by its type: tEXt plain, zTXt packed, iTXt either, behind a language and a translated key. */
static bool read_text(const struct png_chunk *chunk, struct text *out)
{
    size_t at = 0;
    bool is_packed = chunk->type[0] == 'z';
    if (!skip_string(chunk, &at))
        return false;
    if (is_packed) {
        if (at == chunk->count || chunk->data[at++] != 0)
            return false;
    } else if (chunk->type[0] == 'i') {
        if (chunk->count - at < 2)
            return false;
        is_packed = chunk->data[at] != 0;
        if (is_packed && chunk->data[at + 1] != 0)
            return false;
        at += 2;
        for (int string = 0; string < 2; string++)
            if (!skip_string(chunk, &at))
                return false;
    }
    return is_packed ? unpack(chunk->data + at, chunk->count - at, out)
                     : copy(chunk->data + at, chunk->count - at, out);
}

static bool has_key(const struct png_chunk *chunk, const char *key)
{
    size_t length = strlen(key) + 1; /* with its zero */
    return chunk->count >= length && memcmp(chunk->data, key, length) == 0;
}

static void take_chunk(const struct png_chunk *chunk, struct findings *out)
{
    struct text text, *kept = NULL;
    if (strcmp(chunk->type, "eXIf") == 0) {
        out->exif = chunk->data;
        out->exif_count = chunk->count;
        return;
    }
    if (strcmp(chunk->type, "tEXt") != 0 && strcmp(chunk->type, "zTXt") != 0 && strcmp(chunk->type, "iTXt") != 0)
        return;
    if (chunk->type[0] == 't' && has_key(chunk, "exif")) {
        out->exif = chunk->data + sizeof "exif";
        out->exif_count = chunk->count - sizeof "exif";
    } else if (has_key(chunk, RAW_EXIF)) {
        kept = &out->raw;
    } else if (has_key(chunk, XMP)) {
        kept = &out->xmp;
    }
    if (kept && chunk->type[0] != 't' && out->unpacked++ >= TEXTS_MAX)
        return;
    if (kept && read_text(chunk, &text)) {
        free(kept->bytes);
        *kept = text;
    }
}

static int digit_of(uint8_t letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = letter ? strchr(digits, letter >= 'A' && letter <= 'F' ? letter + ('a' - 'A') : letter) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* The digits become bytes, in place. */
static unsigned read_raw(struct text *text)
{
    size_t at = 0, count = 0;
    for (int line = 0; line < RAW_LINES; line++) {
        const uint8_t *end = at < text->count ? memchr(text->bytes + at, '\n', text->count - at) : NULL;
        if (!end)
            return 0;
        at = (size_t)(end - text->bytes) + 1;
    }
    while (at < text->count) {
        if (text->bytes[at] && strchr(" \t\r\n\v\f", text->bytes[at])) {
            at++;
            continue;
        }
        int high = digit_of(text->bytes[at]), low = at + 1 < text->count ? digit_of(text->bytes[at + 1]) : -1;
        if (high < 0 || low < 0)
            return 0;
        text->bytes[count++] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return exif_find_orientation(text->bytes, count);
}

/* tiff:Orientation="6" or <tiff:Orientation>6: the first of either. */
static unsigned read_xmp(const struct text *text)
{
    static const char name[] = "tiff:Orientation";
    const size_t length = sizeof name - 1;
    for (size_t at = 0; text->count >= length + 2 && at <= text->count - length - 2; at++) {
        const uint8_t *found = memchr(text->bytes + at, 't', text->count - length - 1 - at);
        if (!found)
            break;
        at = (size_t)(found - text->bytes);
        if (memcmp(found, name, length) != 0)
            continue;
        size_t value = at + length;
        if (text->bytes[value] == '>')
            value += 1;
        else if (text->bytes[value] == '=' && text->bytes[value + 1] == '"')
            value += 2;
        else
            continue;
        if (value < text->count && text->bytes[value] >= '0' && text->bytes[value] <= '9')
            return text->bytes[value] - (unsigned)'0';
    }
    return 0;
}

unsigned exif_orientation_of_png(const uint8_t *bytes, size_t count)
{
    struct findings findings = {0};
    struct png_chunk chunk;
    unsigned found = 0;
    for (size_t at = PNG_FIRST_CHUNK; png_next_chunk(bytes, count, &at, &chunk) && chunk.is_whole;) {
        if (strcmp(chunk.type, "IEND") == 0 || (strcmp(chunk.type, "IDAT") == 0 && findings.exif))
            break;
        take_chunk(&chunk, &findings);
    }
    if (findings.exif)
        found = exif_find_orientation(findings.exif, findings.exif_count);
    else if (findings.raw.bytes)
        found = read_raw(&findings.raw);
    if (!found && findings.xmp.bytes)
        found = read_xmp(&findings.xmp);
    free(findings.raw.bytes);
    free(findings.xmp.bytes);
    return found >= 1 && found <= 8 ? found : EXIF_UPRIGHT;
}
