#version 450
#extension GL_GOOGLE_include_directive : require
// Greedy suppression within a tile, the `tile`-th of each class and item: 32 candidates at a time, best first; one is kept
// where it was not suppressed before and overlaps no better one that is kept.
// source   candidates in order, behind their number        weights   the rows of bits of overlap.comp
// extra    the list of kept candidates, to which the tile's are appended, in any order of tiles
// output   the state (read and written): how many are kept, and of a full tile which
// A workgroup does a class and item; a lane checks the overlaps with 32 kept ones at a time (a word).
// workgroups of at least 32 lanes: x = classes, y = batch
#include "keep.glsl"
// Of the tile's candidates, a bit each: suppressed by kept ones of earlier words or tiles; kept.
shared uint suppressed[GVK_MOST_TILE_WORDS];
shared uint kept[GVK_MOST_TILE_WORDS];
// The last words of a block's 32 rows: overlaps with each other.
shared uint own_words[2 * 32];
shared uint list_begin;

void main()
{
    uint first, candidates = find_tile(first), words = (candidates + 31) / 32;
    if (candidates == 0)
        return;
    uint lane = gl_LocalInvocationID.x, lanes = gl_WorkGroupSize.x;
    uint starts = output_offset * 4 + GVK_STATE_STARTS;
    for (uint word = lane; word < words; word += lanes) {
        uint bits = 0, size = min(32, candidates - 32 * word);
        for (uint bit = 0; bit < size; bit++)
            bits |= uint(state[starts + first + 32 * word + bit] == 0) << bit;
        suppressed[word] = bits;
        kept[word] = 0;
    }
    barrier();
    uint tile_rows = weights_offset * 4 + first * GVK_OVERLAP_WORDS(tile_words);
    for (uint block = 0; block < words; block++) {
        uint at = tile_rows + 16 * block * (block + 1), length = block + 1;
        uint size = min(32, candidates - 32 * block);
        // A lane reads only the words of `kept` that it wrote.
        for (uint word = lane; word < block; word += lanes) {
            uint better = kept[word], bits = 0;
            for (uint row = 0; row < 32 && better != 0; row += AHEAD) {
                uint overlapped[AHEAD];
                [[unroll]] for (uint i = 0; i < AHEAD; i++)
                    overlapped[i] = rows[at + (row + i) * length + word];
                [[unroll]] for (uint i = 0; i < AHEAD; i++)
                    bits |= uint((overlapped[i] & better) != 0) << (row + i);
            }
            if (bits != 0)
                atomicOr(suppressed[block], bits);
        }
        // The next block's go to other places: the lane that reads these may come last.
        uint own = block % 2 * 32;
        if (lane < 32)
            own_words[own + lane] = rows[at + lane * length + block];
        barrier();
        if (block % lanes == lane) {
            uint alive = ~suppressed[block], taken = 0;
            for (uint row = 0; row < size; row++) {
                bool free = (alive >> row & 1) != 0 && (own_words[own + row] & taken) == 0;
                taken |= uint(free) << row;
            }
            kept[block] = taken;
        }
    }
    barrier();
    uint total = 0, before = 0;
    for (uint word = 0; word < words; word++)
        total += bitCount(kept[word]);
    if (lane == 0)
        list_begin = begin_list(first, candidates, total);
    barrier();
    uint to = extra_offset + 2 * list_begin;
    for (uint word = 0; word < words; word++) {
        uint bits = kept[word];
        if (word % lanes == lane)
            list_word(to + 2 * before, first, word, bits);
        before += bitCount(bits);
    }
}
