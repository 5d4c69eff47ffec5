/* Depthwise convolutions: 3 x 3 and 5 x 5 in tiles, any other in the plain form. */
#include "kernel.h"
#include "runtime/kernel/choice.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/tiles.h"

/* A strip's first outputs cost up to four rows that are loaded for nothing, and a few long strips would leave
 * processors idle. */
#define STRIP_ROWS 32u

static const struct gvk_tile *find_tile(enum gvk_form form, const struct gvk_graph_node *node)
{
    const struct gvk_tile_list *list = &gvk_tile_lists[GVK_FAMILY_DEPTHWISE][form];
    for (uint32_t i = 0; i < list->count; i++)
        if (list->tiles[i].kernel == node->kernel && list->tiles[i].stride == node->stride)
            return &list->tiles[i];
    return NULL;
}

static bool is_rejected(const struct gvk_policy *policy, const struct gvk_tile *tile, const struct gvk_graph_node *node)
{
    return gvk_is_rejected(policy, gvk_tile_shader(tile, node));
}

/* The reference kernel cannot do the end of a ghost bottleneck. */
static const struct gvk_tile *choose_tile(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const struct gvk_tile *plain = gvk_tile_of(GVK_FAMILY_DEPTHWISE, GVK_FORM_PLAIN);
    if (policy->reference || node->padding != node->kernel / 2)
        return plain;
    const struct gvk_tile *best = find_tile(gvk_form_of(policy), node);
    if (best && is_rejected(policy, best, node))
        best = find_tile(GVK_FORM_UNIFORM, node); /* every device runs these */
    return best && (!is_rejected(policy, best, node) || node->residual) ? best : plain;
}

static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const struct gvk_tile *tile = choose_tile(policy, node);
    return tile->form == GVK_FORM_PLAIN ? gvk_select_tile(policy, node, tile, tile->local_size)
                                        : gvk_select_local_size(policy, node, tile);
}

static bool candidate(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    const struct gvk_tile *tile = choose_tile(policy, node);
    if (tile->form == GVK_FORM_PLAIN)
        return false;
    *shader = gvk_tile_shader(tile, node);
    return gvk_candidate_local_size(policy->traits, tile->local_size, index, local_size);
}

static uint64_t count_weights(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    (void)selection;
    return (uint64_t)gvk_quads(node->input_channels) * (node->kernel * node->kernel + 1);
}

static gvk_result pack_weights(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out)
{
    (void)selection;
    return gvk_pack_depthwise(host, node, out);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct gvk_tile *tile = selection->tile;
    const struct gvk_shape *in = &program->shapes[node->inputs[0]], *out = &program->shapes[node->output];
    bool texels = tile->texels, strips = !tile->out_y;
    uint32_t tiles_x = gvk_divide_up(out->width, tile->out_x);
    uint32_t rows = strips ? gvk_divide_up(out->height, gvk_divide_up(out->height, STRIP_ROWS)) : 0;
    uint32_t tile_count = tiles_x * gvk_divide_up(out->height, strips ? rows : tile->out_y);
    uint32_t quads = gvk_quads(node->input_channels);

    struct gvk_command command = gvk_begin_selected(node, selection->key);
    uint32_t local_size = command.key.constants[GVK_CONSTANT_LOCAL_SIZE];
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_tensor_operand(program, node->inputs[0],
                                                 texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&command,
                    gvk_weights_operand(builder, index, texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS));
    gvk_tensor extra = node->residual ? node->residual : node->inputs[0];
    if (node->residual)
        gvk_add_operand(&command, gvk_tensor_operand(program, extra,
                                                     texels ? GVK_BINDING_EXTRA_TEXELS : GVK_BINDING_EXTRA, GVK_READ));
    struct gvk_depthwise_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = program->locations[node->output].item,
        .source_item = program->locations[node->inputs[0]].item,
        .extra_item = program->locations[extra].item,
        .quads = quads,
        .width = in->width,
        .height = in->height,
        .output_width = out->width,
        .output_height = out->height,
        .tiles_x = tiles_x,
        .tiles = tile_count,
        .kernel = node->kernel,
        .stride = node->stride,
        .padding = node->padding,
        .rows = rows,
    };
    gvk_set_push(&command, &push, sizeof push);
    command.turns = strips ? (rows + node->kernel) * (1 + tile->out_x) : node->kernel * (node->kernel + 1);
    if (strips)
        return gvk_finish_dispatch(builder, &command, gvk_divide_up(quads * tile_count, local_size), 1, program->batch);
    return gvk_finish_dispatch(builder, &command, gvk_divide_up(tile_count, local_size), quads, program->batch);
}

const struct gvk_kernel gvk_kernel_depthwise = {
    .select = select_kernel,
    .refine = gvk_refine_local_size,
    .count_weights = count_weights,
    .pack_weights = pack_weights,
    .emit = emit,
    .candidate = candidate,
};
