/* See heatmap.h. */
#include "heatmap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANCHORS    3
#define OBJECTNESS 4

static double sigmoid(double value)
{
    return 1 / (1 + exp(-value));
}

/* ---- confidences ---- */

static double confidence_of(const struct heat_source *map, uint32_t anchor, uint32_t class_count, uint32_t class_id,
                            size_t cell)
{
    size_t plane = (size_t)map->width * map->height;
    const float *of_anchor = map->values + (size_t)anchor * (5 + class_count) * plane + cell;
    double objectness = sigmoid((double)of_anchor[OBJECTNESS * plane]);
    if (class_id == HEAT_PRESENCE)
        return objectness;
    if (class_id != HEAT_ALL)
        return objectness * sigmoid((double)of_anchor[(5 + (size_t)class_id) * plane]);
    double best = 0;
    for (uint32_t other = 0; other < class_count; other++)
        best = fmax(best, sigmoid((double)of_anchor[(5 + (size_t)other) * plane]));
    return objectness * best;
}

bool heat_measure(const struct heat_source *map, uint32_t class_count, uint32_t class_id, struct heat_cells *out)
{
    size_t cells = (size_t)map->width * map->height;
    *out = (struct heat_cells){.width = map->width, .height = map->height};
    if ((uint64_t)map->channels != ANCHORS * (5 + (uint64_t)class_count) || !cells)
        return false;
    out->values = malloc(cells * sizeof *out->values);
    for (size_t cell = 0; out->values && cell < cells; cell++) {
        double best = 0;
        for (uint32_t anchor = 0; anchor < ANCHORS; anchor++)
            best = fmax(best, confidence_of(map, anchor, class_count, class_id, cell));
        out->values[cell] = (float)best;
    }
    return out->values != NULL;
}

void heat_release(struct heat_cells *cells)
{
    free(cells->values);
    *cells = (struct heat_cells){0};
}

/* ---- from the picture to cells ---- */

struct heat_place heat_place_of(uint32_t picture_width, uint32_t picture_height, uint32_t input_width,
                                uint32_t input_height, bool letterbox)
{
    struct heat_place place = {
        .input_width = input_width, .input_height = input_height, .width = input_width, .height = input_height};
    if (!letterbox)
        return place;
    double scale = fmin((double)input_width / picture_width, (double)input_height / picture_height);
    place.width = fmax(1, floor(picture_width * scale));
    place.height = fmax(1, floor(picture_height * scale));
    place.left = floor((input_width - place.width) / 2);
    place.top = floor((input_height - place.height) / 2);
    return place;
}

/* Cells around a place and how much of each. */
struct taps {
    uint32_t first, count;
    double weights[4];
};

static double cubic(double distance)
{
    double at = fabs(distance);
    return at < 1 ? (1.5 * at - 2.5) * at * at + 1 : at < 2 ? ((-0.5 * at + 2.5) * at - 4) * at + 2 : 0;
}

/* At a place in cells, whose middles are at 0.5, 1.5 and so on; those that are missing at an edge count for nothing. */
static struct taps taps_at(double place, uint32_t cells)
{
    double first = floor(place - 1.5);
    struct taps taps = {.first = first <= 0 ? 0 : first >= cells - 1 ? cells - 1 : (uint32_t)first};
    double sum = 0;
    for (uint32_t cell = taps.first; cell < cells && cell < first + 4 && taps.count < 4; cell++) {
        taps.weights[taps.count] = cubic(cell + 0.5 - place);
        sum += taps.weights[taps.count++];
    }
    for (uint32_t index = 0; index < taps.count && sum != 0; index++)
        taps.weights[index] /= sum;
    return taps;
}

/* A row of cells at a height between them. */
static void mix_rows(const struct heat_cells *cells, double y, double *out)
{
    const struct taps rows = taps_at(y, cells->height);
    for (uint32_t x = 0; x < cells->width; x++) {
        out[x] = 0;
        for (uint32_t row = 0; row < rows.count; row++)
            out[x] += rows.weights[row] * (double)cells->values[(size_t)(rows.first + row) * cells->width + x];
    }
}

