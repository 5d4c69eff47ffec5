#version 450
#extension GL_GOOGLE_include_directive : require
// First pass of the resize of a picture that is an image: what resize_horizontal.comp does with bytes, with texels that
// are rounded to 8 bits first.
// IMAGE    1: R, G, B of one image       2: the same through a sampler, which converts from YCbCr
//          3: Y of one image, Cb and Cr of another of half the size; a pixel takes the chroma of its block of 2 x 2
// extra, output, rows and workgroups as in resize_horizontal.comp
// Pixel (u, v) of what is looked at lies at origin + u * across + v * down of the image.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#define GVK_USE_RESIZE_IMAGE
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uint rows[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    int table[];
};
#if IMAGE == 2
layout(set = 1, binding = GVK_BINDING_PICTURE) uniform sampler2D picture;
#else
layout(set = 1, binding = GVK_BINDING_PICTURE) uniform texture2D picture;
#endif
#if IMAGE == 3
layout(set = 1, binding = GVK_BINDING_CHROMA) uniform texture2D chroma;
#endif

// From 0 to 1.
vec3 value_at(ivec2 at)
{
#if IMAGE == 3
    float luma = texelFetch(picture, at, 0).x * luma_scale + luma_offset;
    vec2 differences = texelFetch(chroma, at / 2, 0).xy * chroma_scale + chroma_offset;
    vec3 value = luma + vec3(red_of_cr * differences.y, green_of_cb * differences.x + green_of_cr * differences.y,
                             blue_of_cb * differences.x);
#elif IMAGE == 2
    vec3 value = textureLod(picture, (vec2(at) + 0.5) * vec2(unit_x, unit_y), 0).rgb;
#else
    vec3 value = texelFetch(picture, at, 0).rgb;
#endif
    return mix(vec3(0), min(value, 1), greaterThan(value, vec3(0))); // what is not a number becomes 0, too
}

ivec3 pixel_at(ivec2 at)
{
    vec3 value = value_at(at);
    if (is_linear != 0) // the curve of IEC 61966-2-1
        value = mix(12.92 * value, 1.055 * pow(value, vec3(1 / 2.4)) - 0.055, greaterThan(value, vec3(0.0031308)));
    return ivec3(value * 255 + 0.5);
}

void main()
{
    uint column = gl_GlobalInvocationID.x;
    uint row = gl_WorkGroupID.y * GVK_RESIZE_ROWS;
    if (column >= inner_width)
        return;
    uint entry = extra_offset * 4 + column * (taps + 2);
    int first = table[entry];
    uint count = uint(table[entry + 1]);
    ivec2 across = ivec2(across_x, across_y), down = ivec2(down_x, down_y);
    ivec2 at[GVK_RESIZE_ROWS];
    ivec3 sum[GVK_RESIZE_ROWS];
    [[unroll]] for (uint r = 0; r < GVK_RESIZE_ROWS; r++) {
        at[r] = ivec2(origin_x, origin_y) + first * across + int(min(row + r, source_height - 1)) * down;
        sum[r] = ivec3(1 << 21);
    }
    for (uint i = 0; i < count; i++) {
        int coefficient = table[entry + 2 + i];
        [[unroll]] for (uint r = 0; r < GVK_RESIZE_ROWS; r++) {
            sum[r] += pixel_at(at[r]) * coefficient;
            at[r] += across;
        }
    }
    [[unroll]] for (uint r = 0; r < GVK_RESIZE_ROWS; r++) {
        uvec3 value = uvec3(clamp(sum[r] >> 22, 0, 255));
        if (row + r < source_height)
            rows[output_offset * 4 + (row + r) * inner_width + column] = value.x | value.y << 8 | value.z << 16;
    }
}
