/* What is found about maps, as JSON and as text. */
#ifndef GHOSTVK_CLI_FEATURES_REPORT_H
#define GHOSTVK_CLI_FEATURES_REPORT_H

#include <stdio.h>

#include "cli/base/json.h"

#include "ghosts.h"
#include "heatmap.h"
#include "layers.h"
#include "maps.h"

/* Members of the object that is open. */
void report_layer(struct json *json, const struct maps *maps);
void report_ghosts(struct json *json, const struct ghost_module *modules, uint32_t count);
void report_heat(struct json *json, const struct heat_cells *scales, uint32_t count, const struct heat_place *place,
                 uint32_t picture_width, uint32_t picture_height);

/* The layer's name and shape; and a line for each channel, where they are wanted. */
void print_layer(FILE *stream, const struct maps *maps, bool with_channels);
void print_ghost_head(FILE *stream);
void print_ghosts(FILE *stream, const struct ghost_module *module);
/* A line for each pair, by channel. */
void print_pairs(FILE *stream, const struct ghost_module *module);
/* The layers that have maps, a line each. */
void print_layers(FILE *stream, const struct layer_list *list);

#endif
