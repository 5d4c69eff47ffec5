/* Pointwise convolutions and linear layers: which tile, how weights are packed for it, and the dispatch. */
#include "kernel.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/matrices.h"
#include "runtime/kernel/tiles.h"

static uint32_t count_groups(const struct gvk_tile *tile, uint32_t local_size, const struct gvk_shape *source)
{
    bool matrix = tile->form == GVK_FORM_MATRIX; /* whose pixels are a workgroup's */
    return gvk_divide_up(source->width * source->height,
                         matrix ? tile->pixels : local_size / tile->slices * tile->pixels);
}

/* docs/measurements.md and docs/laboratory.md say what each tile was found to be worth. */
static const struct gvk_tile_family family = {.family = GVK_FAMILY_POINTWISE, .count_groups = count_groups};

/* Where all tiles of the form were rejected, the forms that other versions of lavapipe like come next, and then the
 * one that every device runs. */
static struct gvk_selection select_built_in(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const enum gvk_form form = gvk_form_of(policy);
    const enum gvk_form others[] = {GVK_FORM_SPREAD_16, GVK_FORM_SPREAD_8, GVK_FORM_SINGLE_16, GVK_FORM_SINGLE_8,
                                    GVK_FORM_UNIFORM};
    struct gvk_selection made;
    bool found = gvk_select_built_in(policy, node, &family, form, &made);
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !found; i++)
        if (others[i] != form && gvk_form_is_possible(policy, others[i]))
            found = gvk_select_built_in(policy, node, &family, others[i], &made);
    if (found)
        return made;
    const struct gvk_tile *last = gvk_tile_of(GVK_FAMILY_POINTWISE, GVK_FORM_UNIFORM);
    return gvk_select_tile(policy, node, last, last->local_size); /* proof.c refuses a graph whose choice is rejected */
}

static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    struct gvk_selection chosen;
    const struct gvk_tile *plain = gvk_tile_of(GVK_FAMILY_POINTWISE, GVK_FORM_PLAIN);
    if (policy->reference)
        return gvk_select_tile(policy, node, plain, plain->local_size);
    bool matrix = policy->matrix_tile && !policy->forced_local_size;
    if (matrix && gvk_select_matrix(policy, node, policy->matrix_tile, &chosen))
        return chosen;
    if (gvk_select_chosen(policy, node, &family, &chosen))
        return chosen;
    return select_built_in(policy, node);
}

static struct gvk_selection refine(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                   const struct gvk_graph_node *node, const struct gvk_program *program)
{
    if (policy->reference || policy->matrix_tile)
        return *selection;
    const struct gvk_selection fitted = gvk_refine_tile(policy, selection, node, &family, program);
    return gvk_refine_to_matrices(policy, &fitted, node, program);
}

static bool candidate(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    return gvk_tile_candidate(policy, node, &family, index, shader, local_size);
}

/* A tile of matrices reads the blocks of other tiles. */
static uint32_t count_packed_blocks(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    return gvk_divide_up(gvk_quads(node->output_channels), selection->layout.quads);
}

static uint64_t bias_offset(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    return (uint64_t)count_packed_blocks(selection, node) * selection->layout.weights * gvk_quads(node->input_channels);
}

static uint64_t count_weights(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    return bias_offset(selection, node) + (uint64_t)count_packed_blocks(selection, node) * selection->layout.quads;
}

static gvk_result pack_weights(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out)
{
    return gvk_pack_pointwise(host, node, selection->layout, out, out + bias_offset(selection, node) * 4);
}

/* On lavapipe, each of whose threads takes workgroups one after the other, x first: the smaller one of weights and
 * source should be what they read again and again, because it stays in the processor's cache. */
static bool takes_either_order(const struct gvk_tile *tile)
{
    return tile->texels && tile->subgroup_size;
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_tile *tile = selection->tile;
    const struct gvk_shape *in = &program->shapes[node->inputs[0]];
    /* A binding that the shader names must hold something, also where its constants leave it unread. */
    gvk_tensor extra = node->residual ? node->residual : node->gate ? node->gate : node->inputs[0];
    uint32_t pixels = in->width * in->height;

    struct gvk_command command = gvk_begin_selected(node, selection->key);
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command,
                    gvk_tensor_operand(program, node->inputs[0],
                                       tile->texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(
        &command, gvk_weights_operand(builder, index, tile->texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS));
    if (tile->form != GVK_FORM_PLAIN)
        gvk_add_operand(
            &command,
            gvk_tensor_operand(program, extra, tile->texels ? GVK_BINDING_EXTRA_TEXELS : GVK_BINDING_EXTRA, GVK_READ));
    struct gvk_pointwise_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = program->locations[node->output].item,
        .source_item = program->locations[node->inputs[0]].item,
        .extra_item = program->locations[extra].item,
        .bias = (uint32_t)bias_offset(selection, node),
        .input_quads = gvk_quads(node->input_channels),
        .output_quads = gvk_quads(node->output_channels),
        .pixels = pixels,
        .width = in->width,
        .chunk = (uint32_t)(builder->packing->offsets[index] / GVK_CHUNK_STEP_VEC4S),
        .block_quads = selection->layout.quads,
    };
    uint32_t groups = count_groups(tile, selection->key.constants[GVK_CONSTANT_LOCAL_SIZE], in);
    uint32_t blocks = gvk_count_blocks(tile, node);
    push.blocks_first = takes_either_order(tile) && node->output_channels < pixels;
    gvk_set_push(&command, &push, sizeof push);
    command.turns = tile->form == GVK_FORM_MATRIX
                        ? gvk_count_matrix_turns(tile, node)
                        : push.input_quads + (takes_either_order(tile) ? tile->quads * tile->pixels : 0);
    return gvk_finish_dispatch(builder, &command, push.blocks_first ? blocks : groups,
                               push.blocks_first ? groups : blocks, program->batch);
}

const struct gvk_kernel gvk_kernel_pointwise = {
    .select = select_kernel,
    .refine = refine,
    .count_weights = count_weights,
    .pack_weights = pack_weights,
    .emit = emit,
    .candidate = candidate,
};
