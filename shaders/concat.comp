#version 450
#extension GL_GOOGLE_include_directive : require
// Copies one part of a concat to its channels, which need not start at a quad. The last part also writes the zeros that
// pad the output's last quad.
// workgroups: x = ceil(pixels / local size), y = channels to write, z = batch
#define GVK_USE_CONCAT
#define OUTPUT_TYPE float
#include "common.glsl"

void main()
{
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= pixels)
        return;
    uint channel = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    float value = 0;
    if (channel < channels)
        value = SOURCE(source_offset + item * source_item + channel / 4 * pixels + pixel)[channel % 4];
    uint to = first_channel + channel;
    output_data[(output_offset + item * output_item + to / 4 * pixels + pixel) * 4 + to % 4] = value;
}
