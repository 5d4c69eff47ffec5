#version 450
#extension GL_GOOGLE_include_directive : require
// Batch norm and activation, or activation alone (MODE 0: no weights are read).
// weights  a scale for each quad, then a shift for each quad
// workgroups: x = ceil(pixels / local size), y = quads, z = batch
#define GVK_USE_PLANES
#include "common.glsl"

void main()
{
    uint pixels = width * height;
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= pixels)
        return;
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint at = quad * pixels + pixel;
    vec4 value = SOURCE(source_offset + item * source_item + at);
    if (MODE == 1)
        value = value * WEIGHT(weights_offset + quad) + WEIGHT(weights_offset + quads + quad);
    STORE_OUTPUT(output_offset + item * output_item + at, activate(value));
}
