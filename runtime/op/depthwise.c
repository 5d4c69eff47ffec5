/* Depthwise convolutions: 3 x 3 and 5 x 5 in tiles, any other in the plain form. */
#include "kernel.h"
#include "runtime/kernel/choice.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/weights.h"

/* A kernel of shaders/depthwise.comp or depthwise_strips.comp. */
struct tile {
    enum gvk_shader shader, ghost; /* the same as the tail of a ghost bottleneck, or itself where there is none */
    uint32_t kernel, stride;
    uint32_t out_x, out_y; /* outputs of a lane; a strip has as many rows as the image gives it */
    uint32_t local_size;
    bool texels, strips;
};

#define TILE(FORM, SHADER, GHOST, kernel, stride, ...)                                                                 \
    {                                                                                                                  \
        GVK_SHADER_DEPTHWISE_##FORM##_##SHADER, GVK_SHADER_DEPTHWISE_##FORM##_##GHOST, kernel, stride, __VA_ARGS__     \
    }
/* x and y: of 3 x 3 with stride 1, and of the others. */
#define TILES(FORM, x1, y1, x2, y2, local_size, texels, strips)                                                        \
    {                                                                                                                  \
        TILE(FORM, 3S1, GHOST, 3, 1, x1, y1, local_size, texels, strips),                                              \
            TILE(FORM, 3S2, 3S2, 3, 2, x2, y2, local_size, texels, strips),                                            \
            TILE(FORM, 5S1, 5S1, 5, 1, x2, y2, local_size, texels, strips),                                            \
            TILE(FORM, 5S2, 5S2, 5, 2, x2, y2, local_size, texels, strips),                                            \
    }
#define TILE_COUNT 4
static const struct tile tiles[GVK_FORM_COUNT][TILE_COUNT] = {
    [GVK_FORM_UNIFORM] = TILES(UNIFORM, 2, 4, 1, 4, 64, false, false),
    [GVK_FORM_BROADCAST_16] = TILES(UNIFORM, 2, 4, 1, 4, 64, false, false),
    [GVK_FORM_TEXELS] = TILES(TEXELS, 2, 4, 1, 4, 64, true, false),
    [GVK_FORM_SHUFFLE_16] = TILES(STRIPS_TEXELS, 4, 0, 2, 0, 16, true, true),
    [GVK_FORM_SHUFFLE_8] = TILES(STRIPS_TEXELS, 4, 0, 2, 0, 16, true, true),
    [GVK_FORM_SPREAD_16] = TILES(STRIPS_TEXELS, 4, 0, 2, 0, 16, true, true),
    [GVK_FORM_SPREAD_8] = TILES(STRIPS_TEXELS, 4, 0, 2, 0, 16, true, true),
    [GVK_FORM_CHUNKS_4] = TILES(STRIPS, 4, 0, 2, 0, 16, false, true),
    [GVK_FORM_BROADCAST_4] = TILES(STRIPS, 4, 0, 2, 0, 16, false, true),
};

/* A strip's first outputs cost up to four rows that are loaded for nothing, and a few long strips would leave
 * processors idle. */
#define STRIP_ROWS 32u

static enum gvk_shader shader_of(const struct tile *tile, const struct gvk_graph_node *node)
{
    return node->residual ? tile->ghost : tile->shader;
}

static const struct tile *find_tile(const struct tile *list, const struct gvk_graph_node *node)
{
    for (int i = 0; i < TILE_COUNT; i++)
        if (list[i].kernel == node->kernel && list[i].stride == node->stride)
            return &list[i];
    return NULL;
}

/* NULL: the plain form, which has no tail of a ghost bottleneck. */
static const struct tile *choose_tile(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    if (builder->policy->reference || node->padding != node->kernel / 2)
        return NULL;
    const struct tile *best = find_tile(tiles[gvk_form_of(builder->policy)], node);
    if (best && gvk_is_struck(builder->policy, shader_of(best, node)))
        best = find_tile(tiles[GVK_FORM_UNIFORM], node); /* every device runs these */
    if (best && gvk_is_struck(builder->policy, shader_of(best, node)) && !node->residual)
        best = NULL;
    return best;
}

#define PLAIN_LOCAL_SIZE 64u

/* Of the tile, or what was chosen in its place. */
static uint32_t local_size_of(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                              const struct tile *tile)
{
    enum gvk_shader shader;
    uint32_t local_size;
    if (!tile)
        return PLAIN_LOCAL_SIZE;
    if (gvk_find_choice(builder->policy, node, &shader, &local_size) && shader == shader_of(tile, node) &&
        gvk_is_candidate_local_size(builder->policy->traits, tile->local_size, local_size))
        return local_size;
    return tile->local_size;
}

static struct gvk_pipeline_key select_kernel(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    const struct tile *tile = choose_tile(builder, node);
    struct gvk_pipeline_key key = {.shader = tile ? shader_of(tile, node) : GVK_SHADER_DEPTHWISE_REFERENCE};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = local_size_of(builder, node, tile);
    return key;
}

static bool candidate(const struct gvk_builder *builder, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size)
{
    const struct tile *tile = choose_tile(builder, node);
    if (!tile)
        return false;
    *shader = shader_of(tile, node);
    return gvk_candidate_local_size(builder->policy->traits, tile->local_size, index, local_size);
}

static uint64_t count_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node)
{
    (void)builder;
    return (uint64_t)gvk_quads(node->input_channels) * (node->kernel * node->kernel + 1);
}

static gvk_result pack_weights(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out)
{
    return gvk_pack_depthwise(builder->host, node, out);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index)
{
    const struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct tile *tile = choose_tile(builder, node);
    const struct gvk_shape *in = &program->shapes[node->inputs[0]], *out = &program->shapes[node->output];
    bool texels = tile && tile->texels;
    uint32_t tiles_x = gvk_divide_up(out->width, tile ? tile->out_x : 1);
    bool strips = tile && tile->strips;
    uint32_t rows = strips ? gvk_divide_up(out->height, gvk_divide_up(out->height, STRIP_ROWS)) : 0;
    uint32_t tile_count = tiles_x * gvk_divide_up(out->height, strips ? rows : tile ? tile->out_y : 1);
    uint32_t quads = gvk_quads(node->input_channels);

    struct gvk_command command = gvk_begin_selected(node, select_kernel(builder, node));
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
        .output_item = program->places[node->output].item,
        .source_item = program->places[node->inputs[0]].item,
        .extra_item = program->places[extra].item,
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
    command.turns = strips ? rows + node->kernel : node->kernel * (node->kernel + 1);
    if (strips)
        return gvk_finish_dispatch(builder, &command, gvk_divide_up(quads * tile_count, local_size), 1, program->batch);
    return gvk_finish_dispatch(builder, &command, gvk_divide_up(tile_count, local_size), quads, program->batch);
}

const struct gvk_kernel gvk_kernel_depthwise = {count_weights, pack_weights, emit, select_kernel, candidate};
