#version 450
/* What a microscope sees of a slide: three smears side by side, each mirrored beyond its edges, so that cells go on there;
 * one fades into the next behind its edge. At a whole number of pixels a smear's own pixels come out unchanged. */
layout(set = 0, binding = 0) uniform sampler2DArray smears;
layout(push_constant) uniform Push
{
    vec2 view; /* the slide's pixel in the upper left corner */
};
layout(location = 0) out vec4 colour;

const float FADE = 110;

vec4 smear(float index, vec2 at)
{
    vec2 size = vec2(textureSize(smears, 0).xy);
    return textureLod(smears, vec3((at - vec2(index * size.x, 0)) / size, index), 0);
}

void main()
{
    float width = float(textureSize(smears, 0).x), last = float(textureSize(smears, 0).z - 1);
    vec2 at = view + gl_FragCoord.xy;
    float seam = clamp(round(at.x / width), 1, last); /* the nearest edge between two smears */
    float right = smoothstep(0, 1, (at.x - seam * width) / FADE);
    if (right == 0 || right == 1)
        colour = smear(seam - 1 + right, at);
    else
        colour = mix(smear(seam - 1, at), smear(seam, at), right);
}
