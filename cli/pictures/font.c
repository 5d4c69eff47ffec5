/* See font.h. The grid: a capital stands from y = 0 (top) to y = 20 (baseline), small letters begin at y = 6, and
 * descenders reach y = 26. A glyph's lines run from x = 0 to its width; the pen adds its radius on each side. */
#include "font.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CAP_UNITS     20
#define X_UNITS       6
#define BELOW_UNITS   26
#define GAP_UNITS     6 /* between the middles of neighbouring lines */
#define SPACE_UNITS   4
#define CURVE_STEPS   8
#define RADIUS_UNITS  1.45f
#define RADIUS_LOWEST 0.62f

/* In `strokes`, M moves the pen, L draws lines through the points that follow, and C draws quarter ellipses, each
 * given by the corner that it rounds and its end. */
struct glyph {
    uint32_t code;
    int width;
    const char *strokes;
};

#define BOWL_RIGHT "M0 11C0 6 5 6C11 6 11 12L11 14C11 20 5 20C0 20 0 15"
#define BOWL_LEFT  "M11 11C11 6 6 6C0 6 0 12L0 14C0 20 6 20C11 20 11 15"
#define ROUND_O    "M7 0C14 0 14 8L14 12C14 20 7 20C0 20 0 12L0 8C0 0 7 0"
#define SMALL_O    "M5 6C10 6 10 12L10 14C10 20 5 20C0 20 0 14L0 12C0 6 5 6"
#define LARGE_S    "M12 4C10 0 6 0C0 0 0 5C0 9 6 10C12 11 12 15C12 20 6 20C2 20 0 16"
#define LARGE_D    "M0 0L5 0C13 0 13 8L13 12C13 20 5 20L0 20 0 0"

