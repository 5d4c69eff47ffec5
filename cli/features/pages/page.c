/* See page.h. */
#include "page.h"

#include <math.h>

#define MARGIN         28
#define GAP_X          16
#define GAP_Y          18
#define TITLE_HEIGHT   15 /* of capitals, as the next */
#define LINE_HEIGHT    10
#define TITLE_STEP     28
#define LINE_STEP      23
#define HEAD_TO_LEGEND 40
#define HEAD_TO_ITEMS  26
#define MOST_WIDTH     2600

static int measure_head(const struct page_head *head, struct letters *letters)
{
    const struct font title = title_font(TITLE_HEIGHT), line = font_of_height(LINE_HEIGHT);
    int widest = measure_text(letters, &title, head->title);
    for (int index = 0; index < PAGE_LINES; index++) {
        int width = measure_text(letters, &line, head->lines[index]);
        widest = width > widest ? width : widest;
    }
    return widest + (head->has_legend ? HEAD_TO_LEGEND + PAGE_LEGEND : 0);
}

static int head_height(const struct page_head *head)
{
    int height = TITLE_HEIGHT + TITLE_STEP - LINE_STEP;
    for (int index = 0; index < PAGE_LINES; index++)
        height += head->lines[index][0] ? LINE_STEP : 0;
    return head->has_legend && height < PAGE_LEGEND_HEIGHT ? PAGE_LEGEND_HEIGHT : height;
}

static int empty_places(int columns, int count)
{
    return (columns - count % columns) % columns;
}

/* A column more or less, where that leaves fewer places of the last row empty. */
static int fill_last_row(int columns, int count)
{
    int best = columns;
    for (int other = columns + 1; other >= columns - 1; other -= 2)
        if (other >= 1 && other <= count && empty_places(other, count) < empty_places(best, count))
            best = other;
    return best;
}

void page_arrange(const struct page_head *head, const struct page_items *items, struct letters *letters,
                  struct page *out)
{
    int step_x = items->width + GAP_X, step_y = items->height + GAP_Y, count = items->count ? (int)items->count : 1;
    int columns = (int)lround(sqrt(4.0 / 3 * count * step_y / step_x));
    columns = columns < 1 ? 1 : columns > count ? count : columns;
    int wanted = measure_head(head, letters);
    wanted = wanted > MOST_WIDTH ? MOST_WIDTH : wanted;
    while (columns < count && (columns + 1) * step_x - GAP_X <= wanted) /* the head's width is there anyway */
        columns++;
    columns = fill_last_row(columns, count);
    int rows = (count + columns - 1) / columns;
    int items_width = columns * step_x - GAP_X;
    int inside = items_width > wanted ? items_width : wanted;
    int top = MARGIN + head_height(head) + HEAD_TO_ITEMS;
    *out = (struct page){
        .width = inside + 2 * MARGIN,
        .height = top + rows * step_y - GAP_Y + MARGIN,
        .columns = columns,
        .legend_left = MARGIN + inside - PAGE_LEGEND,
        .legend_top = MARGIN,
        .items_left = MARGIN,
        .items_top = top,
        .step_x = step_x,
        .step_y = step_y,
    };
}

void page_draw_head(const struct page *page, const struct page_head *head, struct sheet *sheet)
{
    const struct font title = title_font(TITLE_HEIGHT), line = font_of_height(LINE_HEIGHT);
    int room = page->width - 2 * MARGIN - (head->has_legend ? HEAD_TO_LEGEND + PAGE_LEGEND : 0);
    int baseline = MARGIN + TITLE_HEIGHT;
    int step = TITLE_STEP;
    char text[sizeof head->lines[0] + 4];
    shorten_text(sheet->letters, &title, head->title, room, text, sizeof text);
    sheet_text(sheet, &title, text, MARGIN, baseline, sheet_dark);
    for (int index = 0; index < PAGE_LINES; index++) {
        if (!head->lines[index][0])
            continue;
        baseline += step;
        step = LINE_STEP;
        shorten_text(sheet->letters, &line, head->lines[index], room, text, sizeof text);
        sheet_text(sheet, &line, text, MARGIN, baseline, sheet_muted);
    }
    sheet_fill(sheet, MARGIN, page->items_top - HEAD_TO_ITEMS / 2 - 1, page->width - 2 * MARGIN, 1, sheet_line);
}

void page_place(const struct page *page, uint32_t index, int *left, int *top)
{
    *left = page->items_left + (int)index % page->columns * page->step_x;
    *top = page->items_top + (int)index / page->columns * page->step_y;
}

uint32_t page_map_side(uint32_t count)
{
    return count <= 4 ? 320 : count <= 12 ? 208 : count <= 30 ? 144 : 104;
}
