#version 450
#extension GL_GOOGLE_include_directive : require
// The first step of sorting: keys of the candidates, in order within blocks of GVK_SORT_BLOCK. A key is group, score with
// its bits turned over, row, and the candidate's index; the first three order it and are no two candidates' alike. So
// equal input gives equal bytes, whatever order the candidates were appended in.
// source   candidates        extra   the state        output   keys, a uvec4 each
// A lane counts the keys of its block that go before its own.
// workgroups: x = ceil(capacity / local size)
#define GVK_USE_SORT
#include "detection.glsl"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uvec4 keys[];
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uvec4 candidates[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    uint state[];
};

// Scores are not negative, so their bits are in their order.
uvec3 key_of(uint index)
{
    uvec4 key = candidates[source_offset + 2 * index + 1];
    uint group = classes > 1 ? key.z * classes + key.y : key.z;
    return uvec3(group, ~key.x, key.w);
}

void main()
{
    uint count = min(state[extra_offset * 4 + counter], capacity);
    uint mine = gl_GlobalInvocationID.x;
    if (mine >= count)
        return;
    uvec3 key = key_of(mine);
    uint begin = mine / GVK_SORT_BLOCK * GVK_SORT_BLOCK, end = min(begin + GVK_SORT_BLOCK, count);
    uint before = 0;
    for (uint first = begin; first < end; first += AHEAD) {
        uvec3 others[AHEAD];
        [[unroll]] for (uint i = 0; i < AHEAD; i++)
            others[i] = key_of(first + i);
        [[unroll]] for (uint i = 0; i < AHEAD; i++) {
            uvec3 other = others[i];
            bool lower = other.y < key.y || (other.y == key.y && other.z < key.z);
            bool less = other.x < key.x || (other.x == key.x && lower);
            before += uint(less && first + i < end);
        }
    }
    keys[output_offset + begin + before] = uvec4(key, mine);
}
