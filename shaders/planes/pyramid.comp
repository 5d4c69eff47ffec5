#version 450
#extension GL_GOOGLE_include_directive : require
// The spatial pyramid's three max pools, 13 x 13, 9 x 9 and 5 x 5, stride 1, in one walk, for GPUs: pool i is written
// behind pool i - 1, `quads` planes each. A lane computes ROWS outputs of a column; each source row's maxima along x serve
// all of them.
// workgroups: x = ceil(width * ceil(height / ROWS) / local size), y = quads of the source, z = batch
#define GVK_USE_PLANES
#include "common.glsl"

const int REACH = 6; // of the largest pool

void main()
{
    uint tiles_y = (height + ROWS - 1) / ROWS;
    uint lane = gl_GlobalInvocationID.x;
    uint tile = lane / width;
    int x = int(lane - tile * width);
    int y0 = int(tile * ROWS);
    if (tile >= tiles_y)
        return;
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint pixels = width * height;
    uint plane = source_offset + item * source_item + quad * pixels;
    vec4 most13[ROWS], most9[ROWS], most5[ROWS];
    [[unroll]] for (int j = 0; j < ROWS; j++) {
        // Each output's own value: a first candidate for all three, and always inside.
        vec4 own = SOURCE(plane + uint(min(y0 + j, int(height) - 1)) * width + uint(x));
        most13[j] = own;
        most9[j] = own;
        most5[j] = own;
    }
    [[dont_unroll]] for (int r = -REACH; r < ROWS + REACH; r++) {
        int y = y0 + r;
        if (y >= 0 && y < int(height)) {
            uint row = plane + uint(y) * width;
            // Columns outside are read as the nearest inside, which changes no maximum.
            vec4 row5 = SOURCE(row + uint(x));
            [[unroll]] for (int i = 1; i <= 2; i++) {
                row5 = larger(row5, SOURCE(row + uint(max(x - i, 0))));
                row5 = larger(row5, SOURCE(row + uint(min(x + i, int(width) - 1))));
            }
            vec4 row9 = row5;
            [[unroll]] for (int i = 3; i <= 4; i++) {
                row9 = larger(row9, SOURCE(row + uint(max(x - i, 0))));
                row9 = larger(row9, SOURCE(row + uint(min(x + i, int(width) - 1))));
            }
            vec4 row13 = row9;
            [[unroll]] for (int i = 5; i <= 6; i++) {
                row13 = larger(row13, SOURCE(row + uint(max(x - i, 0))));
                row13 = larger(row13, SOURCE(row + uint(min(x + i, int(width) - 1))));
            }
            [[unroll]] for (int j = 0; j < ROWS; j++) {
                if (abs(r - j) <= 6)
                    most13[j] = larger(most13[j], row13);
                if (abs(r - j) <= 4)
                    most9[j] = larger(most9[j], row9);
                if (abs(r - j) <= 2)
                    most5[j] = larger(most5[j], row5);
            }
        }
    }
    uint store = output_offset + item * output_item + quad * pixels + uint(x);
    [[unroll]] for (int j = 0; j < ROWS; j++) {
        if (y0 + j < int(height)) {
            uint at = store + uint(y0 + j) * width;
            STORE_OUTPUT(at, most13[j]);
            STORE_OUTPUT(at + quads * pixels, most9[j]);
            STORE_OUTPUT(at + 2 * quads * pixels, most5[j]);
        }
    }
}
