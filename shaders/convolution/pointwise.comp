#version 450
#extension GL_GOOGLE_include_directive : require
// Pointwise (1 x 1) convolution with bias, gate, residual, activation and upsampling store: 97 % of the arithmetic.
//
// source   input_quads planes of `pixels` vec4s        output   output_quads planes
// weights  [output block][input quad][4 * QUADS outputs] vec4s of four inputs each; then the bias, a vec4 a quad
// A lane computes QUADS output quads for PIXELS pixels that lie STRIDE apart, so that neighbouring lanes read
// neighbouring pixels. Any channel counts, pixel counts and batch; weights and bias are padded to whole blocks.
// workgroups: x = ceil(pixels / (local size * PIXELS)), y = output blocks, z = batch; with lavapipe's forms (SPREAD
//   and texels) and blocks_first x and y the other way round
// STORE: see pointwise_store.glsl.
// EXTRA gate: the source is multiplied by one factor a channel.
// SLICES > 1: as many parts of a workgroup each sum up a part of the inputs for the same pixels, the first part adds what
//   the others hand it through shared memory, and stores. The parts are whole subgroups, so that a part's weights are
//   the same for all lanes of one. x = ceil(pixels / (local size / SLICES * PIXELS)).
// AHEAD > 1, for GPUs: so many input quads a step, what is read of them first (spread.glsl's SUM_QUADS): a step waits for
//   memory once. MODE GVK_STEPS_AT_ONCE: all of its weights, too, for devices of many registers; GVK_SINGLE_STEPS: steps of
//   one quad all the same, for devices of few.
// HALF_SUMS, with SPREAD 0: see SUM_UP. The four vec4s of an input quad and an output quad are then the four outputs of
//   an input each, so that two outputs' products are one instruction where the device computes two fp16 at a time.
// SPREAD, with SUBGROUP lanes: see spread.glsl.
// STORE_LOOP: how the sums are stored. On lavapipe a store is code for each lane, and takes longer to compile than all else.
//   0  each by code of its own
//   1  in a loop that indexes the array of sums: lavapipe of Mesa 23 to 25.0 then has them in memory, where they would be
//      anyway; later ones would read it lane by lane
//   2  in a loop over the output quads, in which the sums move up by a quad each time
#include "spread.glsl"
#ifndef SLICES
#define SLICES 1
#endif
#if SLICES > 1
#extension GL_KHR_shader_subgroup_basic : require
#endif
#if SPREAD == 0
#define SUBGROUP gl_SubgroupSize
#endif
#define GVK_USE_POINTWISE
#include "common.glsl"
#include "pointwise_store.glsl"

#ifndef AHEAD
#define AHEAD 1
#endif
#if SLICES > GVK_MOST_SLICES || AHEAD > GVK_MOST_AHEAD || (HALF_SUMS && HALF_SUMS > GVK_MOST_AHEAD)
#error shared.h tells proofs of fewer
#endif

const uint OUTPUTS = 4 * QUADS;
#if SLICES > 1
shared vec4 handed[(SLICES - 1) * QUADS * PIXELS * GVK_SLICE_LANES];
#endif

