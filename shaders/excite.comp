#version 450
#extension GL_GOOGLE_include_directive : require
// The two linear layers of squeeze-excite behind the average pool: gate = hard_sigmoid(expand(relu(reduce(pooled)))).
// source   channels_quads vec4s (the pooled channels)   output   channels_quads vec4s (the gate)
// weights  reduce [reduced quad][channel quad][4] vec4s of four inputs, bias; expand [channel quad][reduced quad][4], bias
// Limit: reduced_quads <= GVK_EXCITE_QUADS, which one workgroup keeps in shared memory.
// workgroups: x = 1, y = 1, z = batch
#define GVK_USE_EXCITE
#include "common.glsl"

shared vec4 reduced[GVK_EXCITE_QUADS];

void main()
{
    uint item = gl_WorkGroupID.z;
    uint read = source_offset + item * source_item;
    for (uint quad = gl_LocalInvocationID.x; quad < reduced_quads; quad += gl_WorkGroupSize.x) {
        vec4 sum = WEIGHT(weights_offset + reduce_bias + quad);
        uint weight = weights_offset + quad * channels_quads * 4;
        for (uint k = 0; k < channels_quads; k++, weight += 4)
            sum += SOURCE(read + k) * mat4(WEIGHT(weight), WEIGHT(weight + 1), WEIGHT(weight + 2), WEIGHT(weight + 3));
        reduced[quad] = mix(sum, vec4(0), lessThan(sum, vec4(0)));
    }
    barrier();
    for (uint quad = gl_LocalInvocationID.x; quad < channels_quads; quad += gl_WorkGroupSize.x) {
        vec4 sum = WEIGHT(weights_offset + expand_bias + quad);
        uint weight = weights_offset + expand + quad * reduced_quads * 4;
        for (uint k = 0; k < reduced_quads; k++, weight += 4)
            sum += reduced[k] * mat4(WEIGHT(weight), WEIGHT(weight + 1), WEIGHT(weight + 2), WEIGHT(weight + 3));
        STORE_OUTPUT(output_offset + item * output_item + quad, activate(sum));
    }
}
