// What the steps behind decode share: candidates in order, and how much two boxes overlap.
#extension GL_EXT_control_flow_attributes : require
#include "shared.h"

// Loads are asked for so many at a time: one after the other, each would be waited for. They may go as far beyond the end
// of a list, where what is read is not used. On CPU devices it is one.
#ifndef AHEAD
#define AHEAD GVK_SUPPRESS_AHEAD
#endif

#if defined(GVK_USE_SUPPRESS) || defined(GVK_USE_COLLECT)
// Candidates in order, behind their number.
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uvec4 ranked[];
};

// The group of a candidate's key: a class of an item; of what is kept in the end, an item.
uint group_of(uvec4 key)
{
#ifdef GVK_USE_COLLECT
    return key.z;
#else
    return key.z * classes + key.y;
#endif
}

// The rank of a group's first candidate, or of what comes behind where it has none; not beyond `high`.
uint first_of(uint group, uint high)
{
    uint low = 0;
    while (low < high) {
        uint middle = (low + high) / 2;
        if (group_of(ranked[source_offset + 2 + 2 * middle]) < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
#endif

// Whether two boxes (centre, width, height) have an intersection over union above the threshold.
// Sides are scaled by a power of two before they are multiplied, the same for both boxes, which changes no ratio: areas
// beyond the largest float, or below the smallest, compare right. Nothing is taken from the corners, where a small box
// loses its size beside its place.
bool overlaps(vec4 a, vec4 b, float threshold)
{
    vec2 both = min(min(a.zw, b.zw), (a.zw / 2 + b.zw / 2) - abs(a.xy - b.xy));
    if (!all(greaterThan(both, vec2(0))))
        return false;
    uvec2 exponents = max(floatBitsToUint(max(a.zw, b.zw)) & 0x7f800000u, uvec2(0x00800000u));
    vec2 scale = uintBitsToFloat(uvec2(0x7f800000u) - exponents);
    both *= scale;
    vec2 size_a = a.zw * scale, size_b = b.zw * scale;
    float intersection = both.x * both.y;
    return intersection > threshold * (size_a.x * size_a.y + size_b.x * size_b.y - intersection);
}
