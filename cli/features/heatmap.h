/* Where a detector sees something: for each cell of its maps the confidence of its best box, enlarged to the picture,
 * the largest of the scales taken, and laid over the picture in colours. */
#ifndef GHOSTVK_CLI_FEATURES_HEATMAP_H
#define GHOSTVK_CLI_FEATURES_HEATMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/pictures/formats/image.h"

#include "cli/features/pages/sheet.h"

#define HEAT_SCALES   3
#define HEAT_ALL      UINT32_MAX
#define HEAT_PRESENCE (UINT32_MAX - 1)

/* A raw map of the network: 3 anchors of 5 + classes channels. */
struct heat_source {
    const float *values;
    uint32_t channels, height, width;
};

/* Confidences of a scale's cells, row by row. */
struct heat_cells {
    float *values; /* from malloc */
    uint32_t width, height;
};

/* sigmoid(objectness) times sigmoid(class score), the best anchor's; of the best class (HEAT_ALL), of one class, or
 * without a class (HEAT_PRESENCE: the objectness alone). False when memory ran out or the map is no such map. */
bool heat_measure(const struct heat_source *map, uint32_t class_count, uint32_t class_id, struct heat_cells *out);
void heat_release(struct heat_cells *cells);

/* How the picture lies in the network's input. */
struct heat_place {
    uint32_t input_width, input_height;
    double left, top, width, height; /* of the picture in it */
};
struct heat_place heat_place_of(uint32_t picture_width, uint32_t picture_height, uint32_t input_width,
                                uint32_t input_height, bool letterbox);

/* A row of the picture's pixels: each scale's cells enlarged as Pillow's BICUBIC does, the largest of them, from 0
 * to 1. False when memory ran out. */
bool heat_row(const struct heat_cells *scales, uint32_t scale_count, const struct heat_place *place,
              uint32_t picture_width, uint32_t picture_height, uint32_t y, double *out);

/* The picture with the heat over it, and below it a strip that says in `caption` what is seen and has the colours. */
bool heat_draw(const struct image *picture, const struct heat_cells *scales, uint32_t scale_count,
               const struct heat_place *place, const char *caption, struct letters *letters, struct sheet *out,
               char *message, size_t message_size);

#endif
