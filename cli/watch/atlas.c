/* See atlas.h. */
#include "atlas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pictures/font.h"
#include "cli/pictures/letters.h"

#define WIDTH_WANTED 1024u
#define HEIGHT_MAX   4096u
#define BYTES_MAX    256   /* of a name */
#define NAME_CAPS    16u   /* a name is at most so many letters' heights wide */
#define UNKNOWN      0x80u /* no letter: the font draws a box for it */

/* Where the next cell goes. */
struct shelf {
    uint32_t x, y;
};

static bool find_place(const struct atlas *atlas, struct shelf *shelf, uint32_t width)
{
    if (shelf->x + width > atlas->width) {
        shelf->x = 0;
        shelf->y += atlas->row;
    }
    return width <= atlas->width && shelf->y + atlas->row <= atlas->height;
}

/* One text, drawn into a cell of its own and copied to its place, so that no line of it reaches a neighbour's. */
static bool draw_cell(struct atlas *atlas, const char *text, struct letters *letters, uint32_t x, uint32_t y,
                      uint32_t width)
{
    struct font font = font_of_height((int)atlas->cap_height);
    struct font_mask mask = {.width = (int)width, .height = (int)atlas->row};
    int baseline = (int)(atlas->above + atlas->cap_height);
    mask.coverage = calloc(width, atlas->row);
    if (!mask.coverage)
        return false;
    if (letters)
        letters_draw(letters, text, 0, baseline, &mask);
    else
        font_draw(&font, text, 0, baseline, &mask);
    for (uint32_t row = 0; row < atlas->row; row++)
        memcpy(atlas->coverage + (size_t)(y + row) * atlas->width + x, mask.coverage + (size_t)row * width, width);
    free(mask.coverage);
    return true;
}

/* ---- characters ---- */

static uint32_t measure(const struct font *font, const char *text)
{
    int width = font_measure(font, text);
    return width > 0 ? (uint32_t)width : 0;
}

static void encode(uint32_t code, char text[4])
{
    if (code < 0x80) {
        text[0] = (char)code;
        text[1] = 0;
    } else {
        text[0] = (char)(0xC0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3F));
        text[2] = 0;
    }
}

static bool draw_digits(struct atlas *atlas, const struct font *font)
{
    static const char signs[ATLAS_DIGITS + 1] = "0123456789.";
    uint32_t gap = measure(font, "88") - 2 * measure(font, "8");
    atlas->digit_pitch = measure(font, "8") + gap;
    atlas->point_pitch = measure(font, ".") + gap;
    for (uint32_t i = 0; i < ATLAS_DIGITS; i++) {
        char text[2] = {signs[i], 0};
        uint32_t width = measure(font, text);
        uint32_t inset =
            signs[i] != '.' && width + gap < atlas->digit_pitch ? (atlas->digit_pitch - gap - width) / 2 : 0;
        if (!draw_cell(atlas, text, NULL, i * atlas->digit_pitch + inset, 0,
                       width < atlas->digit_pitch ? width : atlas->digit_pitch))
            return false;
    }
    return true;
}

static bool draw_glyphs(struct atlas *atlas, const struct font *font, struct shelf *shelf)
{
    for (uint32_t code = ' '; code < ATLAS_GLYPHS_MAX; code++) {
        if (code > UNKNOWN && code < 0xA0)
            continue;
        char text[4], twice[12];
        struct atlas_glyph *glyph = &atlas->glyphs[code];
        encode(code, text);
        snprintf(twice, sizeof twice, "H%sH", text);
        glyph->advance = (uint16_t)(measure(font, twice) - measure(font, "HH"));
        if (code == ' ' || code == 0xA0)
            continue;
        glyph->width = (uint16_t)measure(font, text);
        if (!find_place(atlas, shelf, glyph->width)) {
            glyph->width = 0;
            continue;
        }
        glyph->x = (uint16_t)shelf->x;
        glyph->y = (uint16_t)shelf->y;
        if (!draw_cell(atlas, text, NULL, shelf->x, shelf->y, glyph->width))
            return false;
        shelf->x += glyph->width;
    }
    return true;
}

/* ---- names ---- */

