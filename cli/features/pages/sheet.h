/* A page that maps are drawn on: areas, texts, maps in colours, a colour bar. Light, with dark text. What would lie
 * outside of the page is left away. */
#ifndef GHOSTVK_CLI_FEATURES_SHEET_H
#define GHOSTVK_CLI_FEATURES_SHEET_H

#include "cli/pictures/font.h"
#include "cli/pictures/formats/image.h"
#include "cli/pictures/letters.h"

#include "colours.h"

struct ink {
    uint8_t red, green, blue;
};

extern const struct ink sheet_paper, sheet_dark, sheet_muted, sheet_line, sheet_positive, sheet_negative;

struct sheet {
    struct image image;
    struct letters *letters; /* for texts that the built-in font cannot write; NULL: none */
    bool failed;             /* memory ran out, and a text is missing */
};

/* A page of paper. On failure nothing is left and `message` holds a predicate. */
bool sheet_create(struct sheet *sheet, uint32_t width, uint32_t height, struct letters *letters, char *message,
                  size_t message_size);
/* Accepts an empty one. */
void sheet_release(struct sheet *sheet);

void sheet_fill(struct sheet *sheet, int left, int top, int width, int height, struct ink ink);

/* Titles are written with a broader pen. */
struct font title_font(int cap_height);
int measure_text(struct letters *letters, const struct font *font, const char *text);
void sheet_text(struct sheet *sheet, const struct font *font, const char *text, int left, int baseline, struct ink ink);
void sheet_text_right(struct sheet *sheet, const struct font *font, const char *text, int right, int baseline,
                      struct ink ink);
void sheet_text_middle(struct sheet *sheet, const struct font *font, const char *text, int middle, int baseline,
                       struct ink ink);
/* The text, cut in its middle where it is wider than `room`. */
void shorten_text(struct letters *letters, const struct font *font, const char *text, int room, char *out,
                  size_t out_size);

/* How a map becomes pixels: each value `grow` pixels wide and high, or `shrink` x `shrink` values averaged. */
struct map_zoom {
    uint32_t grow, shrink; /* one of them is 1 */
};
/* So that the longer side is near `target` pixels. */
struct map_zoom choose_zoom(uint32_t width, uint32_t height, uint32_t target);
uint32_t zoomed(const struct map_zoom *zoom, uint32_t side);

struct map_view {
    const float *values;
    uint32_t width, height;
    double low, high; /* of the colours */
};
void sheet_map(struct sheet *sheet, const struct map_view *map, const struct map_zoom *zoom,
               const struct colours *colours, int left, int top);
/* From the lowest colour at the left to the highest. */
void sheet_bar(struct sheet *sheet, const struct colours *colours, int left, int top, int width, int height);

/* Three digits, with a point in every locale: "0", "-1.25", "1.2e+06". */
void write_number(double value, char *out, size_t size);
/* Two digits behind the point: "0.93"; "-" for what is no number. */
void write_correlation(double value, char *out, size_t size);

#endif
