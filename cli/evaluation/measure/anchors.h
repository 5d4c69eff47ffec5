/* Anchors for a detector from the boxes of labels: k-means with 1 - IoU as the distance, where a box and an anchor
 * share a corner and so their sides alone count, and the median of a cluster as its new centre, as the family's
 * kmeans_for_anchors has it.
 *
 * Sides are shares of the picture's, from 0 to 1. The start is that of k-means++: the first centre is any box, each
 * further one a box with a chance that goes with the square of its distance to the nearest centre so far. One seed
 * gives the same anchors everywhere. */
#ifndef GHOSTVK_CLI_EVALUATION_ANCHORS_H
#define GHOSTVK_CLI_EVALUATION_ANCHORS_H

#include <ghostvk/ghostnet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/evaluation/labels/dataset.h"

struct sides {
    double width, height;
};

struct side_list {
    struct sides *sides;
    size_t count;
    size_t without_area; /* boxes that are left out because a side is none */
    size_t without_size; /* because the labels do not say their picture's size */
    size_t crowds;       /* because they are around many objects: COCO's crowds */
};

/* Of the dataset's boxes; VOC's difficult ones are boxes as others are. What is longer than the picture ends at it.
 * False when memory ran out. On success ends with side_list_release. */
bool side_list_collect(const struct dataset *dataset, struct side_list *out);
void side_list_release(struct side_list *list);

enum clustering { CLUSTERS_FOUND, CLUSTERS_TOO_FEW_BOXES, CLUSTERS_NO_MEMORY };

/* GVK_ANCHORS centres by rising area. Too few boxes are also many that are alike: that many different ones are needed.
 */
enum clustering find_anchors(const struct side_list *list, uint64_t seed, struct sides anchors[GVK_ANCHORS]);

/* How well anchors fit the boxes: the mean of each box's best IoU, and the share of boxes with one of at least 0.5. */
void measure_anchors(const struct side_list *list, const struct sides anchors[GVK_ANCHORS], double *mean_overlap,
                     double *recall);

#endif