static const struct glyph glyphs[] = {
    {'!', 0, "M0 0L0 13M0 20L0 20"},
    {'"', 5, "M0 0L0 5M5 0L5 5"},
    {'#', 14, "M5 2L3 18M11 2L9 18M1 7L14 7M0 13L13 13"},
    {'$', 12, LARGE_S "M6 -3L6 23"},
    {'%', 17, "M3 0C6 0 6 4C6 8 3 8C0 8 0 4C0 0 3 0M14 12C17 12 17 16C17 20 14 20C11 20 11 16C11 12 14 12M14 0L3 20"},
    {'&', 14, "M14 20L4 7C2 5 2 4C2 0 6 0C10 0 10 4C10 7 5 9C0 11 0 15C0 20 6 20C12 20 13 11"},
    {'\'', 0, "M0 0L0 5"},
    {'(', 4, "M4 -2C0 3 0 9L0 11C0 17 4 22"},
    {')', 4, "M0 -2C4 3 4 9L4 11C4 17 0 22"},
    {'*', 10, "M5 1L5 11M1 3L9 9M9 3L1 9"},
    {'+', 12, "M6 5L6 17M0 11L12 11"},
    {',', 1, "M1 20L0 24"},
    {'-', 7, "M0 12L7 12"},
    {'.', 0, "M0 20L0 20"},
    {'/', 8, "M0 22L8 -2"},
    {'0', 12, "M6 0C12 0 12 7L12 13C12 20 6 20C0 20 0 13L0 7C0 0 6 0"},
    {'1', 12, "M2 4L7 0 7 20M2 20L12 20"},
    {'2', 12, "M0 5C0 0 6 0C12 0 12 5C12 8 9 11L0 20 12 20"},
    {'3', 12, "M0 4C1 0 6 0C12 0 12 5C12 9 6 9L4 9M6 9C12 9 12 15C12 20 6 20C1 20 0 16"},
    {'4', 12, "M9 20L9 0 0 14 12 14"},
    {'5', 12, "M11 0L2 0 1 9C3 7 6 7C12 7 12 13C12 20 6 20C1 20 0 16"},
    {'6', 12, "M11 3C9 0 6 0C0 0 0 8L0 14C0 20 6 20C12 20 12 14C12 8 6 8C0 8 0 14"},
    {'7', 12, "M0 0L12 0 4 20"},
    {'8', 12, "M6 0C11 0 11 5C11 9 6 9C1 9 1 5C1 0 6 0M6 9C12 9 12 15C12 20 6 20C0 20 0 15C0 9 6 9"},
    {'9', 12, "M1 17C3 20 6 20C12 20 12 12L12 6C12 0 6 0C0 0 0 6C0 12 6 12C12 12 12 6"},
    {':', 0, "M0 9L0 9M0 20L0 20"},
    {';', 1, "M1 9L1 9M1 20L0 24"},
    {'<', 11, "M11 5L0 11 11 17"},
    {'=', 12, "M0 8L12 8M0 14L12 14"},
    {'>', 11, "M0 5L11 11 0 17"},
    {'?', 10, "M0 4C1 0 5 0C10 0 10 5C10 8 7 10C5 11 5 14M5 20L5 20"},
    {'@', 18,
     "M15 19C13 20 9 20C0 20 0 10C0 0 9 0C18 0 18 9C18 14 15 14C13 14 13 11L13 6"
     "M13 10C13 6 9 6C5 6 5 10C5 14 9 14C13 14 13 10"},
    {'A', 14, "M0 20L7 0 14 20M2 13L12 13"},
    {'B', 12, "M0 9L6 9C11 9 11 5C11 0 6 0L0 0 0 20 6 20C12 20 12 15C12 9 6 9"},
    {'C', 13, "M13 4C11 0 7 0C0 0 0 8L0 12C0 20 7 20C11 20 13 16"},
    {'D', 13, LARGE_D},
    {'E', 10, "M10 0L0 0 0 20 10 20M0 9L9 9"},
    {'F', 10, "M10 0L0 0 0 20M0 9L9 9"},
    {'G', 14, "M13 4C11 0 7 0C0 0 0 8L0 12C0 20 7 20C14 20 14 14L14 11 8 11"},
    {'H', 13, "M0 0L0 20M13 0L13 20M0 9L13 9"},
    {'I', 6, "M3 0L3 20M0 0L6 0M0 20L6 20"},
    {'J', 9, "M9 0L9 14C9 20 4 20C0 20 0 15"},
    {'K', 12, "M0 0L0 20M12 0L0 12M4 8L12 20"},
    {'L', 10, "M0 0L0 20 10 20"},
    {'M', 14, "M0 20L0 0 7 13 14 0 14 20"},
    {'N', 13, "M0 20L0 0 13 20 13 0"},
    {'O', 14, ROUND_O},
    {'P', 12, "M0 20L0 0 6 0C12 0 12 5C12 11 6 11L0 11"},
    {'Q', 14, ROUND_O "M9 15L14 21"},
    {'R', 12, "M0 20L0 0 6 0C12 0 12 5C12 11 6 11L0 11M6 11L12 20"},
    {'S', 12, LARGE_S},
    {'T', 14, "M0 0L14 0M7 0L7 20"},
    {'U', 12, "M0 0L0 13C0 20 6 20C12 20 12 13L12 0"},
    {'V', 14, "M0 0L7 20 14 0"},
    {'W', 20, "M0 0L5 20 10 3 15 20 20 0"},
    {'X', 13, "M0 0L13 20M13 0L0 20"},
    {'Y', 14, "M0 0L7 10 14 0M7 10L7 20"},
    {'Z', 12, "M0 0L12 0 0 20 12 20"},
    {'[', 4, "M4 -2L0 -2 0 22 4 22"},
    {'\\', 8, "M0 -2L8 22"},
    {']', 4, "M0 -2L4 -2 4 22 0 22"},
    {'^', 10, "M0 7L5 0 10 7"},
    {'_', 12, "M0 23L12 23"},
    {'`', 3, "M0 0L3 4"},
    {'a', 10, "M1 8C3 6 6 6C10 6 10 10L10 20M10 12L5 12C0 12 0 16C0 20 4 20C8 20 10 17"},
    {'b', 11, "M0 0L0 20" BOWL_RIGHT},
    {'c', 10, "M10 9C9 6 5 6C0 6 0 12L0 14C0 20 5 20C9 20 10 17"},
    {'d', 11, "M11 0L11 20" BOWL_LEFT},
    {'e', 10, "M0 13L10 13 10 12C10 6 5 6C0 6 0 12L0 14C0 20 5 20C9 20 10 17"},
    {'f', 7, "M7 0C3 0 3 4L3 20M0 6L7 6"},
    {'g', 11, "M11 6L11 21C11 26 6 26C2 26 1 24" BOWL_LEFT},
    {'h', 10, "M0 0L0 20M0 11C0 6 5 6C10 6 10 11L10 20"},
    {'i', 0, "M0 6L0 20M0 1L0 1"},
    {'j', 3, "M3 6L3 22C3 26 0 26M3 1L3 1"},
    {'k', 10, "M0 0L0 20M9 6L0 14M3 11L10 20"},
    {'l', 3, "M0 0L0 16C0 20 3 20"},
    {'m', 16, "M0 6L0 20M0 11C0 6 4 6C8 6 8 11L8 20M8 11C8 6 12 6C16 6 16 11L16 20"},
    {'n', 10, "M0 6L0 20M0 11C0 6 5 6C10 6 10 11L10 20"},
    {'o', 10, SMALL_O},
    {'p', 11, "M0 6L0 26" BOWL_RIGHT},
    {'q', 11, "M11 6L11 26" BOWL_LEFT},
    {'r', 6, "M0 6L0 20M0 12C0 6 6 6"},
    {'s', 9, "M9 9C8 6 5 6C0 6 0 10C0 12 5 13C9 14 9 16C9 20 5 20C1 20 0 17"},
    {'t', 7, "M3 1L3 16C3 20 7 20M0 6L7 6"},
    {'u', 10, "M0 6L0 15C0 20 5 20C10 20 10 15M10 6L10 20"},
    {'v', 10, "M0 6L5 20 10 6"},
    {'w', 16, "M0 6L4 20 8 8 12 20 16 6"},
    {'x', 10, "M0 6L10 20M10 6L0 20"},
    {'y', 10, "M0 6L5 19M10 6L4 23C3 26 0 26"},
    {'z', 10, "M0 6L10 6 0 20 10 20"},
    {'{', 5, "M5 -2C2 -2 2 1L2 8C2 10 0 10C2 10 2 12L2 19C2 22 5 22"},
    {'|', 0, "M0 -3L0 24"},
    {'}', 5, "M0 -2C3 -2 3 1L3 8C3 10 5 10C3 10 3 12L3 19C3 22 0 22"},
    {'~', 12, "M0 13C0 9 3 9C5 9 6 11C7 13 9 13C12 13 12 9"},
    {0xA1, 0, "M0 7L0 20M0 0L0 0"},
    {0xA3, 11, "M10 3C9 0 6 0C3 0 3 5L3 14C3 18 0 20L11 20M0 11L8 11"},
    {0xA5, 14, "M0 0L7 10 14 0M7 10L7 20M2 11L12 11M2 15L12 15"},
    {0xA7, 9, "M9 3C8 0 5 0C1 0 1 3C1 5 5 7C9 9 9 12C9 14 6 15M3 5C0 6 0 9C0 11 5 13C9 15 9 18C9 22 5 22C1 22 0 19"},
    {0xAB, 10, "M4 8L0 13 4 18M10 8L6 13 10 18"},
    {0xB0, 6, "M3 0C6 0 6 3C6 6 3 6C0 6 0 3C0 0 3 0"},
    {0xB1, 12, "M6 3L6 13M0 8L12 8M0 19L12 19"},
    {0xB2, 6, "M0 2C0 0 3 0C6 0 6 3L0 9 6 9"},
    {0xB3, 6, "M0 0L6 0 3 4C6 4 6 6C6 9 3 9C1 9 0 8"},
    {0xB5, 10, "M0 6L0 26M0 15C0 20 5 20C10 20 10 15M10 6L10 20"},
    {0xB7, 0, "M0 12L0 12"},
    {0xBB, 10, "M0 8L4 13 0 18M6 8L10 13 6 18"},
    {0xBF, 10, "M10 16C9 20 5 20C0 20 0 15C0 12 3 10C5 9 5 6M5 0L5 0"},
    {0xC6, 20, "M0 20L9 0 20 0M10 0L10 20 20 20M10 9L18 9M4 13L10 13"},
    {0xD0, 15, "M2 0L7 0C15 0 15 8L15 12C15 20 7 20L2 20 2 0M0 10L8 10"},
    {0xD7, 10, "M0 6L10 16M10 6L0 16"},
    {0xD8, 14, ROUND_O "M0 22L14 -2"},
    {0xDE, 12, "M0 0L0 20M0 4L6 4C12 4 12 9C12 15 6 15L0 15"},
    {0xDF, 11, "M0 20L0 5C0 0 5 0C10 0 10 4C10 8 6 9C11 10 11 15C11 20 4 20"},
    {0xE6, 18,
     "M1 8C2 6 5 6C9 6 9 10L9 15C9 20 4 20C0 20 0 16C0 12 4 12L18 12C18 6 13 6C9 6 9 10M9 15C9 20 13 20C17 20 18 17"},
    {0xF0, 10, "M3 0C10 3 10 12L10 14C10 20 5 20C0 20 0 14C0 8 5 8C9 8 10 13M2 5L9 1"},
    {0xF7, 12, "M0 11L12 11M6 5L6 5M6 17L6 17"},
    {0xF8, 10, SMALL_O "M0 22L10 4"},
    {0xFE, 11, "M0 0L0 26" BOWL_RIGHT},
    {0x131, 0, "M0 6L0 20"},
    {0x2013, 10, "M0 12L10 12"},
    {0x2014, 18, "M0 12L18 12"},
    {0x2019, 1, "M1 0L0 5"},
    {0x2026, 14, "M0 20L0 20M7 20L7 20M14 20L14 20"},
};

