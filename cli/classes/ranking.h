/* From a classifier's logits to its answer: the most likely classes, and how likely each is. */
#ifndef GHOSTVK_CLI_CLASSES_RANKING_H
#define GHOSTVK_CLI_CLASSES_RANKING_H

#include <stdbool.h>
#include <stdint.h>

struct ranked_class {
    uint32_t class_id;
    double score; /* the softmax over all classes: the scores of all of them sum to 1 */
};

/* The `wanted` best of `count` logits, best first, of equal ones the one with the lower number: into `out`, which has
 * room for them. Returns how many there are: `wanted`, or `count` where that is less. The softmax is computed in double
 * and from differences to the largest logit, so that none overflows. Logits must be finite. */
uint32_t rank_classes(const float *logits, uint32_t count, uint32_t wanted, struct ranked_class *out);

#endif
