/* See report.h. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/base/text.h"

#define NAME_WIDTH 46

/* ---- JSON ---- */

static void write_shape(struct json *json, const struct maps *maps)
{
    json_key(json, "shape");
    json_open_array(json, JSON_LINE);
    json_unsigned(json, maps->channels);
    json_unsigned(json, maps->height);
    json_unsigned(json, maps->width);
    json_close(json);
}

static void write_statistics(struct json *json, const struct map_statistics *numbers)
{
    json_key(json, "min");
    json_float(json, numbers->least);
    json_key(json, "max");
    json_float(json, numbers->largest);
    json_key(json, "mean");
    json_double(json, numbers->mean);
    json_key(json, "std");
    json_double(json, numbers->deviation);
}

void report_layer(struct json *json, const struct maps *maps)
{
    json_key(json, "layer");
    json_quoted(json, maps->name);
    write_shape(json, maps);
    json_key(json, "channels");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t channel = 0; channel < maps->channels; channel++) {
        json_open_object(json, JSON_LINE);
        json_key(json, "channel");
        json_unsigned(json, channel);
        write_statistics(json, &maps->statistics[channel]);
        json_close(json);
    }
    json_close(json);
}

static void write_half(struct json *json, const char *key, const struct map_statistics *numbers)
{
    json_key(json, key);
    json_open_object(json, JSON_LINE);
    write_statistics(json, numbers);
    json_close(json);
}

/* By channel, whatever the order of the page. */
static void write_pairs(struct json *json, const struct ghost_module *module)
{
    json_key(json, "pairs");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t index = 0; index < module->count; index++) {
        const struct ghost_pair *pair = &module->pairs[index];
        json_open_object(json, JSON_LINE);
        json_key(json, "channel");
        json_unsigned(json, pair->channel);
        json_key(json, "correlation");
        json_double(json, pair->correlation);
        write_half(json, "intrinsic", &module->intrinsic.statistics[pair->channel]);
        write_half(json, "ghost", &module->ghosts.statistics[pair->channel]);
        json_close(json);
    }
    json_close(json);
}

void report_ghosts(struct json *json, const struct ghost_module *modules, uint32_t count)
{
    json_key(json, "ghost_modules");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t index = 0; index < count; index++) {
        const struct ghost_module *module = &modules[index];
        json_open_object(json, JSON_BLOCK);
        json_key(json, "module");
        json_quoted(json, module->name);
        write_shape(json, &module->intrinsic);
        json_key(json, "mean_magnitude");
        json_double(json, module->mean_magnitude);
        json_key(json, "min");
        json_double(json, module->least);
        json_key(json, "max");
        json_double(json, module->largest);
        json_key(json, "flat");
        json_unsigned(json, module->flat_count);
        write_pairs(json, module);
        json_close(json);
    }
    json_close(json);
}

/* Where the middle of a cell lies in the picture. */
static double place_in_picture(uint32_t cell, uint32_t cells, double input, double begin, double length,
                               uint32_t picture)
{
    return ((cell + 0.5) / cells * input - begin) / length * picture;
}

void report_heat(struct json *json, const struct heat_cells *scales, uint32_t count, const struct heat_place *place,
                 uint32_t picture_width, uint32_t picture_height)
{
    json_key(json, "scales");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t index = 0; index < count; index++) {
        const struct heat_cells *cells = &scales[index];
        uint32_t best = 0;
        for (uint32_t cell = 1; cell < cells->width * cells->height; cell++)
            best = cells->values[cell] > cells->values[best] ? cell : best;
        json_open_object(json, JSON_LINE);
        json_key(json, "width");
        json_unsigned(json, cells->width);
        json_key(json, "height");
        json_unsigned(json, cells->height);
        json_key(json, "max");
        json_float(json, cells->values[best]);
        json_key(json, "x");
        json_double(json, place_in_picture(best % cells->width, cells->width, place->input_width, place->left,
                                           place->width, picture_width));
        json_key(json, "y");
        json_double(json, place_in_picture(best / cells->width, cells->height, place->input_height, place->top,
                                           place->height, picture_height));
        json_close(json);
    }
    json_close(json);
}

/* ---- text ---- */

static void print_number(FILE *stream, double value)
{
    char text[32];
    write_number(value, text, sizeof text);
    fprintf(stream, "%10s", text);
}

void print_layer(FILE *stream, const struct maps *maps, bool with_channels)
{
    print_text(stream, maps->name);
    fprintf(stream, "  %" PRIu32 " x %" PRIu32 " x %" PRIu32 "\n", maps->channels, maps->height, maps->width);
    if (with_channels)
        fprintf(stream, "%7s%10s%10s%10s%10s\n", "channel", "min", "max", "mean", "std");
    for (uint32_t channel = 0; channel < maps->channels && with_channels; channel++) {
        const struct map_statistics *numbers = &maps->statistics[channel];
        fprintf(stream, "%7" PRIu32, channel);
        print_number(stream, (double)numbers->least);
        print_number(stream, (double)numbers->largest);
        print_number(stream, numbers->mean);
        print_number(stream, numbers->deviation);
        putc('\n', stream);
    }
}

void print_pairs(FILE *stream, const struct ghost_module *module)
{
    fprintf(stream, "%7s%8s%16s%16s\n", "channel", "r", "intrinsic std", "ghost std");
    for (uint32_t index = 0; index < module->count; index++) {
        const struct ghost_pair *pair = &module->pairs[index];
        char r[16], one[24], other[24];
        write_correlation(pair->correlation, r, sizeof r);
        write_number(module->intrinsic.statistics[pair->channel].deviation, one, sizeof one);
        write_number(module->ghosts.statistics[pair->channel].deviation, other, sizeof other);
        fprintf(stream, "%7" PRIu32 "%8s%16s%16s\n", pair->channel, r, one, other);
    }
}

void print_ghost_head(FILE *stream)
{
    print_padded(stream, "ghost module", NAME_WIDTH);
    fprintf(stream, "%6s%12s%10s%8s%8s%6s\n", "pairs", "maps", "mean |r|", "min r", "max r", "flat");
}

void print_ghosts(FILE *stream, const struct ghost_module *module)
{
    char size[32], mean[16], least[16], largest[16];
    snprintf(size, sizeof size, "%" PRIu32 "x%" PRIu32, module->intrinsic.width, module->intrinsic.height);
    write_correlation(module->mean_magnitude, mean, sizeof mean);
    write_correlation(module->least, least, sizeof least);
    write_correlation(module->largest, largest, sizeof largest);
    print_padded(stream, module->name, NAME_WIDTH);
    fprintf(stream, "%6" PRIu32 "%12s%10s%8s%8s%6" PRIu32 "\n", module->count, size, mean, least, largest,
            module->flat_count);
}

void print_layers(FILE *stream, const struct layer_list *list)
{
    for (uint32_t index = 0; index < list->count; index++) {
        const struct layer *layer = &list->layers[index];
        if (!layer_has_maps(layer))
            continue;
        print_padded(stream, layer->name, NAME_WIDTH + 6);
        fprintf(stream, "%5" PRIu32 " x %4" PRIu32 " x %4" PRIu32 "  ", layer->channels, layer->height, layer->width);
        print_text(stream, layer->op);
        putc('\n', stream);
    }
}
