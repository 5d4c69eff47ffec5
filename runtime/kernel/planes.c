/* Dispatches that go plane by plane; average pools, of which squeeze-excite is a user, too. */
#include "planes.h"

#include "forms.h"
#include "tiles.h"

#define SHARING_TURNS 16u /* of split.glsl, at most */

struct gvk_planes_push gvk_planes_of(const struct gvk_program *program, const struct gvk_graph_node *node)
{
    const struct gvk_shape *in = &program->shapes[node->inputs[0]];
    return (struct gvk_planes_push){
        .activation = gvk_range_of(node->activation),
        .output_item = program->locations[node->output].item,
        .source_item = program->locations[node->inputs[0]].item,
        .quads = gvk_quads(in->channels),
        .width = in->width,
        .height = in->height,
    };
}

struct gvk_command gvk_begin_planes(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                    enum gvk_shader shader)
{
    struct gvk_command command = gvk_begin_dispatch(node, shader, GVK_PLANES_LANES);
    gvk_add_operand(&command, gvk_tensor_operand(builder->program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_tensor_operand(builder->program, node->inputs[0], GVK_BINDING_SOURCE, GVK_READ));
    return command;
}

gvk_result gvk_finish_planes(const struct gvk_builder *builder, struct gvk_command *command,
                             const struct gvk_planes_push *push, uint32_t lanes, uint32_t rows)
{
    gvk_set_push(command, push, sizeof *push);
    return gvk_finish_dispatch(builder, command, gvk_divide_up(lanes, GVK_PLANES_LANES), rows, builder->program->batch);
}

/* One dispatch over `push.quads` planes. With `split` a workgroup sums up a plane; a lane for each plane, as on CPU
 * devices, would leave all but a few dozen of a GPU's thousands of lanes idle. */
static gvk_result emit_pool(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                            const struct gvk_tile *tile, struct gvk_planes_push push, struct gvk_operand output,
                            struct gvk_operand source)
{
    bool texels = tile->texels, split = gvk_form_is_for_gpus(tile->form);
    uint32_t local_size = split ? gvk_split_lanes(builder->policy->traits) : tile->local_size;
    struct gvk_command command = gvk_begin_dispatch(node, tile->shaders[GVK_STORE_PLAIN], local_size);
    output.binding = GVK_BINDING_OUTPUT;
    output.access = GVK_WRITE;
    gvk_add_operand(&command, output);
    source.binding = texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE;
    source.access = GVK_READ;
    gvk_add_operand(&command, source);
    gvk_set_push(&command, &push, sizeof push);
    command.turns = (uint64_t)push.height * (push.width + 1);
    if (split)
        command.turns = (uint64_t)push.width * push.height / local_size + 1 + SHARING_TURNS;
    return gvk_finish_dispatch(builder, &command, split ? push.quads : gvk_divide_up(push.quads, local_size), 1,
                               builder->program->batch);
}

gvk_result gvk_emit_average_pool(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                 enum gvk_form form, struct gvk_operand output, uint32_t output_item)
{
    struct gvk_planes_push push = gvk_planes_of(builder->program, node);
    struct gvk_operand source = gvk_tensor_operand(builder->program, node->inputs[0], GVK_BINDING_SOURCE, GVK_READ);
    bool split = gvk_form_is_for_gpus(form);
    /* A plane in few lanes is for CPU devices, whose forms are for fp32; every device runs the plain one. */
    const struct gvk_tile *tile = gvk_tile_of(GVK_FAMILY_AVERAGE_POOL, form);
    const struct gvk_tile *whole = split ? gvk_tile_of(GVK_FAMILY_AVERAGE_POOL, GVK_FORM_PLAIN) : tile;
    uint64_t lanes = split ? gvk_split_lanes(builder->policy->traits) : 1;
    uint64_t rows_and_columns = (uint64_t)push.height * (push.width + 1) / lanes;
    if (rows_and_columns + 1 + SHARING_TURNS > GVK_MOST_TURNS) {
        /* A plane's mean is that of its rows' means. */
        struct gvk_planes_push rows = push;
        rows.quads = push.quads * push.height;
        rows.height = 1;
        rows.output_item = rows.quads;
        uint64_t each = builder->program->quad_bytes, bytes = (uint64_t)rows.quads * builder->program->batch * each;
        struct gvk_operand means = {.memory = GVK_MEMORY_ARENA, .quad_bytes = (uint32_t)each, .bytes = bytes};
        gvk_result result = gvk_program_add_block(builder->program, bytes, &means.block);
        if (!result)
            result = emit_pool(builder, node, whole, rows, means, source);
        if (result)
            return result;
        push.source_item = rows.quads;
        push.width = push.height;
        push.height = 1;
        source = means;
        tile = whole;
    }
    push.output_item = output_item;
    return emit_pool(builder, node, tile, push, output, source);
}
