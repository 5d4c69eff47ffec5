#version 450
#extension GL_GOOGLE_include_directive : require
// Depthwise convolution, KERNEL x KERNEL with stride STRIDE and padding KERNEL / 2, with bias and activation.
//
// source   quads planes of width * height vec4s        output   quads planes of output_width * output_height
// weights  [quad][KERNEL * KERNEL taps, then the bias] vec4s, one value a channel
// A lane computes OUT_X x OUT_Y outputs of one quad, so that each source row is read once for several of them.
// Any sizes, any channel counts, any batch.
// workgroups: x = ceil(tiles / local size), y = quads, z = batch
//
// With GHOST this is the tail of a ghost bottleneck (stride 1): the output has twice the quads,
//   first half   source + residual                       second half   convolution + residual
// so that the concat and the addition need no pass of their own.
//
// SPREAD, with SUBGROUP lanes: see spread.glsl.
// With SPREAD 0, for GPUs, the source rows are a loop in the program too, and each row's weights are loaded in it. Straight
// code, which CPU devices like, lets a GPU's compiler load all rows and all weights first, into too many registers.
#include "spread.glsl"
#define GVK_USE_DEPTHWISE
#include "common.glsl"

const uint TAPS = KERNEL * KERNEL;
const uint IN_X = (OUT_X - 1) * STRIDE + KERNEL;
const uint IN_Y = (OUT_Y - 1) * STRIDE + KERNEL;
const int PADDING = KERNEL / 2;
#if SPREAD == 0
#define ROWS         [[dont_unroll]] for
#define TAP(t)       WEIGHT(weight + (t))
#define START        WEIGHT(weight + TAPS)
#define CENTRE(j, i) SOURCE(plane + (uint(out_y) + j) * width + uint(out_x) + i) // read again: kept, it takes registers
#else
#define ROWS         [[unroll]] for
#define TAP(t)       w[t]
#define START        w[TAPS]
#define CENTRE(j, i) centre[j * OUT_X + i]
#endif

void main()
{
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint tile = gl_GlobalInvocationID.x;
    uint tile_y = tile / tiles_x;
    int out_x = int((tile - tile_y * tiles_x) * OUT_X);
    int out_y = int(tile_y * OUT_Y);
    int in_x = out_x * STRIDE - PADDING;
    int in_y = out_y * STRIDE - PADDING;
    uint plane = source_offset + item * source_item + quad * width * height;
    uint weight = weights_offset + quad * (TAPS + 1);

#if SPREAD != 0
    vec4 w[TAPS + 1];
    const uint LOADS = (TAPS + SUBGROUP) / SUBGROUP;
    vec4 mine[LOADS];
    [[unroll]] for (uint n = 0; n < LOADS; n++)
        mine[n] = WEIGHT(weight + n * SUBGROUP + gl_SubgroupInvocationID);
    [[unroll]] for (uint t = 0; t <= TAPS; t++)
        w[t] = HAND_ROUND(mine[t / SUBGROUP], t % SUBGROUP);
#endif

    vec4 sum[OUT_X * OUT_Y];
#if GHOST && SPREAD != 0
    vec4 centre[OUT_X * OUT_Y];
#endif
    [[unroll]] for (uint i = 0; i < OUT_X * OUT_Y; i++)
        sum[i] = START;
    ROWS(uint r = 0; r < IN_Y; r++) {
        int y = in_y + int(r);
        bool row_inside = y >= 0 && y < int(height);
        vec4 x[IN_X];
        [[unroll]] for (uint c = 0; c < IN_X; c++) {
            int column = in_x + int(c);
            bool inside = row_inside && column >= 0 && column < int(width);
            vec4 value = SOURCE(plane + (inside ? uint(y) * width + uint(column) : 0));
            x[c] = mix(vec4(0), value, bvec4(inside));
        }
        [[unroll]] for (uint j = 0; j < OUT_Y; j++) {
            if (r >= j * STRIDE && r < j * STRIDE + KERNEL) {
                uint ky = r - j * STRIDE;
                [[unroll]] for (uint kx = 0; kx < KERNEL; kx++)
                    [[unroll]] for (uint i = 0; i < OUT_X; i++)
                        ADD_MULTIPLIED(sum[j * OUT_X + i], x[i * STRIDE + kx], TAP(ky * KERNEL + kx));
#if GHOST && SPREAD != 0
                if (ky == PADDING) {
                    [[unroll]] for (uint i = 0; i < OUT_X; i++)
                        centre[j * OUT_X + i] = x[i * STRIDE + PADDING];
                }
#endif
            }
        }
    }

    if (tile >= tiles)
        return;
    uint output_pixels = output_width * output_height;
    [[unroll]] for (uint j = 0; j < OUT_Y; j++) {
        [[unroll]] for (uint i = 0; i < OUT_X; i++) {
            if (out_x + int(i) >= int(output_width) || out_y + int(j) >= int(output_height))
                continue;
            uint at = quad * output_pixels + (uint(out_y) + j) * output_width + uint(out_x) + i;
            uint store = output_offset + item * output_item + at;
            vec4 value = activate(sum[j * OUT_X + i]);
#if GHOST
            uint residual = extra_offset + item * extra_item + at;
            uint half_planes = quads * output_pixels;
            STORE_OUTPUT(store, CENTRE(j, i) + EXTRA_AT(residual));
            STORE_OUTPUT(store + half_planes, value + EXTRA_AT(residual + half_planes));
#else
            STORE_OUTPUT(store, value);
#endif
        }
    }
}
