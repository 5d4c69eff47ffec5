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
// For GPUs: every lane of a workgroup has the same weights, which is a scalar load on AMD and NVIDIA, and the source rows
// are a loop in the program, too, in which each row's weights are loaded. Straight code lets a GPU's compiler load all rows
// and all weights first, into too many registers, but with MODE GVK_STEPS_AT_ONCE, for devices that have so many: then
// memory is waited for once instead of once a row. CPU devices have depthwise_strips.comp.
#define GVK_USE_DEPTHWISE
#include "common.glsl"

const uint TAPS = KERNEL * KERNEL;
const uint IN_X = (OUT_X - 1) * STRIDE + KERNEL;
const uint IN_Y = (OUT_Y - 1) * STRIDE + KERNEL;
const int PADDING = KERNEL / 2;

// Source row r of those that the outputs need.
#define ADD_ROW(r)                                                                                                     \
    {                                                                                                                  \
        int y = in_y + int(r);                                                                                         \
        bool row_inside = y >= 0 && y < int(height);                                                                   \
        vec4 x[IN_X];                                                                                                  \
        [[unroll]] for (uint c = 0; c < IN_X; c++) {                                                                   \
            int column = in_x + int(c);                                                                                \
            bool inside = row_inside && column >= 0 && column < int(width);                                            \
            vec4 value = SOURCE(plane + (inside ? uint(y) * width + uint(column) : 0));                                \
            x[c] = mix(vec4(0), value, bvec4(inside));                                                                 \
        }                                                                                                              \
        [[unroll]] for (uint j = 0; j < OUT_Y; j++) {                                                                  \
            if (r >= j * STRIDE && r < j * STRIDE + KERNEL) {                                                          \
                uint ky = r - j * STRIDE;                                                                              \
                [[unroll]] for (uint kx = 0; kx < KERNEL; kx++)                                                        \
                    [[unroll]] for (uint i = 0; i < OUT_X; i++)                                                        \
                        ADD_MULTIPLIED(sum[j * OUT_X + i], x[i * STRIDE + kx], WEIGHT(weight + ky * KERNEL + kx));     \
            }                                                                                                          \
        }                                                                                                              \
    }

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

    vec4 sum[OUT_X * OUT_Y];
    [[unroll]] for (uint i = 0; i < OUT_X * OUT_Y; i++)
        sum[i] = WEIGHT(weight + TAPS);
    if (MODE == GVK_STEPS_AT_ONCE) {
        [[unroll]] for (uint r = 0; r < IN_Y; r++)
            ADD_ROW(r)
    } else {
        [[dont_unroll]] for (uint r = 0; r < IN_Y; r++)
            ADD_ROW(r)
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
            // The source again: kept since the walk, it takes registers.
            vec4 centre = SOURCE(plane + (uint(out_y) + j) * width + uint(out_x) + i);
            STORE_OUTPUT(store, centre + EXTRA_AT(residual));
            STORE_OUTPUT(store + half_planes, value + EXTRA_AT(residual + half_planes));
#else
            STORE_OUTPUT(store, value);
#endif
        }
    }
}
