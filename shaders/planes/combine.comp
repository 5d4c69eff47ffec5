#version 450
#extension GL_GOOGLE_include_directive : require
// Two tensors into one: EXTRA residual adds the extra, EXTRA gate multiplies by one factor a channel; then the activation.
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
    if (EXTRA == GVK_EXTRA_RESIDUAL)
        value += EXTRA_AT(extra_offset + item * extra_item + at);
    else
        value *= EXTRA_AT(extra_offset + item * extra_item + quad);
    STORE_OUTPUT(output_offset + item * output_item + at, activate(value));
}
