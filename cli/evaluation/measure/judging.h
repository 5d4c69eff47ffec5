/* What becomes of each found box, and of a class's boxes together: what both protocols fill. */
#ifndef GHOSTVK_CLI_EVALUATION_JUDGING_H
#define GHOSTVK_CLI_EVALUATION_JUDGING_H

#include "cli/evaluation/labels/dataset.h"

#define OVERLAP_COUNT 10 /* 0.5, 0.55, ..., 0.95 */
#define SUMMARY_COUNT 12

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

double overlap_threshold(unsigned index);
/* By falling score, ties by rank. */
void sort_judged(struct judged *judged, size_t count);

#endif
