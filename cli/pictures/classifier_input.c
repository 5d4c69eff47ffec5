/* See classifier_input.h. Only what the cut needs of the scaled picture is computed, which may be far larger. */
#include "classifier_input.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define FIXED_BITS 22   /* of Pillow's weights: 32, less 8 for the pixel and 2 for what overshoots */
#define CUBIC      -0.5 /* the slope of Pillow's cubic at 1 */

/* How far from its centre a filter is above or below zero, and its value at a distance. */
static double reach_of(enum interpolation interpolation)
{
    return interpolation == INTERPOLATION_BICUBIC ? 2.0 : 1.0;
}

static double weigh(enum interpolation interpolation, double distance)
{
    double x = fabs(distance);
    if (interpolation == INTERPOLATION_BILINEAR)
        return x < 1 ? 1 - x : 0;
    if (x < 1)
        return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
}

/* Where the values of some target pixels come from, along one side. */
struct taps {
    uint32_t *firsts, *counts; /* source pixels of each target pixel */
    int32_t *weights;          /* `most` for each */
    uint32_t most;
    bool copied; /* the side stays as long as it is: pixels are taken as they are */
};

/* The other side's length when the shorter one becomes `target`. */
static uint64_t scale_side(uint64_t target, uint32_t longer, uint32_t shorter)
{
    return (uint64_t)((double)(target * longer) / shorter);
}

/* Half of what is left over, a half pixel to the even side, as Python rounds. */
static uint64_t find_middle(uint64_t length, uint32_t cut)
{
    uint64_t left = length - cut, half = left / 2;
    return half + (left % 2 && half % 2);
}

static void release_taps(struct taps *taps)
{
    free(taps->firsts);
    free(taps->counts);
    free(taps->weights);
}

/* For `count` target pixels from `start` on, of a side that goes from `source` to `target` pixels. */
static bool find_taps(enum interpolation interpolation, uint32_t source, uint64_t target, uint64_t start,
                      uint32_t count, struct taps *taps)
{
    double scale = (double)source / (double)target, widening = scale < 1 ? 1 : scale;
    double support = reach_of(interpolation) * widening, narrowing = 1 / widening;
    taps->most = (uint32_t)ceil(support) * 2 + 1;
    taps->copied = source == target;
    taps->firsts = malloc(count * sizeof *taps->firsts);
    taps->counts = malloc(count * sizeof *taps->counts);
    taps->weights = malloc((size_t)count * taps->most * sizeof *taps->weights);
    double *exact = malloc(taps->most * sizeof *exact);
    bool enough = taps->firsts && taps->counts && taps->weights && exact;
    for (uint32_t index = 0; enough && index < count; index++) {
        double centre = ((double)(start + index) + 0.5) * scale, sum = 0;
        int64_t first = (int64_t)(centre - support + 0.5), end = (int64_t)(centre + support + 0.5);
        first = first < 0 ? 0 : first;
        end = end > source ? source : end;
        uint32_t used = (uint32_t)(end - first);
        for (uint32_t tap = 0; tap < used; tap++) {
            exact[tap] = weigh(interpolation, ((double)(tap + first) - centre + 0.5) * narrowing);
            sum += exact[tap];
        }
        for (uint32_t tap = 0; tap < used; tap++) {
            double weight = sum != 0 ? exact[tap] / sum : exact[tap];
            taps->weights[(size_t)index * taps->most + tap] =
                (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << FIXED_BITS));
        }
        taps->firsts[index] = (uint32_t)first;
        taps->counts[index] = used;
        if (taps->copied) {
            taps->firsts[index] = (uint32_t)(start + index);
            taps->counts[index] = 1;
        }
    }
    free(exact);
    return enough;
}

/* The sum over one target pixel's taps; values lie `stride` bytes apart. */
static uint8_t sum_up(const struct taps *taps, uint32_t index, const uint8_t *values, size_t stride)
{
    if (taps->copied)
        return *values;
    const int32_t *weights = taps->weights + (size_t)index * taps->most;
    int64_t sum = 1 << (FIXED_BITS - 1);
    for (uint32_t tap = 0; tap < taps->counts[index]; tap++)
        sum += (int64_t)values[tap * stride] * weights[tap];
    if (sum < 0) /* a cubic's overshooting */
        return 0;
    sum >>= FIXED_BITS;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

static float normalise(uint8_t value, uint32_t channel)
{
    static const float means[] = {0.485f, 0.456f, 0.406f}, deviations[] = {0.229f, 0.224f, 0.225f};
    float scaled = (float)value / 255.0f;
    return (scaled - means[channel]) / deviations[channel];
}

/* The cut columns of the source rows that are needed, then the cut rows of those. */
static bool scale_and_cut(const struct rgb_picture *picture, const struct taps *across, const struct taps *down,
                          uint32_t width, uint32_t height, float *out)
{
    uint32_t last = height - 1, first_row = down->firsts[0], rows = down->firsts[last] + down->counts[last] - first_row;
    size_t row_bytes = (size_t)width * 3, plane = (size_t)width * height;
    uint8_t *narrow = malloc(rows * row_bytes);
    if (!narrow)
        return false;
    for (uint32_t row = 0; row < rows; row++) {
        const uint8_t *source = picture->pixels + (size_t)(first_row + row) * picture->width * 3;
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t channel = 0; channel < 3; channel++)
                narrow[row * row_bytes + 3 * (size_t)x + channel] =
                    sum_up(across, x, source + 3 * (size_t)across->firsts[x] + channel, 3);
    }
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *source = narrow + (down->firsts[y] - first_row) * row_bytes;
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t channel = 0; channel < 3; channel++)
                out[channel * plane + (size_t)y * width + x] =
                    normalise(sum_up(down, y, source + 3 * (size_t)x + channel, row_bytes), channel);
    }
    free(narrow);
    return true;
}

uint32_t classifier_shorter_side(uint32_t width, uint32_t height)
{
    uint64_t larger = width > height ? width : height;
    return (uint32_t)(larger * 8 / 7); /* / 0.875 */
}

bool classifier_input(const struct rgb_picture *picture, const struct classifier_cut *cut, float *out)
{
    uint32_t width = cut->width, height = cut->height;
    uint64_t shorter = cut->shorter;
    bool is_wide = picture->width > picture->height;
    uint64_t scaled_width = is_wide ? scale_side(shorter, picture->width, picture->height) : shorter;
    uint64_t scaled_height = is_wide ? shorter : scale_side(shorter, picture->height, picture->width);
    uint64_t left = find_middle(scaled_width, width), top = find_middle(scaled_height, height);
    struct taps across = {0}, down = {0};
    bool done = find_taps(cut->interpolation, picture->width, scaled_width, left, width, &across) &&
                find_taps(cut->interpolation, picture->height, scaled_height, top, height, &down) &&
                scale_and_cut(picture, &across, &down, width, height, out);
    release_taps(&across);
    release_taps(&down);
    return done;
}
