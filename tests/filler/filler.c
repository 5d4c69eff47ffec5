#include "filler.h"

#include <string.h>

uint64_t fnv1a64(const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < bytes; i++) {
        value = (value ^ byte[i]) * UINT64_C(0x100000001B3);
    }
    return value;
}

uint64_t splitmix64_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double next_unit(uint64_t *state)
{
    return (double)(splitmix64_next(state) >> 40) / 16777216.0;
}

size_t count_elements(const uint64_t *shape, uint32_t rank)
{
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        count *= (size_t)shape[i];
    }
    return count;
}

static uint64_t integer_square_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        const uint64_t candidate = root | bit;
        if (candidate * candidate <= value) {
            root = candidate;
        }
    }
    return root;
}

/* Twice the variance that a layer's weights pass on, for inputs of variance 1 and mean 0. */
static uint64_t half_gains_of(const char *name)
{
    if (strstr(name, "blocks.") != NULL) {
        return 2; /* residual sums add up over sixteen bottlenecks */
    }
    if (strstr(name, ".stage") != NULL) {
        return 5; /* a chain of ReLU6 without a sum beside it */
    }
    const char *layer = strstr(name, ".features.") != NULL ? strstr(name, ".conv.") : NULL;
    layer = layer != NULL ? strchr(layer + strlen(".conv."), '.') : NULL;
    if (layer != NULL && strchr(layer + 1, '.') == NULL) {
        return 4; /* less, since some blocks have a sum */
    }
    if (strstr(name, "yolo_head") != NULL) {
        return 10; /* raw maps of a few units, as a trained network's */
    }
    return 3; /* enough to keep positions apart through the neck; more would amplify rounding errors as well */
}

/* sqrt(3 * gain / fan_in) rounded down to a multiple of 2^-16; uniform in +-bound has variance gain / fan_in. */
static double bound_of(uint64_t half_gains, uint64_t fan_in)
{
    return (double)integer_square_root(((3 * half_gains) << 31) / fan_in) / 65536.0;
}

void fill_tensor(const char *name, const uint64_t *shape, uint32_t rank, float *out)
{
    const size_t count = count_elements(shape, rank);
    const char *dot = strrchr(name, '.');
    const char *part = dot != NULL ? dot + 1 : name;
    double low = -0.1875, span = 0.375;
    if (strcmp(part, "weight") == 0 && rank > 1) {
        const double bound = bound_of(half_gains_of(name), count_elements(shape + 1, rank - 1));
        low = -bound;
        span = 2 * bound;
    } else if (strcmp(part, "weight") == 0) {
        low = 0.75;
        span = 0.5;
    } else if (strcmp(part, "running_var") == 0) {
        low = 0.5;
        span = 1;
    }
    uint64_t state = fnv1a64(name, strlen(name));
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)(low + span * next_unit(&state));
    }
}

/* A wave that falls from 1 to 0 and rises again over `period` (a power of two) positions. */
static double triangle(uint64_t position, uint64_t period)
{
    const uint64_t half = period / 2, phase = position % period;
    return (double)(phase > half ? phase - half : half - phase) / (double)half;
}

void fill_input(const char *name, const uint64_t shape[4], float *out)
{
    uint64_t state = fnv1a64(name, strlen(name));
    for (uint64_t n = 0; n < shape[0]; n++) {
        for (uint64_t c = 0; c < shape[1]; c++) {
            for (uint64_t y = 0; y < shape[2]; y++) {
                const double vertical = triangle(y + 45 * c + 11 * n, 64);
                for (uint64_t x = 0; x < shape[3]; x++) {
                    const double wave = vertical * triangle(x + 21 * c + 37 * n, 128);
                    *out++ = (float)(0.5 * next_unit(&state) + 0.5 * wave);
                }
            }
        }
    }
}
