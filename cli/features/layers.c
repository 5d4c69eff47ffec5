/* See layers.h. A ghost module is known by the names that every checkpoint of the family has: primary_conv makes its
 * intrinsic maps, cheap_operation its ghosts, each a convolution 0 and a batch norm 1. */
#include "layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTRINSIC_END   ".primary_conv.1"
#define GHOSTS_END      ".cheap_operation.1"
#define SUGGESTIONS     3
#define COMPARED_LENGTH 95

int layers_open(struct program *program, const gvk_network *network, uint32_t width, uint32_t height,
                struct layer_list *out)
{
    const gvk_stream_params stream = {.size = sizeof stream, .width = width, .height = height};
    *out = (struct layer_list){.plan = {.size = sizeof out->plan, .layer_size = sizeof(gvk_layer_description)}};
    gvk_result result = gvk_plan_describe(NULL, gvk_network_graph(network), NULL, &stream, &out->plan);
    if (result)
        return report_failure(program, NULL, result);
    out->layers = calloc(out->plan.layer_count ? out->plan.layer_count : 1, sizeof *out->layers);
    if (!out->layers) {
        layers_close(program, out);
        return refuse_memory();
    }
    for (uint32_t index = 0; index < out->plan.layer_count; index++) {
        const gvk_layer_description *layer = &out->plan.layers[index];
        out->layers[out->count++] =
            (struct layer){layer->name, layer->op, layer->channels, layer->height, layer->width};
    }
    return OUTCOME_DONE;
}

void layers_close(const struct program *program, struct layer_list *list)
{
    gvk_description_release(&program->host, &list->plan);
    free(list->layers);
    *list = (struct layer_list){0};
}

bool layer_has_maps(const struct layer *layer)
{
    return (uint64_t)layer->height * layer->width > 1;
}

/* ---- names ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* Whether `name` stands below the module. */
static bool is_below(const char *name, const char *module, size_t module_length)
{
    return strncmp(name, module, module_length) == 0 && name[module_length] == '.';
}

/* A concat that a module makes of its own parts; the others join modules, and belong to none. */
static bool is_own_concat(const struct layer_list *list, const char *module, size_t module_length)
{
    for (uint32_t index = 0; index < list->count; index++)
        if (is_below(list->layers[index].name, module, module_length)) {
            const char *rest = list->layers[index].name + module_length + 1;
            if (strncmp(rest, "primary_conv.", 13) == 0 || strncmp(rest, "pool", 4) == 0)
                return true;
        }
    return false;
}

/* What the module gives: the last layer below it. */
static const struct layer *result_of_module(const struct layer_list *list, const char *module, size_t module_length)
{
    const struct layer *last = NULL;
    for (uint32_t index = 0; index < list->count; index++) {
        const struct layer *layer = &list->layers[index];
        if (is_below(layer->name, module, module_length) &&
            (strcmp(layer->name + module_length, ".concat") != 0 || is_own_concat(list, module, module_length)))
            last = layer;
    }
    return last;
}

static const struct layer *find_whole(const struct layer_list *list, const char *name)
{
    for (uint32_t index = 0; index < list->count; index++)
        if (strcmp(list->layers[index].name, name) == 0)
            return &list->layers[index];
    return result_of_module(list, name, strlen(name));
}

/* ---- the end of a name ---- */

/* The length of the layer's name up to the end of `name` where that stands in it between dots, or 0. */
static size_t find_end_inside(const char *layer, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strchr(layer, '.'); at; at = strchr(at + 1, '.'))
        if (strncmp(at + 1, name, length) == 0 && (at[1 + length] == 0 || at[1 + length] == '.'))
            return (size_t)(at - layer) + 1 + length;
    return 0;
}

/* The layers and modules whose names end like that, each once, counted in *count. */
static const struct layer *find_by_end(const struct layer_list *list, const char *name, uint32_t *count,
                                       char names[][LAYER_NAME_MAX])
{
    const struct layer *found = NULL;
    *count = 0;
    for (uint32_t index = 0; index < list->count && *name; index++) {
        const char *layer = list->layers[index].name;
        size_t length = find_end_inside(layer, name);
        bool seen = length == 0 || length >= LAYER_NAME_MAX;
        for (uint32_t known = 0; known < *count && known < SUGGESTIONS && !seen; known++)
            seen = strncmp(names[known], layer, length) == 0 && names[known][length] == 0;
        if (seen)
            continue;
        char whole[LAYER_NAME_MAX];
        snprintf(whole, sizeof whole, "%.*s", (int)length, layer);
        if (*count < SUGGESTIONS)
            memcpy(names[*count], whole, sizeof whole);
        if (*count == 0)
            found = find_whole(list, whole);
        ++*count;
    }
    return found;
}

/* ---- what was perhaps meant ---- */

/* How many letters are to be put in, left out or exchanged (Levenshtein); longer names count by their beginning. */
static unsigned distance(const char *one, size_t one_length, const char *other)
{
    unsigned row[COMPARED_LENGTH + 1];
    size_t other_length = strlen(other);
    one_length = one_length < COMPARED_LENGTH ? one_length : COMPARED_LENGTH;
    other_length = other_length < COMPARED_LENGTH ? other_length : COMPARED_LENGTH;
    for (size_t j = 0; j <= other_length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= one_length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= other_length; j++) {
            unsigned exchanged = diagonal + (one[i - 1] != other[j - 1]);
            unsigned shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = exchanged < shorter ? exchanged : shorter;
        }
    }
    return row[other_length];
}

