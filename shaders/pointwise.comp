#version 450
#extension GL_GOOGLE_include_directive : require
// Pointwise (1 x 1) convolution with bias, gate, residual, activation and upsampling store: 97 % of the arithmetic.
//
// source   input_quads planes of `pixels` vec4s        output   output_quads planes
// weights  [output block][input quad][4 * QUADS outputs] vec4s of four inputs each; then the bias, a vec4 a quad
// A lane computes QUADS output quads for PIXELS pixels that lie STRIDE apart, so that neighbouring lanes read
// neighbouring pixels. Any channel counts, pixel counts and batch; weights and bias are padded to whole blocks.
// workgroups: x = ceil(pixels / (local size * PIXELS)), y = output blocks, z = batch
// STORE: 0 plain; 1 with the residual (the extra) added; 2 each value to the 2 x 2 pixels of an image twice the size.
// EXTRA gate: the source is multiplied by one factor a channel.
// SLICES > 1: as many parts of a workgroup each sum up a part of the inputs for the same pixels, the first part adds what
//   the others hand it through shared memory, and stores. The parts are whole subgroups, so that a part's weights are
//   the same for all lanes of one. x = ceil(pixels / (local size / SLICES * PIXELS)).
// SPREAD, with SUBGROUP lanes: see spread.glsl; and
//   3  weights come from an array of storage buffers (set 1), the index in the array the same for the workgroup, the
//      offset inside each buffer a constant: the one form that SwiftShader loads once instead of gathering by lane
#include "spread.glsl"
#ifndef SLICES
#define SLICES 1
#endif
#if SPREAD == 3 || SLICES > 1
#extension GL_KHR_shader_subgroup_basic : require
#endif
#if SPREAD == 3
#extension GL_EXT_nonuniform_qualifier : require
#endif
#if SPREAD == 0
#define SUBGROUP gl_SubgroupSize
#endif
#define GVK_USE_POINTWISE
#include "common.glsl"

#if SPREAD == 3
layout(std430, set = 1, binding = 0) readonly buffer chunk_buffer
{
    mat4 w[QUADS];
}
chunks[];
const uint CHUNKS = QUADS * 4 / GVK_CHUNK_STEP_VEC4S; // from one input quad to the next
#define LOAD_BLOCK(weight, lane)
#define BLOCK_MATRIX(weight, j) chunks[at].w[j]
#endif

const uint OUTPUTS = 4 * QUADS;
#if SLICES > 1
shared vec4 handed[(SLICES - 1) * QUADS * PIXELS * GVK_SLICE_LANES];
#endif

void store(uint output_quad, uint pixel, vec4 value)
{
    uint item = gl_WorkGroupID.z;
#if STORE == 1
    value += EXTRA_AT(extra_offset + item * extra_item + output_quad * pixels + pixel);
#endif
    value = activate(value);
    uint plane = output_offset + item * output_item;
#if STORE == 2
    uint row = pixel / width;
    uint corner = plane + output_quad * 4 * pixels + row * 4 * width + (pixel - row * width) * 2;
    STORE_OUTPUT(corner, value);
    STORE_OUTPUT(corner + 1, value);
    STORE_OUTPUT(corner + 2 * width, value);
    STORE_OUTPUT(corner + 2 * width + 1, value);
#else
    STORE_OUTPUT(plane + output_quad * pixels + pixel, value);
#endif
}

void main()
{
    uint block = gl_WorkGroupID.y;
#if SLICES > 1
    const uint STRIDE = GVK_SLICE_LANES;
    uint lane = gl_SubgroupInvocationID;
    uint before = gl_SubgroupID * SUBGROUP; // lanes of the subgroups in front
    uint slice = before / GVK_SLICE_LANES;
    uint place = before % GVK_SLICE_LANES + lane; // in the slice
    uint first = gl_WorkGroupID.x * GVK_SLICE_LANES * PIXELS + place;
    uint share = (input_quads + SLICES - 1) / SLICES;
    uint begin = min(slice * share, input_quads);
    uint end = min(begin + share, input_quads);
#elif SPREAD == 0
    const uint STRIDE = gl_WorkGroupSize.x;
    uint first = gl_WorkGroupID.x * gl_WorkGroupSize.x * PIXELS + gl_LocalInvocationID.x;
#else
    const uint STRIDE = SUBGROUP;
#if SPREAD == 3
    uint at = chunk + block * input_quads * CHUNKS;
#endif
    uint lane = gl_SubgroupInvocationID;
    uint first = (gl_WorkGroupID.x * (gl_WorkGroupSize.x / SUBGROUP) + gl_SubgroupID) * SUBGROUP * PIXELS + lane;
#endif
    uint read = source_offset + gl_WorkGroupID.z * source_item + first;
    uint weight = weights_offset + block * input_quads * OUTPUTS;
    uint gate = extra_offset + gl_WorkGroupID.z * extra_item;
#if SLICES > 1
    weight += begin * OUTPUTS;
#define ALONG begin * pixels
#else
    const uint begin = 0;
    uint end = input_quads;
#define ALONG 0
#endif

#if BY_INPUT && SPREAD == 0
    // What is the same for all lanes apart from what is not: AMD's compilers then add and scale an address in one go.
    uint along = ALONG;
#define READ read + along
#else
#if SLICES > 1
    read += ALONG;
#endif
#define READ read
#endif

    vec4 sum[QUADS * PIXELS];
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        vec4 start = WEIGHT(weights_offset + bias + block * QUADS + j);
#if SLICES > 1
        start = slice == 0 ? start : vec4(0);
#endif
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            sum[j * PIXELS + p] = start;
    }
    for (uint k = begin; k < end; k++) {
        vec4 x[PIXELS];
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            x[p] = SOURCE(READ + p * STRIDE);
        if (EXTRA == GVK_EXTRA_GATE) {
            vec4 factor = EXTRA_AT(gate + k);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                x[p] *= factor;
        }
        LOAD_BLOCK(weight, lane)
        [[unroll]] for (uint j = 0; j < QUADS; j++) {
            mat4 w = BLOCK_MATRIX(weight, j);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                ADD_PRODUCT(sum[j * PIXELS + p], x[p], w);
        }
#if BY_INPUT && SPREAD == 0
        along += pixels;
#else
        read += pixels;
#endif
        weight += OUTPUTS;
#if SPREAD == 3
        at += CHUNKS;
#endif
    }
#if SLICES > 1
    const uint SUMS = QUADS * PIXELS;
    if (slice > 0) {
        [[unroll]] for (uint n = 0; n < SUMS; n++)
            handed[((slice - 1) * SUMS + n) * GVK_SLICE_LANES + place] = sum[n];
    }
    barrier();
    if (slice > 0)
        return;
    [[unroll]] for (uint s = 0; s < SLICES - 1; s++)
        [[unroll]] for (uint n = 0; n < SUMS; n++)
            sum[n] += handed[(s * SUMS + n) * GVK_SLICE_LANES + place];
#endif
    [[unroll]] for (uint p = 0; p < PIXELS; p++) {
        uint pixel = first + p * STRIDE;
        if (pixel < pixels) {
            [[unroll]] for (uint j = 0; j < QUADS; j++) {
                if (block * QUADS + j < output_quads)
                    store(block * QUADS + j, pixel, sum[j * PIXELS + p]);
            }
        }
    }
}
