// A sum that lanes of a workgroup share, added up through shared memory: slice s of `slices`, a power of two, is at
// lane first + s. All lanes of the workgroup come here together; slice 0 has the whole sum. Shared memory may be used
// again behind a barrier. SPLIT 0, for CPU devices, which make a coroutine of a shader with a barrier: a lane has all.
#if SPLIT
shared vec4 handed[GVK_SPLIT_LANES];

vec4 add_slices(vec4 sum, uint slices)
{
    uint lane = gl_LocalInvocationID.x;
    handed[lane] = sum;
    for (uint others = slices / 2; others > 0; others /= 2) {
        barrier();
        if (lane % slices < others)
            handed[lane] += handed[lane + others];
    }
    return handed[lane];
}
#else
#define add_slices(sum, slices) sum
#endif

// So many lanes there are for each of `rows` sums.
uint slices_for(uint rows)
{
    uint slices = 1;
#if SPLIT
    while (2 * slices * rows <= gl_WorkGroupSize.x)
        slices *= 2;
#endif
    return slices;
}
