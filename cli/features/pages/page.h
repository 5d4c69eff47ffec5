/* Where things stand on a page of maps: a head with a title, lines and a legend, and items in rows and columns below
 * it, about four to three in all. */
#ifndef GHOSTVK_CLI_FEATURES_PAGE_H
#define GHOSTVK_CLI_FEATURES_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sheet.h"

#define PAGE_LINES         3
#define PAGE_LEGEND        190 /* width and height of the legend's place, at the right of the head */
#define PAGE_LEGEND_HEIGHT 62

struct page_head {
    char title[256];
    char lines[PAGE_LINES][512]; /* empty ones take no place */
    bool has_legend;
};

struct page_items {
    uint32_t count;
    int width, height; /* of one */
};

struct page {
    int width, height, columns;
    int legend_left, legend_top;
    int items_left, items_top, step_x, step_y;
};

void page_arrange(const struct page_head *head, const struct page_items *items, struct letters *letters,
                  struct page *out);
/* Draws the head on a sheet of the page's size. */
void page_draw_head(const struct page *page, const struct page_head *head, struct sheet *sheet);
/* Where an item begins. */
void page_place(const struct page *page, uint32_t index, int *left, int *top);

/* How large a map should be drawn when so many stand on the page. */
uint32_t page_map_side(uint32_t count);

#endif
