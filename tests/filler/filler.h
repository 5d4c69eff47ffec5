/* Weights and inputs from a named generator, bit for bit the same as tests/goldens/filler.py makes them.
 *
 * Every tensor has its own stream: SplitMix64 seeded with the 64-bit FNV-1a of the tensor's name. The n-th value of the
 * stream gives u = (next >> 40) / 2^24, exact in fp32, and from it element n (row-major). tests/goldens/README.md lists
 * the fill rules. They use integers and dyadic fractions only, so that each element is computed exactly in fp64 and
 * rounded once, to fp32. */
#ifndef GVK_TESTS_FILLER_H
#define GVK_TESTS_FILLER_H

#include <stddef.h>
#include <stdint.h>

uint64_t fnv1a64(const void *data, size_t bytes);

/* The next value of a SplitMix64 stream, whose state starts as its seed. */
uint64_t splitmix64_next(uint64_t *state);

/* The product of a shape's sides; 1 for rank 0. */
size_t count_elements(const uint64_t *shape, uint32_t rank);

/* Fills a weight of the state dict. What kind it is follows from the last part of its name and from its rank. */
void fill_tensor(const char *name, const uint64_t *shape, uint32_t rank, float *out);

/* Fills a network's input of N, C, H, W with values in [0, 1): half noise from the stream of `name`, half slow waves.
 */
void fill_input(const char *name, const uint64_t shape[4], float *out);

#endif
