#version 450
#extension GL_GOOGLE_include_directive : require
// The kept candidates as detections: by item, best score first, boxes in pixels of the source picture, clipped to it.
// source   ranked candidates        extra   counters and flags        weights   frame's parameters
// output   the result (shared.h)
// workgroups: x = ceil(capacity / local size)
#define GVK_USE_SUPPRESS
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uvec4 result[];
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uvec4 ranked[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    uint counters[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

void main()
{
    uint header = extra_offset * 4;
    uint flags = header + GVK_FIRST_FLAG;
    uint count = min(counters[header], capacity);
    uint mine = gl_GlobalInvocationID.x;
    if (mine == 0) {
        uint kept = 0;
        for (uint i = 0; i < count; i++)
            kept += counters[flags + i];
        result[output_offset] = uvec4(kept, count, counters[header + 1], 0);
    }
    if (mine >= count || counters[flags + mine] == 0)
        return;
    uvec4 key = ranked[source_offset + 2 * mine + 1];
    uint before = 0;
    for (uint i = 0; i < count; i++) {
        if (counters[flags + i] == 0)
            continue;
        uvec4 other = ranked[source_offset + 2 * i + 1];
        bool better = other.x > key.x || (other.x == key.x && other.w < key.w);
        before += uint(other.z < key.z || (other.z == key.z && better));
    }
    uint frame = weights_offset + GVK_FRAME_PARAMETERS_FRONT + key.z * GVK_FRAME_PARAMETERS_ITEM;
    vec4 mapping = parameters[frame];
    vec2 picture = parameters[frame + 1].xy;
    vec4 box = uintBitsToFloat(ranked[source_offset + 2 * mine]);
    box = (box - mapping.zwzw) * mapping.xyxy * picture.xyxy;
    box = clamp(box, vec4(0), picture.xyxy);
    uint at = output_offset + 1 + 2 * before;
    result[at] = floatBitsToUint(box);
    result[at + 1] = key;
}
