#version 450
#extension GL_GOOGLE_include_directive : require
// Nearest upsampling by 2. `width` and `height` are the source's.
// workgroups: x = ceil(output pixels / local size), y = quads, z = batch
#define GVK_USE_PLANES
#include "common.glsl"

void main()
{
    uint output_pixels = 4 * width * height;
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= output_pixels)
        return;
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint y = pixel / (2 * width);
    uint x = pixel - y * 2 * width;
    STORE_OUTPUT(output_offset + item * output_item + quad * output_pixels + pixel,
                 SOURCE(source_offset + item * source_item + quad * width * height + y / 2 * width + x / 2));
}
