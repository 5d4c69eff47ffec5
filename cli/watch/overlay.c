/* See overlay.h. Lengths are in the height of a capital, so that everything grows with the letters. */
#include "overlay.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/pictures/font.h"

#define COLOUR(red, green, blue, alpha)                                                                                \
    ((uint32_t)(red) | (uint32_t)(green) << 8 | (uint32_t)(blue) << 16 | (uint32_t)(alpha) << 24)
#define PLATE  COLOUR(9, 12, 16, 225)
#define RULE   COLOUR(255, 255, 255, 38)
#define BRIGHT COLOUR(255, 255, 255, 255)
#define DIM    COLOUR(166, 176, 188, 255)
#define ACCENT COLOUR(64, 224, 240, 255)
#define WARM   COLOUR(255, 201, 31, 255)
#define DARK   COLOUR(16, 16, 16, 255)
#define ROWS   16
#define DIGITS 5

static void put(struct overlay *overlay, const struct item *item)
{
    if (overlay->count < DRAWING_ITEMS_MAX)
        overlay->items[overlay->count++] = *item;
}

static void put_plate(struct overlay *overlay, int32_t left, int32_t top, int32_t width, int32_t height,
                      uint32_t colour)
{
    const struct item plate = {left, top, left + width, top + height, 0, 0, ITEM_PLATE, colour};
    put(overlay, &plate);
}

/* `top` is where capitals begin. Text that would reach beyond `widest` ends in front of it. */
static void put_text(struct overlay *overlay, const struct atlas *atlas, int32_t left, int32_t top, const char *text,
                     uint32_t colour, int32_t widest)
{
    const int32_t end = left + widest;
    while (*text) {
        uint32_t code;
        text += font_decode_character(text, &code);
        const struct atlas_glyph *glyph = atlas_find(atlas, code);
        if (left + (int32_t)glyph->advance > end + (int32_t)atlas->cap_height / 2)
            return;
        const struct item item = {left,
                                  top - (int32_t)atlas->above,
                                  left + glyph->width,
                                  top - (int32_t)atlas->above + (int32_t)atlas->row,
                                  glyph->x,
                                  glyph->y,
                                  ITEM_GLYPH,
                                  colour};
        if (glyph->width)
            put(overlay, &item);
        left += glyph->advance;
    }
}

/* How many boxes are shown, which the device alone knows: digits that it fills in, flush with `right`. */
static void put_count(struct overlay *overlay, const struct atlas *atlas, int32_t right, int32_t top, uint32_t colour)
{
    const int32_t pitch = (int32_t)atlas->digit_pitch;
    for (uint32_t place = 0; place < DIGITS; place++) {
        const int32_t left = right - ((int32_t)place + 1) * pitch;
        const struct item item = {left,
                                  top - (int32_t)atlas->above,
                                  left + pitch,
                                  top - (int32_t)atlas->above + (int32_t)atlas->row,
                                  place,
                                  0,
                                  ITEM_COUNT_DIGIT,
                                  colour};
        put(overlay, &item);
    }
}

/* ---- the facts --------------------------------------------------------------------------------------------------- */

struct row {
    const char *label;
    char value[24];
    const char *unit;
    bool is_count, has_rule; /* a rule above it */
};

static void add_row(struct row rows[ROWS], uint32_t *count, const char *label, double value, int decimals,
                    const char *unit)
{
    struct row *row = &rows[(*count)++];
    *row = (struct row){.label = label, .unit = unit};
    if (!isfinite(value)) {
        snprintf(row->value, sizeof row->value, "-");
        return;
    }
    /* Without %f, whose point is the locale's. */
    const int64_t scaled = (int64_t)llround(value * (decimals == 2 ? 100 : decimals == 1 ? 10 : 1));
    const int64_t part = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
    if (decimals)
        snprintf(row->value, sizeof row->value, "%" PRId64 ".%0*" PRId64, scaled / part, decimals, scaled % part);
    else
        snprintf(row->value, sizeof row->value, "%" PRId64, scaled);
}

static uint32_t list_rows(const struct overlay_facts *facts, struct row rows[ROWS])
{
    uint32_t count = 0;
    add_row(rows, &count, "rate", facts->rate, 1, "fps");
    add_row(rows, &count, "frame", facts->frame_ms, 1, "ms");
    if (facts->is_live)
        add_row(rows, &count, "latency", facts->latency_ms, 1, "ms");
    add_row(rows, &count, "resize", facts->resize_ms, 2, "ms");
    rows[count - 1].has_rule = true;
    add_row(rows, &count, "network", facts->network_ms, 2, "ms");
    add_row(rows, &count, "decode", facts->decode_ms, 2, "ms");
    add_row(rows, &count, "objects", facts->has_boxes ? 0 : NAN, 0, "");
    rows[count - 1].has_rule = true;
    rows[count - 1].is_count = facts->has_boxes;
    add_row(rows, &count, "confidence", (double)facts->confidence, 2, "");
    if (facts->is_live) {
        add_row(rows, &count, "dropped", (double)facts->dropped, 0, "");
    } else if (facts->is_video) {
        add_row(rows, &count, "frame no.", (double)(facts->number + 1), 0, "");
    }
    return count;
}

