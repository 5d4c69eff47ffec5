#version 450
#extension GL_GOOGLE_include_directive : require
// A ghost module in one dispatch, for GPUs: a pointwise convolution, and beside its output a depthwise 3 x 3 of that output
// (stride 1, padding 1), both with bias and the same activation.
//
// source   input_quads planes of width * height vec4s
// output   2 * output_quads planes: the pointwise convolution's, then the depthwise one's
// weights  as pointwise.comp; behind its bias, for each output quad (padded to whole blocks) nine taps and a bias
// A workgroup computes a square of GVK_GHOST_SIDE pixels of QUADS output quads into shared memory, an edge of one pixel
// more than it stores: the depthwise convolution reads across it. Any channel counts, sizes and batch.
// local size * PIXELS = GVK_GHOST_SIDE squared; workgroups: x = squares, y = output blocks, z = batch
// STORE, a constant: 0 plain; 1 with the residual (the extra) added to both halves. EXTRA gate: as pointwise.comp, but the
// gate is read through the other kind of binding than the residual, because a module may have both and a device just four
// buffers.
// AHEAD: as pointwise.comp.
// SPREAD, with SUBGROUP lanes: see spread.glsl; 0 and 2.
#include "spread.glsl"
#define GVK_USE_GHOST
#include "common.glsl"

#if EXTRA_TEXELS
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer gate_buffer
{
    QUAD gate_data[];
};
#define GATE(index) from_quad(gate_data[index])
#else
layout(binding = GVK_BINDING_EXTRA_TEXELS) uniform samplerBuffer gate_texels;
#define GATE(index) texelFetch(gate_texels, int(index))
#endif

layout(constant_id = GVK_CONSTANT_STORE) const uint STORE = 0;
const uint OUTPUTS = 4 * QUADS;
const uint REGION = GVK_GHOST_SIDE * GVK_GHOST_SIDE;
const uint INNER = GVK_GHOST_INNER * GVK_GHOST_INNER;
const uint TAPS = 9;

shared vec4 inner[QUADS * REGION];

void main()
{
    uint block = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint lane = gl_LocalInvocationID.x;
    uint square_y = gl_WorkGroupID.x / tiles_x;
    int left = int((gl_WorkGroupID.x - square_y * tiles_x) * GVK_GHOST_INNER) - 1;
    int top = int(square_y * GVK_GHOST_INNER) - 1;
    uint pixels = width * height;
    uint weight = weights_offset + block * input_quads * OUTPUTS;
    uint gate = item * gate_item;

    uint read[PIXELS];
    bool inside[PIXELS];
    [[unroll]] for (uint p = 0; p < PIXELS; p++) {
        uint at = p * gl_WorkGroupSize.x + lane;
        int x = left + int(at % GVK_GHOST_SIDE), y = top + int(at / GVK_GHOST_SIDE);
        inside[p] = x >= 0 && x < int(width) && y >= 0 && y < int(height);
        read[p] = source_offset + item * source_item + (inside[p] ? uint(y) * width + uint(x) : 0);
    }
    vec4 sum[QUADS * PIXELS];
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        vec4 start = WEIGHT(weights_offset + bias + block * QUADS + j);
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            sum[j * PIXELS + p] = start;
    }
    uint along = 0; // the same for all lanes, as in pointwise.comp
    uint k = 0;
#if AHEAD > 1
#define FACTOR(k)   GATE(gate + k)
#define PLACE(p, u) read[p] + (along + u * pixels)
    // The gate takes registers, too, of which Intel's compiler then has none left.
    if (MODE != GVK_SINGLE_STEPS && (SPREAD == 0 || EXTRA != GVK_EXTRA_GATE)) {
        for (; k + AHEAD <= input_quads; k += AHEAD) {
            SUM_QUADS(AHEAD, GROUP, gl_SubgroupInvocationID)
            along += AHEAD * pixels;
        }
    }
#if SPREAD && AHEAD > 2
    if (EXTRA == GVK_EXTRA_GATE) {
        for (; k + AHEAD - 1 <= input_quads; k += AHEAD - 1) {
            SUM_QUADS((AHEAD - 1), (AHEAD - 1), gl_SubgroupInvocationID)
            along += (AHEAD - 1) * pixels;
        }
    }
#endif
#endif
    for (; k < input_quads; k++) {
        vec4 x[PIXELS];
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            x[p] = SOURCE(read[p] + along);
        if (EXTRA == GVK_EXTRA_GATE) {
            vec4 factor = GATE(gate + k);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                x[p] *= factor;
        }
        LOAD_BLOCK(weight, gl_SubgroupInvocationID)
        [[unroll]] for (uint j = 0; j < QUADS; j++) {
            mat4 w = BLOCK_MATRIX(weight, j);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                ADD_PRODUCT(sum[j * PIXELS + p], x[p], w);
        }
        along += pixels;
        weight += OUTPUTS;
    }
    [[unroll]] for (uint p = 0; p < PIXELS; p++) {
        [[unroll]] for (uint j = 0; j < QUADS; j++)
            inner[j * REGION + p * gl_WorkGroupSize.x + lane] =
                inside[p] ? activate(sum[j * PIXELS + p]) : vec4(0);
    }
    barrier();

    [[dont_unroll]] for (uint j = 0; j < QUADS; j++) {
        uint quad = block * QUADS + j;
        if (quad >= output_quads)
            return;
        uint tap = weights_offset + taps + quad * (TAPS + 1);
        uint first = output_offset + item * output_item + quad * pixels;
        [[dont_unroll]] for (uint at = lane; at < INNER; at += gl_WorkGroupSize.x) {
            uint row = at / GVK_GHOST_INNER, column = at - row * GVK_GHOST_INNER;
            uint x = uint(left + 1) + column, y = uint(top + 1) + row;
            if (x >= width || y >= height)
                continue;
            uint corner = j * REGION + row * GVK_GHOST_SIDE + column;
            vec4 cheap = WEIGHT(tap + TAPS);
            [[unroll]] for (uint t = 0; t < TAPS; t++)
                ADD_MULTIPLIED(cheap, inner[corner + t / 3 * GVK_GHOST_SIDE + t % 3], WEIGHT(tap + t));
            vec4 primary = inner[corner + GVK_GHOST_SIDE + 1];
            cheap = activate(cheap);
            uint pixel = y * width + x;
            if (STORE == 1) {
                uint residual = extra_offset + item * extra_item + quad * pixels + pixel;
                primary += EXTRA_AT(residual);
                cheap += EXTRA_AT(residual + output_quads * pixels);
            }
            STORE_OUTPUT(first + pixel, primary);
            STORE_OUTPUT(first + output_quads * pixels + pixel, cheap);
        }
    }
}
