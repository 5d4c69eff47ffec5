#version 450
#extension GL_GOOGLE_include_directive : require
// The first step of suppression: which candidates of a tile overlap which better ones of it, a bit each.
// source   candidates in order, behind their number        weights   the frame's parameters
// output   rows of bits: row r of a tile (r counted from its first candidate) has r / 32 + 1 words, and bit i % 32 of word
//          i / 32 says that r overlaps i by more than the threshold. The rows of a tile follow each other from
//          GVK_OVERLAP_WORDS(tile_words) times the rank of its first candidate on.
// extra    the state: for each candidate 1 + the rank of the first of its class and item; 0 will mean that it is suppressed
// A lane makes a row.
// workgroups: x = ceil(capacity / local size)
#define GVK_USE_SUPPRESS
#include "detection.glsl"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uint rows[];
};
layout(std430, binding = GVK_BINDING_EXTRA) writeonly buffer extra_buffer
{
    uint state[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

void main()
{
    uint tile_size = 32 * tile_words;
    uint mine = gl_GlobalInvocationID.x;
    if (mine >= ranked[source_offset].x)
        return;
    uint first = first_of(group_of(ranked[source_offset + 2 + 2 * mine]), mine);
    state[extra_offset * 4 + GVK_STATE_STARTS + mine] = first + 1;
    float threshold = parameters[weights_offset].y;
    vec4 box = uintBitsToFloat(ranked[source_offset + 1 + 2 * mine]);
    uint row = (mine - first) % tile_size, tile = mine - row;
    uint block = row / 32;
    // Rows before this one: 32 of each length, and those of the same length.
    uint to = output_offset * 4 + tile * GVK_OVERLAP_WORDS(tile_words) + 16 * block * (block + 1) + row % 32 * (block + 1);
    for (uint word = 0; word <= block; word++) {
        uint bits = 0, end = min(32, row - 32 * word);
        for (uint bit = 0; bit < end; bit += AHEAD) {
            uint from = source_offset + 1 + 2 * (tile + 32 * word + bit);
            vec4 others[AHEAD];
            [[unroll]] for (uint i = 0; i < AHEAD; i++)
                others[i] = uintBitsToFloat(ranked[from + 2 * i]);
            [[unroll]] for (uint i = 0; i < AHEAD; i++)
                bits |= uint(overlaps(box, others[i], threshold)) << (bit + i);
        }
        rows[to + word] = end < 32 ? bits & ((1u << end) - 1) : bits;
    }
}