static void lay_out_facts(struct overlay *overlay, const struct atlas *atlas, const struct overlay_facts *facts,
                          VkExtent2D window)
{
    const int32_t cap = (int32_t)atlas->cap_height, step = cap * 21 / 10, margin = cap, pad = cap * 11 / 10;
    struct row rows[ROWS];
    const uint32_t count = list_rows(facts, rows);
    char network[OVERLAY_TEXT_SIZE];
    snprintf(network, sizeof network, "%" PRIu32 " x %" PRIu32 "  %s", facts->input_width, facts->input_height,
             facts->precision);
    /* As wide as the longest text, within bounds. */
    const char *const texts[] = {facts->source, facts->model, network, facts->device};
    int32_t width = cap * 20;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const int32_t wanted = (int32_t)atlas_measure(atlas, texts[i]) + 2 * pad;
        width = wanted < width ? width : wanted < cap * 34 ? wanted : cap * 34;
    }
    int32_t height = 2 * pad + (4 + (int32_t)count) * step + step / 2;
    for (uint32_t i = 0; i < count; i++)
        height += rows[i].has_rule ? step / 2 : 0;
    height -= step - cap;
    if ((int32_t)window.width < width + 2 * margin || (int32_t)window.height < height + 2 * margin)
        return;
    const int32_t left = margin + pad, right = margin + width - pad, unit = right - cap * 3;
    int32_t top = margin + pad;
    put_plate(overlay, margin, margin, width, height, PLATE);
    put_plate(overlay, margin, margin, cap / 4 > 2 ? cap / 4 : 2, height, ACCENT);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++, top += step)
        put_text(overlay, atlas, left, top, texts[i], i ? DIM : BRIGHT, right - left);
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].has_rule || i == 0) {
            put_plate(overlay, left, top - (step - cap) / 2 + step / 4, right - left, 1, RULE);
            top += step / 2;
        }
        const uint32_t colour = i == 0 ? ACCENT : BRIGHT;
        const int32_t edge = unit - cap / 2;
        put_text(overlay, atlas, left, top, rows[i].label, DIM, right - left);
        put_text(overlay, atlas, unit, top, rows[i].unit, DIM, right - unit);
        if (rows[i].is_count)
            put_count(overlay, atlas, edge, top, colour);
        else
            put_text(overlay, atlas, edge - (int32_t)atlas_measure(atlas, rows[i].value), top, rows[i].value, colour,
                     right);
        top += step;
    }
}

/* ---- the keys ---------------------------------------------------------------------------------------------------- */

static const char *const keys[][2] = {
    {"space", "pause and go on"},
    {"+  -", "higher, lower confidence"},
    {"n", "next picture"},
    {"f", "the whole screen"},
    {"s", "save what is shown, as PNG"},
    {"i", "hide or show the numbers"},
    {"h", "hide or show this help"},
    {"q  Esc", "quit"},
};

static void lay_out_help(struct overlay *overlay, const struct atlas *atlas, VkExtent2D window)
{
    const int32_t cap = (int32_t)atlas->cap_height, step = cap * 21 / 10, pad = cap * 2;
    const int32_t count = (int32_t)(sizeof keys / sizeof *keys), column = cap * 8;
    int32_t widest = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t text = (int32_t)atlas_measure(atlas, keys[i][1]);
        widest = text > widest ? text : widest;
    }
    const int32_t width = 2 * pad + column + widest, height = 2 * pad + (count - 1) * step + cap;
    const int32_t left = ((int32_t)window.width - width) / 2, top = ((int32_t)window.height - height) / 2;
    if (left < 0 || top < 0)
        return;
    put_plate(overlay, left, top, width, height, COLOUR(9, 12, 16, 225));
    put_plate(overlay, left, top, width, cap / 4 > 2 ? cap / 4 : 2, ACCENT);
    for (int32_t i = 0; i < count; i++) {
        put_text(overlay, atlas, left + pad, top + pad + i * step, keys[i][0], ACCENT, column);
        put_text(overlay, atlas, left + pad + column, top + pad + i * step, keys[i][1], BRIGHT, widest);
    }
}

/* ---- words for a moment ------------------------------------------------------------------------------------------ */

/* A plate with a text; `left` and `top` are the plate's. */
static void put_words(struct overlay *overlay, const struct atlas *atlas, int32_t left, int32_t top, const char *text,
                      uint32_t plate, uint32_t ink)
{
    const int32_t cap = (int32_t)atlas->cap_height, width = (int32_t)atlas_measure(atlas, text);
    put_plate(overlay, left, top, width + 2 * cap, cap * 5 / 2, plate);
    put_text(overlay, atlas, left + cap, top + cap * 3 / 4, text, ink, width);
}

void overlay_lay_out(struct overlay *overlay, const struct atlas *atlas, const struct overlay_facts *facts,
                     VkExtent2D window)
{
    const int32_t cap = (int32_t)atlas->cap_height;
    overlay->count = 0;
    if (facts->shows_facts)
        lay_out_facts(overlay, atlas, facts, window);
    if (facts->is_paused) {
        const int32_t width = (int32_t)atlas_measure(atlas, "PAUSED") + 2 * cap;
        put_words(overlay, atlas, (int32_t)window.width - cap - width, cap, "PAUSED", WARM, DARK);
    }
    if (facts->notice) {
        const int32_t width = (int32_t)atlas_measure(atlas, facts->notice) + 2 * cap;
        put_words(overlay, atlas, ((int32_t)window.width - width) / 2, (int32_t)window.height - cap * 7 / 2,
                  facts->notice, COLOUR(9, 12, 16, 225), BRIGHT);
    }
    if (facts->shows_help)
        lay_out_help(overlay, atlas, window);
}
