/* Reads a kernel's innermost loop out of a driver's assembly: how much of it is multiply-adds. */
#ifndef GVK_LAB_INNER_LOOP_H
#define GVK_LAB_INNER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Counts of instructions, each repetition of an instruction that repeats. */
struct inner_loop {
    uint32_t multiply_adds; /* of floats; a packed one of two fp16 is two, and then sums of fp32 and fp16 are none */
    uint32_t vector;        /* arithmetic of all lanes, multiply-adds among it */
    uint32_t loads;         /* by lane: buffers, texels; on Intel every message */
    uint32_t scalar_loads;  /* once for the subgroup, or through the constant file */
    uint32_t all;
    uint32_t packed; /* multiplications and multiply-adds of two fp16 */
    uint32_t
        matrix; /* multiplications of matrices; where there are some, each is one multiply-add, and all else none */
};

/* The loop without another one inside that has the most multiply-adds, of matrices if there are any. false: there is
 * none. vendor_id says whose assembly it is. */
bool read_inner_loop(const char *assembly, uint32_t vendor_id, struct inner_loop *out);

#endif