static const struct glyph unknown = {0, 12, "M0 0L12 0 12 20 0 20 0 0"};

/* Accents stand over small letters, x = 0 in the middle; over capitals they move up. The cedilla stands below. */
enum accent { NONE, GRAVE, ACUTE, CIRCUMFLEX, TILDE, DIAERESIS, RING, CEDILLA };

static const char *const accents[] = {
    "",
    "M-3 -1L1 3",
    "M3 -1L-1 3",
    "M-4 3L0 -1 4 3",
    "M-5 3C-4 0 -2 0C0 0 0 1C0 3 2 3C4 3 5 0",
    "M-3 1L-3 1M3 1L3 1",
    "M0 -3C3 -3 3 0C3 3 0 3C-3 3 -3 0C-3 -3 0 -3",
    "M0 20L0 22C3 22 3 24C3 26 -1 26",
};

/* Latin-1's letters from 0xC0 on, as base letters and accents; small letters follow 32 later. A space is a letter that
 * has a glyph of its own. */
static const char latin_bases[] = "AAAAAA CEEEEIIII NOOOOO  UUUUY";
static const uint8_t latin_accents[] = {GRAVE, ACUTE, CIRCUMFLEX, TILDE,      DIAERESIS,  RING,  NONE,       CEDILLA,
                                        GRAVE, ACUTE, CIRCUMFLEX, DIAERESIS,  GRAVE,      ACUTE, CIRCUMFLEX, DIAERESIS,
                                        NONE,  TILDE, GRAVE,      ACUTE,      CIRCUMFLEX, TILDE, DIAERESIS,  NONE,
                                        NONE,  GRAVE, ACUTE,      CIRCUMFLEX, DIAERESIS,  ACUTE};

