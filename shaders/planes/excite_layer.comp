#version 450
#extension GL_GOOGLE_include_directive : require
// One linear layer of squeeze-excite, for GPUs: output = activate(weights * source + bias), its outputs over many workgroups.
// source   input_quads vec4s   output   output_quads vec4s
// weights  [output quad][input quad][4] vec4s of four inputs, from `first` on; the bias from `bias` on
// `lanes` lanes share an output quad, a power of two from 4 on: each multiplies every lanes-th vec4 of its weights, so that
// neighbours read what lies side by side, and all that a lane reads is of the same one of the four outputs.
// workgroups: x = ceil(output_quads / (local size / lanes)), y = 1, z = batch
#define GVK_USE_EXCITE_LAYER
#include "common.glsl"

#define AT_ONCE 4 // loads that are under way

shared float handed[GVK_SPLIT_LANES];

void main()
{
    uint item = gl_WorkGroupID.z;
    uint lane = gl_LocalInvocationID.x;
    uint share = lane % lanes;
    uint quad = gl_WorkGroupID.x * (gl_WorkGroupSize.x / lanes) + lane / lanes;
    uint read = source_offset + item * source_item;
    uint weight = weights_offset + first + quad * 4 * input_quads;
    uint end = quad < output_quads ? 4 * input_quads : 0;

    float sum = 0;
    uint k = share;
    for (; k + (AT_ONCE - 1) * lanes < end; k += AT_ONCE * lanes) {
        vec4 x[AT_ONCE], w[AT_ONCE];
        [[unroll]] for (uint u = 0; u < AT_ONCE; u++) {
            x[u] = SOURCE(read + (k + u * lanes) / 4);
            w[u] = WEIGHT(weight + k + u * lanes);
        }
        [[unroll]] for (uint u = 0; u < AT_ONCE; u++)
            sum += dot(x[u], w[u]);
    }
    for (; k < end; k += lanes)
        sum += dot(SOURCE(read + k / 4), WEIGHT(weight + k));

    handed[lane] = sum;
    for (uint others = lanes / 2; others >= 4; others /= 2) {
        barrier();
        if (share < others)
            handed[lane] += handed[lane + others];
    }
    barrier();
    if (share == 0 && quad < output_quads) {
        vec4 sums = vec4(handed[lane], handed[lane + 1], handed[lane + 2], handed[lane + 3]);
        STORE_OUTPUT(output_offset + item * output_item + quad, activate(sums + WEIGHT(weights_offset + bias + quad)));
    }
}
