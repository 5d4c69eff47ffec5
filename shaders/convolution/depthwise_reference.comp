#version 450
#extension GL_GOOGLE_include_directive : require
// Depthwise convolution in its plain form: any kernel, stride and padding, one output vec4 an invocation, no bias.
// The reference that depthwise.comp is held against. Layouts as there, weights [quad][taps, then the bias].
// workgroups: x = ceil(output pixels / local size), y = quads, z = batch
#define GVK_USE_DEPTHWISE
#include "common.glsl"

void main()
{
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= output_width * output_height)
        return;
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    int out_y = int(pixel / output_width);
    int out_x = int(pixel) - out_y * int(output_width);
    uint plane = source_offset + item * source_item + quad * width * height;
    uint taps = kernel * kernel;
    uint weight = weights_offset + quad * (taps + 1);
    vec4 sum = WEIGHT(weight + taps);
    for (uint ky = 0; ky < kernel; ky++) {
        int y = out_y * int(stride) + int(ky) - int(padding);
        if (y < 0 || y >= int(height))
            continue;
        for (uint kx = 0; kx < kernel; kx++) {
            int x = out_x * int(stride) + int(kx) - int(padding);
            if (x >= 0 && x < int(width))
                sum += SOURCE(plane + uint(y) * width + uint(x)) * WEIGHT(weight + ky * kernel + kx);
        }
    }
    STORE_OUTPUT(output_offset + item * output_item + quad * output_width * output_height + pixel, activate(sum));
}
