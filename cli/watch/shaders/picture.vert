#version 450
/* The picture, where it is in the window. */
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"

layout(location = 0) out vec2 at; /* 0 to 1 */

void main()
{
    at = corner_of(vec4(0, 0, 1, 1), gl_VertexIndex);
    gl_Position = place_of(origin + at * extent);
}
