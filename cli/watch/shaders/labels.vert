#version 450
/* The labels: a plate, the class's name, and four characters of the score. An instance a box, the surest last. */
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"

layout(location = 0) flat out vec4 colour;
layout(location = 1) out vec2 texel;
layout(location = 2) flat out uint kind;
layout(location = 3) flat out vec4 area;

/* White where it reads well (a contrast ratio above 3.2), else black. */
vec3 ink_on(vec3 plate)
{
    float luminance = dot(pow(plate, vec3(2.2)), vec3(0.2126, 0.7152, 0.0722));
    return 1.05 / (luminance + 0.05) > 3.2 ? vec3(1) : vec3(16.0 / 255.0);
}

void main()
{
    uint instance = uint(gl_InstanceIndex);
    int part = gl_VertexIndex / 6;
    gl_Position = vec4(0, 0, 0, 1);
    colour = vec4(0);
    texel = vec2(0);
    kind = 0u;
    area = vec4(0);
    if (instance >= visible)
        return;
    uint index = visible - 1u - instance;
    if (index >= uint(LABELS_MAX))
        return;
    ivec4 plate = plates[index];
    if (plate.x >= plate.z || part > 5)
        return;
    uint class_id = class_of(index);
    vec3 plate_colour = colour_of(class_id);
    ivec4 quad = plate;
    ivec2 from = ivec2(0);
    colour = vec4(plate_colour, 225.0 / 255.0);
    if (part > 0) {
        int padding = int(cap_height * 9u + 10u) / 20;
        int top = plate.y + padding - int(above);
        colour = vec4(ink_on(plate_colour), 1);
        kind = 1u;
        if (part == 1) {
            if (class_id >= class_count || names[class_id].y == 0u)
                return;
            uvec2 name = names[class_id];
            from = ivec2(name.x & 0xFFFFu, name.x >> 16);
            quad = ivec4(plate.x + padding, top, plate.x + padding + int(name.y), top + int(row));
        } else {
            int pitch = int(digit_pitch), place = part - 2; /* of 0.97 */
            uint hundredths = uint(clamp(100.0 * score_of(index) + 0.5, 0.0, 100.0));
            uint sign = place == 0 ? hundredths / 100u : place == 1 ? 10u : place == 2 ? hundredths / 10u % 10u
                                                                                     : hundredths % 10u;
            int width = place == 1 ? int(point_pitch) : pitch;
            int right = plate.z - padding - (place == 0 ? 2 * pitch + int(point_pitch) : (3 - place) * pitch);
            from = ivec2(int(sign) * pitch, 0);
            quad = ivec4(right - width, top, right, top + int(row));
        }
    }
    int corner = gl_VertexIndex % 6;
    gl_Position = place_of(corner_of(vec4(quad), corner));
    texel = corner_of(vec4(from, from + quad.zw - quad.xy), corner);
}