struct suggestion {
    char name[LAYER_NAME_MAX];
    unsigned distance;
};

/* Takes the name in among the nearest, where it is one of them and not known. */
static void insert(struct suggestion *nearest, uint32_t *count, const char *name, size_t length, unsigned far)
{
    uint32_t place = *count;
    for (uint32_t index = 0; index < *count; index++)
        if (strncmp(nearest[index].name, name, length) == 0 && !nearest[index].name[length])
            return;
    while (place > 0 && far < nearest[place - 1].distance)
        place--;
    if (place == SUGGESTIONS || length >= LAYER_NAME_MAX)
        return;
    *count += *count < SUGGESTIONS;
    memmove(&nearest[place + 1], &nearest[place], (*count - place - 1) * sizeof *nearest);
    nearest[place].distance = far;
    snprintf(nearest[place].name, sizeof nearest[place].name, "%.*s", (int)length, name);
}

/* The least distance between `name` and what stands in the layer's name between a dot and that end. */
static unsigned distance_to_end(const char *layer, size_t end, const char *name)
{
    unsigned least = distance(layer, end, name);
    for (size_t at = 0; at < end; at++)
        if (layer[at] == '.') {
            unsigned far = distance(layer + at + 1, end - at - 1, name);
            least = far < least ? far : least;
        }
    return least;
}

/* Layers and modules whose names, or ends of names, are like the one that is not there. */
static void suggest(const struct layer_list *list, const char *name, char *message, size_t message_size)
{
    struct suggestion nearest[SUGGESTIONS];
    uint32_t count = 0;
    for (uint32_t index = 0; index < list->count; index++) {
        const char *layer = list->layers[index].name;
        for (size_t end = 1; layer_has_maps(&list->layers[index]) && layer[end - 1]; end++)
            if (!layer[end] || layer[end] == '.')
                insert(nearest, &count, layer, end, distance_to_end(layer, end, name));
    }
    int at = snprintf(message, message_size, "there is no layer %s", *name ? name : "\"\"");
    for (uint32_t place = 0; place < count && at > 0 && (size_t)at < message_size; place++)
        at += snprintf(message + at, message_size - (size_t)at, "%s%s", place ? ", " : "; near are ",
                       nearest[place].name);
    if (at > 0 && (size_t)at < message_size)
        snprintf(message + at, message_size - (size_t)at, "; --list has all");
}

const struct layer *layers_find(const struct layer_list *list, const char *name, char *message, size_t message_size)
{
    char names[SUGGESTIONS][LAYER_NAME_MAX];
    uint32_t count = 0;
    const struct layer *found = find_whole(list, name);
    if (!found)
        found = find_by_end(list, name, &count, names);
    if (count > 1) {
        snprintf(message, message_size, "%s is the end of several names: %s, %s%s%s%s", name, names[0], names[1],
                 count > 2 ? ", " : "", count > 2 ? names[2] : "", count > 3 ? " and others" : "");
        return NULL;
    }
    if (!found)
        suggest(list, name, message, message_size);
    return found;
}

/* ---- ghost modules ---- */

/* The module whose intrinsic maps the layer has. */
static bool is_ghost_module(const struct layer_list *list, const struct layer *layer, struct ghost_layers *out)
{
    size_t length = strlen(layer->name);
    if (!ends_with(layer->name, INTRINSIC_END) || length >= LAYER_NAME_MAX)
        return false;
    char ghosts[LAYER_NAME_MAX + sizeof GHOSTS_END];
    *out = (struct ghost_layers){.intrinsic = layer};
    snprintf(out->name, sizeof out->name, "%.*s", (int)(length - strlen(INTRINSIC_END)), layer->name);
    snprintf(ghosts, sizeof ghosts, "%s" GHOSTS_END, out->name);
    for (uint32_t index = 0; index < list->count; index++)
        if (strcmp(list->layers[index].name, ghosts) == 0)
            out->ghosts = &list->layers[index];
    return out->ghosts && out->ghosts->channels == layer->channels;
}

uint32_t layers_list_ghosts(const struct layer_list *list, struct ghost_layers *out, uint32_t capacity)
{
    uint32_t count = 0;
    struct ghost_layers module;
    for (uint32_t index = 0; index < list->count; index++)
        if (is_ghost_module(list, &list->layers[index], &module)) {
            if (count < capacity)
                out[count] = module;
            count++;
        }
    return count;
}

bool layers_find_ghosts(const struct layer_list *list, const char *name, struct ghost_layers *out, char *message,
                        size_t message_size)
{
    const struct layer *layer = layers_find(list, name, message, message_size);
    if (!layer)
        return false;
    for (uint32_t index = 0; index < list->count; index++)
        if (is_ghost_module(list, &list->layers[index], out) && is_below(layer->name, out->name, strlen(out->name)))
            return true;
    snprintf(message, message_size, "%s is in no ghost module; --ghosts without --layer lists them", layer->name);
    return false;
}
