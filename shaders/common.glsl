// Bindings and small functions that the kernels share. A shader defines what it uses before it includes this file:
//   GVK_USE_<NAME>     its push constant block of shared.h
//   SOURCE_TEXELS, EXTRA_TEXELS, WEIGHTS_TEXELS   1: read that binding through a texel buffer
//   HALF               1: tensors and weights lie in memory as fp16, two values a word; everything is computed in fp32
//   HALF_SUMS          HALF, and the products of so many input quads are computed and summed up in fp16 (pointwise.comp;
//                      needs the feature shaderFloat16)
//   WIDE_STORES        1: two values are stored at once (fp32 alone; needs the feature shaderFloat64)
//   BY_INPUT, FUSED    how ADD_PRODUCT is written; GPUs take one of them
#extension GL_EXT_control_flow_attributes : require
#include "shared.h"

layout(local_size_x_id = 0) in;
layout(constant_id = GVK_CONSTANT_EXTRA) const uint EXTRA = 0;
layout(constant_id = GVK_CONSTANT_MODE) const uint MODE = 0;

// What is no number is told by its bits, here and in every shader: none asks its compiler to keep comparisons with it, so
// that one may take `x != x` for false, and a comparison with a choice behind it for max().
const uint INFINITY_BITS = 0x7f800000u;
uvec4 magnitude_bits(vec4 x)
{
    return floatBitsToUint(x) & 0x7fffffffu;
}
bvec4 is_nan(vec4 x)
{
    return greaterThan(magnitude_bits(x), uvec4(INFINITY_BITS));
}

// A channel quad as it lies in memory.
#if HALF
#define QUAD uvec2
vec4 from_quad(uvec2 quad)
{
    return vec4(unpackHalf2x16(quad.x), unpackHalf2x16(quad.y));
}
// What fp16 cannot hold becomes a not-a-number, which no activation and no pool turns back into a number: an overflow
// reaches the result and is seen there.
uvec2 to_quad(vec4 value)
{
    const uint LARGEST_BITS = 0x477fe000u; // of 65504
    bool fits = all(lessThanEqual(magnitude_bits(value), uvec4(LARGEST_BITS)));
    return fits ? uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw)) : uvec2(0x7e007e00);
}
#if HALF_SUMS
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
f16vec4 as_half(uvec2 quad)
{
    return f16vec4(unpackFloat2x16(quad.x), unpackFloat2x16(quad.y));
}
#endif
#else
#define QUAD vec4
#define from_quad(quad) (quad)
#define to_quad(value) (value)
#endif

#if SOURCE_TEXELS
layout(binding = GVK_BINDING_SOURCE_TEXELS) uniform samplerBuffer source_texels;
#define SOURCE(index) texelFetch(source_texels, int(index))
#define HALF_SOURCE(index) f16vec4(SOURCE(index))
#else
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    QUAD source_data[];
};
#define SOURCE(index) from_quad(source_data[index])
#define HALF_SOURCE(index) as_half(source_data[index])
#endif

#if EXTRA_TEXELS
layout(binding = GVK_BINDING_EXTRA_TEXELS) uniform samplerBuffer extra_texels;
#define EXTRA_AT(index) texelFetch(extra_texels, int(index))
#else
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    QUAD extra_data[];
};
#define EXTRA_AT(index) from_quad(extra_data[index])
#endif

#if WEIGHTS_TEXELS
layout(binding = GVK_BINDING_WEIGHTS_TEXELS) uniform samplerBuffer weights_texels;
#define WEIGHT(index) texelFetch(weights_texels, int(index))
#define HALF_WEIGHT(index) f16vec4(WEIGHT(index))
#else
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer weights_buffer
{
    QUAD weights_data[];
};
#define WEIGHT(index) from_quad(weights_data[index])
#define HALF_WEIGHT(index) as_half(weights_data[index])
#endif

#ifndef OUTPUT_ACCESS
#define OUTPUT_ACCESS writeonly
#endif
// A store to a storage buffer is a loop over the lanes in lavapipe, for each component: two at a time, as the bits of a
// double, make it half as many.
#if WIDE_STORES
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    dvec2 output_data[];
};
void STORE_OUTPUT(uint index, vec4 value)
{
    uvec4 bits = floatBitsToUint(value);
    output_data[index] = dvec2(packDouble2x32(bits.xy), packDouble2x32(bits.zw));
}
#else
layout(std430, binding = GVK_BINDING_OUTPUT) OUTPUT_ACCESS buffer output_buffer
{
    QUAD output_data[];
};
#define STORE_OUTPUT(index, value) output_data[index] = to_quad(value)
#endif

// sum += a * b, of vectors; and sum += x * w, where column i of w holds what the four inputs weigh in output i.
// CPU devices like the latter as it stands. GPUs' compilers make a multiplication, three multiply-adds and an addition of
// each output then; input after input (BY_INPUT) they make four multiply-adds.
// FUSED: the same, written as fma, which mark_fma.cmake marks. Turnip's compiler takes any other sum apart into additions
// and multiplications in shaders that multiply integers, too.
#if FUSED
#define ADD_MULTIPLIED(sum, a, b) sum = fma(a, b, sum)
#else
#define ADD_MULTIPLIED(sum, a, b) sum += (a) * (b)
#endif
#if BY_INPUT || FUSED
void ADD_PRODUCT(inout vec4 sum, vec4 x, mat4 w)
{
    [[unroll]] for (int i = 0; i < 4; i++)
        ADD_MULTIPLIED(sum, vec4(x[i]), vec4(w[0][i], w[1][i], w[2][i], w[3][i]));
}
#else
#define ADD_PRODUCT(sum, x, w) sum += (x) * (w)
#endif

// max() may return its other operand; this keeps a not-a-number of either side.
vec4 larger(vec4 a, vec4 b)
{
    return mix(mix(max(a, b), b, is_nan(b)), a, is_nan(a));
}

#ifndef GVK_USE_CONCAT
// Hard-swish is left out where no network has it (rewrite.c fuses accordingly), so that these shaders stay as small.
#if STORE || GHOST || defined(GVK_USE_GHOST) || defined(GVK_USE_EXCITE) || defined(GVK_USE_EXCITE_LAYER)
#define SWISHES 0
#else
#define SWISHES 1
layout(constant_id = GVK_CONSTANT_SWISH) const bool SWISH = false;
#endif
// Written so that a not-a-number stays one: max and min may return their other operand.
vec4 activate(vec4 x)
{
#if SWISHES
    vec4 given = x;
#endif
    x += activation.shift;
    vec4 made = mix(clamp(x, vec4(activation.low), vec4(activation.high)), x, is_nan(x)) * activation.scale;
#if SWISHES
    made = SWISH ? given * made : made;
#endif
    return made;
}
#endif
