#version 450
#extension GL_GOOGLE_include_directive : require
// Global average pool: a plane to one vec4. Many short sums first, so that large planes lose little to rounding.
// SPLIT 0: a lane sums up a plane, row by row.         workgroups: x = ceil(quads / local size), y = 1, z = batch
// SPLIT 1: a workgroup does; its size is a power of two.           x = quads
#define GVK_USE_PLANES
#include "common.glsl"
#include "split.glsl"

void main()
{
    uint item = gl_WorkGroupID.z;
    vec4 sum = vec4(0);
#if SPLIT
    uint quad = gl_WorkGroupID.x;
    uint read = source_offset + item * source_item + quad * width * height;
    for (uint i = gl_LocalInvocationID.x; i < width * height; i += gl_WorkGroupSize.x)
        sum += SOURCE(read + i);
    sum = add_slices(sum, gl_WorkGroupSize.x);
    if (gl_LocalInvocationID.x > 0)
        return;
#else
    uint quad = gl_GlobalInvocationID.x;
    if (quad >= quads)
        return;
    uint read = source_offset + item * source_item + quad * width * height;
    for (uint y = 0; y < height; y++) {
        vec4 row = vec4(0);
        for (uint x = 0; x < width; x++)
            row += SOURCE(read++);
        sum += row;
    }
#endif
    STORE_OUTPUT(output_offset + item * output_item + quad, sum / float(width * height));
}
