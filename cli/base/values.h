/* The values of options as texts: each call reads one whole text, or says what is wrong with it, naming the option, and
 * returns false. */
#ifndef GHOSTVK_CLI_VALUES_H
#define GHOSTVK_CLI_VALUES_H

#include <stdbool.h>
#include <stdint.h>

struct size {
    uint32_t width, height; /* 0: the network's default */
};

bool read_path(const char *option, const char *value, const char **out);
/* From 0 to 1. */
bool read_fraction(const char *option, const char *value, float *out);
/* "416x416", of sides that size_is_fit takes. */
bool read_size(const char *option, const char *value, struct size *out);
/* From 1 to `maximum`. */
bool read_count(const char *option, const char *value, uint32_t maximum, uint32_t *out);

/* Whether width and height are such that the network takes them: multiples of 32 from 32 to 4096. */
bool size_is_fit(uint64_t width, uint64_t height);

/* Parts of a text. Both say nothing: false where there is no such number at `*at`, which is otherwise moved behind it.
 */
/* Digits alone, at most `maximum`. */
bool read_digits(const char **at, uint32_t maximum, uint32_t *out);
/* A plain decimal number that is finite. */
bool read_number(const char **at, double *out);

#endif
