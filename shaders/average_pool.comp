#version 450
#extension GL_GOOGLE_include_directive : require
// Global average pool: a plane to one vec4. Sums in rows first, so that large planes lose little to rounding.
// workgroups: x = ceil(quads / local size), y = 1, z = batch
#define GVK_USE_PLANES
#include "common.glsl"

void main()
{
    uint quad = gl_GlobalInvocationID.x;
    if (quad >= quads)
        return;
    uint item = gl_WorkGroupID.z;
    uint read = source_offset + item * source_item + quad * width * height;
    vec4 sum = vec4(0);
    for (uint y = 0; y < height; y++) {
        vec4 row = vec4(0);
        for (uint x = 0; x < width; x++)
            row += SOURCE(read++);
        sum += row;
    }
    STORE_OUTPUT(output_offset + item * output_item + quad, sum / float(width * height));
}
