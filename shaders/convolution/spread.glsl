// How a weight that one lane of a subgroup loaded reaches all of them. SPREAD:
//   0  it need not: every lane loads it from an address that is the same for the workgroup (a scalar load on AMD, NVIDIA)
//   1  subgroupShuffle (lavapipe until Mesa 22)
//   2  subgroupBroadcast (lavapipe from Mesa 23 on, SwiftShader, Intel)
// `lane` is a constant once the loops around it are unrolled.
#if SPREAD == 1
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#define HAND_ROUND(value, lane) subgroupShuffle(value, lane)
#elif SPREAD == 2
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
// GLSL wants a literal here, so the choice is written out, and gone after unrolling.
#define GVK_BROADCAST(l)                                                                                               \
    if (lane == l)                                                                                                     \
        return subgroupBroadcast(value, l);
vec4 HAND_ROUND(vec4 value, uint lane)
{
    GVK_BROADCAST(0) GVK_BROADCAST(1) GVK_BROADCAST(2)
#if SUBGROUP > 4
    GVK_BROADCAST(3) GVK_BROADCAST(4) GVK_BROADCAST(5) GVK_BROADCAST(6) GVK_BROADCAST(7)
    GVK_BROADCAST(8) GVK_BROADCAST(9) GVK_BROADCAST(10) GVK_BROADCAST(11) GVK_BROADCAST(12) GVK_BROADCAST(13)
    GVK_BROADCAST(14)
#endif
    return subgroupBroadcast(value, SUBGROUP - 1);
}
#endif

// The weights of a block of QUADS output quads for one input quad, which begin at `weight`: LOAD_BLOCK once, with the lane
// in the subgroup, and then BLOCK_MATRIX for each output quad j. A load holds SUBGROUP of them; a block may have fewer.
// Another block's are loaded one by one with BLOCK_LOAD, the n-th of BLOCK_LOADS, and taken with LOADED_MATRIX out of an
// array in which they begin at `at`.
#if SPREAD == 0
#define BLOCK_LOADS                 (4 * QUADS)
#define BLOCK_LOAD(weight, lane, n) WEIGHT(weight + (n))
#define LOADED_MATRIX(loaded, at, j)                                                                                   \
    mat4(loaded[at + 4 * j], loaded[at + 4 * j + 1], loaded[at + 4 * j + 2], loaded[at + 4 * j + 3])
#define LOAD_BLOCK(weight, lane)
#define BLOCK_MATRIX(weight, j)                                                                                        \
    mat4(WEIGHT(weight + 4 * j), WEIGHT(weight + 4 * j + 1), WEIGHT(weight + 4 * j + 2), WEIGHT(weight + 4 * j + 3))
#else
#define BLOCK_LOADS                 ((4 * QUADS + SUBGROUP - 1) / SUBGROUP)
#define BLOCK_LOAD(weight, lane, n) WEIGHT(weight + (n) * SUBGROUP + lane)
#define LOADED_MATRIX(loaded, at, j)                                                                                   \
    mat4(HAND_ROUND(loaded[at + 4 * j / SUBGROUP], 4 * j % SUBGROUP),                                                  \
         HAND_ROUND(loaded[at + (4 * j + 1) / SUBGROUP], (4 * j + 1) % SUBGROUP),                                      \
         HAND_ROUND(loaded[at + (4 * j + 2) / SUBGROUP], (4 * j + 2) % SUBGROUP),                                      \
         HAND_ROUND(loaded[at + (4 * j + 3) / SUBGROUP], (4 * j + 3) % SUBGROUP))
#define LOAD_BLOCK(weight, lane)                                                                                       \
    vec4 mine[BLOCK_LOADS];                                                                                            \
    [[unroll]] for (uint n = 0; n < BLOCK_LOADS; n++)                                                                  \
        mine[n] = BLOCK_LOAD(weight, lane, n);
#define BLOCK_MATRIX(weight, j) LOADED_MATRIX(mine, 0, j)
#endif

// The products of `count` input quads from k on. First all that is read of them, so that as many loads are under way at
// once; of the weights those of `group` quads, then those of the next ones. `own` is the lane in the subgroup; PLACE(p, u)
// says where pixel p of the input quad k + u is, FACTOR(k) is a quad's gate.
#define SUM_QUADS(count, group, own)                                                                                   \
    {                                                                                                                  \
        vec4 x[count * PIXELS];                                                                                        \
        [[unroll]] for (uint u = 0; u < count; u++) {                                                                  \
            [[unroll]] for (uint p = 0; p < PIXELS; p++)                                                               \
                x[u * PIXELS + p] = SOURCE(PLACE(p, u));                                                               \
        }                                                                                                              \
        if (EXTRA == GVK_EXTRA_GATE) {                                                                                 \
            vec4 factor[count];                                                                                        \
            [[unroll]] for (uint u = 0; u < count; u++)                                                                \
                factor[u] = FACTOR(k + u);                                                                             \
            [[unroll]] for (uint n = 0; n < count * PIXELS; n++)                                                       \
                x[n] *= factor[n / PIXELS];                                                                            \
        }                                                                                                              \
        [[unroll]] for (uint first_of = 0; first_of < count; first_of += group) {                                      \
            vec4 loaded[group * BLOCK_LOADS];                                                                          \
            [[unroll]] for (uint u = 0; u < group; u++) {                                                              \
                [[unroll]] for (uint n = 0; n < BLOCK_LOADS; n++)                                                      \
                    loaded[u * BLOCK_LOADS + n] = BLOCK_LOAD(weight + (first_of + u) * OUTPUTS, own, n);               \
            }                                                                                                          \
            [[unroll]] for (uint u = 0; u < group; u++) {                                                              \
                [[unroll]] for (uint j = 0; j < QUADS; j++) {                                                          \
                    mat4 w = LOADED_MATRIX(loaded, u * BLOCK_LOADS, j);                                                \
                    [[unroll]] for (uint p = 0; p < PIXELS; p++)                                                       \
                        ADD_PRODUCT(sum[j * PIXELS + p], x[(first_of + u) * PIXELS + p], w);                           \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        weight += count * OUTPUTS;                                                                                     \
    }
// Weights of so many quads are read ahead: of two where they are once for a subgroup, in the 100 registers that AMD has for
// such values.
#if SPREAD == 0 && !HALF
#define GROUP 2
#else
#define GROUP AHEAD
#endif
