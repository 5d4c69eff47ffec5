#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
// Pointwise convolution on matrix units (VK_KHR_cooperative_matrix): products of fp16, sums in fp32. What it computes, and
// how source, output and weights lie in memory, pointwise.comp tells: it reads the weights that are packed for the tiles of
// the uniform form, so that the size of an image may decide between the two.
//
// A workgroup computes PIXELS pixels of 4 * QUADS outputs. For some inputs at a time it lays source and weights into shared
// memory so that all inputs of a pixel, and all of an output, lie side by side, which is how matrix units like to load both
// operands; the next inputs are fetched meanwhile. A subgroup multiplies two by two matrices of SIDE x SIDE.
// SLICES > 1: as many parts of the workgroup each sum up a part of the inputs for the same pixels and outputs.
// Inputs, outputs and pixels may have any number: what is missing of a tile is zero, or not stored.
// Specialisation constants: LOCAL_SIZE, which is GVK_MATRIX_SUBGROUPS(...) subgroups, all of them full; SIDE; EXTRA (gate or
//   residual); MODE, GVK_MODE_... bits; SWISH.
// workgroups: x = ceil(pixels / PIXELS), y = ceil(output quads / QUADS), z = batch
// Compiled by `./dev matrix` alone, because the compilers of the systems that this is built on know no matrices.
#define HALF 1
#define GVK_USE_POINTWISE
#include "common.glsl"

layout(constant_id = GVK_CONSTANT_SIDE) const uint SIDE = 16;

const uint STEP_QUADS = GVK_MATRIX_STEP_QUADS;
const uint ROW = GVK_MATRIX_ROW; // an odd number of 16 bytes: rows lie in different banks
const uint OUTPUTS = 4 * QUADS;
const uint ROWS = PIXELS + OUTPUTS;
const uint SUBGROUPS = GVK_MATRIX_SUBGROUPS(PIXELS, OUTPUTS, SLICES, SIDE);
const uint LANES = gl_WorkGroupSize.x / SUBGROUPS;
const uint SLICE_SUBGROUPS = SUBGROUPS / SLICES;
const uint SLICE_LANES = gl_WorkGroupSize.x / SLICES;
const uint ACROSS = OUTPUTS / SIDE / 2; // subgroups of a slice along the outputs
const uint SOURCE_LOADS = PIXELS * STEP_QUADS / SLICE_LANES;
const uint WEIGHT_LOADS = QUADS * STEP_QUADS / SLICE_LANES; // four each: of an input quad and an output quad
const uint APART = SLICE_LANES / PIXELS;                       // input quads from one load of a lane to the next
const uint OUTPUTS_APART = SLICE_LANES / (2 * STEP_QUADS) * 2; // output quads
const uint RESULT_ROW = SIDE / 4 + 1;

shared uvec2 staged[SLICES * ROWS * ROW];
shared vec4 results[SUBGROUPS * SIDE * RESULT_ROW];

// The source and the weights of a step. Where a plane is missing, another one of the same pixel is loaded, and multiplied by
// zero; what is missing of weights is made zero before it is laid down. A load behind a branch would be waited for.
#define FETCH(first_input)                                                                                             \
    {                                                                                                                  \
        [[unroll]] for (uint n = 0; n < SOURCE_LOADS; n++) {                                                           \
            uint at = plane + n * APART * pixels;                                                                      \
            bool there = first_input + quad + n * APART < input_quads;                                                 \
            sources[n] = source_data[there ? at : read];                                                               \
        }                                                                                                              \
        bool there = first_input + input_of < input_quads;                                                             \
        [[unroll]] for (uint n = 0; n < WEIGHT_LOADS; n++) {                                                           \
            [[unroll]] for (uint i = 0; i < 4; i++)                                                                    \
                weights[4 * n + i] = weights_data[blocks[n] + (there ? along : 0) + i];                                \
        }                                                                                                              \
    }

#define SUM coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>

// Without a branch: a value's bits stay, or are 0.
uint ones_if(bool there)
{
    return there ? 0xffffffffu : 0;
}

// The lower and the upper halves of four words.
uvec2 lower_halves(uint a, uint b, uint c, uint d)
{
    return uvec2((a & 0xffffu) | b << 16, (c & 0xffffu) | d << 16);
}
uvec2 upper_halves(uint a, uint b, uint c, uint d)
{
    return uvec2(a >> 16 | (b & 0xffff0000u), c >> 16 | (d & 0xffff0000u));
}

