#version 450
/* The picture made smaller by the mean of what a pixel covers, larger by interpolation. */
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"
#include "light.glsl"

layout(set = 0, binding = 0) uniform sampler2D picture;

layout(location = 0) in vec2 at;
layout(location = 0) out vec4 drawn;

void main()
{
    vec2 step = 1.0 / extent;
    ivec2 taps = clamp(ivec2(ceil(picture_size / extent - 0.01)), ivec2(1), ivec2(8));
    vec3 sum = vec3(0);
    for (int y = 0; y < taps.y; y++)
        for (int x = 0; x < taps.x; x++)
            sum += textureLod(picture, at + ((vec2(x, y) + 0.5) / vec2(taps) - 0.5) * step, 0.0).rgb;
    drawn = vec4(as_written(sum / float(taps.x * taps.y)), 1);
}
