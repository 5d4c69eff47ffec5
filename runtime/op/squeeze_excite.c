/* Squeeze-excite's gate: an average pool, and both linear layers in one workgroup, or, on a GPU, where they have more
 * weights than one workgroup should read, in a dispatch each over many workgroups. */
#include "kernel.h"
#include "runtime/graph/ops.h"
#include "runtime/kernel/dispatch.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/planes.h"
#include "runtime/kernel/tiles.h"

/* One workgroup reads some 20 bytes a nanosecond, measured on a card with 132 multiprocessors (docs/hardware): these
 * are three microseconds, about what one dispatch and barrier more cost. */
#define MOST_BYTES_OF_A_WORKGROUP 65536u

/* Among a tile's shaders, which has them by their stores: squeeze-excite has one store, and there its other shader. */
#define SHADER_OF_A_LAYER GVK_STORE_RESIDUAL

struct layout {
    uint64_t reduce_bias, expand, expand_bias, end;
};

static struct layout layout_of(const struct gvk_graph_node *node)
{
    uint64_t channels = gvk_quads(node->input_channels), reduced = gvk_quads(node->reduced_channels);
    struct layout layout = {.reduce_bias = channels * reduced * 4};
    layout.expand = layout.reduce_bias + reduced;
    layout.expand_bias = layout.expand + channels * reduced * 4;
    layout.end = layout.expand_bias + channels;
    return layout;
}

static uint64_t count_weights(const struct gvk_selection *selection, const struct gvk_graph_node *node)
{
    (void)selection;
    return layout_of(node).end;
}

static gvk_result pack_linear(const gvk_host *host, const gvk_array *weight_array, const gvk_array *bias_array,
                              uint64_t inputs, uint64_t outputs, float *out, float *out_bias)
{
    float *weight = NULL, *bias = NULL;
    gvk_result result = gvk_read_weights(host, weight_array, inputs * outputs, &weight);
    if (!result)
        result = gvk_read_weights(host, bias_array, outputs, &bias);
    uint64_t input_quads = (inputs + 3) / 4;
    for (uint64_t o = 0; o < outputs && !result; o++) {
        for (uint64_t i = 0; i < inputs; i++)
            out[(((o / 4) * input_quads + i / 4) * 4 + o % 4) * 4 + i % 4] = weight[o * inputs + i];
        out_bias[o] = bias[o];
    }
    gvk_release(host, weight);
    gvk_release(host, bias);
    return result;
}

static gvk_result pack_weights(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out)
{
    struct layout layout = layout_of(node);
    (void)selection;
    gvk_result result = pack_linear(host, &node->weight, &node->bias, node->input_channels, node->reduced_channels, out,
                                    out + layout.reduce_bias * 4);
    if (result)
        return result;
    return pack_linear(host, &node->second_weight, &node->second_bias, node->reduced_channels, node->input_channels,
                       out + layout.expand * 4, out + layout.expand_bias * 4);
}

static struct gvk_selection select_kernel(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    const struct gvk_tile *tile = gvk_tile_of(GVK_FAMILY_EXCITE, gvk_form_of(policy));
    uint32_t lanes = gvk_form_is_for_gpus(tile->form) ? gvk_split_lanes(policy->traits) : tile->local_size;
    return gvk_select_tile(policy, node, tile, lanes);
}

static bool takes_many_workgroups(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                  const struct gvk_selection *selection)
{
    return selection->tile->shaders[SHADER_OF_A_LAYER] != GVK_SHADER_COUNT &&
           layout_of(node).end * builder->program->quad_bytes > MOST_BYTES_OF_A_WORKGROUP;
}

static void add_operands(const struct gvk_builder *builder, uint32_t index, struct gvk_command *command, bool texels,
                         struct gvk_operand source, struct gvk_operand output)
{
    source.binding = texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE;
    gvk_add_operand(command, output);
    gvk_add_operand(command, source);
    gvk_add_operand(command,
                    gvk_weights_operand(builder, index, texels ? GVK_BINDING_WEIGHTS_TEXELS : GVK_BINDING_WEIGHTS));
}

static gvk_result emit_both(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection,
                            struct gvk_operand pooled, struct gvk_operand gate)
{
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    struct gvk_command excite = gvk_begin_selected(node, selection->key);
    add_operands(builder, index, &excite, selection->tile->texels, pooled, gate);
    struct layout layout = layout_of(node);
    struct gvk_excite_push push = {
        .activation = gvk_range_of(node->activation),
        .output_item = builder->program->locations[node->output].item,
        .source_item = gvk_quads(node->input_channels),
        .channels_quads = gvk_quads(node->input_channels),
        .reduced_quads = gvk_quads(node->reduced_channels),
        .reduce_bias = (uint32_t)layout.reduce_bias,
        .expand = (uint32_t)layout.expand,
        .expand_bias = (uint32_t)layout.expand_bias,
    };
    gvk_set_push(&excite, &push, sizeof push);
    excite.turns = gvk_count_excite_turns(push.channels_quads, push.reduced_quads);
    return gvk_finish_dispatch(builder, &excite, 1, 1, builder->program->batch);
}