struct font font_of_height(int cap_height)
{
    struct font font = {.cap_height = cap_height > 4 ? cap_height : 4};
    font.radius = fmaxf(RADIUS_LOWEST, (float)font.cap_height * RADIUS_UNITS / CAP_UNITS);
    return font;
}

/* The length and the code of a character; an invalid byte gives a length of 1 and a code without a glyph. */
size_t font_decode_character(const char *text, uint32_t *code)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = bytes[0] < 0x80   ? 1
                    : bytes[0] < 0xC2 ? 0
                    : bytes[0] < 0xE0 ? 2
                    : bytes[0] < 0xF0 ? 3
                    : bytes[0] < 0xF5 ? 4
                                      : 0;
    *code = length == 1 ? bytes[0] : length ? bytes[0] & (0x7Fu >> length) : 0;
    for (size_t index = 1; index < length; index++) {
        if ((bytes[index] & 0xC0) != 0x80) { /* the zero at the end, too */
            length = 0;
            break;
        }
        *code = *code << 6 | (bytes[index] & 0x3Fu);
    }
    if (length)
        return length;
    *code = 0xFFFD;
    return 1;
}

size_t font_character_length(const char *text)
{
    uint32_t code;
    return font_decode_character(text, &code);
}

static const struct glyph *find_glyph(uint32_t code, enum accent *accent)
{
    *accent = NONE;
    bool is_small = code >= 0xE0;
    size_t letter = code - (is_small ? 0xE0u : 0xC0u);
    if (code == 0xFF) {
        code = 'y';
        *accent = DIAERESIS;
    } else if (code >= 0xC0 && letter < sizeof latin_bases - 1 && latin_bases[letter] != ' ') {
        *accent = (enum accent)latin_accents[letter];
        code = (uint32_t)latin_bases[letter] + (is_small ? 32u : 0u);
        if (code == 'i')
            code = 0x131; /* the accent takes the place of the dot */
    }
    for (size_t index = 0; index < sizeof glyphs / sizeof *glyphs; index++)
        if (glyphs[index].code == code)
            return &glyphs[index];
    *accent = NONE;
    return &unknown;
}

