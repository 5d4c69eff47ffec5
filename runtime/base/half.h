/* fp16 on the host, between IEEE 754 binary16 and float: for weights, and for tensors on their way to and from a
 * device. */
#ifndef GVK_HALF_H
#define GVK_HALF_H

#include <stdint.h>
#include <string.h>

static inline float gvk_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float gvk_float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, fraction = half & 1023u;
    if (exponent == 31)
        return gvk_float_of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent)
        return gvk_float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float small = (float)fraction * (1.0f / 16777216.0f); /* subnormal: fraction * 2^-24 */
    return sign ? -small : small;
}

/* The nearest, ties to even. What is too large becomes an infinity. */
static inline uint16_t gvk_half_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (size >= 0x477ff000u) /* 65520, half way to 65536, and above */
        return (uint16_t)(sign | 0x7c00u);
    if (size >= 0x38800000u) { /* 2^-14, the smallest normal one: a carry out of the fraction raises the exponent */
        uint32_t even = size >> 13 & 1;
        return (uint16_t)(sign | ((size + 0xfffu + even - 0x38000000u) >> 13));
    }
    if (size < 0x33000000u) /* below 2^-25 */
        return (uint16_t)sign;
    uint32_t exponent = size >> 23, fraction = (size & 0x7fffffu) | 0x800000u;
    uint32_t shift = 126 - exponent, kept = fraction >> shift; /* in steps of 2^-24 */
    uint32_t rest = fraction & ((1u << shift) - 1), tie = 1u << (shift - 1);
    return (uint16_t)(sign | (kept + (rest > tie || (rest == tie && (kept & 1)))));
}

#endif
