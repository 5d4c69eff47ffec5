#version 450
#extension GL_GOOGLE_include_directive : require
// Greedy non-maximum suppression, one workgroup a class and item: the best candidate is kept, those of its class whose
// IoU with it is above the threshold are dropped, and so on down.
// source   ranked candidates        output   counters and flags (read and written)        weights   frame's parameters
// workgroups: x = classes, y = batch
#define GVK_USE_SUPPRESS
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) coherent buffer output_buffer
{
    uint counters[];
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uvec4 ranked[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

uint group_of(uint index)
{
    uvec4 key = ranked[source_offset + 2 * index + 1];
    return key.z * classes + key.y;
}

uint first_of(uint group, uint count)
{
    uint low = 0, high = count;
    while (low < high) {
        uint middle = (low + high) / 2;
        if (group_of(middle) < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

float intersection_over_union(vec4 a, vec4 b)
{
    vec2 size = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2(0));
    float both = size.x * size.y;
    vec2 size_a = a.zw - a.xy, size_b = b.zw - b.xy;
    return both / (size_a.x * size_a.y + size_b.x * size_b.y - both);
}

void main()
{
    uint header = output_offset * 4;
    uint flags = header + GVK_FIRST_FLAG;
    uint count = min(counters[header], capacity);
    uint group = gl_WorkGroupID.y * classes + gl_WorkGroupID.x;
    uint first = first_of(group, count), end = first_of(group + 1, count);
    float threshold = parameters[weights_offset].y;
    for (uint i = first + gl_LocalInvocationID.x; i < end; i += gl_WorkGroupSize.x)
        counters[flags + i] = 1;
    memoryBarrierBuffer();
    barrier();
    for (uint i = first; i < end; i++) {
        if (counters[flags + i] != 0) {
            vec4 box = uintBitsToFloat(ranked[source_offset + 2 * i]);
            for (uint j = i + 1 + gl_LocalInvocationID.x; j < end; j += gl_WorkGroupSize.x)
                if (intersection_over_union(box, uintBitsToFloat(ranked[source_offset + 2 * j])) > threshold)
                    counters[flags + j] = 0;
        }
        memoryBarrierBuffer();
        barrier();
    }
}
