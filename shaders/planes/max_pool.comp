#version 450
#extension GL_GOOGLE_include_directive : require
// Up to three max pools of one tensor with odd kernels, stride 1 and padding kernel / 2. kernels[] falls from the
// largest; pool i is written behind pool i - 1, `quads` planes each. All of them come from one walk over the largest
// window.
// workgroups: x = ceil(pixels / local size), y = quads of the source, z = batch
#define GVK_USE_PLANES
#include "common.glsl"

void main()
{
    uint pixels = width * height;
    uint pixel = gl_GlobalInvocationID.x;
    if (pixel >= pixels)
        return;
    uint quad = gl_WorkGroupID.y;
    uint item = gl_WorkGroupID.z;
    uint plane = source_offset + item * source_item + quad * pixels;
    int y = int(pixel / width);
    int x = int(pixel) - y * int(width);
    vec4 centre = SOURCE(plane + pixel);
    vec4 most[3] = vec4[3](centre, centre, centre);
    int reach[3] = int[3](int(kernels[0]) / 2, int(kernels[1]) / 2, int(kernels[2]) / 2);
    int top = max(y - reach[0], 0), bottom = min(y + reach[0], int(height) - 1);
    int left = max(x - reach[0], 0), right = min(x + reach[0], int(width) - 1);
    for (int j = top; j <= bottom; j++) {
        for (int i = left; i <= right; i++) {
            vec4 value = SOURCE(plane + uint(j) * width + uint(i));
            int distance = max(abs(j - y), abs(i - x));
            most[0] = larger(most[0], value);
            if (distance <= reach[1])
                most[1] = larger(most[1], value);
            if (distance <= reach[2])
                most[2] = larger(most[2], value);
        }
    }
    uint store = output_offset + item * output_item + quad * pixels + pixel;
    STORE_OUTPUT(store, most[0]);
    if (kernels[1] != 0)
        STORE_OUTPUT(store + quads * pixels, most[1]);
    if (kernels[2] != 0)
        STORE_OUTPUT(store + 2 * quads * pixels, most[2]);
}
