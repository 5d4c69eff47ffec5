/* The two protocols; metrics.h has their rules. */
#ifndef GHOSTVK_CLI_EVALUATION_PROTOCOLS_H
#define GHOSTVK_CLI_EVALUATION_PROTOCOLS_H

#include "judging.h"

/* Both fill ap50 and ap of a class and its boxes' verdicts, which come by picture and in the list's order; then they
 * are put in the order of falling scores. False when memory ran out. */
bool family_judge(const struct dataset *dataset, const struct found_list *found, struct class_metrics *class_metrics,
                  struct judged *judged);
/* Also adds the class to what the summary is a mean of: `sums` of SUMMARY_COUNT, and how many values they hold. */
bool coco_judge(const struct dataset *dataset, const struct found_list *found, struct class_metrics *class_metrics,
                struct judged *judged, double *sums, size_t *counts);

#endif
