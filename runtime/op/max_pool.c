/* Max pools: one, or the three of a spatial pyramid together. */
#include "kernel.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/planes.h"

#define PYRAMID_REACH 12u /* source rows above and below an output's, together */

/* A kernel of shaders/pyramid.comp, or of pyramid_planes.comp. */
struct pyramid {
    enum gvk_shader shader;
    uint32_t rows; /* outputs of a lane; 0: a whole plane */
    uint32_t local_size;
    bool texels;
};
static const struct pyramid pyramids[GVK_FORM_COUNT] = {
    [GVK_FORM_UNIFORM] = {GVK_SHADER_PYRAMID, 3, 64, false},
    [GVK_FORM_BROADCAST_16] = {GVK_SHADER_PYRAMID, 3, 64, false},
    [GVK_FORM_TEXELS] = {GVK_SHADER_PYRAMID_TEXELS, 3, 64, true},
    [GVK_FORM_SHUFFLE_16] = {GVK_SHADER_PYRAMID_PLANES_TEXELS, 0, 16, true},
    [GVK_FORM_SHUFFLE_8] = {GVK_SHADER_PYRAMID_PLANES_TEXELS, 0, 16, true},
    [GVK_FORM_SPREAD_16] = {GVK_SHADER_PYRAMID_PLANES_TEXELS, 0, 16, true},
    [GVK_FORM_SPREAD_8] = {GVK_SHADER_PYRAMID_PLANES_TEXELS, 0, 16, true},
    [GVK_FORM_CHUNKS_4] = {GVK_SHADER_PYRAMID_PLANES, 0, 4, false},
    [GVK_FORM_BROADCAST_4] = {GVK_SHADER_PYRAMID_PLANES, 0, 4, false},
};

/* Of a lane of pyramid_planes.comp: three pools, each along the rows and along the columns. */
static uint64_t count_plane_turns(const struct gvk_planes_push *push)
{
    return 3 * (1 + 2 * (uint64_t)push->width * push->height + push->width + push->height);
}

static bool is_pyramid(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    return !builder->policy->reference && node->op == GVK_OP_MAX_POOLS && node->pool_kernels[0] == 13 &&
           node->pool_kernels[1] == 9 && node->pool_kernels[2] == 5;
}

static gvk_result emit_pyramid(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct gvk_program *program = builder->program;
    const struct pyramid *pyramid = &pyramids[gvk_form_of(builder->policy)];
    struct gvk_planes_push push = gvk_planes_of(program, node);
    /* Whole planes where they are small, else some outputs of a column, which every device can. */
    if (!pyramid->rows && count_plane_turns(&push) > GVK_MOST_TURNS)
        pyramid = &pyramids[GVK_FORM_UNIFORM];
    struct gvk_command command = gvk_begin_dispatch(node, pyramid->shader, pyramid->local_size);
    gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command,
                    gvk_tensor_operand(program, node->inputs[0],
                                       pyramid->texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
    gvk_set_push(&command, &push, sizeof push);
    command.turns = pyramid->rows ? pyramid->rows + PYRAMID_REACH : count_plane_turns(&push);
    uint32_t lanes = pyramid->rows ? push.width * gvk_divide_up(push.height, pyramid->rows) : push.quads;
    return gvk_finish_dispatch(builder, &command, gvk_divide_up(lanes, pyramid->local_size),
                               pyramid->rows ? push.quads : 1, program->batch);
}

static gvk_result emit_max_pool(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    if (is_pyramid(builder, node))
        return emit_pyramid(builder, node);
    struct gvk_command command = gvk_begin_planes(builder, node, GVK_SHADER_MAX_POOL);
    struct gvk_planes_push push = gvk_planes_of(builder->program, node);
    if (node->op == GVK_OP_MAX_POOL)
        push.kernels[0] = node->kernel;
    for (int i = 0; i < 3 && node->op == GVK_OP_MAX_POOLS; i++)
        push.kernels[i] = node->pool_kernels[i];
    command.turns = (uint64_t)push.kernels[0] * (push.kernels[0] + 1);
    return gvk_finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_max_pool = {NULL, NULL, emit_max_pool, NULL, NULL};
