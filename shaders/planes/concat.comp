#version 450
#extension GL_GOOGLE_include_directive : require
// Copies one part of a concat to its channels, which need not start at a quad: a lane writes one quad of the output. What
// the part before wrote into the first quad stays; behind the part's end zeros follow, which the next part replaces.
// workgroups: x = ceil(pixels / local size), y = quads of the output that the part touches, z = batch
#define GVK_USE_CONCAT
#define OUTPUT_ACCESS
#include "common.glsl"

void main()
{
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= pixels)
        return;
    uint quad = first_channel / 4 + gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint at = output_offset + item * output_item + quad * pixels + pixel;
    vec4 value = vec4(0);
    if (quad * 4 < first_channel)
        value = from_quad(output_data[at]);
    for (uint i = 0; i < 4; i++) {
        uint channel = quad * 4 + i - first_channel; // of the part; before its first: large
        if (channel < channels)
            value[i] = SOURCE(source_offset + item * source_item + channel / 4 * pixels + pixel)[channel % 4];
    }
    STORE_OUTPUT(at, value);
}
