/* See ghosts.h. */
#include "ghosts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/features/pages/page.h"

#define LABEL_HEIGHT 9 /* of capitals */
#define SMALL_HEIGHT 8
#define BETWEEN      3 /* between the two maps of a pair */
#define BAR_SPACE    6
#define LABEL_SPACE  26
#define BINS         20
#define CHART_HEIGHT 40

/* ---- numbers ---- */

static void summarise(struct ghost_module *module)
{
    double sum = 0;
    module->least = module->largest = module->mean_magnitude = NAN;
    for (uint32_t index = 0; index < module->count; index++) {
        double r = module->pairs[index].correlation;
        if (!isfinite(r)) {
            module->flat_count++;
            continue;
        }
        sum += fabs(r);
        module->least = fmin(module->least, r); /* the number of a number and NaN */
        module->largest = fmax(module->largest, r);
    }
    if (module->flat_count < module->count)
        module->mean_magnitude = sum / (module->count - module->flat_count);
}

bool ghost_module_create(const char *name, struct maps *intrinsic, struct maps *ghosts, struct ghost_module *out)
{
    *out = (struct ghost_module){.intrinsic = *intrinsic, .ghosts = *ghosts, .count = intrinsic->channels};
    *intrinsic = *ghosts = (struct maps){0};
    const struct maps *one = &out->intrinsic, *other = &out->ghosts;
    snprintf(out->name, sizeof out->name, "%s", name);
    bool fit = one->channels == other->channels && one->height == other->height && one->width == other->width;
    out->pairs = fit ? calloc(out->count ? out->count : 1, sizeof *out->pairs) : NULL;
    if (!out->pairs) {
        ghost_module_release(out);
        return false;
    }
    for (uint32_t channel = 0; channel < out->count; channel++)
        out->pairs[channel] =
            (struct ghost_pair){channel, correlate_maps(maps_channel(one, channel), maps_channel(other, channel),
                                                        (size_t)one->height * one->width)};
    summarise(out);
    return true;
}

void ghost_module_release(struct ghost_module *module)
{
    maps_release(&module->intrinsic);
    maps_release(&module->ghosts);
    free(module->pairs);
    *module = (struct ghost_module){0};
}

/* The highest first, flat ones last; equal ones by channel. */
static int compare_pairs(const void *left, const void *right)
{
    const struct ghost_pair *one = left, *other = right;
    bool one_flat = !isfinite(one->correlation), other_flat = !isfinite(other->correlation);
    if (one_flat != other_flat)
        return one_flat ? 1 : -1;
    if (!one_flat && one->correlation != other->correlation)
        return one->correlation > other->correlation ? -1 : 1;
    return one->channel < other->channel ? -1 : one->channel > other->channel;
}

/* ---- the page ---- */

static void compose_head(const struct ghost_module *module, const struct ghost_choice *choice, struct page_head *head)
{
    *head = (struct page_head){.has_legend = true};
    const struct maps *maps = &module->intrinsic;
    char mean[16], least[16], largest[16];
    write_correlation(module->mean_magnitude, mean, sizeof mean);
    write_correlation(module->least, least, sizeof least);
    write_correlation(module->largest, largest, sizeof largest);
    snprintf(head->title, sizeof head->title, "%s   mean |r| %s", module->name, mean);
    int at = snprintf(head->lines[0], sizeof head->lines[0],
                      "%" PRIu32 " intrinsic maps of %" PRIu32 "\xC3\x97%" PRIu32
                      " (left) and the ghost of each (right); r from %s to %s",
                      maps->channels, maps->width, maps->height, least, largest);
    if (module->flat_count)
        snprintf(head->lines[0] + at, sizeof head->lines[0] - (size_t)at,
                 "; %" PRIu32 " pair%s without r, a map being flat", module->flat_count,
                 module->flat_count == 1 ? "" : "s");
    bool all = choice->first == 0 && choice->last + 1 == maps->channels;
    char part[64] = "";
    if (!all)
        snprintf(part, sizeof part, "channels %" PRIu32 " to %" PRIu32 ", ", choice->first, choice->last);
    snprintf(head->lines[1], sizeof head->lines[1], "%s%s; colours of %s, 1 %% clipped", part,
             choice->by_channel ? "in the order of channels" : "by falling r",
             choice->scale_together ? "each pair together" : "each map by itself");
    snprintf(head->lines[2], sizeof head->lines[2], "%s", choice->picture);
}

static unsigned bin_of(double correlation)
{
    double at = (correlation + 1) / 2 * BINS;
    return at < 0 ? 0 : at >= BINS ? BINS - 1 : (unsigned)at;
}

