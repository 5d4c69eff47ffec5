/* The one-euro filter (Casiez et al., 2012) over four numbers: a low-pass whose cutoff rises with the speed, so that
 * what rests does not tremble and what moves does not lag. */
#ifndef GVK_SMOOTHING_H
#define GVK_SMOOTHING_H

#include <stdbool.h>

struct gvk_smoothing_params {
    double min_cutoff, beta, derivative_cutoff; /* Hz; Hz for each unit a second; Hz */
};

struct gvk_smoothing {
    double values[4], speeds[4]; /* filtered */
    double seconds;
    bool has_begun;
};

/* Filters `values` in place, as of `seconds`; speeds are measured in `unit`, above zero. The first ones pass as they
 * are. The same time again gives what it gave; an earlier one changes nothing, neither values nor filter. */
void gvk_smooth(struct gvk_smoothing *smoothing, const struct gvk_smoothing_params *params, double seconds, double unit,
                double values[4]);

#endif
