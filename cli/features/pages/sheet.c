/* See sheet.h. */
#include "sheet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ink sheet_paper = {252, 252, 253}, sheet_dark = {27, 31, 39}, sheet_muted = {103, 110, 122},
                 sheet_line = {222, 225, 231}, sheet_positive = {23, 133, 137}, sheet_negative = {214, 92, 40};

bool sheet_create(struct sheet *sheet, uint32_t width, uint32_t height, struct letters *letters, char *message,
                  size_t message_size)
{
    *sheet = (struct sheet){.letters = letters};
    if (!image_create(width, height, &sheet->image, message, message_size))
        return false;
    sheet_fill(sheet, 0, 0, (int)width, (int)height, sheet_paper);
    return true;
}

void sheet_release(struct sheet *sheet)
{
    image_release(&sheet->image);
    *sheet = (struct sheet){0};
}

static uint8_t *pixel_at(struct sheet *sheet, int x, int y)
{
    if (x < 0 || y < 0 || x >= (int)sheet->image.width || y >= (int)sheet->image.height)
        return NULL;
    return sheet->image.pixels + 3 * ((size_t)y * sheet->image.width + (size_t)x);
}

void sheet_fill(struct sheet *sheet, int left, int top, int width, int height, struct ink ink)
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++) {
            uint8_t *pixel = pixel_at(sheet, x, y);
            if (pixel) {
                pixel[0] = ink.red;
                pixel[1] = ink.green;
                pixel[2] = ink.blue;
            }
        }
}

/* ---- texts ---- */

struct font title_font(int cap_height)
{
    struct font font = font_of_height(cap_height);
    font.radius *= 1.35f;
    return font;
}

static bool needs_letters(struct letters *letters, const struct font *font, const char *text)
{
    return letters && !font_covers(text) && letters_start(letters, font->cap_height);
}

int measure_text(struct letters *letters, const struct font *font, const char *text)
{
    return needs_letters(letters, font, text) ? letters_measure(letters, text) : font_measure(font, text);
}

void sheet_text(struct sheet *sheet, const struct font *font, const char *text, int left, int baseline, struct ink ink)
{
    int border = font->cap_height; /* room for accents and what hangs below the line */
    struct font_mask mask = {.width = measure_text(sheet->letters, font, text) + 2 * border,
                             .height = font->cap_height + 2 * border};
    mask.coverage = calloc((size_t)mask.width, (size_t)mask.height);
    if (!mask.coverage) {
        sheet->failed = true;
        return;
    }
    int base = border + font->cap_height;
    if (needs_letters(sheet->letters, font, text))
        letters_draw(sheet->letters, text, border, base, &mask);
    else
        font_draw(font, text, border, base, &mask);
    for (int y = 0; y < mask.height; y++)
        for (int x = 0; x < mask.width; x++) {
            unsigned above = mask.coverage[(size_t)y * (size_t)mask.width + (size_t)x];
            uint8_t *pixel = above ? pixel_at(sheet, left - border + x, baseline - base + y) : NULL;
            if (!pixel)
                continue;
            pixel[0] = (uint8_t)((pixel[0] * (255 - above) + ink.red * above + 127) / 255);
            pixel[1] = (uint8_t)((pixel[1] * (255 - above) + ink.green * above + 127) / 255);
            pixel[2] = (uint8_t)((pixel[2] * (255 - above) + ink.blue * above + 127) / 255);
        }
    free(mask.coverage);
}

void sheet_text_right(struct sheet *sheet, const struct font *font, const char *text, int right, int baseline,
                      struct ink ink)
{
    sheet_text(sheet, font, text, right - measure_text(sheet->letters, font, text), baseline, ink);
}

void sheet_text_middle(struct sheet *sheet, const struct font *font, const char *text, int middle, int baseline,
                       struct ink ink)
{
    sheet_text(sheet, font, text, middle - measure_text(sheet->letters, font, text) / 2, baseline, ink);
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

void shorten_text(struct letters *letters, const struct font *font, const char *text, int room, char *out,
                  size_t out_size)
{
    static const char dots[] = "\xE2\x80\xA6";
    size_t length = strlen(text);
    snprintf(out, out_size, "%s", text);
    for (size_t kept = length; kept > 2 && measure_text(letters, font, out) > room; kept--) {
        size_t head = kept / 2, tail = length - (kept - kept / 2);
        while (head && continues_character(text[head]))
            head--;
        while (tail < length && continues_character(text[tail]))
            tail++;
        snprintf(out, out_size, "%.*s%s%s", (int)head, text, dots, text + tail);
    }
}

static void write_digits(char *out, size_t size, const char *format_digits, double value)
{
    int precision = format_digits[0] - '0';
    if (format_digits[1] == 'g')
        snprintf(out, size, "%.*g", precision, value);
    else
        snprintf(out, size, "%.*f", precision, value);
    for (char *at = out; *at; at++)
        if (*at == ',')
            *at = '.';
}

void write_number(double value, char *out, size_t size)
{
    write_digits(out, size, "3g", value == 0 ? 0 : value); /* never "-0" */
}

void write_correlation(double value, char *out, size_t size)
{
    if (!isfinite(value))
        snprintf(out, size, "-");
    else
        write_digits(out, size, "2f", fabs(value) < 0.005 ? 0 : value);
}

/* ---- maps ---- */

struct map_zoom choose_zoom(uint32_t width, uint32_t height, uint32_t target)
{
    uint32_t side = width > height ? width : height, most = target + target / 4;
    struct map_zoom zoom = {.grow = 1, .shrink = 1};
    if (side && side <= most)
        zoom.grow = most / side;
    else if (side > most + most / 4)
        zoom.shrink = (side + most - 1) / most;
    return zoom;
}

uint32_t zoomed(const struct map_zoom *zoom, uint32_t side)
{
    return side * zoom->grow / zoom->shrink + (side * zoom->grow % zoom->shrink != 0);
}

static double average(const struct map_view *map, uint32_t left, uint32_t top, uint32_t side)
{
    double sum = 0;
    unsigned count = 0;
    for (uint32_t y = top; y < top + side && y < map->height; y++)
        for (uint32_t x = left; x < left + side && x < map->width; x++, count++)
            sum += (double)map->values[(size_t)y * map->width + x];
    return sum / count;
}

void sheet_map(struct sheet *sheet, const struct map_view *map, const struct map_zoom *zoom,
               const struct colours *colours, int left, int top)
{
    uint32_t width = zoomed(zoom, map->width), height = zoomed(zoom, map->height);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *pixel = pixel_at(sheet, left + (int)x, top + (int)y);
            double value = average(map, x / zoom->grow * zoom->shrink, y / zoom->grow * zoom->shrink, zoom->shrink);
            if (pixel)
                memcpy(pixel, colours->steps[colour_step(value, map->low, map->high)], 3);
        }
}

void sheet_bar(struct sheet *sheet, const struct colours *colours, int left, int top, int width, int height)
{
    for (int y = top; y < top + height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = pixel_at(sheet, left + x, y);
            if (pixel)
                memcpy(pixel, colours->steps[colour_step(x, 0, width - 1)], 3);
        }
}
