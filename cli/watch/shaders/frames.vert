#version 450
/* The frames around the boxes: four quads each, with a shadow of a pixel around them. An instance a box, the surest
 * last. */
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"

layout(location = 0) flat out vec4 colour;
layout(location = 1) out vec2 texel;
layout(location = 2) flat out uint kind;
layout(location = 3) flat out vec4 area;

void main()
{
    uint instance = uint(gl_InstanceIndex);
    int side = gl_VertexIndex / 6;
    gl_Position = vec4(0, 0, 0, 1);
    colour = vec4(0);
    texel = vec2(0);
    kind = 2u;
    area = vec4(0);
    if (instance >= visible || side >= 4)
        return;
    uint index = visible - 1u - instance;
    ivec4 frame = frame_of(index), outer = frame + ivec4(-1, -1, 1, 1);
    ivec4 inner = frame + ivec4(line, line, -int(line), -int(line));
    bool filled = inner.x >= inner.z || inner.y >= inner.w; /* narrower than two lines */
    if (filled && side > 0)
        return;
    ivec4 quad = filled      ? outer
                 : side == 0 ? ivec4(outer.xyz, inner.y)
                 : side == 1 ? ivec4(outer.x, inner.w, outer.zw)
                 : side == 2 ? ivec4(outer.x, inner.y, inner.x, inner.w)
                             : ivec4(inner.z, inner.y, outer.z, inner.w);
    gl_Position = place_of(corner_of(vec4(quad), gl_VertexIndex % 6));
    colour = vec4(colour_of(class_of(index)), 1);
    area = vec4(frame);
}