static int scale(const struct font *font, int units)
{
    return (int)lroundf((float)(units * font->cap_height) / CAP_UNITS);
}

/* From the left edge of a character to that of the next. */
static int advance_of(const struct font *font, uint32_t code)
{
    enum accent accent;
    return code == ' ' || code == 0xA0 ? scale(font, SPACE_UNITS + GAP_UNITS)
                                       : scale(font, find_glyph(code, &accent)->width) + scale(font, GAP_UNITS);
}

bool font_covers(const char *text)
{
    while (*text) {
        uint32_t code;
        enum accent accent;
        text += font_decode_character(text, &code);
        if (code != ' ' && code != 0xA0 && find_glyph(code, &accent) == &unknown)
            return false;
    }
    return true;
}

int font_measure(const struct font *font, const char *text)
{
    int width = 0;
    while (*text) {
        uint32_t code;
        text += font_decode_character(text, &code);
        width += advance_of(font, code);
    }
    return width ? width - scale(font, GAP_UNITS) + (int)ceilf(2 * font->radius) : 0;
}

/* Where a glyph's strokes go: the mask, and the way from grid to pixels. */
struct pen {
    struct font_mask *mask;
    float radius;
    float left, across; /* x = left + units * across */
    float baseline;
    float rows[4]; /* pixels from the baseline up for y = 0, 6, 20, 26: whole, so that lines are crisp */
    float down;    /* beyond these */
};

static float place_row(const struct pen *pen, float y)
{
    static const float units[4] = {0, X_UNITS, CAP_UNITS, BELOW_UNITS};
    if (y < units[0])
        return pen->baseline + pen->rows[0] + (y - units[0]) * pen->down;
    for (size_t part = 1; part < 4; part++) {
        if (y <= units[part]) {
            float within = (y - units[part - 1]) / (units[part] - units[part - 1]);
            return pen->baseline + pen->rows[part - 1] + within * (pen->rows[part] - pen->rows[part - 1]);
        }
    }
    return pen->baseline + pen->rows[3] + (y - units[3]) * pen->down;
}

static int clamp(float value, int highest)
{
    return value <= 0 ? 0 : value >= (float)highest ? highest : (int)value;
}

/* A line with round ends: a pixel is covered by how far its middle is inside the pen's edge. Overlaps keep the larger
 * coverage, so joints do not show. Ends are in pixels. */
