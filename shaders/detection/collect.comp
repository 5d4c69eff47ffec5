#version 450
#extension GL_GOOGLE_include_directive : require
// The kept candidates as detections: corners in pixels of the source picture, clipped to what the network saw of it
// unless the push constants say otherwise; and an indirect draw an item, whose instances are the item's detections.
// source   kept candidates by item, best score first, behind their number        extra   the state
// weights  the frame's parameters        output   the result (shared.h)
// workgroups: x = ceil(capacity / local size); the capacity is at least the batch
#define GVK_USE_COLLECT
#include "detection.glsl"
layout(local_size_x_id = 0) in;
layout(std430, binding = GVK_BINDING_OUTPUT) writeonly buffer output_buffer
{
    uvec4 result[];
};
layout(std430, binding = GVK_BINDING_EXTRA) readonly buffer extra_buffer
{
    uint state[];
};
layout(std430, binding = GVK_BINDING_WEIGHTS) readonly buffer parameters_buffer
{
    vec4 parameters[];
};

void main()
{
    uint header = extra_offset * 4, not_finite = state[header + GVK_STATE_NOT_FINITE];
    uint kept = not_finite != 0 ? 0 : ranked[source_offset].x;
    uint mine = gl_GlobalInvocationID.x;
    if (mine == 0)
        result[output_offset] = uvec4(kept, min(state[header + GVK_STATE_CANDIDATES], capacity), not_finite, 0);
    if (mine < batch) {
        uint first = first_of(mine, kept), end = first_of(mine + 1, kept);
        result[output_offset + 1 + mine] = uvec4(vertices, min(end - first, max_detections), 0, first);
    }
    if (mine >= kept)
        return;
    uvec4 key = ranked[source_offset + 2 + 2 * mine];
    uint frame = weights_offset + GVK_FRAME_PARAMETERS_FRONT + key.z * GVK_FRAME_PARAMETERS_ITEM;
    vec4 mapping = parameters[frame];
    vec4 picture = parameters[frame + 1];
    vec4 box = uintBitsToFloat(ranked[source_offset + 1 + 2 * mine]);
    vec4 corners = vec4(box.xy - box.zw / 2, box.xy + box.zw / 2);
    corners = (corners - mapping.zwzw) * mapping.xyxy * picture.xyxy;
    uint at = output_offset + 1 + batch + 2 * mine;
    vec4 low = unclipped != 0 ? vec4(-GVK_FARTHEST) : vec4(0);
    vec4 high = unclipped != 0 ? vec4(GVK_FARTHEST) : picture.xyxy;
    result[at] = floatBitsToUint(clamp(corners, low, high) + picture.zwzw);
    result[at + 1] = key;
}
