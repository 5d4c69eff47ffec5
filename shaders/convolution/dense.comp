#version 450
#extension GL_GOOGLE_include_directive : require
// Dense convolution (every output channel from every input channel), any kernel, stride and padding; the stem is one.
// A lane computes QUADS output quads for PIXELS pixels that lie STRIDE apart.
// source   input_quads planes of width * height vec4s  output   output_quads planes of output_width * output_height
// weights  [output block][input quad][tap][4 * QUADS outputs] vec4s of four inputs; then the bias, a vec4 a quad
// workgroups: x = ceil(output pixels / (local size * PIXELS)), y = output blocks, z = batch
// SPREAD, with SUBGROUP lanes: see spread.glsl. STORE_LOOP: see pointwise.comp.
#include "spread.glsl"
#define GVK_USE_DENSE
#include "common.glsl"

const uint OUTPUTS = 4 * QUADS;

void main()
{
    uint block = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint pixels = output_width * output_height;
#if SPREAD == 0
    const uint STRIDE = gl_WorkGroupSize.x;
    uint first = gl_WorkGroupID.x * gl_WorkGroupSize.x * PIXELS + gl_LocalInvocationID.x;
#else
    const uint STRIDE = SUBGROUP;
    uint lane = gl_SubgroupInvocationID;
    uint first = (gl_WorkGroupID.x * (gl_WorkGroupSize.x / SUBGROUP) + gl_SubgroupID) * SUBGROUP * PIXELS + lane;
#endif
    int left[PIXELS], top[PIXELS];
    [[unroll]] for (uint p = 0; p < PIXELS; p++) {
        uint y = (first + p * STRIDE) / output_width;
        uint x = first + p * STRIDE - y * output_width;
        left[p] = int(x * stride) - int(padding);
        top[p] = int(y * stride) - int(padding);
    }
    uint weight = weights_offset + block * input_quads * kernel * kernel * OUTPUTS;
    vec4 sum[QUADS * PIXELS];
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        vec4 start = WEIGHT(weights_offset + bias + block * QUADS + j);
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            sum[j * PIXELS + p] = start;
    }
    uint plane = source_offset + item * source_item;
    for (uint k = 0; k < input_quads; k++, plane += width * height) {
        for (uint ky = 0; ky < kernel; ky++) {
            for (uint kx = 0; kx < kernel; kx++) {
                vec4 x[PIXELS];
                [[unroll]] for (uint p = 0; p < PIXELS; p++) {
                    int column = left[p] + int(kx), row = top[p] + int(ky);
                    bool inside = row >= 0 && row < int(height) && column >= 0 && column < int(width);
                    vec4 value = SOURCE(plane + (inside ? uint(row) * width + uint(column) : 0));
                    x[p] = mix(vec4(0), value, bvec4(inside));
                }
                LOAD_BLOCK(weight, lane)
                [[unroll]] for (uint j = 0; j < QUADS; j++) {
                    mat4 w = BLOCK_MATRIX(weight, j);
                    [[unroll]] for (uint p = 0; p < PIXELS; p++)
                        ADD_PRODUCT(sum[j * PIXELS + p], x[p], w);
                }
                weight += OUTPUTS;
            }
        }
    }
#define STORE_SUM(j, p, value)                                                                                         \
    {                                                                                                                  \
        uint quad = block * QUADS + j, pixel = first + p * STRIDE;                                                     \
        if (quad < output_quads && pixel < pixels)                                                                     \
            STORE_OUTPUT(output_offset + item * output_item + quad * pixels + pixel, activate(value));                 \
    }
#if STORE_LOOP
#include "store_loops.glsl"
#else
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            STORE_SUM(j, p, sum[j * PIXELS + p])
    }
#endif
}
