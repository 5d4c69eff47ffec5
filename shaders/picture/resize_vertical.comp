#version 450
#extension GL_GOOGLE_include_directive : require
// Second pass of the resize: columns to the inner height, scaled to [0, 1], into the network's input; around the inner
// picture (letterbox) grey 128.
// source   what resize_horizontal.comp wrote             extra   for each output row: first, count, `taps` coefficients
// output   one plane of width * height vec4s: R, G, B, 0
// HALF: the input lies in memory as fp16, two values a word.
// A dispatch computes a strip of rows, from first_row on, of the rows that it binds: those from source_row on.
// workgroups: x = ceil(width / local size), y = the strip's rows
#define GVK_USE_RESIZE
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
#if HALF
    uvec2 pixels[];
#else
    vec4 pixels[];
#endif
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uint rows[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    int table[];
};

void main()
{
    uint x = gl_GlobalInvocationID.x;
    uint y = first_row + gl_WorkGroupID.y;
    if (x >= width)
        return;
    ivec3 value = ivec3(128);
    if (x - inner_x < inner_width && y - inner_y < inner_height) {
        uint column = x - inner_x;
        uint entry = extra_offset * 4 + coefficients + (y - inner_y) * (taps + 2);
        uint first = uint(table[entry]), count = uint(table[entry + 1]);
        uint at = source_offset * 4 + (first - source_row) * inner_width + column;
        ivec3 sum = ivec3(1 << 21);
        for (uint i = 0; i < count; i++, at += inner_width) {
            uint pixel = rows[at];
            sum += ivec3(pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255) * table[entry + 2 + i];
        }
        value = clamp(sum >> 22, 0, 255);
    }
    vec3 scaled = vec3(value) / 255.0;
#if HALF
    pixels[output_offset + y * width + x] = uvec2(packHalf2x16(scaled.xy), packHalf2x16(vec2(scaled.z, 0)));
#else
    pixels[output_offset + y * width + x] = vec4(scaled, 0);
#endif
}