#define SHARING_TURNS 8u /* in which excite_layer.comp's lanes add up what they share, at most */

/* How many lanes share an output quad: about four loads for each, a power of two. */
static uint32_t count_lanes(uint32_t input_quads, uint32_t local_size)
{
    uint32_t lanes = 4;
    while (lanes < input_quads && lanes < local_size)
        lanes *= 2;
    return lanes;
}

static gvk_result emit_layer(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection,
                             struct gvk_operand source, struct gvk_operand output, struct gvk_excite_layer_push push)
{
    struct gvk_pipeline_key key = selection->key;
    key.shader = selection->tile->shaders[SHADER_OF_A_LAYER];
    struct gvk_command layer = gvk_begin_selected(&builder->graph->nodes[index], key);
    add_operands(builder, index, &layer, selection->tile->texels, source, output);
    uint32_t local_size = key.constants[GVK_CONSTANT_LOCAL_SIZE];
    push.lanes = count_lanes(push.input_quads, local_size);
    gvk_set_push(&layer, &push, sizeof push);
    layer.turns = 4 * push.input_quads / push.lanes + 1 + SHARING_TURNS;
    return gvk_finish_dispatch(builder, &layer, gvk_divide_up(push.output_quads, local_size / push.lanes), 1,
                               builder->program->batch);
}

static gvk_result emit_layers(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection,
                              struct gvk_operand pooled, struct gvk_operand gate)
{
    struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    const struct layout layout = layout_of(node);
    uint32_t channels = gvk_quads(node->input_channels), inner = gvk_quads(node->reduced_channels);
    struct gvk_operand reduced = pooled;
    reduced.bytes = (uint64_t)inner * program->batch * program->quad_bytes;
    gvk_result result = gvk_program_add_block(program, reduced.bytes, &reduced.block);
    if (result)
        return result;
    reduced.binding = GVK_BINDING_OUTPUT;
    reduced.access = GVK_WRITE;
    struct gvk_excite_layer_push push = {
        .activation = gvk_range_of(GVK_ACTIVATION_RELU),
        .output_item = inner,
        .source_item = channels,
        .input_quads = channels,
        .output_quads = inner,
        .bias = (uint32_t)layout.reduce_bias,
    };
    result = emit_layer(builder, index, selection, pooled, reduced, push);
    if (result)
        return result;
    reduced.access = GVK_READ;
    push = (struct gvk_excite_layer_push){
        .activation = gvk_range_of(node->activation),
        .output_item = program->locations[node->output].item,
        .source_item = inner,
        .input_quads = inner,
        .output_quads = channels,
        .first = (uint32_t)layout.expand,
        .bias = (uint32_t)layout.expand_bias,
    };
    return emit_layer(builder, index, selection, reduced, gate, push);
}

static gvk_result emit(const struct gvk_builder *builder, uint32_t index, const struct gvk_selection *selection)
{
    struct gvk_program *program = builder->program;
    const struct gvk_graph_node *node = &builder->graph->nodes[index];
    uint32_t quads = gvk_quads(node->input_channels), pooled;
    uint64_t bytes = (uint64_t)quads * program->batch * program->quad_bytes;
    gvk_result result = gvk_program_add_block(program, bytes, &pooled);
    if (result)
        return result;
    struct gvk_operand pooled_operand = {
        .memory = GVK_MEMORY_ARENA, .block = pooled, .quad_bytes = program->quad_bytes, .bytes = bytes};

    pooled_operand.binding = GVK_BINDING_OUTPUT;
    pooled_operand.access = GVK_WRITE;
    result = gvk_emit_average_pool(builder, node, selection->tile->form, pooled_operand, quads);
    if (result)
        return result;

    pooled_operand.access = GVK_READ;
    struct gvk_operand gate = gvk_tensor_operand(program, node->output, GVK_BINDING_OUTPUT, GVK_WRITE);
    return takes_many_workgroups(builder, node, selection)
               ? emit_layers(builder, index, selection, pooled_operand, gate)
               : emit_both(builder, index, selection, pooled_operand, gate);
}

const struct gvk_kernel gvk_kernel_squeeze_excite = {
    .select = select_kernel,
    .count_weights = count_weights,
    .pack_weights = pack_weights,
    .emit = emit,
};
