#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
// One raw map to candidates: sigmoid xy + cell, exp(wh) * anchor, objectness * best class >= confidence.
// source   the map, 3 (5 + classes) channels, NC4HW4          extra   the state (read and added to)
// output   candidates, two vec4s each (shared.h), in any order: they are sorted by score and row afterwards
// weights  the frame's parameters: confidence first
// Also notes any number of the map that is not finite.
// workgroups: x = ceil(3 * width * height / local size), y = 1, z = batch
// HALF: the map lies in memory as fp16. SOURCE_TEXELS: it is read as texels.
#define GVK_USE_DECODE
#include "shared.h"
#if HALF
#define QUAD uvec2
vec4 from_quad(uvec2 quad)
{
    return vec4(unpackHalf2x16(quad.x), unpackHalf2x16(quad.y));
}
#else
#define QUAD vec4
#define from_quad(quad) (quad)
#endif
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uvec4 candidates[];
};
#if SOURCE_TEXELS
layout(binding = GVK_BINDING_SOURCE_TEXELS) uniform samplerBuffer map;
#else
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    QUAD map[];
};
#endif
layout(std430, binding = GVK_BINDING_EXTRA) buffer extra_buffer
{
    uint state[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

// Four channels of a pixel.
vec4 map_quad(uint base, uint quad, uint plane)
{
    uint at = base + quad * plane;
#if SOURCE_TEXELS
    return texelFetch(map, int(at));
#else
    return from_quad(map[at]);
#endif
}

// By its bits: no shader here asks a compiler to keep comparisons with what is no number.
bool is_finite(float x)
{
    return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u;
}

float sigmoid(float x)
{
    return 1.0 / (1.0 + exp(-x));
}

void main()
{
    uint plane = width * height;
    uint anchor = gl_GlobalInvocationID.x / plane;
    if (anchor >= 3)
        return;
    uint pixel = gl_GlobalInvocationID.x - anchor * plane;
    uint item = gl_WorkGroupID.z;
    uint base = source_offset + item * source_item + pixel;
    // The anchor's channels: x, y, width, height, objectness, then the classes. They begin inside a quad.
    uint first = anchor * (5 + classes), end = first + 5 + classes;
    float value[5];
    [[unroll]] for (uint i = 0; i < 5; i++)
        value[i] = 0;
    bool fault = false;
    float best = -1;
    uint label = 0;
    for (uint quad = first / 4; 4 * quad < end; quad++) {
        vec4 values = map_quad(base, quad, plane);
        [[unroll]] for (uint i = 0; i < 4; i++) {
            uint channel = 4 * quad + i - first; // beyond any number of channels where it is another anchor's
            bool ours = channel < 5 + classes;
            fault = fault || (ours && !is_finite(values[i]));
            [[unroll]] for (uint j = 0; j < 5; j++)
                value[j] = channel == j ? values[i] : value[j];
            float probability = sigmoid(values[i]);
            if (ours && channel >= 5 && probability > best) {
                best = probability;
                label = channel - 5;
            }
        }
    }
    float score = best * sigmoid(value[4]);
    vec2 cell = vec2(pixel % width, pixel / width);
    vec2 centre = (vec2(sigmoid(value[0]), sigmoid(value[1])) + cell) / vec2(width, height);
    vec2 size = exp(vec2(value[2], value[3])) * vec2(anchors[2 * anchor], anchors[2 * anchor + 1]);
    if (score >= parameters[weights_offset].x) {
        fault = fault || !is_finite(size.x) || !is_finite(size.y);
        uint at = output_offset + 2 * atomicAdd(state[extra_offset * 4 + GVK_STATE_CANDIDATES], 1);
        candidates[at] = floatBitsToUint(vec4(centre, size));
        candidates[at + 1] = uvec4(floatBitsToUint(score), label, item, first_row + gl_GlobalInvocationID.x);
    }
    if (fault)
        atomicOr(state[extra_offset * 4 + GVK_STATE_NOT_FINITE], 1);
}
