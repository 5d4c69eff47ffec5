#version 450
#extension GL_GOOGLE_include_directive : require
// A further step of sorting: `fan` runs of `run` keys each become one. A lane finds by bisection how many keys of each
// other run go before its own, and so the place of its key.
// source   keys (sort_blocks.comp)        extra   the state        output   keys
// LAST 1: the output are the candidates in order, behind a uvec4 with their number; weights: the candidates
// workgroups: x = ceil(capacity / local size)
#define GVK_USE_SORT
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uvec4 sorted[];
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uvec4 keys[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    uint state[];
};
#if LAST
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer weights_buffer
{
    uvec4 candidates[];
};
#endif

bool goes_before(uvec4 a, uvec4 b)
{
    return a.x < b.x || (a.x == b.x && (a.y < b.y || (a.y == b.y && a.z < b.z)));
}

void main()
{
    uint count = min(state[extra_offset * 4 + counter], capacity);
    uint mine = gl_GlobalInvocationID.x;
#if LAST
    if (mine == 0)
        sorted[output_offset] = uvec4(count, 0, 0, 0);
#endif
    if (mine >= count)
        return;
    uvec4 key = keys[source_offset + mine];
    uint own = mine / run, first = own / fan * fan;
    uint to = first * run + mine - own * run;
    for (uint other = first; other < first + fan && other * run < count; other++) {
        if (other == own)
            continue;
        uint begin = other * run;
        uint low = begin, high = min(begin + run, count);
        while (low < high) {
            uint middle = (low + high) / 2;
            if (goes_before(keys[source_offset + middle], key))
                low = middle + 1;
            else
                high = middle;
        }
        to += low - begin;
    }
#if LAST
    uint from = weights_offset + 2 * key.w;
    sorted[output_offset + 1 + 2 * to] = candidates[from];
    sorted[output_offset + 2 + 2 * to] = candidates[from + 1];
#else
    sorted[output_offset + to] = key;
#endif
}