bool heat_row(const struct heat_cells *scales, uint32_t scale_count, const struct heat_place *place,
              uint32_t picture_width, uint32_t picture_height, uint32_t y, double *out)
{
    double in_y = (place->top + (y + 0.5) * place->height / picture_height) / place->input_height;
    memset(out, 0, picture_width * sizeof *out);
    for (uint32_t scale = 0; scale < scale_count; scale++) {
        const struct heat_cells *cells = &scales[scale];
        double *mixed = malloc(cells->width * sizeof *mixed);
        if (!mixed)
            return false;
        mix_rows(cells, in_y * cells->height, mixed);
        for (uint32_t x = 0; x < picture_width; x++) {
            double in_x = (place->left + (x + 0.5) * place->width / picture_width) / place->input_width;
            const struct taps columns = taps_at(in_x * cells->width, cells->width);
            double heat = 0;
            for (uint32_t column = 0; column < columns.count; column++)
                heat += columns.weights[column] * mixed[columns.first + column];
            out[x] = fmax(out[x], fmin(1, heat));
        }
        free(mixed);
    }
    return true;
}

/* ---- the picture ---- */

/* Grey where nothing is seen, so that a picture's own reds and yellows are not taken for heat. */
static void blend_heat(const uint8_t *from, double heat, const struct colours *colours, uint8_t *to)
{
    double grey = 0.299 * from[0] + 0.587 * from[1] + 0.114 * from[2];
    double share = 0.85 * pow(heat, 0.65);
    const uint8_t *colour = colours->steps[colour_step(heat, 0, 1)];
    for (int channel = 0; channel < 3; channel++) {
        double below = 0.25 * from[channel] + 0.75 * grey;
        to[channel] = (uint8_t)lround(below * (1 - share) + colour[channel] * share);
    }
}

static void draw_strip(struct sheet *sheet, uint32_t picture_height, int strip, const char *caption,
                       const struct colours *colours)
{
    const struct font font = font_of_height(strip / 4);
    int padding = strip / 3, width = (int)sheet->image.width, top = (int)picture_height;
    int bar = width / 4 < strip * 5 ? width / 4 : strip * 5, digit = measure_text(sheet->letters, &font, "0");
    int baseline = top + (strip + font.cap_height) / 2, right = width - padding;
    char text[512];
    sheet_text_right(sheet, &font, "1", right, baseline, sheet_dark);
    right -= digit + padding / 2;
    sheet_bar(sheet, colours, right - bar, top + strip / 3, bar, strip - 2 * (strip / 3));
    right -= bar + padding / 2;
    sheet_text_right(sheet, &font, "0", right, baseline, sheet_dark);
    shorten_text(sheet->letters, &font, caption, right - digit - 2 * padding, text, sizeof text);
    sheet_text(sheet, &font, text, padding, baseline, sheet_dark);
}

bool heat_draw(const struct image *picture, const struct heat_cells *scales, uint32_t scale_count,
               const struct heat_place *place, const char *caption, struct letters *letters, struct sheet *out,
               char *message, size_t message_size)
{
    uint32_t shorter = picture->width < picture->height ? picture->width : picture->height;
    uint32_t strip = shorter / 12 < 36 ? 36 : shorter / 12;
    struct colours colours;
    colours_make(COLOURS_OF_HEAT, &colours);
    if (picture->height > IMAGE_SIDE_MAX - strip) {
        snprintf(message, message_size, "is too high for a strip below it");
        return false;
    }
    if (!sheet_create(out, picture->width, picture->height + strip, letters, message, message_size))
        return false;
    double *row = malloc(picture->width * sizeof *row);
    out->failed = !row;
    for (uint32_t y = 0; y < picture->height && !out->failed; y++) {
        out->failed = !heat_row(scales, scale_count, place, picture->width, picture->height, y, row);
        for (uint32_t x = 0; x < picture->width && !out->failed; x++) {
            size_t at = 3 * ((size_t)y * picture->width + x);
            blend_heat(picture->pixels + at, row[x], &colours, out->image.pixels + at);
        }
    }
    free(row);
    draw_strip(out, picture->height, (int)strip, caption, &colours);
    if (!out->failed)
        return true;
    snprintf(message, message_size, "needs more memory than there is");
    sheet_release(out);
    return false;
}
