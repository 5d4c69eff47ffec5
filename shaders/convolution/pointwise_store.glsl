// How a pointwise convolution stores a value, by STORE: a constant of the pipeline, or of a shader for each.
//   0  plain
//   1  with the residual (the extra) added
//   2  to the 2 x 2 pixels of an image twice the size
// Included by pointwise.comp and pointwise_chunks.comp.
#ifndef STORE
layout(constant_id = GVK_CONSTANT_STORE) const uint STORE = 0;
#endif
void store(uint output_quad, uint pixel, vec4 value)
{
    uint item = gl_WorkGroupID.z;
    if (STORE == 1)
        value += EXTRA_AT(extra_offset + item * extra_item + output_quad * pixels + pixel);
    value = activate(value);
    uint plane = output_offset + item * output_item;
    if (STORE == 2) {
        uint row = pixel / width;
        uint corner = plane + output_quad * 4 * pixels + row * 4 * width + (pixel - row * width) * 2;
        STORE_OUTPUT(corner, value);
        STORE_OUTPUT(corner + 1, value);
        STORE_OUTPUT(corner + 2 * width, value);
        STORE_OUTPUT(corner + 2 * width + 1, value);
    } else {
        STORE_OUTPUT(plane + output_quad * pixels + pixel, value);
    }
}
