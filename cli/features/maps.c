/* See maps.h. Sums are in double precision and taken around the mean, so that large maps lose no digits. */
#include "maps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double mean_of(const float *values, size_t count)
{
    double sum = 0;
    for (size_t index = 0; index < count; index++)
        sum += (double)values[index];
    return count ? sum / (double)count : 0;
}

static int compare_values(const void *left, const void *right)
{
    float one = *(const float *)left, other = *(const float *)right;
    return one < other ? -1 : one > other;
}

static bool measure_range(const float *values, size_t count, struct map_statistics *out)
{
    float *sorted = malloc((count ? count : 1) * sizeof *sorted);
    if (!sorted)
        return false;
    out->low = out->least;
    out->high = out->largest;
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_values);
    size_t beyond = count / 100;
    if (count && sorted[beyond] < sorted[count - 1 - beyond]) {
        out->low = sorted[beyond];
        out->high = sorted[count - 1 - beyond];
    }
    free(sorted);
    return true;
}

bool measure_map(const float *values, size_t count, struct map_statistics *out)
{
    *out = (struct map_statistics){.mean = mean_of(values, count)};
    double squares = 0;
    for (size_t index = 0; index < count; index++) {
        if (index == 0 || values[index] < out->least)
            out->least = values[index];
        if (index == 0 || values[index] > out->largest)
            out->largest = values[index];
        double off = (double)values[index] - out->mean;
        squares += off * off;
    }
    out->deviation = count ? sqrt(squares / (double)count) : 0;
    return measure_range(values, count, out);
}

double correlate_maps(const float *one, const float *other, size_t count)
{
    double one_mean = mean_of(one, count), other_mean = mean_of(other, count);
    double one_squares = 0, other_squares = 0, products = 0;
    for (size_t index = 0; index < count; index++) {
        double left = (double)one[index] - one_mean, right = (double)other[index] - other_mean;
        one_squares += left * left;
        other_squares += right * right;
        products += left * right;
    }
    if (one_squares <= 0 || other_squares <= 0)
        return NAN;
    return fmax(-1, fmin(1, products / sqrt(one_squares) / sqrt(other_squares)));
}

bool maps_create(const char *name, uint32_t channels, uint32_t height, uint32_t width, const float *values,
                 struct maps *out)
{
    size_t plane = (size_t)height * width;
    *out = (struct maps){.channels = channels, .height = height, .width = width};
    snprintf(out->name, sizeof out->name, "%s", name);
    if (!channels || !plane || channels > SIZE_MAX / sizeof(float) / plane)
        goto fail;
    out->values = malloc(plane * channels * sizeof *out->values);
    out->statistics = calloc(channels, sizeof *out->statistics);
    if (!out->values || !out->statistics)
        goto fail;
    memcpy(out->values, values, plane * channels * sizeof *out->values);
    for (uint32_t channel = 0; channel < channels; channel++)
        if (!measure_map(maps_channel(out, channel), plane, &out->statistics[channel]))
            goto fail;
    return true;
fail:
    maps_release(out);
    return false;
}

void maps_release(struct maps *maps)
{
    free(maps->values);
    free(maps->statistics);
    *maps = (struct maps){0};
}

const float *maps_channel(const struct maps *maps, uint32_t channel)
{
    return maps->values + (size_t)channel * maps->height * maps->width;
}
