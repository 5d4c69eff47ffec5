#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_nonuniform_qualifier : require
#extension GL_KHR_shader_subgroup_basic : require
// Pointwise convolution for SwiftShader; what it computes, pointwise.comp tells.
//
// Weights come from an array of storage buffers (set 1) that begin at every GVK_CHUNK_STEP_VEC4S vec4s, the index in the
// array the same for the workgroup, the offset inside each buffer a constant: only then are they loaded once, and not
// gathered lane by lane.
// weights  [output block][input quad][4 * QUADS outputs, padded to whole chunks] vec4s of four inputs each; then the bias,
//          a vec4 a quad
// A lane computes QUADS output quads for PIXELS pixels that lie SUBGROUP apart.
// The compiler keeps all sums in memory, and its code is some 60 bytes a multiply-add: a loop that is longer than the
// processor's cache of instructions, 32 KiB, takes half as long again. So weights are loaded for two outputs at once, what
// few registers hold, and there is no branch for a gate.
// workgroups: x = ceil(pixels / (local size * PIXELS)), y = output blocks, z = batch
// STORE: see pointwise_store.glsl; and 3, plain, with the source multiplied by one factor a channel (the extra).
#define GVK_USE_POINTWISE
#include "common.glsl"
#include "pointwise_store.glsl"

layout(std430, set = 1, binding = 0) readonly buffer chunk_buffer
{
    mat2x4 w[2 * QUADS];
}
chunks[];
const uint CHUNKS = (4 * QUADS + GVK_CHUNK_STEP_VEC4S - 1) / GVK_CHUNK_STEP_VEC4S; // from one input quad to the next

void main()
{
    uint block = gl_WorkGroupID.y;
    uint at = chunk + block * input_quads * CHUNKS;
    uint first = (gl_WorkGroupID.x * (gl_WorkGroupSize.x / SUBGROUP) + gl_SubgroupID) * SUBGROUP * PIXELS +
                 gl_SubgroupInvocationID;
    uint read = source_offset + gl_WorkGroupID.z * source_item + first;

    float sum[4 * QUADS * PIXELS]; // single ones: a vector's would all have to be ready before one is stored
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        vec4 start = WEIGHT(weights_offset + bias + block * QUADS + j);
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            [[unroll]] for (uint i = 0; i < 4; i++)
                sum[(j * PIXELS + p) * 4 + i] = start[i];
    }
    for (uint k = 0; k < input_quads; k++) {
        vec4 x[PIXELS];
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            x[p] = SOURCE(read + p * SUBGROUP);
#if STORE == 3
        vec4 factor = EXTRA_AT(extra_offset + gl_WorkGroupID.z * extra_item + k);
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            x[p] *= factor;
#endif
        [[unroll]] for (uint pair = 0; pair < 2 * QUADS; pair++) {
            mat2x4 w = chunks[at].w[pair];
            [[unroll]] for (uint o = 0; o < 2; o++)
                [[unroll]] for (uint p = 0; p < PIXELS; p++) {
                    const uint s = (pair / 2 * PIXELS + p) * 4 + pair % 2 * 2 + o;
                    sum[s] = sum[s] + x[p].x * w[o].x + x[p].y * w[o].y + x[p].z * w[o].z + x[p].w * w[o].w;
                }
        }
        read += pixels;
        at += CHUNKS;
    }
    [[unroll]] for (uint p = 0; p < PIXELS; p++) {
        uint pixel = first + p * SUBGROUP;
        if (pixel < pixels) {
            [[unroll]] for (uint j = 0; j < QUADS; j++) {
                const uint s = (j * PIXELS + p) * 4;
                if (block * QUADS + j < output_quads)
                    store(block * QUADS + j, pixel, vec4(sum[s], sum[s + 1], sum[s + 2], sum[s + 3]));
            }
        }
    }
}
