#version 450
#extension GL_GOOGLE_include_directive : require
// The two linear layers of squeeze-excite behind the average pool: gate = hard_sigmoid(expand(relu(reduce(pooled)))).
// source   channels_quads vec4s (the pooled channels)   output   channels_quads vec4s (the gate)
// weights  reduce [reduced quad][channel quad][4] vec4s of four inputs, bias; expand [channel quad][reduced quad][4], bias
// Limit: reduced_quads <= GVK_EXCITE_QUADS, which one workgroup keeps in shared memory.
// SPLIT 1: where there are more lanes than output quads, several share the inputs of one (split.glsl).
// workgroups: x = 1, y = 1, z = batch
#define GVK_USE_EXCITE
#include "common.glsl"
#include "split.glsl"

shared vec4 reduced[GVK_EXCITE_QUADS];

#define INPUT_OF_REDUCE(k) SOURCE(read + k)
#define INPUT_OF_EXPAND(k) reduced[k]
// Sets `sum` to this lane's part of the row whose weights begin at `weight`.
#define SUM_SLICE(INPUT, inputs)                                                                                       \
    for (uint k = lane % slices; there && k < inputs; k += slices) {                                                   \
        uint w = weight + 4 * k;                                                                                       \
        ADD_PRODUCT(sum, INPUT(k), mat4(WEIGHT(w), WEIGHT(w + 1), WEIGHT(w + 2), WEIGHT(w + 3)));                      \
    }

void main()
{
    uint item = gl_WorkGroupID.z;
    uint lane = gl_LocalInvocationID.x;
    uint read = source_offset + item * source_item;

    uint slices = slices_for(reduced_quads);
    for (uint first = 0; first < reduced_quads; first += gl_WorkGroupSize.x / slices) {
        uint quad = first + lane / slices;
        bool there = quad < reduced_quads;
        uint weight = weights_offset + quad * channels_quads * 4;
        vec4 sum = vec4(0);
        SUM_SLICE(INPUT_OF_REDUCE, channels_quads)
        sum = add_slices(sum, slices);
        if (there && lane % slices == 0) {
            sum += WEIGHT(weights_offset + reduce_bias + quad);
            reduced[quad] = mix(max(sum, vec4(0)), sum, is_nan(sum));
        }
    }
    barrier();
    slices = slices_for(channels_quads);
    for (uint first = 0; first < channels_quads; first += gl_WorkGroupSize.x / slices) {
        uint quad = first + lane / slices;
        bool there = quad < channels_quads;
        uint weight = weights_offset + expand + quad * reduced_quads * 4;
        vec4 sum = vec4(0);
        SUM_SLICE(INPUT_OF_EXPAND, reduced_quads)
        sum = add_slices(sum, slices);
        if (there && lane % slices == 0) {
            sum += WEIGHT(weights_offset + expand_bias + quad);
            STORE_OUTPUT(output_offset + item * output_item + quad, activate(sum));
        }
    }
}
