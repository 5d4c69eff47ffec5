/* All text that the window can show, as one picture of coverage: each Latin character by itself, for the overlay, and
 * each class's name as a whole, in the built-in font or, where that lacks a letter, in the system's. Made once for a
 * height of letters; the device draws from it. */
#ifndef GHOSTVK_CLI_WATCH_ATLAS_H
#define GHOSTVK_CLI_WATCH_ATLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATLAS_GLYPHS_MAX 256 /* codes of Latin-1 */
#define ATLAS_DIGITS     11  /* 0 to 9 and the point, in cells of equal width at the atlas's left */

struct atlas_glyph {
    uint16_t x, width; /* where its coverage is; width 0: nothing to draw */
    uint16_t y;
    uint16_t advance; /* to the next one's left edge */
};

/* As shaders read it: left | top << 16, then the width in pixels, 0 where the class has no name in the atlas. */
struct atlas_name {
    uint32_t place, width;
};

struct atlas {
    uint8_t *coverage; /* width x height */
    uint32_t width, height;
    uint32_t cap_height, above; /* from a cell's top to the top of a capital */
    uint32_t row;               /* the height of a cell */
    uint32_t digit_pitch;       /* digit D is at D * digit_pitch, row 0, and so wide ... */
    uint32_t point_pitch;       /* ... but the point behind 9, which is narrower */
    struct atlas_glyph glyphs[ATLAS_GLYPHS_MAX];
    struct atlas_name *names; /* by class */
    uint32_t class_count;
};

/* `side_max` is the largest side of an image that the device takes. Classes that find no room have no name. False when
 * memory ran out. */
bool atlas_create(struct atlas *atlas, uint32_t cap_height, const char *const *classes, uint32_t class_count,
                  uint32_t side_max);
/* Accepts an empty one. */
void atlas_destroy(struct atlas *atlas);

/* The glyph of a character; a box for what the font lacks. */
const struct atlas_glyph *atlas_find(const struct atlas *atlas, uint32_t code);
/* The width of UTF-8 text as the overlay writes it. */
uint32_t atlas_measure(const struct atlas *atlas, const char *text);

#endif