void store(uint output_quad, uint pixel, vec4 value)
{
    uint item = gl_WorkGroupID.z;
    value += WEIGHT(weights_offset + bias + output_quad);
    if (EXTRA == GVK_EXTRA_RESIDUAL)
        value += EXTRA_AT(extra_offset + item * extra_item + output_quad * pixels + pixel);
    value = activate(value);
    uint plane = output_offset + item * output_item;
    if ((MODE & GVK_MODE_UPSAMPLE) != 0) {
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

void main()
{
    uint lane = gl_SubgroupInvocationID, subgroup = gl_SubgroupID;
    uint slice = subgroup / SLICE_SUBGROUPS;
    uint part = subgroup % SLICE_SUBGROUPS;
    uint down = part / ACROSS * 2 * SIDE, across = part % ACROSS * 2 * SIDE; // the first pixel and output of the subgroup
    uint worker = part * LANES + lane; // in the slice
    uint first = gl_WorkGroupID.x * PIXELS, first_quad = gl_WorkGroupID.y * QUADS;
    uint gate = extra_offset + gl_WorkGroupID.z * extra_item;

    uint steps = (input_quads + STEP_QUADS - 1) / STEP_QUADS;
    uint share = (steps + SLICES - 1) / SLICES;
    uint begin = min(slice * share, steps) * STEP_QUADS;
    uint end = min(begin + share * STEP_QUADS, input_quads);

    SUM sum[4];
    [[unroll]] for (uint i = 0; i < 4; i++)
        sum[i] = SUM(0.0);

    // A lane loads APART of the input quads of its pixel; and the weights of an input quad, for some output quads, in the
    // order in which they lie where blocks have two output quads.
    uint quad = worker / PIXELS, pixel_of = worker % PIXELS;
    uint read = source_offset + gl_WorkGroupID.z * source_item + first + pixel_of;
    uint plane = read + (begin + quad) * pixels;
    uint input_of = worker / 2 % STEP_QUADS, output_of = worker / (2 * STEP_QUADS) * 2 + worker % 2;
    uint along = (begin + input_of) * block_quads * 4;
    uint blocks[WEIGHT_LOADS];
    [[unroll]] for (uint n = 0; n < WEIGHT_LOADS; n++) {
        uint block = min(first_quad + output_of + n * OUTPUTS_APART, output_quads - 1);
        blocks[n] = weights_offset + (block / block_quads * block_quads * input_quads + block % block_quads) * 4;
    }
    uint room = slice * ROWS * ROW;
    uint source_place = room + pixel_of * ROW + quad;
    uint weight_place = room + (PIXELS + output_of * 4) * ROW + input_of;
    uvec2 sources[SOURCE_LOADS];
    uvec2 weights[4 * WEIGHT_LOADS];
    FETCH(begin)
    for (uint s = 0; s < share; s++) {
        uint quads = begin + s * STEP_QUADS;
        [[unroll]] for (uint n = 0; n < SOURCE_LOADS; n++) {
            uvec2 value = sources[n];
            if (EXTRA == GVK_EXTRA_GATE)
                value = to_quad(from_quad(value) * EXTRA_AT(gate + min(quads + quad + n * APART, input_quads - 1)));
            staged[source_place + n * APART] = value;
        }
        uint there = ones_if(quads + input_of < end);
        [[unroll]] for (uint n = 0; n < WEIGHT_LOADS; n++) {
            uint place = weight_place + n * OUTPUTS_APART * 4 * ROW;
            uvec2 a = weights[4 * n] & there, b = weights[4 * n + 1] & there;
            uvec2 c = weights[4 * n + 2] & there, d = weights[4 * n + 3] & there;
            bool turned = (MODE & GVK_MODE_BY_INPUT) != 0; // four outputs of an input, instead of four inputs of an output
            staged[place] = turned ? lower_halves(a.x, b.x, c.x, d.x) : a;
            staged[place + ROW] = turned ? upper_halves(a.x, b.x, c.x, d.x) : b;
            staged[place + 2 * ROW] = turned ? lower_halves(a.y, b.y, c.y, d.y) : c;
            staged[place + 3 * ROW] = turned ? upper_halves(a.y, b.y, c.y, d.y) : d;
        }
        plane += STEP_QUADS * pixels;
        along += STEP_QUADS * block_quads * 4;
        barrier();
        FETCH(quads + STEP_QUADS) // while this step is multiplied; after the last one in vain
        [[unroll]] for (uint k = 0; k < 4 * STEP_QUADS / SIDE; k++) {
            coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA> a[2];
            coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB> b[2];
            [[unroll]] for (uint i = 0; i < 2; i++)
                coopMatLoad(a[i], staged, room + (down + i * SIDE) * ROW + k * (SIDE / 4), ROW,
                            gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint j = 0; j < 2; j++)
                coopMatLoad(b[j], staged, room + (PIXELS + across + j * SIDE) * ROW + k * (SIDE / 4), ROW,
                            gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint i = 0; i < 2; i++)
                [[unroll]] for (uint j = 0; j < 2; j++)
                    sum[2 * i + j] = coopMatMulAdd(a[i], b[j], sum[2 * i + j]);
        }
        barrier();
    }

    // How a matrix lies in registers is the driver's affair: each goes through shared memory to the lanes that store it.
    [[unroll]] for (uint i = 0; i < 4; i++) {
        coopMatStore(sum[i], results, subgroup * SIDE * RESULT_ROW, RESULT_ROW, gl_CooperativeMatrixLayoutRowMajor);
        barrier();
        for (uint at = subgroup * LANES + lane; at < SLICE_SUBGROUPS * SIDE * SIDE / 4; at += gl_WorkGroupSize.x) {
            uint from = at / (SIDE * SIDE / 4); // the subgroup of the first slice
            uint pixel = at % SIDE, quad = at / SIDE % (SIDE / 4);
            vec4 value = vec4(0);
            [[unroll]] for (uint s = 0; s < SLICES; s++)
                value += results[((s * SLICE_SUBGROUPS + from) * SIDE + pixel) * RESULT_ROW + quad];
            pixel += first + (from / ACROSS * 2 + i / 2) * SIDE;
            quad += first_quad + (from % ACROSS * 2 + i % 2) * (SIDE / 4);
            if (pixel < pixels && quad < output_quads)
                store(quad, pixel, value);
        }
        barrier();
    }
}
