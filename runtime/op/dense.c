/* Dense convolutions: the stem, and any that is neither pointwise nor depthwise. */
#include "kernel.h"
#include "runtime/kernel/choice.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/tiles.h"

static const struct gvk_tile *choose_tile(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const struct gvk_tile *plain = gvk_tile_of(GVK_FAMILY_DENSE, GVK_FORM_PLAIN);
    if (policy->reference || gvk_quads(node->output_channels) % 4)
        return plain;
    const struct gvk_tile *best = gvk_first_tile(policy, GVK_FAMILY_DENSE, gvk_form_of(policy));
    if (!best)
        best = gvk_first_tile(policy, GVK_FAMILY_DENSE, GVK_FORM_UNIFORM);
    return best ? best : plain;
}

/* The built-in tile, with the local size that was chosen for it. */
static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const struct gvk_tile *tile = choose_tile(policy, node);
    return policy->reference ? gvk_select_tile(policy, node, tile, tile->local_size)
                             : gvk_select_local_size(policy, node, tile);
}

static bool candidate(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    const struct gvk_tile *tile = choose_tile(policy, node);
    *shader = gvk_tile_shader(tile, node);
    return gvk_candidate_local_size(policy->traits, tile->local_size, index, local_size);
}

/* ---- slices: a layer of very many inputs is computed as several of fewer, whose outputs are added up ---- */

/* Turns of a lane that stores its sums one by one. */
#define MOST_STORE_TURNS 16u

/* Turns of a lane for an input quad. */
static uint32_t turns_of_quad(const struct gvk_graph_node *node)
{
    return node->kernel * (node->kernel + 1) + 1;
}

/* Input quads of a slice; the last one may have fewer. graph/build.c bounds the kernel, so that there is room for one.
 */
static uint32_t quads_of_slice(const struct gvk_graph_node *node)
{
    uint32_t quads = gvk_quads(node->input_channels), most = (GVK_MOST_TURNS - MOST_STORE_TURNS) / turns_of_quad(node);
    return quads < most ? quads : most;
}

static uint32_t count_slices(const struct gvk_graph_node *node)
{
    return gvk_divide_up(gvk_quads(node->input_channels), quads_of_slice(node));
}

/* Where a slice's weights begin, and its bias: a slice is packed as a layer of its own. */
static uint64_t slice_weights(uint64_t padded, const struct gvk_graph_node *node, uint32_t slice)
{
    uint64_t taps = (uint64_t)node->kernel * node->kernel;
    return slice * padded * (4 * quads_of_slice(node) * taps + 1);
}

static uint64_t slice_quads(const struct gvk_graph_node *node, uint32_t slice)
{
    uint64_t first = (uint64_t)slice * quads_of_slice(node), rest = gvk_quads(node->input_channels) - first;
    return rest < quads_of_slice(node) ? rest : quads_of_slice(node);
}

static uint64_t slice_bias(uint64_t padded, const struct gvk_graph_node *node, uint32_t slice)
{
    return padded * 4 * slice_quads(node, slice) * node->kernel * node->kernel;
}

static uint64_t count_weights(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    uint64_t padded = gvk_padded_quads(selection->tile, node);
    uint32_t last = count_slices(node) - 1;
    return slice_weights(padded, node, last) + slice_bias(padded, node, last) + padded;
}

static gvk_result pack_weights(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out)
{
    struct gvk_folded_weights weights;
    gvk_result result = gvk_fold_weights(host, node, &weights);
    if (result)
        return result;
    uint64_t inputs = node->input_channels, each = quads_of_slice(node),
             padded = gvk_padded_quads(selection->tile, node);
    uint64_t block = 4 * (uint64_t)selection->tile->quads, taps = (uint64_t)node->kernel * node->kernel;
    for (uint64_t o = 0; o < node->output_channels; o++) {
        const float *row = gvk_folded_row(&weights, o);
        for (uint64_t i = 0; i < inputs; i++) {
            uint32_t slice = (uint32_t)(i / 4 / each);
            float *to = out + slice_weights(padded, node, slice) * 4;
            uint64_t quad = (o / block) * slice_quads(node, slice) + i / 4 % each;
            for (uint64_t t = 0; t < taps; t++)
                to[((quad * taps + t) * block + o % block) * 4 + i % 4] = row[i * taps + t];
        }
    }
    float *bias = out + slice_bias(padded, node, 0) * 4; /* the first slice's alone */
    for (uint64_t o = 0; o < node->output_channels; o++)
        bias[o] = weights.bias[o];
    gvk_release_weights(host, &weights);
    return GVK_OK;
}

