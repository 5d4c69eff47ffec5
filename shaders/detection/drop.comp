#version 450
#extension GL_GOOGLE_include_directive : require
// Between two tiles of suppression: what the kept candidates of each class and item's `tile`-th tile suppress behind it.
// source   candidates in order, behind their number        extra   the list of kept ones        weights   the parameters
// output   the state (read and written): the start of a suppressed candidate becomes 0
// A lane goes through the tile's kept ones until one overlaps its own candidate.
// workgroups: x = ceil(candidates of this dispatch / local size)
#define GVK_USE_SUPPRESS
#include "detection.glsl"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) buffer output_buffer
{
    uint state[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    uvec4 list[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

void main()
{
    uint tile_size = 32 * tile_words;
    uint mine = begin + gl_GlobalInvocationID.x;
    if (mine >= ranked[source_offset].x)
        return;
    uint starts = output_offset * 4 + GVK_STATE_STARTS;
    uint start = state[starts + mine];
    if (start == 0)
        return;
    uint first = start - 1 + tile * tile_size;
    if (mine < first + tile_size)
        return;
    float threshold = parameters[weights_offset].y;
    vec4 box = uintBitsToFloat(ranked[source_offset + 1 + 2 * mine]);
    uint tile_state = starts + capacity + first / tile_size * 2;
    uint at = extra_offset + 2 * state[tile_state], kept = min(state[tile_state + 1], tile_size);
    for (uint first_kept = 0; first_kept < kept; first_kept += AHEAD) {
        vec4 others[AHEAD];
        [[unroll]] for (uint i = 0; i < AHEAD; i++)
            others[i] = uintBitsToFloat(list[at + 2 * (first_kept + i)]);
        bool any = false;
        [[unroll]] for (uint i = 0; i < AHEAD; i++)
            any = any || (first_kept + i < kept && overlaps(box, others[i], threshold));
        if (any) {
            state[starts + mine] = 0;
            return;
        }
    }
}
