/* See grid.h. */
#include "grid.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/features/pages/page.h"

#define LABEL_HEIGHT 8 /* of capitals */
#define LABEL_SPACE  18
#define BAR_HEIGHT   12

struct range {
    float low, high; /* of colours */
};

static struct range range_of(const struct maps *maps, uint32_t first, uint32_t last)
{
    struct range range = {maps->statistics[first].low, maps->statistics[first].high};
    for (uint32_t channel = first + 1; channel <= last; channel++) {
        const struct map_statistics *one = &maps->statistics[channel];
        range.low = one->low < range.low ? one->low : range.low;
        range.high = one->high > range.high ? one->high : range.high;
    }
    return range;
}

static void compose_head(const struct maps *maps, const struct grid_choice *choice, struct page_head *head)
{
    *head = (struct page_head){.has_legend = true};
    snprintf(head->title, sizeof head->title, "%s", maps->name);
    bool all = choice->first == 0 && choice->last + 1 == maps->channels;
    int at = snprintf(head->lines[0], sizeof head->lines[0], "%" PRIu32 " channels of %" PRIu32 "\xC3\x97%" PRIu32,
                      maps->channels, maps->width, maps->height);
    if (!all && choice->first == choice->last)
        snprintf(head->lines[0] + at, sizeof head->lines[0] - (size_t)at, ", here %" PRIu32, choice->first);
    else if (!all)
        snprintf(head->lines[0] + at, sizeof head->lines[0] - (size_t)at, ", here %" PRIu32 " to %" PRIu32,
                 choice->first, choice->last);
    snprintf(head->lines[1], sizeof head->lines[1], "%s", choice->picture);
}

static void draw_legend(const struct page *page, const struct grid_choice *choice, struct range range,
                        const struct colours *colours, struct sheet *sheet)
{
    const struct font font = font_of_height(LABEL_HEIGHT);
    char low[32] = "low", high[32] = "high";
    if (choice->scale_together) {
        write_number((double)range.low, low, sizeof low);
        write_number((double)range.high, high, sizeof high);
    }
    int left = page->legend_left, right = left + PAGE_LEGEND, top = page->legend_top;
    sheet_text_right(sheet, &font,
                     choice->scale_together ? "all maps together, 1 % clipped" : "each map by itself, 1 % clipped",
                     right, top + LABEL_HEIGHT, sheet_muted);
    sheet_bar(sheet, colours, left, top + LABEL_HEIGHT + 9, PAGE_LEGEND, BAR_HEIGHT);
    int baseline = top + 2 * LABEL_HEIGHT + 9 + BAR_HEIGHT + 8;
    sheet_text(sheet, &font, low, left, baseline, sheet_dark);
    sheet_text_right(sheet, &font, high, right, baseline, sheet_dark);
}

static void draw_item(const struct maps *maps, uint32_t channel, struct range colours_of, const struct map_zoom *zoom,
                      const struct colours *colours, int left, int top, struct sheet *sheet)
{
    const struct font font = font_of_height(LABEL_HEIGHT);
    const struct map_statistics *numbers = &maps->statistics[channel];
    const struct map_view view = {.values = maps_channel(maps, channel),
                                  .width = maps->width,
                                  .height = maps->height,
                                  .low = (double)colours_of.low,
                                  .high = (double)colours_of.high};
    int width = (int)zoomed(zoom, maps->width), height = (int)zoomed(zoom, maps->height);
    char name[16], least[24], largest[24], range[64];
    sheet_map(sheet, &view, zoom, colours, left, top);
    snprintf(name, sizeof name, "%" PRIu32, channel);
    write_number((double)numbers->least, least, sizeof least);
    write_number((double)numbers->largest, largest, sizeof largest);
    snprintf(range, sizeof range, "%s \xE2\x80\xA6 %s", least, largest);
    int baseline = top + height + LABEL_HEIGHT + 7;
    sheet_text(sheet, &font, name, left, baseline, sheet_dark);
    sheet_text_right(sheet, &font, range, left + width, baseline, sheet_muted);
}

bool grid_draw(const struct maps *maps, const struct grid_choice *choice, struct sheet *out, char *message,
               size_t message_size)
{
    uint32_t count = choice->last - choice->first + 1;
    const struct map_zoom zoom = choose_zoom(maps->width, maps->height, page_map_side(count));
    const struct page_items items = {.count = count,
                                     .width = (int)zoomed(&zoom, maps->width),
                                     .height = (int)zoomed(&zoom, maps->height) + LABEL_SPACE};
    const struct range range = range_of(maps, choice->first, choice->last);
    struct page_head head;
    struct page page;
    struct colours colours;
    colours_make(COLOURS_OF_MAPS, &colours);
    compose_head(maps, choice, &head);
    page_arrange(&head, &items, choice->letters, &page);
    if (!sheet_create(out, (uint32_t)page.width, (uint32_t)page.height, choice->letters, message, message_size))
        return false;
    page_draw_head(&page, &head, out);
    draw_legend(&page, choice, range, &colours, out);
    for (uint32_t index = 0; index < count; index++) {
        uint32_t channel = choice->first + index;
        int left, top;
        page_place(&page, index, &left, &top);
        draw_item(maps, channel, choice->scale_together ? range : range_of(maps, channel, channel), &zoom, &colours,
                  left, top, out);
    }
    if (!out->failed)
        return true;
    snprintf(message, message_size, "needs more memory than there is");
    sheet_release(out);
    return false;
}
