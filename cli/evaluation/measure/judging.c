/* See judging.h. */
#include "judging.h"

#include <stdlib.h>

double overlap_threshold(unsigned index)
{
    const double step = (0.95 - 0.5) / (OVERLAP_COUNT - 1); /* as numpy's linspace */
    return index == OVERLAP_COUNT - 1 ? 0.95 : (double)index * step + 0.5;
}

static int compare_scores(const void *left, const void *right)
{
    const struct judged *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->rank > b->rank) - (a->rank < b->rank);
}

void sort_judged(struct judged *judged, size_t count)
{
    qsort(judged, count, sizeof *judged, compare_scores);
}
