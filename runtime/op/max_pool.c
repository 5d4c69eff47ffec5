/* Max pools: one, or the three of a spatial pyramid together. */
#include "kernel.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/planes.h"
#include "runtime/kernel/tiles.h"

#define PYRAMID_REACH 12u /* source rows above and below an output's, together */

/* Of a lane of pyramid_planes.comp: three pools, each along the rows and along the columns, the last five of these
 * passes in a loop. */
static uint64_t count_plane_turns(const struct gvk_planes_push *push)
{
    return 5 + 3 * (2 * (uint64_t)push->width * push->height + push->width + push->height);
}

static bool is_pyramid(const struct gvk_graph_node *node)
{
    return node->op == GVK_OP_MAX_POOLS && node->pool_kernels[0] == 13 && node->pool_kernels[1] == 9 &&
           node->pool_kernels[2] == 5;
}

static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    if (policy->reference || !is_pyramid(node))
        return (struct gvk_selection){0};
    const enum gvk_form form = gvk_form_of(policy);
    const struct gvk_tile *tile = gvk_first_tile(policy, GVK_FAMILY_PYRAMID, form);
    if (!tile)
        tile = gvk_tile_of(GVK_FAMILY_PYRAMID, form);
    return gvk_select_tile(policy, node, tile, tile->local_size);
}

/* A lane computes whole planes where these are small, else some outputs of a column, which every device can do. */
static struct gvk_selection refine(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                   const struct gvk_graph_node *node, const struct gvk_program *program)
{
    const struct gvk_planes_push push = gvk_planes_of(program, node);
    if (!selection->tile || selection->tile->out_y || count_plane_turns(&push) <= GVK_MOST_TURNS)
        return *selection;
    const struct gvk_tile *columns = gvk_tile_of(GVK_FAMILY_PYRAMID, GVK_FORM_UNIFORM);
    return gvk_select_tile(policy, node, columns, columns->local_size);
}

static gvk_result emit_pyramid(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                               const struct gvk_selection *selection)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_tile *tile = selection->tile;
    uint32_t rows = tile->out_y; /* of a lane; 0: a whole plane */
    struct gvk_planes_push push = gvk_planes_of(program, node);
    struct gvk_command command = gvk_begin_selected(node, selection->key);
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command,
                    gvk_tensor_operand(program, node->inputs[0],
                                       tile->texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    gvk_set_push(&command, &push, sizeof push);
    command.turns = rows ? rows + PYRAMID_REACH : count_plane_turns(&push);
    uint32_t lanes = rows ? push.width * gvk_divide_up(push.height, rows) : push.quads;
    return gvk_finish_dispatch(builder, &command, gvk_divide_up(lanes, tile->local_size), rows ? push.quads : 1,
                               program->batch);
}

static gvk_result emit_max_pool(const struct gvk_builder *builder, uint32_t index,
                                const struct gvk_selection *selection)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    if (selection->tile)
        return emit_pyramid(builder, node, selection);
    struct gvk_command command = gvk_begin_planes(builder, node, GVK_SHADER_MAX_POOL);
    struct gvk_planes_push push = gvk_planes_of(builder->program, node);
    if (node->op == GVK_OP_MAX_POOL)
        push.kernels[0] = node->kernel;
    for (int i = 0; i < 3 && node->op == GVK_OP_MAX_POOLS; i++)
        push.kernels[i] = node->pool_kernels[i];
    command.turns = (uint64_t)push.kernels[0] * (push.kernels[0] + 1);
    return gvk_finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_max_pool = {
    .select = select_kernel,
    .refine = refine,
    .emit = emit_max_pool,
};
