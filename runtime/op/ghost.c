/* Ghost modules in one dispatch (shaders/convolution/ghost.comp): which tile, both convolutions' weights, and the
 * dispatch. For GPUs: they save a launch and a barrier for a little arithmetic at the squares' edges. Elsewhere, and
 * where a driver computes them wrongly, the rewrite is left out and the two convolutions run apart. */
#include "ghost.h"

#include "kernel.h"
#include "runtime/kernel/choice.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/tiles.h"

#define TAPS 9u

static uint32_t count_squares(const struct gvk_shape *shape)
{
    return gvk_divide_up(shape->width, GVK_GHOST_INNER) * gvk_divide_up(shape->height, GVK_GHOST_INNER);
}

static uint32_t count_groups(const struct gvk_tile *tile, uint32_t local_size, const struct gvk_shape *source)
{
    (void)tile;
    (void)local_size;
    return count_squares(source);
}

static const struct gvk_tile_family family = {
    .family = GVK_FAMILY_GHOST,
    .one_local_size = true, /* a workgroup is a square of the image */
    .tries_padding = true,  /* all tiles do where a module has one quad */
    .count_groups = count_groups,
};

/* The device's form; the uniform one, which every device runs, where that has no tiles. */
static enum gvk_form form_with_tiles(const struct gvk_policy *policy)
{
    enum gvk_form form = gvk_form_of(policy);
    return gvk_tile_lists[GVK_FAMILY_GHOST][form].count ? form : GVK_FORM_UNIFORM;
}

uint32_t gvk_rewrites_off(const struct gvk_policy *policy, uint32_t off)
{
    const struct gvk_tile_list *list = &gvk_tile_lists[GVK_FAMILY_GHOST][form_with_tiles(policy)];
    /* A CPU device makes a coroutine of a shader with a barrier, and gains nothing by one dispatch fewer. NVIDIA's
     * start a dispatch in 2 us, and the small maps of the last blocks make too few workgroups of a fused one: a network
     * takes 3.4 ms with them and 2.4 ms without (docs/hardware). */
    bool possible = policy->traits->type != VK_PHYSICAL_DEVICE_TYPE_CPU &&
                    policy->traits->vendor_id != GVK_VENDOR_NVIDIA && policy->traits->texel_buffers &&
                    !gvk_ghosts_are_chosen_unfused(policy);
    for (uint32_t i = 0; possible && i < list->count; i++)
        if (!gvk_tile_is_out(policy, &list->tiles[i]))
            return off;
    return off | GVK_REWRITE_FUSE_GHOST;
}

/* Where no tile can be used this is one that cannot: the proof finds that out, and the model is made again with two
 * dispatches a ghost module. */
static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    struct gvk_selection made;
    enum gvk_form form = form_with_tiles(policy);
    if (gvk_select_chosen(policy, node, &family, &made) || gvk_select_built_in(policy, node, &family, form, &made))
        return made;
    const struct gvk_tile *first = gvk_tile_of(GVK_FAMILY_GHOST, form);
    return gvk_select_tile(policy, node, first, first->local_size);
}

static struct gvk_selection refine(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                   const struct gvk_graph_node *node, const struct gvk_program *program)
{
    return gvk_refine_tile(policy, selection, node, &family, program);
}

static bool candidate(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    return gvk_tile_candidate(policy, node, &family, index, shader, local_size);
}

struct layout {
    uint64_t bias, taps, end;
};

static struct layout layout_of(const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    struct layout layout = {.bias = gvk_padded_quads(tile, node) * 4 * gvk_quads(node->input_channels)};
    layout.taps = layout.bias + gvk_padded_quads(tile, node);
    layout.end = layout.taps + (uint64_t)gvk_quads(node->output_channels) * (TAPS + 1);
    return layout;
}

static uint64_t count_weights(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    return layout_of(selection->tile, node).end;
}

static gvk_result pack_weights(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out)
{
    struct layout layout = layout_of(selection->tile, node);
    struct gvk_graph_node cheap = *node;
    cheap.weight = node->second_weight;
    cheap.bias = node->second_bias;
    cheap.norm = node->second_norm;
    cheap.input_channels = cheap.groups = node->output_channels;
    cheap.kernel = 3;
    gvk_result result = gvk_pack_pointwise(host, node, selection->layout, out, out + layout.bias * 4);
    return result ? result : gvk_pack_depthwise(host, &cheap, out + layout.taps * 4);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_tile *tile = selection->tile;
    const struct gvk_shape *in = &program->shapes[node->inputs[0]];
    const struct layout layout = layout_of(tile, node);
    bool texels = tile->texels;

    struct gvk_command command = gvk_begin_selected(node, selection->key);
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->inputs[0],
                                                 texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    struct gvk_operand weights =
        gvk_weights_operand(builder, index, texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS);
    gvk_add_operand(&command, weights);
    /* The shader names the gate's binding, so that it must hold something, also where it is not read. */
    struct gvk_operand nothing = weights;
    nothing.offset = 0;
    nothing.bytes = nothing.useful = weights.quad_bytes;
    nothing.is_aligned = true;
    struct gvk_operand gate = nothing;
    if (node->gate)
        gate = gvk_tensor_operand(program, node->gate, 0, GVK_READ);
    gate.binding = texels ? GVK_BINDING_EXTRA : GVK_BINDING_EXTRA_TEXELS;
    gate.is_aligned = true;
    gvk_add_operand(&command, gate);
    struct gvk_operand residual = nothing; /* the same */
    residual.binding = texels ? GVK_BINDING_EXTRA_TEXELS : GVK_BINDING_EXTRA;
    if (node->residual)
        residual = gvk_tensor_operand(program, node->residual, residual.binding, GVK_READ);
    gvk_add_operand(&command, residual);
    struct gvk_ghost_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = program->locations[node->output].item,
        .source_item = program->locations[node->inputs[0]].item,
        .extra_item = program->locations[node->residual].item,
        .gate_item = program->locations[node->gate].item,
        .bias = (uint32_t)layout.bias,
        .taps = (uint32_t)layout.taps,
        .input_quads = gvk_quads(node->input_channels),
        .output_quads = gvk_quads(node->output_channels),
        .width = in->width,
        .height = in->height,
        .tiles_x = gvk_divide_up(in->width, GVK_GHOST_INNER),
    };
    gvk_set_push(&command, &push, sizeof push);
    uint64_t around = tile->quads * (1 + GVK_GHOST_INNER * GVK_GHOST_INNER / 64 + 1); /* the depthwise part */
    command.turns = push.input_quads + around;
    return gvk_finish_dispatch(builder, &command, count_squares(in), gvk_count_blocks(tile, node), program->batch);
}

const struct gvk_kernel gvk_kernel_ghost = {
    .select = select_kernel,
    .refine = refine,
    .count_weights = count_weights,
    .pack_weights = pack_weights,
    .emit = emit,
    .candidate = candidate,
};