/* Shortened from its end until it is narrow enough. Control characters become spaces. */
static uint32_t fit_name(const struct font *font, const char *name, struct letters *letters, uint32_t widest,
                         char text[BYTES_MAX + 4])
{
    size_t length = strlen(name);
    length = length < BYTES_MAX ? length : BYTES_MAX;
    while (length && length == BYTES_MAX && ((unsigned char)name[length] & 0xC0) == 0x80)
        length--;
    bool shortened = name[length] != 0;
    for (;;) {
        memcpy(text, name, length);
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)text[i] < ' ')
                text[i] = ' ';
        memcpy(text + length, shortened && length ? "\xE2\x80\xA6" : "", shortened && length ? 4 : 1);
        int width = letters ? letters_measure(letters, text) : font_measure(font, text);
        if (!length || (width >= 0 && (uint32_t)width <= widest))
            return width > 0 ? (uint32_t)width : 0;
        do
            length--;
        while (length && ((unsigned char)name[length] & 0xC0) == 0x80);
        shortened = true;
    }
}

static bool draw_names(struct atlas *atlas, const struct font *font, struct shelf *shelf, const char *const *classes)
{
    struct letters *system = letters_create(); /* NULL: the built-in font draws boxes */
    bool drawn = true;
    uint32_t widest = NAME_CAPS * atlas->cap_height < atlas->width ? NAME_CAPS * atlas->cap_height : atlas->width;
    for (uint32_t i = 0; i < atlas->class_count && drawn; i++) {
        char text[BYTES_MAX + 4];
        struct letters *letters =
            !font_covers(classes[i]) && letters_start(system, (int)atlas->cap_height) ? system : NULL;
        uint32_t width = fit_name(font, classes[i], letters, widest, text);
        if (!width || !find_place(atlas, shelf, width))
            continue;
        atlas->names[i] = (struct atlas_name){shelf->x | shelf->y << 16, width};
        drawn = draw_cell(atlas, text, letters, shelf->x, shelf->y, width);
        shelf->x += width;
    }
    letters_destroy(system);
    return drawn;
}

bool atlas_create(struct atlas *atlas, uint32_t cap_height, const char *const *classes, uint32_t class_count,
                  uint32_t side_max)
{
    struct font font = font_of_height((int)cap_height);
    *atlas = (struct atlas){.cap_height = (uint32_t)font.cap_height, .class_count = class_count};
    atlas->above = (atlas->cap_height * 9 + 10) / 20 + 1; /* accents on capitals */
    atlas->row = 2 * atlas->above + atlas->cap_height + 1;
    atlas->width = WIDTH_WANTED < side_max ? WIDTH_WANTED : side_max;
    /* Room for the widest case: each name in full. What is not used is not taken to the device. */
    uint64_t rows = 2 + (ATLAS_GLYPHS_MAX * 2u * atlas->cap_height) / atlas->width + class_count;
    uint32_t highest = HEIGHT_MAX < side_max ? HEIGHT_MAX : side_max;
    atlas->height = rows * atlas->row < highest ? (uint32_t)rows * atlas->row : highest;
    atlas->coverage = calloc(atlas->width, atlas->height);
    atlas->names = calloc(class_count ? class_count : 1, sizeof *atlas->names);
    struct shelf shelf = {0, atlas->row}; /* the first row has the digits */
    bool drawn = atlas->coverage && atlas->names && draw_digits(atlas, &font) && draw_glyphs(atlas, &font, &shelf) &&
                 draw_names(atlas, &font, &shelf, classes);
    if (shelf.y + atlas->row < atlas->height)
        atlas->height = shelf.y + atlas->row;
    return drawn;
}

void atlas_destroy(struct atlas *atlas)
{
    free(atlas->coverage);
    free(atlas->names);
    *atlas = (struct atlas){.coverage = NULL};
}

/* ---- text ---- */

const struct atlas_glyph *atlas_find(const struct atlas *atlas, uint32_t code)
{
    bool known = code < ATLAS_GLYPHS_MAX && atlas->glyphs[code].advance;
    return &atlas->glyphs[known ? code : UNKNOWN];
}

uint32_t atlas_measure(const struct atlas *atlas, const char *text)
{
    uint32_t width = 0;
    while (*text) {
        uint32_t code;
        text += font_decode_character(text, &code);
        width += atlas_find(atlas, code)->advance;
    }
    return width;
}
