/* The maps of a layer on the host, and numbers about them. */
#ifndef GHOSTVK_CLI_FEATURES_MAPS_H
#define GHOSTVK_CLI_FEATURES_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_statistics {
    float least, largest;
    double mean, deviation; /* the deviation of all values there are, not an estimate from a sample */
    float low, high;        /* of colours: the hundredth part of the values on either side is beyond, so that an edge or
                             * a corner does not darken the rest; the least and largest where most values are equal */
};

/* C maps of height x width, one behind the other; from malloc. */
struct maps {
    char name[160]; /* of the layer */
    uint32_t channels, height, width;
    float *values;
    struct map_statistics *statistics; /* of each channel */
};

/* Copies the values and measures each map. False when memory ran out; then `out` is empty. */
bool maps_create(const char *name, uint32_t channels, uint32_t height, uint32_t width, const float *values,
                 struct maps *out);
/* Accepts an empty one. */
void maps_release(struct maps *maps);

const float *maps_channel(const struct maps *maps, uint32_t channel);

/* False when memory ran out. */
bool measure_map(const float *values, size_t count, struct map_statistics *out);
/* Pearson's r; NaN where one of the maps is flat. */
double correlate_maps(const float *one, const float *other, size_t count);

#endif
