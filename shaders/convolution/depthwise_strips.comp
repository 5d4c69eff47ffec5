#version 450
#extension GL_GOOGLE_include_directive : require
// Depthwise convolution for CPU devices, KERNEL x KERNEL with stride STRIDE and padding KERNEL / 2, with bias and activation.
//
// source   quads planes of width * height vec4s        output   quads planes of output_width * output_height
// weights  [quad][KERNEL * KERNEL taps, then the bias] vec4s, one value a channel
// A lane computes a strip: OUT_X columns of one quad, `rows` outputs down. It walks along the source, and each source row
// that it reads is added to all outputs that need it, whose sums are carried from one step to the next: so a value is
// loaded once for all of a strip. Loads are what these devices are slow at, a gather by lane each.
// Any sizes, any channel counts, any batch.
// workgroups: x = ceil(quads * tiles / local size), y = 1, z = batch. Strips of all quads lie one behind the other, so
// that small planes leave no lane idle; each lane has weights of its own then.
//
// STORE_LOOP 1: a strip's columns are stored by one code: lavapipe of Mesa 23 to 25.0 compiles that in two thirds of the time.
// With GHOST this is the tail of a ghost bottleneck (stride 1), as in depthwise.comp.
#define GVK_USE_DEPTHWISE
#include "common.glsl"

const uint TAPS = KERNEL * KERNEL;
const uint IN_X = (OUT_X - 1) * STRIDE + KERNEL;
const int PADDING = KERNEL / 2;
// Outputs below the one that a step finishes to which its source rows belong, too.
const uint AHEAD = (KERNEL - 1) / STRIDE;

void main()
{
    uint item = gl_WorkGroupID.z;
    uint id = gl_GlobalInvocationID.x;
    uint quad = id / tiles;
    uint tile = id - quad * tiles;
    bool there = quad < quads;
    quad = there ? quad : 0;
    uint strip = tile / tiles_x;
    int out_x = int((tile - strip * tiles_x) * OUT_X);
    int first_y = int(strip * rows);
    int end_y = min(first_y + int(rows), int(output_height));
    int in_x = out_x * STRIDE - PADDING;
    uint plane = source_offset + item * source_item + quad * width * height;
    uint output_pixels = output_width * output_height;
    uint behind = quad * output_pixels + uint(out_x);
    uint store = output_offset + item * output_item + behind;

    vec4 w[TAPS + 1];
    [[unroll]] for (uint t = 0; t <= TAPS; t++)
        w[t] = WEIGHT(weights_offset + quad * (TAPS + 1) + t);
    vec4 sum[(AHEAD + 1) * OUT_X];
    [[unroll]] for (uint i = 0; i < AHEAD * OUT_X; i++)
        sum[i] = w[TAPS];
#if GHOST
    vec4 centre[OUT_X];
    [[unroll]] for (uint i = 0; i < OUT_X; i++)
        centre[i] = vec4(0);
#endif
    vec4 x[IN_X]; // a row of the source
#define FETCH_ROW(at_row)                                                                                              \
    {                                                                                                                  \
        int row = at_row;                                                                                              \
        bool row_inside = row >= 0 && row < int(height);                                                               \
        [[unroll]] for (uint c = 0; c < IN_X; c++) {                                                                   \
            int column = in_x + int(c);                                                                                \
            bool inside = row_inside && column >= 0 && column < int(width);                                            \
            vec4 value = SOURCE(plane + (inside ? uint(row) * width + uint(column) : 0));                              \
            x[c] = mix(vec4(0), value, bvec4(inside));                                                                 \
        }                                                                                                              \
    }
    // A step's source rows begin so far below y * STRIDE. The first is fetched while the step before stores its outputs:
    // a CPU would wait for it otherwise.
    const int FIRST_ROW = KERNEL - STRIDE - PADDING;
    FETCH_ROW((first_y - int(AHEAD)) * STRIDE + FIRST_ROW)
    // The first AHEAD steps finish outputs above the strip, which are not stored.
    for (uint s = 0; s < rows + AHEAD; s++) {
        int y = first_y + int(s) - int(AHEAD);
        [[unroll]] for (uint i = 0; i < OUT_X; i++)
            sum[AHEAD * OUT_X + i] = w[TAPS];
        [[unroll]] for (uint t = 0; t < STRIDE; t++) {
            if (t > 0)
                FETCH_ROW(y * STRIDE + FIRST_ROW + int(t))
            [[unroll]] for (uint d = 0; d <= AHEAD; d++) {
                int ky = KERNEL - STRIDE + int(t) - int(d) * STRIDE;
                if (ky >= 0) {
                    [[unroll]] for (uint kx = 0; kx < KERNEL; kx++)
                        [[unroll]] for (uint i = 0; i < OUT_X; i++)
                            ADD_MULTIPLIED(sum[d * OUT_X + i], x[i * STRIDE + kx], w[ky * KERNEL + kx]);
                }
            }
        }
#if GHOST
        vec4 middle[OUT_X]; // the source row in the middle of the next output's
        [[unroll]] for (uint i = 0; i < OUT_X; i++)
            middle[i] = x[i + PADDING];
#endif
        FETCH_ROW((y + 1) * STRIDE + FIRST_ROW)
        if (there && y >= first_y && y < end_y) {
            uint along = uint(y) * output_width;
#if STORE_LOOP // the columns move up, each to the first place
            [[dont_unroll]] for (uint i = 0; i < OUT_X; i++) {
                const uint at = 0;
#else
            [[unroll]] for (uint i = 0; i < OUT_X; i++) {
                const uint at = i;
#endif
                if (uint(out_x) + i < output_width) {
                    vec4 value = activate(sum[at]);
#if GHOST
                    uint residual = extra_offset + item * extra_item + behind + along + i;
                    uint half_planes = quads * output_pixels;
                    STORE_OUTPUT(store + along + i, centre[at] + EXTRA_AT(residual));
                    STORE_OUTPUT(store + half_planes + along + i, value + EXTRA_AT(residual + half_planes));
#else
                    STORE_OUTPUT(store + along + i, value);
#endif
                }
#if STORE_LOOP
                [[unroll]] for (uint n = 0; n + 1 < OUT_X; n++) {
                    sum[n] = sum[n + 1];
#if GHOST
                    centre[n] = centre[n + 1];
#endif
                }
#endif
            }
        }
        [[unroll]] for (uint i = 0; i < AHEAD * OUT_X; i++)
            sum[i] = sum[OUT_X + i];
#if GHOST
        [[unroll]] for (uint i = 0; i < OUT_X; i++)
            centre[i] = middle[i];
#endif
    }
}
