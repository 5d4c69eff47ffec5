#version 450
#extension GL_GOOGLE_include_directive : require
// First pass of the resize: rows of the uploaded picture to rows of the inner width, as Pillow's BICUBIC does it:
// antialiased, coefficients in 22-bit fixed point, rounded and clipped to 8 bits.
// source   the upload or a buffer of the host's: 3 or 4 bytes a pixel at any byte, the next one of a row pixel_step
//          bytes behind it, the next row row_step; both may go backwards, and pixels may be the further apart
// extra    for each output column: first source column, count, then `taps` coefficients
// output   one uint a pixel (R in the low byte), source_height rows of inner_width
// A dispatch computes a strip of rows: source and output begin with the first of them, source_height is their number.
// A lane computes GVK_RESIZE_ROWS rows of a column with each coefficient that it loads.
// workgroups: x = ceil(inner_width / local size), y = ceil(source_height / GVK_RESIZE_ROWS)
#extension GL_EXT_control_flow_attributes : require
#define GVK_USE_RESIZE
#include "shared.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uint rows[];
};
layout(std430, binding = GVK_BINDING_SOURCE) readonly buffer source_buffer
{
    uint words[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    int table[];
};

// The first three bytes at any byte: they lie in one word or in two.
ivec3 pixel_at(uint index)
{
    uint shift = 8 * (index % 4);
    uint value = words[index / 4] >> shift;
    if (shift > 8)
        value |= words[index / 4 + 1] << 32 - shift;
    return ivec3(value & 255, value >> 8 & 255, value >> 16 & 255);
}

void main()
{
    uint column = gl_GlobalInvocationID.x;
    uint row = gl_WorkGroupID.y * GVK_RESIZE_ROWS;
    if (column >= inner_width)
        return;
    uint entry = extra_offset * 4 + coefficients + column * (taps + 2);
    uint first = uint(table[entry]), count = uint(table[entry + 1]);
    uint at[GVK_RESIZE_ROWS];
    ivec3 sum[GVK_RESIZE_ROWS];
    [[unroll]] for (uint r = 0; r < GVK_RESIZE_ROWS; r++) {
        at[r] = source_offset * 16 + pixels_byte + min(row + r, source_height - 1) * row_step + first * pixel_step;
        sum[r] = ivec3(1 << 21);
    }
    for (uint i = 0; i < count; i++) {
        int coefficient = table[entry + 2 + i];
        [[unroll]] for (uint r = 0; r < GVK_RESIZE_ROWS; r++) {
            sum[r] += pixel_at(at[r]) * coefficient;
            at[r] += pixel_step;
        }
    }
    [[unroll]] for (uint r = 0; r < GVK_RESIZE_ROWS; r++) {
        uvec3 value = uvec3(clamp(sum[r] >> 22, 0, 255));
        if (red_first == 0)
            value = value.zyx;
        if (row + r < source_height)
            rows[output_offset * 4 + (row + r) * inner_width + column] = value.x | value.y << 8 | value.z << 16;
    }
}
