#version 450
#extension GL_GOOGLE_include_directive : require
// The spatial pyramid's three max pools, 13 x 13, 9 x 9 and 5 x 5, stride 1, in the forms of CPU devices: pool i is
// written behind pool i - 1, `quads` planes each. A lane computes whole planes: 5 x 5 of the source, 5 x 5 of that, which
// is 9 x 9, and again, which is 13 x 13; each along its rows and then, in place, along its columns. Nobody else reads what
// a lane wrote, so this takes no barrier, and the program is three short loops, which compile at once.
// workgroups: x = ceil(quads of the source / local size), z = batch
#define GVK_USE_PLANES
#define OUTPUT_ACCESS
#include "common.glsl"

// Five values in a row, as pairs: a step ahead along a line takes three comparisons.
struct window {
    vec4 first, second, third; // pairs that begin two before the centre, one before it, and at it
    vec4 next;                 // the value behind the centre
};

window begin(vec4 value, vec4 next)
{
    // Values outside are read as the nearest inside, which changes no maximum.
    return window(value, value, larger(value, next), next);
}

vec4 move(inout window w, vec4 ahead)
{
    vec4 most = larger(larger(w.first, w.third), ahead);
    w.first = w.second;
    w.second = w.third;
    w.third = larger(w.next, ahead);
    w.next = ahead;
    return most;
}

void main()
{
    uint quad = gl_GlobalInvocationID.x;
    if (quad >= quads)
        return;
    uint pixels = width * height;
    uint item = gl_WorkGroupID.z;
    uint source = source_offset + item * source_item + quad * pixels;
    uint pool = quads * pixels; // from one to the next
    uint to = output_offset + item * output_item + quad * pixels + 3 * pool;
    [[dont_unroll]] for (uint stage = 0; stage < 3; stage++) {
        to -= pool;
        [[dont_unroll]] for (uint row = 0; row < pixels; row += width) {
            if (stage == 0) {
                uint from = source + row;
                window w = begin(SOURCE(from), SOURCE(from + min(1, width - 1)));
                [[dont_unroll]] for (uint x = 0; x < width; x++)
                    STORE_OUTPUT(to + row + x, move(w, SOURCE(from + min(x + 2, width - 1))));
            } else {
                uint from = to + pool + row;
                window w = begin(output_data[from], output_data[from + min(1, width - 1)]);
                [[dont_unroll]] for (uint x = 0; x < width; x++)
                    STORE_OUTPUT(to + row + x, move(w, output_data[from + min(x + 2, width - 1)]));
            }
        }
        [[dont_unroll]] for (uint x = 0; x < width; x++) {
            uint column = to + x;
            window w = begin(output_data[column], output_data[column + min(1, height - 1) * width]);
            [[dont_unroll]] for (uint y = 0; y < height; y++)
                STORE_OUTPUT(column + y * width, move(w, output_data[column + min(y + 2, height - 1) * width]));
        }
    }
}
