/* Kernels that go plane by plane: batch norm + activation, upsample, pools, add, multiply, concat. */
#include <math.h>

#include "kernel.h"

#define LOCAL_SIZE    64
#define SHARING_TURNS 16u /* of split.glsl, at most */

static struct gvk_planes_push planes_of(const struct gvk_program *program, const struct gvk_graph_node *node)
{
    const struct gvk_shape *in = &program->shapes[node->inputs[0]];
    return (struct gvk_planes_push){
        .activation = gvk_range_of(node->activation),
        .output_item = program->places[node->output].item,
        .source_item = program->places[node->inputs[0]].item,
        .quads = gvk_quads(in->channels),
        .width = in->width,
        .height = in->height,
    };
}

/* The dispatch of most of these: one source, one output, a lane for each of `lanes` pixels of each plane. */
static struct gvk_command begin_planes(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                       enum gvk_shader shader)
{
    struct gvk_command command = gvk_begin_dispatch(node, shader, LOCAL_SIZE);
    gvk_add_operand(&command, gvk_tensor_operand(builder->program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_tensor_operand(builder->program, node->inputs[0], GVK_BINDING_SOURCE, GVK_READ));
    return command;
}

static gvk_result finish_planes(const struct gvk_builder *builder, struct gvk_command *command,
                                const struct gvk_planes_push *push, uint32_t lanes, uint32_t rows)
{
    gvk_set_push(command, push, sizeof *push);
    return gvk_finish_dispatch(builder, command, gvk_divide_up(lanes, LOCAL_SIZE), rows, builder->program->batch);
}

/* ---- batch norm and activation ---- */

static uint64_t count_norm(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    (void)builder;
    return node->norm.present ? 2 * (uint64_t)gvk_quads(node->input_channels) : 0;
}

static gvk_result pack_norm(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out)
{
    const gvk_array *arrays[4] = {&node->norm.weight, &node->norm.bias, &node->norm.mean, &node->norm.variance};
    float *values[4] = {0};
    gvk_result result = GVK_OK;
    for (int i = 0; i < 4 && !result && node->norm.present; i++)
        result = gvk_read_weights(builder->host, arrays[i], node->input_channels, &values[i]);
    float *shifts = out + (size_t)gvk_quads(node->input_channels) * 4;
    for (uint32_t c = 0; c < node->input_channels && !result && node->norm.present; c++) {
        double scale = (double)values[0][c] / sqrt((double)values[3][c] + node->norm.epsilon);
        out[c] = (float)scale;
        shifts[c] = (float)((double)values[1][c] - (double)values[2][c] * scale);
    }
    for (int i = 0; i < 4; i++)
        gvk_release(builder->host, values[i]);
    return result;
}

static gvk_result emit_batch_norm(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command command = begin_planes(builder, node, GVK_SHADER_BATCH_NORM);
    command.key.constants[GVK_CONSTANT_MODE] = node->norm.present;
    /* Also for an activation alone, which reads none: a binding that the shader names must hold something. */
    gvk_add_operand(&command, gvk_weights_operand(builder, index, GVK_BINDING_WEIGHTS));
    struct gvk_planes_push push = planes_of(builder->program, node);
    return finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_batch_norm = {count_norm, pack_norm, emit_batch_norm, NULL, NULL};

/* ---- upsample ---- */

static gvk_result emit_upsample(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command command = begin_planes(builder, node, GVK_SHADER_UPSAMPLE);
    struct gvk_planes_push push = planes_of(builder->program, node);
    return finish_planes(builder, &command, &push, 4 * push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_upsample = {NULL, NULL, emit_upsample, NULL, NULL};

/* ---- pools ---- */

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
    return !builder->reference && node->op == GVK_OP_MAX_POOLS && node->pool_kernels[0] == 13 &&
           node->pool_kernels[1] == 9 && node->pool_kernels[2] == 5;
}

static gvk_result emit_pyramid(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct gvk_program *program = builder->program;
    const struct pyramid *pyramid = &pyramids[gvk_form_of(builder->traits)];
    struct gvk_planes_push push = planes_of(program, node);
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
    struct gvk_command command = begin_planes(builder, node, GVK_SHADER_MAX_POOL);
    struct gvk_planes_push push = planes_of(builder->program, node);
    if (node->op == GVK_OP_MAX_POOL)
        push.kernels[0] = node->kernel;
    for (int i = 0; i < 3 && node->op == GVK_OP_MAX_POOLS; i++)
        push.kernels[i] = node->pool_kernels[i];
    command.turns = (uint64_t)push.kernels[0] * (push.kernels[0] + 1);
    return finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_max_pool = {NULL, NULL, emit_max_pool, NULL, NULL};

/* A GPU needs a workgroup for a plane: by a lane each, a few dozen lanes of thousands would have something to do. */
static enum gvk_shader average_pool_of(const struct gvk_builder *builder, bool split)
{
    bool texels = !builder->reference && gvk_reads_texels(builder->traits);
    if (split)
        return texels ? GVK_SHADER_AVERAGE_POOL_SPLIT_TEXELS : GVK_SHADER_AVERAGE_POOL_SPLIT;
    /* The plain texel form is for CPU devices, and for fp32. */
    bool gpu = gvk_form_is_for_gpus(gvk_form_of(builder->traits));
    return texels && !gpu ? GVK_SHADER_AVERAGE_POOL_TEXELS : GVK_SHADER_AVERAGE_POOL;
}

/* One dispatch over `push.quads` planes. */
static gvk_result emit_pool(const struct gvk_builder *builder, const struct gvk_graph_node *node, bool split,
                            struct gvk_planes_push push, struct gvk_operand output, struct gvk_operand source)
{
    enum gvk_shader shader = average_pool_of(builder, split);
    bool texels = shader == GVK_SHADER_AVERAGE_POOL_TEXELS || shader == GVK_SHADER_AVERAGE_POOL_SPLIT_TEXELS;
    uint32_t local_size = split ? gvk_split_lanes(builder->traits) : LOCAL_SIZE;
    struct gvk_command command = gvk_begin_dispatch(node, shader, local_size);
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
                                 struct gvk_operand output, uint32_t output_item)
{
    struct gvk_planes_push push = planes_of(builder->program, node);
    struct gvk_operand source = gvk_tensor_operand(builder->program, node->inputs[0], GVK_BINDING_SOURCE, GVK_READ);
    bool split = !builder->reference && gvk_form_is_for_gpus(gvk_form_of(builder->traits));
    uint64_t lanes = split ? gvk_split_lanes(builder->traits) : 1;
    uint64_t rows_and_columns = (uint64_t)push.height * (push.width + 1) / lanes;
    if (rows_and_columns + 1 + SHARING_TURNS > GVK_MOST_TURNS) {
        /* A plane's mean is that of its rows' means. */
        struct gvk_planes_push rows = push;
        rows.quads = push.quads * push.height;
        rows.height = 1;
        rows.output_item = rows.quads;
        uint64_t each = builder->program->quad_bytes, bytes = (uint64_t)rows.quads * builder->program->batch * each;
        struct gvk_operand means = {.place = GVK_PLACE_ARENA, .quad_bytes = (uint32_t)each, .bytes = bytes};
        gvk_result result = gvk_program_add_block(builder->program, bytes, &means.block);
        if (!result)
            result = emit_pool(builder, node, false, rows, means, source);
        if (result)
            return result;
        push.source_item = rows.quads;
        push.width = push.height;
        push.height = 1;
        source = means;
        split = false;
    }
    push.output_item = output_item;
    return emit_pool(builder, node, split, push, output, source);
}

static gvk_result emit_average_pool(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    return gvk_emit_average_pool(builder, node,
                                 gvk_tensor_operand(builder->program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE),
                                 builder->program->places[node->output].item);
}

const struct gvk_kernel gvk_kernel_average_pool = {NULL, NULL, emit_average_pool, NULL, NULL};

/* ---- add and multiply ---- */

static gvk_result emit_combine(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command command = begin_planes(builder, node, GVK_SHADER_COMBINE);
    command.key.constants[GVK_CONSTANT_EXTRA] = node->op == GVK_OP_ADD ? GVK_EXTRA_RESIDUAL : GVK_EXTRA_GATE;
    gvk_add_operand(&command, gvk_tensor_operand(builder->program, node->inputs[1], GVK_BINDING_EXTRA, GVK_READ));
    struct gvk_planes_push push = planes_of(builder->program, node);
    push.extra_item = builder->program->places[node->inputs[1]].item;
    return finish_planes(builder, &command, &push, push.width * push.height, push.quads);
}

const struct gvk_kernel gvk_kernel_combine = {NULL, NULL, emit_combine, NULL, NULL};

/* ---- concat: one copy for each part that is not written in its place ---- */

static gvk_result emit_concat(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_graph *graph = builder->graph;
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &graph->nodes[index];
    uint32_t first = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct gvk_graph_tensor *part = &graph->tensors[node->inputs[i]];
        const struct gvk_shape *shape = &program->shapes[node->inputs[i]];
        uint32_t end = first + part->channels;
        if (part->parent == node->output && part->first_channel == first) {
            first = end;
            continue;
        }
        struct gvk_command command = gvk_begin_dispatch(node, GVK_SHADER_CONCAT, LOCAL_SIZE);
        /* A first quad that is shared keeps what the part before wrote there. */
        enum gvk_access access = first % 4 ? GVK_READ_WRITE : GVK_WRITE;
        gvk_add_operand(&command, gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, access));
        gvk_add_operand(&command, gvk_tensor_operand(program, node->inputs[i], GVK_BINDING_SOURCE, GVK_READ));
        struct gvk_concat_push push = {
            .output_item = program->places[node->output].item,
            .source_item = program->places[node->inputs[i]].item,
            .channels = part->channels,
            .first_channel = first,
            .pixels = shape->width * shape->height,
        };
        gvk_set_push(&command, &push, sizeof push);
        command.turns = 4;
        gvk_result result = gvk_finish_dispatch(builder, &command, gvk_divide_up(push.pixels, LOCAL_SIZE),
                                                gvk_quads(end) - first / 4, program->batch);
        if (result)
            return result;
        first = end;
    }
    return GVK_OK;
}

const struct gvk_kernel gvk_kernel_concat = {NULL, NULL, emit_concat, NULL, NULL};
