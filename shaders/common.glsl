// Bindings and small functions that the kernels share. A shader defines what it uses before it includes this file:
//   GVK_USE_<NAME>     its push constant block of shared.h
//   SOURCE_TEXELS, EXTRA_TEXELS, WEIGHTS_TEXELS   1: read that binding through a texel buffer
#extension GL_EXT_control_flow_attributes : require
#include "shared.h"

layout(local_size_x_id = 0) in;
layout(constant_id = GVK_CONSTANT_EXTRA) const uint EXTRA = 0;
layout(constant_id = GVK_CONSTANT_MODE) const uint MODE = 0;

#if SOURCE_TEXELS
layout(binding = GVK_BINDING_SOURCE_TEXELS) uniform samplerBuffer source_texels;
#define SOURCE(index) texelFetch(source_texels, int(index))
#else
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    vec4 source_data[];
};
#define SOURCE(index) source_data[index]
#endif

#if EXTRA_TEXELS
layout(binding = GVK_BINDING_EXTRA_TEXELS) uniform samplerBuffer extra_texels;
#define EXTRA_AT(index) texelFetch(extra_texels, int(index))
#else
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    vec4 extra_data[];
};
#define EXTRA_AT(index) extra_data[index]
#endif

#if WEIGHTS_TEXELS
layout(binding = GVK_BINDING_WEIGHTS_TEXELS) uniform samplerBuffer weights_texels;
#define WEIGHT(index) texelFetch(weights_texels, int(index))
#else
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer weights_buffer
{
    vec4 weights_data[];
};
#define WEIGHT(index) weights_data[index]
#endif

#ifndef OUTPUT_TYPE
#define OUTPUT_TYPE vec4
#endif
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    OUTPUT_TYPE output_data[];
};

#ifndef GVK_USE_CONCAT
// Written so that a not-a-number stays one: max and min may return their other operand.
vec4 activate(vec4 x)
{
    x += activation.shift;
    x = mix(x, vec4(activation.low), lessThan(x, vec4(activation.low)));
    x = mix(x, vec4(activation.high), greaterThan(x, vec4(activation.high)));
    return x * activation.scale;
}
#endif
