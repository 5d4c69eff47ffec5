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

#include "dataset.h"

#define OVERLAP_COUNT 10 /* 0.5, 0.55, ..., 0.95 */
#define SUMMARY_COUNT 12

enum protocol { PROTOCOL_FAMILY, PROTOCOL_COCO };

enum verdict {
    VERDICT_IGNORED, /* on a difficult truth or a crowd, or beyond the 100 of its picture and class */
    VERDICT_WRONG,
    VERDICT_RIGHT
};

/* Of one found box, at an overlap of 0.5. */
struct judged {
    uint32_t found; /* index into the list */
    uint32_t rank;  /* in the order that ties keep: by class, picture, place in the list */
    size_t truth;   /* that it overlaps most or is matched with; SIZE_MAX: none */
    double overlap; /* with it */
    double score;   /* as the protocol takes it */
    enum verdict verdict;
};

/* Where boxes of at least a score are taken. */
struct working_point {
    double threshold, precision, recall, f1;
    size_t right, wrong;
};

struct class_metrics {
    uint32_t class_id;
    size_t truths, ignored, found;   /* truths that count, those that do not, boxes */
    double ap50, ap;                 /* NaN where there is no truth; ap: the mean over the ten overlaps */
    struct working_point best, half; /* of the best F1, and at a score of 0.5 */
    size_t first, count;             /* of its boxes in `judged`, best score first */
};

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

double overlap_threshold(unsigned index);

/* False when memory ran out. On success ends with metrics_release. */
bool metrics_compute(const struct dataset *dataset, const struct found_list *found, enum protocol protocol,
                     struct metrics *out);
void metrics_release(struct metrics *metrics);

/* ---- for the protocols ---- */

/* Both fill ap50 and ap of a class and its boxes' verdicts, which come by picture and in the list's order; then they
 * are put in the order of falling scores. False when memory ran out. */
bool family_judge(const struct dataset *dataset, const struct found_list *found, struct class_metrics *class_metrics,
                  struct judged *judged);
/* Also adds the class to what the summary is a mean of: `sums` of SUMMARY_COUNT, and how many values they hold. */
bool coco_judge(const struct dataset *dataset, const struct found_list *found, struct class_metrics *class_metrics,
                struct judged *judged, double *sums, size_t *counts);

/* By falling score, ties by rank. */
void sort_judged(struct judged *judged, size_t count);

#endif
