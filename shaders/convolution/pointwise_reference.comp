#version 450
#extension GL_GOOGLE_include_directive : require
// Pointwise (1 x 1) convolution in its plain form: one output vec4 an invocation. The reference that pointwise.comp is
// held against.
// source   input_quads planes of `pixels` vec4s        output   output_quads planes
// weights  [output quad][input quad][4 outputs] vec4s of four inputs each; then the bias, a vec4 a quad
// workgroups: x = ceil(pixels / local size), y = output quads, z = batch
#define GVK_USE_POINTWISE
#include "common.glsl"

void main()
{
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= pixels)
        return;
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint read = source_offset + item * source_item + pixel;
    uint weight = weights_offset + quad * input_quads * 4;
    vec4 sum = WEIGHT(weights_offset + bias + quad);
    for (uint k = 0; k < input_quads; k++) {
        vec4 x = SOURCE(read);
        sum += x * mat4(WEIGHT(weight), WEIGHT(weight + 1), WEIGHT(weight + 2), WEIGHT(weight + 3));
        read += pixels;
        weight += 4;
    }
    STORE_OUTPUT(output_offset + item * output_item + quad * pixels + pixel, activate(sum));
}