static void draw_segment(const struct pen *pen, const float from[2], const float to[2])
{
    struct font_mask *mask = pen->mask;
    float reach = pen->radius + 1;
    int left = clamp(fminf(from[0], to[0]) - reach, mask->width);
    int right = clamp(fmaxf(from[0], to[0]) + reach + 1, mask->width);
    int top = clamp(fminf(from[1], to[1]) - reach, mask->height);
    int bottom = clamp(fmaxf(from[1], to[1]) + reach + 1, mask->height);
    float along_x = to[0] - from[0], along_y = to[1] - from[1], square = along_x * along_x + along_y * along_y;
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            float dx = (float)x + 0.5f - from[0], dy = (float)y + 0.5f - from[1];
            float part = square > 0 ? fminf(1, fmaxf(0, (dx * along_x + dy * along_y) / square)) : 0;
            float distance = hypotf(dx - part * along_x, dy - part * along_y);
            float covered = fminf(1, fmaxf(0, pen->radius - distance + 0.5f));
            uint8_t *pixel = &mask->coverage[(size_t)y * (size_t)mask->width + (size_t)x];
            uint8_t value = (uint8_t)lroundf(255 * covered);
            if (value > *pixel)
                *pixel = value;
        }
    }
}

static void draw_line(const struct pen *pen, const float from[2], const float to[2])
{
    float start[2] = {pen->left + from[0] * pen->across, place_row(pen, from[1])};
    float end[2] = {pen->left + to[0] * pen->across, place_row(pen, to[1])};
    draw_segment(pen, start, end);
}

/* A quarter of an ellipse as a cubic curve, whose inner points lie at this part of the way to the corner. */
static void draw_quarter(const struct pen *pen, const float from[2], const float corner[2], const float to[2])
{
    const float part = 0.5523f;
    float previous[2] = {from[0], from[1]};
    for (int step = 1; step <= CURVE_STEPS; step++) {
        float t = (float)step / CURVE_STEPS, u = 1 - t, point[2];
        for (int axis = 0; axis < 2; axis++) {
            float first = from[axis] + part * (corner[axis] - from[axis]);
            float second = to[axis] + part * (corner[axis] - to[axis]);
            point[axis] =
                u * u * u * from[axis] + 3 * u * u * t * first + 3 * u * t * t * second + t * t * t * to[axis];
        }
        draw_line(pen, previous, point);
        memcpy(previous, point, sizeof point);
    }
}

static void read_point(const char **strokes, float shift_x, float shift_y, float point[2])
{
    char *end;
    point[0] = (float)strtol(*strokes, &end, 10) + shift_x;
    point[1] = (float)strtol(end, &end, 10) + shift_y;
    *strokes = end;
}

static void draw_strokes(const struct pen *pen, const char *strokes, float shift_x, float shift_y)
{
    float at[2] = {0}, corner[2], to[2];
    char command = 'M';
    while (*strokes) {
        if (*strokes >= 'A')
            command = *strokes++;
        if (command == 'C')
            read_point(&strokes, shift_x, shift_y, corner);
        read_point(&strokes, shift_x, shift_y, to);
        if (command == 'L')
            draw_line(pen, at, to);
        else if (command == 'C')
            draw_quarter(pen, at, corner, to);
        memcpy(at, to, sizeof at);
    }
}

void font_draw(const struct font *font, const char *text, int left, int baseline, struct font_mask *mask)
{
    /* A pen of an odd number of pixels is crisp in the middle of a pixel, an even one between two. */
    bool is_odd = lroundf(2 * font->radius) % 2 != 0;
    struct pen pen = {
        .mask = mask,
        .radius = font->radius,
        .baseline = (float)baseline + (is_odd ? 0.5f : 0),
        .rows = {(float)-font->cap_height, (float)-scale(font, CAP_UNITS - X_UNITS), 0,
                 (float)scale(font, BELOW_UNITS - CAP_UNITS)},
        .down = (float)font->cap_height / CAP_UNITS,
    };
    float start = is_odd ? floorf(font->radius) + 0.5f : roundf(font->radius);
    int x = left;
    while (*text) {
        uint32_t code;
        text += font_decode_character(text, &code);
        enum accent accent;
        const struct glyph *glyph = find_glyph(code, &accent);
        if (code != ' ' && code != 0xA0) {
            pen.left = (float)x + start;
            pen.across = glyph->width ? (float)scale(font, glyph->width) / (float)glyph->width : pen.down;
            bool is_capital = glyph->code < 'a';
            draw_strokes(&pen, glyph->strokes, 0, 0);
            draw_strokes(&pen, accents[accent], (float)glyph->width / 2, is_capital && accent != CEDILLA ? -6 : 0);
        }
        x += advance_of(font, code);
    }
}
