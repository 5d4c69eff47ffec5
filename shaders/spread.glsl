// How a weight that one lane of a subgroup loaded reaches all of them. SPREAD:
//   0  it need not: every lane loads it from an address that is the same for the workgroup (a scalar load on AMD, NVIDIA)
//   1  subgroupShuffle (lavapipe)
//   2  subgroupBroadcast (SwiftShader, Intel)
// `lane` is a constant once the loops around it are unrolled.
#if SPREAD == 1
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#define HAND_ROUND(value, lane) subgroupShuffle(value, lane)
#elif SPREAD == 2
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
// GLSL wants a literal here, so the choice is written out, and gone after unrolling.
vec4 HAND_ROUND(vec4 value, uint lane)
{
    if (lane == 0)
        return subgroupBroadcast(value, 0);
    if (lane == 1)
        return subgroupBroadcast(value, 1);
    if (lane == 2)
        return subgroupBroadcast(value, 2);
    return subgroupBroadcast(value, 3);
}
#endif
