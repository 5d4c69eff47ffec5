#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
// What keep.comp does, and with its bindings, for lavapipe, whose compiler takes up to three seconds for barriers and atomics
// in a loop: one subgroup does a class and item, and a ballot tells its lanes what each of them found.
// For 32 candidates at a time a lane looks which of its rows what is kept suppresses; then every lane goes through all 32.
// workgroups of one subgroup, of 8 to 32 lanes: x = classes, y = batch
#include "keep.glsl"
// Of the tile's candidates, a bit each. Every lane writes all of it, and so reads what it wrote itself.
shared uint kept[GVK_MOST_TILE_WORDS + GVK_KEEP_AHEAD];

void main()
{
    uint first, candidates = find_tile(first), words = (candidates + 31) / 32;
    if (candidates == 0)
        return;
    uint lane = gl_SubgroupInvocationID, lanes = gl_WorkGroupSize.x;
    uint starts = output_offset * 4 + GVK_STATE_STARTS;
    uint tile_rows = weights_offset * 4 + first * GVK_OVERLAP_WORDS(tile_words);
    uint total = 0;
    for (uint block = 0; block < words; block++) {
        uint at = tile_rows + 16 * block * (block + 1), length = block + 1;
        uint suppressed = 0;
        // Unrolled, as a compiler does by itself, these loops take it far longer.
        [[dont_unroll]] for (uint begin = 0; begin < 32; begin += lanes) {
            uint mine = 32 * block + begin + lane, row = at + (begin + lane) * length, overlapped = 0;
            for (uint word = 0; word < block; word += GVK_KEEP_AHEAD) {
                [[unroll]] for (uint i = 0; i < GVK_KEEP_AHEAD; i++) {
                    uint by_kept = rows[row + word + i] & kept[word + i];
                    overlapped |= word + i < block ? by_kept : 0;
                }
            }
            bool is_out = overlapped != 0 || mine >= candidates || state[starts + first + mine] == 0;
            suppressed |= subgroupBallot(is_out).x << begin;
        }
        uint taken = 0;
        [[dont_unroll]] for (uint row = 0; row < 32; row += 2) {
            uint even = rows[at + row * length + block], odd = rows[at + (row + 1) * length + block];
            taken |= uint((suppressed >> row & 1) == 0 && (even & taken) == 0) << row;
            taken |= uint((suppressed >> row & 2) == 0 && (odd & taken) == 0) << (row + 1);
        }
        kept[block] = taken;
        total += bitCount(taken);
    }
    uint list_begin = 0;
    if (lane == 0)
        list_begin = begin_list(first, candidates, total);
    // A lane's words one after the other, behind those of the lanes before it: in whatever order, they are sorted again.
    uint to = extra_offset + 2 * subgroupBroadcastFirst(list_begin);
    for (uint word = 0; word < words; word++)
        to += word % lanes < lane ? 2 * bitCount(kept[word]) : 0;
    for (uint word = lane; word < words; word += lanes)
        to = list_word(to, first, word, kept[word]);
}
