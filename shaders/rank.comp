#version 450
#extension GL_GOOGLE_include_directive : require
// Sorts the candidates by item, class, falling score and row: each counts those before it and goes to that place.
// Equal input gives equal bytes, whatever order the candidates were appended in.
// source   candidates        extra   counters        output   the candidates in order
// workgroups: x = ceil(capacity / local size)
#define GVK_USE_SUPPRESS
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uvec4 ranked[];
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uvec4 candidates[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    uint counters[];
};

void main()
{
    uint count = min(counters[extra_offset * 4], capacity);
    uint mine = gl_GlobalInvocationID.x;
    if (mine >= count)
        return;
    uvec4 box = candidates[source_offset + 2 * mine];
    uvec4 key = candidates[source_offset + 2 * mine + 1];
    uint group = key.z * classes + key.y;
    uint before = 0;
    for (uint i = 0; i < count; i++) {
        uvec4 other = candidates[source_offset + 2 * i + 1];
        uint other_group = other.z * classes + other.y;
        // Scores are not negative, so their bits are in their order.
        bool better = other.x > key.x || (other.x == key.x && other.w < key.w);
        before += uint(other_group < group || (other_group == group && better));
    }
    ranked[output_offset + 2 * before] = box;
    ranked[output_offset + 2 * before + 1] = key;
}
