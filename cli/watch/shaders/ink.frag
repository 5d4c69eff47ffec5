#version 450
/* Frames, plates and characters. */
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"
#include "light.glsl"

layout(set = 0, binding = 1) uniform sampler2D atlas;

layout(location = 0) flat in vec4 colour;
layout(location = 1) in vec2 texel;
layout(location = 2) flat in uint kind;
layout(location = 3) flat in vec4 area;
layout(location = 0) out vec4 drawn;

void main()
{
    vec4 result = colour;
    if (kind == 1u) {
        result.a *= texelFetch(atlas, ivec2(texel), 0).r;
    } else if (kind == 2u) { /* a frame: outside of its area is its shadow */
        vec2 at = gl_FragCoord.xy;
        if (at.x < area.x || at.y < area.y || at.x > area.z || at.y > area.w)
            result = vec4(0, 0, 0, 70.0 / 255.0);
    }
    drawn = vec4(as_written(result.rgb), result.a);
}
