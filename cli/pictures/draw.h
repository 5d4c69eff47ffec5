/* Detections drawn on a picture: a frame for each, and a plate with its class and score. */
#ifndef GHOSTVK_CLI_PICTURES_DRAW_H
#define GHOSTVK_CLI_PICTURES_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image_io.h"
#include "letters.h"

struct draw_box {
    float x1, y1, x2, y2; /* pixels of the picture; parts outside it are left away */
    float score;          /* 0 to 1 */
    uint32_t class_id;    /* chooses the colour */
    const char *label;    /* UTF-8; NULL for none */
};

/* Lower scores are drawn first, so that the surest detection is in front. A label that surer ones would mostly hide is
 * left out; the colour of its frame still tells the class. Boxes that are not finite or quite outside are skipped.
 * Labels that the built-in font cannot write are written with `letters`, where there are any (NULL: none).
 * False when memory ran out: then the picture may lack labels. */
bool draw_boxes(struct image *image, const struct draw_box *boxes, size_t count, struct letters *letters);

#endif
