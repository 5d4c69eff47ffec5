#version 450
#extension GL_GOOGLE_include_directive : require
// One raw map to candidates: sigmoid xy + cell, exp(wh) * anchor, objectness * best class >= confidence.
// source   the map, 3 (5 + classes) channels, NC4HW4          extra   counters (read and added to)
// output   candidates, two vec4s each (shared.h), in any order: they are ranked by score and row afterwards
// weights  the frame's parameters: confidence first
// Also notes any number of the map that is not finite.
// workgroups: x = ceil(3 * width * height / local size), y = 1, z = batch
// HALF: the map lies in memory as fp16. SOURCE_TEXELS: it is read as texels.
#define GVK_USE_DECODE
#include "shared.h"
#if HALF
#define MAP_TYPE uint // two values
#else
#define MAP_TYPE float
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
    MAP_TYPE map[];
};
#endif
layout(std430, binding = GVK_BINDING_EXTRA) buffer extra_buffer
{
    uint counters[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

float map_value(uint base, uint channel, uint plane)
{
    uint at = base + channel / 4 * plane * 4 + channel % 4;
#if SOURCE_TEXELS
    return texelFetch(map, int(at / 4))[at % 4];
#elif HALF
    return unpackHalf2x16(map[at / 2])[at % 2];
#else
    return map[at];
#endif
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
    uint base = (source_offset + item * source_item + pixel) * 4;
    uint channel = anchor * (5 + classes);
    float value[5];
    bool fault = false;
    for (uint i = 0; i < 5; i++, channel++) {
        value[i] = map_value(base, channel, plane);
        fault = fault || isnan(value[i]) || isinf(value[i]);
    }
    float best = -1;
    uint label = 0;
    for (uint i = 0; i < classes; i++, channel++) {
        float raw = map_value(base, channel, plane);
        fault = fault || isnan(raw) || isinf(raw);
        float probability = sigmoid(raw);
        if (probability > best) {
            best = probability;
            label = i;
        }
    }
    float score = best * sigmoid(value[4]);
    vec2 cell = vec2(pixel % width, pixel / width);
    vec2 centre = (vec2(sigmoid(value[0]), sigmoid(value[1])) + cell) / vec2(width, height);
    vec2 size = exp(vec2(value[2], value[3])) * vec2(anchors[2 * anchor], anchors[2 * anchor + 1]);
    if (score >= parameters[weights_offset].x) {
        fault = fault || isinf(size.x) || isinf(size.y);
        uint at = output_offset + 2 * atomicAdd(counters[extra_offset * 4], 1);
        candidates[at] = floatBitsToUint(vec4(centre - size / 2, centre + size / 2));
        candidates[at + 1] = uvec4(floatBitsToUint(score), label, item, first_row + gl_GlobalInvocationID.x);
    }
    if (fault)
        atomicOr(counters[extra_offset * 4 + 1], 1);
}