/* One slice, to `output`, whose items are `output_item` quads apart. */
static gvk_result emit_slice(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection,
                             uint32_t slice, struct gvk_operand output, uint32_t output_item, gvk_activation activation)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_shape *in = &program->shapes[node->inputs[0]], *out = &program->shapes[node->output];
    const struct gvk_tile *tile = selection->tile;
    uint64_t padded = gvk_padded_quads(selection->tile, node), first = (uint64_t)slice * quads_of_slice(node);
    struct gvk_command command = gvk_begin_selected(node, selection->key);
    gvk_set_activation(&command, activation);
    gvk_add_operand(&command, output);
    struct gvk_operand source = gvk_tensor_operand(
        program, node->inputs[0], tile->texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ);
    uint64_t skipped = first * in->width * in->height * source.quad_bytes;
    source.offset += skipped;
    source.bytes -= skipped;
    source.useful = source.useful / gvk_quads(node->input_channels) * slice_quads(node, slice);
    gvk_add_operand(&command, source);
    struct gvk_operand weights =
        gvk_weights_operand(builder, index, tile->texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS);
    skipped = slice_weights(padded, node, slice) * weights.quad_bytes;
    weights.offset += skipped;
    weights.bytes -= skipped;
    weights.useful = (slice_bias(padded, node, slice) + padded) * weights.quad_bytes;
    gvk_add_operand(&command, weights);
    struct gvk_dense_push push = {
        .activation = gvk_range_of(activation),
        .output_item = output_item,
        .source_item = program->locations[node->inputs[0]].item,
        .bias = (uint32_t)slice_bias(padded, node, slice),
        .input_quads = (uint32_t)slice_quads(node, slice),
        .output_quads = gvk_quads(node->output_channels),
        .width = in->width,
        .height = in->height,
        .output_width = out->width,
        .output_height = out->height,
        .kernel = node->kernel,
        .stride = node->stride,
        .padding = node->padding,
    };
    gvk_set_push(&command, &push, sizeof push);
    command.turns = (uint64_t)push.input_quads * turns_of_quad(node) + MOST_STORE_TURNS;
    return gvk_finish_dispatch(
        builder, &command,
        gvk_divide_up(out->width * out->height, selection->key.constants[GVK_CONSTANT_LOCAL_SIZE] * tile->pixels),
        padded / tile->quads, program->batch);
}

/* Two sums of slices into one, and behind the last slice the layer's activation. */
static gvk_result emit_sum(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                           struct gvk_operand output, uint32_t output_item, const struct gvk_operand parts[2],
                           gvk_activation activation)
{
    const struct gvk_shape *out = &builder->program->shapes[node->output];
    struct gvk_command command = gvk_begin_dispatch(node, GVK_SHADER_COMBINE, 64);
    gvk_set_activation(&command, activation);
    command.key.constants[GVK_CONSTANT_EXTRA] = GVK_EXTRA_RESIDUAL;
    gvk_add_operand(&command, output);
    for (int i = 0; i < 2; i++) {
        struct gvk_operand part = parts[i];
        part.binding = i ? GVK_BINDING_EXTRA : GVK_BINDING_SOURCE;
        part.access = GVK_READ;
        gvk_add_operand(&command, part);
    }
    uint32_t pixels = out->width * out->height, quads = gvk_quads(node->output_channels);
    struct gvk_planes_push push = {
        .activation = gvk_range_of(activation),
        .output_item = output_item,
        .source_item = quads * pixels,
        .extra_item = quads * pixels,
        .quads = quads,
        .width = out->width,
        .height = out->height,
    };
    gvk_set_push(&command, &push, sizeof push);
    return gvk_finish_dispatch(builder, &command, gvk_divide_up(pixels, 64), quads, builder->program->batch);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_shape *out = &program->shapes[node->output];
    struct gvk_operand output = gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE);
    uint32_t output_item = program->locations[node->output].item, slices = count_slices(node);
    if (slices == 1)
        return emit_slice(builder, index, selection, 0, output, output_item, node->activation);
    uint32_t own = gvk_quads(node->output_channels) * out->width * out->height;
    struct gvk_operand parts[2]; /* the sum so far, and the next slice */
    gvk_result result = GVK_OK;
    for (uint32_t slice = 0; slice < slices && !result; slice++) {
        struct gvk_operand made[2];
        for (int i = 0; i < 2 && !result; i++) {
            made[i] = (struct gvk_operand){.binding = GVK_BINDING_OUTPUT,
                                           .memory = GVK_MEMORY_ARENA,
                                           .access = GVK_WRITE,
                                           .quad_bytes = program->quad_bytes,
                                           .bytes = (uint64_t)own * program->batch * program->quad_bytes};
            result = gvk_program_add_block(program, made[i].bytes, &made[i].block);
        }
        if (!result)
            result = emit_slice(builder, index, selection, slice, made[0], own, GVK_ACTIVATION_NONE);
        parts[slice ? 1 : 0] = made[0];
        if (!slice || result)
            continue;
        bool last = slice + 1 == slices;
        result = emit_sum(builder, node, last ? output : made[1], last ? output_item : own, parts,
                          last ? node->activation : GVK_ACTIVATION_NONE);
        parts[0] = made[1];
    }
    return result;
}

const struct gvk_kernel gvk_kernel_dense = {
    .select = select_kernel,
    .refine = gvk_refine_local_size,
    .count_weights = count_weights,
    .pack_weights = pack_weights,
    .emit = emit,
    .candidate = candidate,
};
