/* A stroke font of the project's own, for the labels on pictures.
 *
 * Glyphs are lines and quarter ellipses on a small grid, drawn with an anti-aliased round pen, so text is as smooth on
 * a photograph of 24 megapixels as on a thumbnail. Covers ASCII and the letters of Latin-1; any other character is a
 * box. At small sizes the lines are moved onto whole pixels. */
#ifndef GHOSTVK_CLI_PICTURES_FONT_H
#define GHOSTVK_CLI_PICTURES_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A size of the font, in pixels. */
struct font {
    int cap_height; /* from the baseline to the top of an H, between the middles of their lines */
    float radius;   /* of the pen */
};

/* Where a text is drawn: one byte a pixel, 0 to 255, tight rows. */
struct font_mask {
    uint8_t *coverage;
    int width, height;
};

struct font font_of_height(int cap_height);

/* The width of UTF-8 text in pixels, from the outer edge of its first line to that of its last. */
int font_measure(const struct font *font, const char *text);
/* Adds text to the mask, its left edge at `left` and the middle of its baseline's pixels at row `baseline`. */
void font_draw(const struct font *font, const char *text, int left, int baseline, struct font_mask *mask);

/* Whether the font has a glyph for each character of the text. */
bool font_covers(const char *text);

/* The length in bytes of the first character of a text that is not empty; an invalid byte counts as a character. */
size_t font_character_length(const char *text);
/* The same with the character's code, U+FFFD for an invalid byte. */
size_t font_decode_character(const char *text, uint32_t *code);

#endif
