/* See smoothing.h. */
#include "smoothing.h"

#include <math.h>
#include <string.h>

#define LEAST_STEP 1e-6 /* seconds; over less, a speed means nothing and may not be finite */

/* The share of the new value in a low-pass with this cutoff, `step` seconds behind the last. */
static double share_of(double cutoff, double step)
{
    const double circle = 6.283185307179586;
    return 1 / (1 + 1 / (circle * cutoff * step));
}

void gvk_smooth(struct gvk_smoothing *smoothing, const struct gvk_smoothing_params *params, double seconds, double unit,
                double values[4])
{
    if (smoothing->has_begun && seconds < smoothing->seconds)
        return;
    if (!smoothing->has_begun) {
        memcpy(smoothing->values, values, sizeof smoothing->values);
        smoothing->has_begun = true;
        smoothing->seconds = seconds;
    }
    double step = seconds - smoothing->seconds;
    if (step > LEAST_STEP) {
        for (int i = 0; i < 4; i++) {
            double speed = (values[i] - smoothing->values[i]) / step;
            smoothing->speeds[i] += share_of(params->derivative_cutoff, step) * (speed - smoothing->speeds[i]);
            double cutoff = params->min_cutoff + params->beta * fabs(smoothing->speeds[i]) / unit;
            smoothing->values[i] += share_of(cutoff, step) * (values[i] - smoothing->values[i]);
        }
        smoothing->seconds = seconds;
    }
    memcpy(values, smoothing->values, sizeof smoothing->values);
}
