#version 450
/* A gvk_detection as four thin quads around it and a bar above, as long as its score. An instance a box; five quads of
 * six vertices. */
layout(location = 0) in vec4 box; /* x1, y1, x2, y2 in pixels */
layout(location = 1) in float score;
layout(location = 2) in uint class_id;
layout(push_constant) uniform Push
{
    vec2 extent; /* of the screen, in pixels */
    float opacity;
    float thickness; /* in pixels */
    uint white;      /* 1: instead of the class's colour */
};
layout(location = 0) out vec4 box_colour;

const vec3 COLOURS[3] = vec3[](vec3(0.0, 0.62, 0.45), vec3(1.0, 0.52, 0.0), vec3(0.08, 0.38, 0.95));

void main()
{
    float t = thickness;
    vec4 b = round(box), quad;
    switch (gl_VertexIndex / 6) {
    case 0: quad = vec4(b.x - t, b.y - t, b.z + t, b.y); break;
    case 1: quad = vec4(b.x - t, b.w, b.z + t, b.w + t); break;
    case 2: quad = vec4(b.x - t, b.y, b.x, b.w); break;
    case 3: quad = vec4(b.z, b.y, b.z + t, b.w); break;
    default: quad = vec4(b.x - t, b.y - 4 * t, b.x - t + (b.z - b.x + 2 * t) * score, b.y - 2 * t);
    }
    int corner = gl_VertexIndex % 6; /* of two triangles: 0 1 2, 2 1 3 */
    corner = corner < 3 ? corner : corner == 3 ? 2 : corner == 4 ? 1 : 3;
    vec2 at = vec2((corner & 1) != 0 ? quad.z : quad.x, (corner & 2) != 0 ? quad.w : quad.y);
    gl_Position = vec4(at / extent * 2 - 1, 0, 1);
    box_colour = vec4(white != 0 ? vec3(1) : COLOURS[class_id % 3], opacity);
}
