#version 450
// A filled rectangle of each box: two triangles an instance.
layout(location = 0) in vec4 box;
layout(push_constant) uniform push
{
    vec2 size; // of the picture
};

void main()
{
    const vec2 corners[6] = vec2[](vec2(0, 0), vec2(1, 0), vec2(0, 1), vec2(0, 1), vec2(1, 0), vec2(1, 1));
    gl_Position = vec4(mix(box.xy, box.zw, corners[gl_VertexIndex]) / size * 2 - 1, 0, 1);
}
