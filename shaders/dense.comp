#version 450
#extension GL_GOOGLE_include_directive : require
// Dense convolution (every output channel from every input channel), any kernel, stride and padding; the stem is one.
// A lane computes QUADS output quads of one pixel.
// source   input_quads planes of width * height vec4s  output   output_quads planes of output_width * output_height
// weights  [output block][input quad][tap][4 * QUADS outputs] vec4s of four inputs; then the bias, a vec4 a quad
// workgroups: x = ceil(output pixels / local size), y = output blocks, z = batch
#define GVK_USE_DENSE
#include "common.glsl"

void main()
{
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= output_width * output_height)
        return;
    uint block = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    int out_y = int(pixel / output_width);
    int out_x = int(pixel) - out_y * int(output_width);
    uint taps = kernel * kernel;
    uint weight = weights_offset + block * input_quads * taps * 4 * QUADS;
    vec4 sum[QUADS];
    [[unroll]] for (uint j = 0; j < QUADS; j++)
        sum[j] = WEIGHT(weights_offset + bias + block * QUADS + j);
    for (uint k = 0; k < input_quads; k++) {
        uint plane = source_offset + item * source_item + k * width * height;
        for (uint ky = 0; ky < kernel; ky++) {
            int y = out_y * int(stride) + int(ky) - int(padding);
            for (uint kx = 0; kx < kernel; kx++) {
                int x = out_x * int(stride) + int(kx) - int(padding);
                bool inside = y >= 0 && y < int(height) && x >= 0 && x < int(width);
                vec4 value = SOURCE(plane + (inside ? uint(y) * width + uint(x) : 0));
                value = mix(vec4(0), value, bvec4(inside));
                [[unroll]] for (uint j = 0; j < QUADS; j++)
                    sum[j] += value * mat4(WEIGHT(weight + 4 * j), WEIGHT(weight + 4 * j + 1),
                                           WEIGHT(weight + 4 * j + 2), WEIGHT(weight + 4 * j + 3));
                weight += 4 * QUADS;
            }
        }
    }
    uint pixels = output_width * output_height;
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        uint quad = block * QUADS + j;
        if (quad < output_quads)
            output_data[output_offset + item * output_item + quad * pixels + pixel] = activate(sum[j]);
    }
}