#if HALF_SUMS
// `count` input quads: their products in fp16, their sum too, that one then in fp32. What is summed up in fp16 lives
// within a step: carried over a branch, AMD's compiler would take the pairs of values apart. All that is read is read before
// the first product, so that as many loads are under way at once; `group` 1: quad by quad, which takes fewer registers.
#define SUM_UP(count, group)                                                                                           \
    {                                                                                                                  \
        f16vec4 part[QUADS * PIXELS];                                                                                  \
        [[unroll]] for (uint first_of = 0; first_of < count; first_of += group) {                                      \
            f16vec4 x[group * PIXELS], w[group * OUTPUTS];                                                             \
            [[unroll]] for (uint n = 0; n < group * PIXELS; n++)                                                       \
                x[n] = HALF_SOURCE(READ + (first_of + n / PIXELS) * pixels + n % PIXELS * STRIDE);                     \
            [[unroll]] for (uint n = 0; n < group * OUTPUTS; n++)                                                      \
                w[n] = HALF_WEIGHT(weight + first_of * OUTPUTS + n);                                                   \
            if (EXTRA == GVK_EXTRA_GATE) {                                                                             \
                [[unroll]] for (uint u = 0; u < group; u++) {                                                          \
                    f16vec4 factor = f16vec4(EXTRA_AT(gate + k + first_of + u));                                       \
                    [[unroll]] for (uint p = 0; p < PIXELS; p++)                                                       \
                        x[u * PIXELS + p] *= factor;                                                                   \
                }                                                                                                      \
            }                                                                                                          \
            [[unroll]] for (uint u = 0; u < group; u++) {                                                              \
                [[unroll]] for (uint i = 0; i < 4; i++) {                                                              \
                    [[unroll]] for (uint n = 0; n < QUADS * PIXELS; n++) {                                             \
                        f16vec4 factor = f16vec4(x[u * PIXELS + n % PIXELS][i]);                                       \
                        f16vec4 weights = w[u * OUTPUTS + 4 * (n / PIXELS) + i];                                       \
                        part[n] = first_of + u + i == 0 ? factor * weights : fma(factor, weights, part[n]);            \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        [[unroll]] for (uint n = 0; n < QUADS * PIXELS; n++)                                                           \
            sum[n] += vec4(part[n]);                                                                                   \
        weight += count * OUTPUTS;                                                                                     \
    }
#endif

void main()
{
#if SPREAD && SOURCE_TEXELS
    uint block = blocks_first > 0 ? gl_WorkGroupID.x : gl_WorkGroupID.y;
    uint group = blocks_first > 0 ? gl_WorkGroupID.y : gl_WorkGroupID.x;
#else
    uint block = gl_WorkGroupID.y, group = gl_WorkGroupID.x;
#endif
#if SLICES > 1
    const uint STRIDE = GVK_SLICE_LANES;
    uint lane = gl_SubgroupInvocationID;
    uint before = gl_SubgroupID * SUBGROUP; // lanes of the subgroups in front
    uint slice = before / GVK_SLICE_LANES;
    uint place = before % GVK_SLICE_LANES + lane; // in the slice
    uint first = group * GVK_SLICE_LANES * PIXELS + place;
    uint share = (input_quads + SLICES - 1) / SLICES;
    uint begin = min(slice * share, input_quads);
    uint end = min(begin + share, input_quads);
#elif SPREAD == 0
    const uint STRIDE = gl_WorkGroupSize.x;
    uint first = group * gl_WorkGroupSize.x * PIXELS + gl_LocalInvocationID.x;
#else
    const uint STRIDE = SUBGROUP;
    uint lane = gl_SubgroupInvocationID;
    uint first = (group * (gl_WorkGroupSize.x / SUBGROUP) + gl_SubgroupID) * SUBGROUP * PIXELS + lane;
#endif
    uint read = source_offset + gl_WorkGroupID.z * source_item + first;
    uint weight = weights_offset + block * input_quads * OUTPUTS;
    uint gate = extra_offset + gl_WorkGroupID.z * extra_item;
#if SLICES > 1
    weight += begin * OUTPUTS;
#define ALONG begin * pixels
#else
    const uint begin = 0;
    uint end = input_quads;
#define ALONG 0
#endif

#if BY_INPUT && SPREAD == 0
    // What is the same for all lanes apart from what is not: AMD's compilers then add and scale an address in one go.
    uint along = ALONG;
#define READ           read + along
#define ADVANCE(count) along += count * pixels;
#else
#if SLICES > 1
    read += ALONG;
#endif
#define READ           read
#define ADVANCE(count) read += count * pixels;
#endif

    vec4 sum[QUADS * PIXELS];
    [[unroll]] for (uint j = 0; j < QUADS; j++) {
        vec4 start = WEIGHT(weights_offset + bias + block * QUADS + j);
#if SLICES > 1
        start = slice == 0 ? start : vec4(0);
#endif
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            sum[j * PIXELS + p] = start;
    }
#if HALF_SUMS
    uint k = begin;
#if AHEAD > 1
    if (MODE != GVK_SINGLE_STEPS) {
        for (; k + HALF_SUMS <= end; k += HALF_SUMS) {
            SUM_UP(HALF_SUMS, HALF_SUMS)
            ADVANCE(HALF_SUMS)
        }
    } else
#endif
    {
        for (; k + HALF_SUMS <= end; k += HALF_SUMS) {
            SUM_UP(HALF_SUMS, 1)
            ADVANCE(HALF_SUMS)
        }
    }
    for (; k < end; k++) {
        SUM_UP(1, 1)
        ADVANCE(1)
    }
    // A sum in fp16 that overflowed: an activation would turn an infinity into a number like any other.
    [[unroll]] for (uint n = 0; n < QUADS * PIXELS; n++)
        sum[n] = mix(sum[n], vec4(uintBitsToFloat(0x7fc00000u)), greaterThanEqual(magnitude_bits(sum[n]), uvec4(INFINITY_BITS)));
#elif SPREAD == 1
    // The next input quad's values are fetched between the products of this one's: lavapipe's loop has some three thousand
    // instructions, and the processor, which looks a few hundred ahead, would wait for each cache line.
    vec4 x[PIXELS], next_x[PIXELS], next_mine[BLOCK_LOADS];
    [[unroll]] for (uint p = 0; p < PIXELS; p++)
        x[p] = SOURCE(read + p * STRIDE);
    LOAD_BLOCK(weight, lane)
    for (uint k = begin; k < end; k++) {
        bool last = k + 1 == end; // fetches its own once more, in vain
        read += last ? 0 : pixels;
        weight += last ? 0 : OUTPUTS;
        if (EXTRA == GVK_EXTRA_GATE) {
            vec4 factor = EXTRA_AT(gate + k);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                x[p] *= factor;
        }
        [[unroll]] for (uint j = 0; j < QUADS; j++) {
            [[unroll]] for (uint n = 0; n < PIXELS + BLOCK_LOADS; n++) {
                if (n * QUADS / (PIXELS + BLOCK_LOADS) == j) {
                    if (n < PIXELS)
                        next_x[n] = SOURCE(read + n * STRIDE);
                    else
                        next_mine[n - PIXELS] = BLOCK_LOAD(weight, lane, n - PIXELS);
                }
            }
            mat4 w = BLOCK_MATRIX(weight, j);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                ADD_PRODUCT(sum[j * PIXELS + p], x[p], w);
        }
        x = next_x;
        mine = next_mine;
    }
#else
    uint k = begin;
#if AHEAD > 1
#define FACTOR(k)   EXTRA_AT(gate + k)
#define PLACE(p, u) READ + u * pixels + p * STRIDE
#if GROUP < AHEAD
    if (MODE == GVK_STEPS_AT_ONCE) {
        for (; k + AHEAD <= end; k += AHEAD) {
            SUM_QUADS(AHEAD, AHEAD, lane)
            ADVANCE(AHEAD)
        }
    } else
#endif
        if (MODE != GVK_SINGLE_STEPS) {
        for (; k + AHEAD <= end; k += AHEAD) {
            SUM_QUADS(AHEAD, GROUP, lane)
            ADVANCE(AHEAD)
        }
    }
#endif
    for (; k < end; k++) {
        vec4 x[PIXELS];
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            x[p] = SOURCE(READ + p * STRIDE);
        if (EXTRA == GVK_EXTRA_GATE) {
            vec4 factor = EXTRA_AT(gate + k);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                x[p] *= factor;
        }
        LOAD_BLOCK(weight, lane)
        [[unroll]] for (uint j = 0; j < QUADS; j++) {
            mat4 w = BLOCK_MATRIX(weight, j);
            [[unroll]] for (uint p = 0; p < PIXELS; p++)
                ADD_PRODUCT(sum[j * PIXELS + p], x[p], w);
        }
        ADVANCE(1)
        weight += OUTPUTS;
    }
#endif
#if SLICES > 1
    const uint SUMS = QUADS * PIXELS;
    if (slice > 0) {
        [[unroll]] for (uint n = 0; n < SUMS; n++)
            handed[((slice - 1) * SUMS + n) * GVK_SLICE_LANES + place] = sum[n];
    }
    barrier();
    if (slice > 0)
        return;
    [[unroll]] for (uint s = 0; s < SLICES - 1; s++)
        [[unroll]] for (uint n = 0; n < SUMS; n++)
            sum[n] += handed[(s * SUMS + n) * GVK_SLICE_LANES + place];
#endif
#if STORE_LOOP
#define STORE_SUM(j, p, value)                                                                                         \
    {                                                                                                                  \
        uint output_quad = block * QUADS + j, pixel = first + p * STRIDE;                                              \
        if (pixel < pixels && output_quad < output_quads)                                                              \
            store(output_quad, pixel, value);                                                                          \
    }
#include "store_loops.glsl"
#else
    [[unroll]] for (uint p = 0; p < PIXELS; p++) {
        uint pixel = first + p * STRIDE;
        if (pixel < pixels) {
            [[unroll]] for (uint j = 0; j < QUADS; j++) {
                if (block * QUADS + j < output_quads)
                    store(block * QUADS + j, pixel, sum[j * PIXELS + p]);
            }
        }
    }
#endif
}