/* How the correlations of all pairs are spread, from -1 to 1. */
static void draw_legend(const struct page *page, const struct ghost_module *module, struct sheet *sheet)
{
    const struct font font = font_of_height(SMALL_HEIGHT);
    unsigned bins[BINS] = {0}, most = 1;
    for (uint32_t index = 0; index < module->count; index++)
        if (isfinite(module->pairs[index].correlation)) {
            unsigned *bin = &bins[bin_of(module->pairs[index].correlation)];
            most = ++*bin > most ? *bin : most;
        }
    int step = PAGE_LEGEND / BINS, left = page->legend_left + PAGE_LEGEND - step * BINS;
    int bottom = page->legend_top + CHART_HEIGHT;
    for (int bin = 0; bin < BINS; bin++) {
        int height = (int)((bins[bin] * (unsigned)CHART_HEIGHT + most - 1) / most);
        sheet_fill(sheet, left + bin * step + 1, bottom - height, step - 1, height,
                   bin < BINS / 2 ? sheet_negative : sheet_positive);
    }
    sheet_fill(sheet, left, bottom, step * BINS, 1, sheet_muted);
    int baseline = bottom + SMALL_HEIGHT + 7;
    sheet_text(sheet, &font, "-1", left, baseline, sheet_muted);
    sheet_text_middle(sheet, &font, "r", left + BINS / 2 * step, baseline, sheet_muted);
    sheet_text_right(sheet, &font, "1", left + BINS * step, baseline, sheet_muted);
}

static void draw_map(const struct maps *maps, uint32_t channel, double low, double high, const struct map_zoom *zoom,
                     const struct colours *colours, int left, int top, struct sheet *sheet)
{
    const struct map_view view = {
        .values = maps_channel(maps, channel), .width = maps->width, .height = maps->height, .low = low, .high = high};
    sheet_map(sheet, &view, zoom, colours, left, top);
}

static void draw_pair(const struct ghost_module *module, const struct ghost_pair *pair, bool scale_together,
                      const struct map_zoom *zoom, const struct colours *colours, int left, int top,
                      struct sheet *sheet)
{
    const struct font small = font_of_height(SMALL_HEIGHT), label = title_font(LABEL_HEIGHT);
    const struct map_statistics *one = &module->intrinsic.statistics[pair->channel],
                                *other = &module->ghosts.statistics[pair->channel];
    double low = fmin((double)one->low, (double)other->low), high = fmax((double)one->high, (double)other->high);
    int width = (int)zoomed(zoom, module->intrinsic.width), height = (int)zoomed(zoom, module->intrinsic.height);
    int whole = 2 * width + BETWEEN;
    draw_map(&module->intrinsic, pair->channel, scale_together ? low : (double)one->low,
             scale_together ? high : (double)one->high, zoom, colours, left, top, sheet);
    draw_map(&module->ghosts, pair->channel, scale_together ? low : (double)other->low,
             scale_together ? high : (double)other->high, zoom, colours, left + width + BETWEEN, top, sheet);

    bool flat = !isfinite(pair->correlation);
    const struct ink ink = flat ? sheet_muted : pair->correlation < 0 ? sheet_negative : sheet_positive;
    sheet_fill(sheet, left, top + height + 3, whole, 3, sheet_line);
    if (!flat)
        sheet_fill(sheet, left, top + height + 3, (int)lround(fabs(pair->correlation) * whole), 3, ink);
    char name[16], number[16], text[32];
    snprintf(name, sizeof name, "%" PRIu32, pair->channel);
    write_correlation(pair->correlation, number, sizeof number);
    snprintf(text, sizeof text, flat ? "flat" : "r %s", number);
    int baseline = top + height + BAR_SPACE + LABEL_HEIGHT + 8;
    sheet_text(sheet, &small, name, left, baseline, sheet_muted);
    sheet_text_right(sheet, &label, text, left + whole, baseline, ink);
}

bool ghosts_draw(const struct ghost_module *module, const struct ghost_choice *choice, struct sheet *out, char *message,
                 size_t message_size)
{
    uint32_t count = choice->last - choice->first + 1;
    const struct maps *maps = &module->intrinsic;
    const struct map_zoom zoom = choose_zoom(maps->width, maps->height, page_map_side(2 * count));
    const struct page_items items = {.count = count,
                                     .width = 2 * (int)zoomed(&zoom, maps->width) + BETWEEN,
                                     .height = (int)zoomed(&zoom, maps->height) + LABEL_SPACE};
    struct page_head head;
    struct page page;
    struct colours colours;
    struct ghost_pair *pairs = malloc(count * sizeof *pairs);
    if (!pairs)
        goto without_memory;
    memcpy(pairs, module->pairs + choice->first, count * sizeof *pairs);
    if (!choice->by_channel)
        qsort(pairs, count, sizeof *pairs, compare_pairs);
    colours_make(COLOURS_OF_MAPS, &colours);
    compose_head(module, choice, &head);
    page_arrange(&head, &items, choice->letters, &page);
    if (!sheet_create(out, (uint32_t)page.width, (uint32_t)page.height, choice->letters, message, message_size)) {
        free(pairs);
        return false;
    }
    page_draw_head(&page, &head, out);
    draw_legend(&page, module, out);
    for (uint32_t index = 0; index < count; index++) {
        int left, top;
        page_place(&page, index, &left, &top);
        draw_pair(module, &pairs[index], choice->scale_together, &zoom, &colours, left, top, out);
    }
    free(pairs);
    if (!out->failed)
        return true;
    sheet_release(out);
without_memory:
    snprintf(message, message_size, "needs more memory than there is");
    return false;
}
