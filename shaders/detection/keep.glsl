// What keep.comp and keep_in_subgroup.comp share: their bindings, which keep.comp's head tells, and what goes before and
// behind the tile.
#define GVK_USE_SUPPRESS
#include "detection.glsl"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) buffer output_buffer
{
    uint state[];
};
layout(std430, binding = GVK_BINDING_EXTRA) writeonly buffer extra_buffer
{
    uvec4 list[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer weights_buffer
{
    uint rows[];
};

// The candidates of the workgroup's tile, whose best has the rank `first`; 0: the class and item has no such tile.
uint find_tile(out uint first)
{
    uint tile_size = 32 * tile_words, count = ranked[source_offset].x, candidates = 0;
    first = tile * tile_size;
    if (count > tile * tile_size) {
        uint group = gl_WorkGroupID.y * classes + gl_WorkGroupID.x;
        first += first_of(group, count);
        uint end = first_of(group + 1, count);
        candidates = first < end ? min(end - first, tile_size) : 0;
    }
    return candidates;
}

// By one lane: where the tile's `total` kept ones go in the list. Of a full tile the state keeps it.
uint begin_list(uint first, uint candidates, uint total)
{
    uint list_begin = atomicAdd(state[output_offset * 4 + GVK_STATE_KEPT], total);
    if (candidates == 32 * tile_words) {
        uint tile_state = output_offset * 4 + GVK_STATE_STARTS + capacity + first / candidates * 2;
        state[tile_state] = list_begin;
        state[tile_state + 1] = total;
    }
    return list_begin;
}

// Lists a word's kept ones from `to` on; returns where the next ones go.
uint list_word(uint to, uint first, uint word, uint bits)
{
    for (uint rest = bits; rest != 0; rest &= rest - 1, to += 2) {
        uint from = source_offset + 1 + 2 * (first + 32 * word + uint(findLSB(rest)));
        list[to] = ranked[from];
        list[to + 1] = ranked[from + 1];
    }
    return to;
}
