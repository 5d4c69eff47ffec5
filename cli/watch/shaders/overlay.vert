#version 450
/* The overlay: plates and characters that the host placed, and digits of how many boxes are shown, which only the device
 * knows. An instance each. */
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"

struct Item {
    ivec4 quad;
    uint x, y; /* in the atlas; of a digit of the count x is its place, 0 the last */
    uint kind; /* 0 a plate, 1 a character, 3 a digit of the count */
    uint colour; /* red, green, blue, alpha from the lowest byte */
};
layout(set = 0, binding = 5) readonly buffer Items
{
    Item items[];
};

layout(location = 0) flat out vec4 colour;
layout(location = 1) out vec2 texel;
layout(location = 2) flat out uint kind;
layout(location = 3) flat out vec4 area;

void main()
{
    Item item = items[gl_InstanceIndex];
    ivec2 from = ivec2(item.x, item.y);
    kind = item.kind;
    if (item.kind == 3u) {
        uint value = visible;
        for (uint i = 0u; i < item.x; i++)
            value /= 10u;
        kind = value == 0u && item.x > 0u ? 4u : 1u; /* no leading zeros */
        from = ivec2(int(value % 10u * digit_pitch), 0);
    }
    gl_Position = kind == 4u ? vec4(0, 0, 0, 1) : place_of(corner_of(vec4(item.quad), gl_VertexIndex));
    texel = corner_of(vec4(from, from + item.quad.zw - item.quad.xy), gl_VertexIndex);
    colour = unpackUnorm4x8(item.colour);
    area = vec4(item.quad);
}
