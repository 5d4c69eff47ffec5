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
    uint to = output_offset + item * output_item + quad * pixels + 2 * pool;
    [[dont_unroll]] for (uint row = 0; row < pixels; row += width) {
        uint from = source + row;
        window w = begin(SOURCE(from), SOURCE(from + min(1, width - 1)));
        [[dont_unroll]] for (uint x = 0; x < width; x++)
            STORE_OUTPUT(to + row + x, move(w, SOURCE(from + min(x + 2, width - 1))));
    }
    // The other five passes are one code: the 5 x 5's columns in place, then rows of a pool into the next one, and so on.
    uint read = to;
    [[dont_unroll]] for (uint pass = 1; pass < 6; pass++) {
        bool columns = pass % 2 == 1;
        uint step = columns ? width : 1, length = columns ? height : width;
        uint next_line = columns ? 1 : width, lines = columns ? width : height;
        [[dont_unroll]] for (uint line = 0; line < lines; line++) {
            uint from = read + line * next_line, end = from + (length - 1) * step, at = to + line * next_line;
            window w = begin(output_data[from], output_data[min(from + step, end)]);
            [[dont_unroll]] for (uint i = 0; i < length; i++) {
                STORE_OUTPUT(at, move(w, output_data[min(from + 2 * step, end)]));
                from += step;
                at += step;
            }
        }
        read = to;
        to -= columns ? pool : 0;
    }
}
