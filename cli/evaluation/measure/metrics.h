/* What was found against what is there: average precision by two protocols, and precision, recall and F1.
 *
 * voc-family is what get_map of the mobilenet-yolov4 family computes: boxes with their fractions cut off and scores of
 * four decimals, overlaps of pixels (sides one longer than their difference), a box is right when the truth that it
 * overlaps most, of those of its class in the picture, is overlapped by half and no surer box has it; difficult truths
 * make no box right or wrong; the area under the whole curve, made to fall. Classes without truths count for nothing.
 * coco is what pycocotools computes for boxes: overlaps of areas, ten thresholds from 0.5 to 0.95, crowds, 100 boxes a
 * picture and class at most, 101 recalls, and its twelve numbers. */
#ifndef GHOSTVK_CLI_EVALUATION_METRICS_H
#define GHOSTVK_CLI_EVALUATION_METRICS_H

#include "judging.h"

enum protocol { PROTOCOL_FAMILY, PROTOCOL_COCO };

struct metrics {
    enum protocol protocol;
    struct class_metrics *classes; /* those with truths or boxes; by name, with coco by id */
    uint32_t class_count;
    struct judged *judged;
    double map50, map;             /* means over the classes with truths; NaN: there is none */
    struct working_point half;     /* of all classes' boxes together */
    double summary[SUMMARY_COUNT]; /* coco: AP, AP50, AP75, AP small, medium, large, AR of 1, 10 and 100 boxes, AR
                                    * small, medium, large; -1: there is nothing of the kind */
};

/* False when memory ran out. On success ends with metrics_release. */
bool metrics_compute(const struct dataset *dataset, const struct found_list *found, enum protocol protocol,
                     struct metrics *out);
void metrics_release(struct metrics *metrics);

#endif
