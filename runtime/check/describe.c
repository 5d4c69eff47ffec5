/* Describes a plan for people: layers as built, dispatches before and after rewriting, memory, which needs no device;
 * and counts what a stream has recorded. */
#include <string.h>

#include "open_model.h"
#include "runtime/base/structs.h"
#include "runtime/graph/ops.h"
#include "runtime/graph/rewrite.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "runtime/stream/stream_inside.h"

/* What one path over the graph would run. */
struct path {
    uint32_t dispatches, barriers, pipelines;
    uint64_t arena_bytes, weight_bytes;
};

static uint32_t count_pipelines(const struct gvk_program *program)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->command_count; i++) {
        bool seen = program->commands[i].kind != GVK_COMMAND_DISPATCH;
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = program->commands[j].kind == GVK_COMMAND_DISPATCH &&
                   gvk_pipeline_keys_equal(&program->commands[i].key, &program->commands[j].key);
        count += !seen;
    }
    return count;
}

static gvk_result follow_path(const gvk_host *host, struct gvk_policy policy, const gvk_graph *graph, uint32_t off,
                              const gvk_stream_params *stream, struct path *out)
{
    struct gvk_graph *copy = NULL;
    struct gvk_program *program = NULL;
    struct gvk_packing packing = {0};
    policy.reference = off & GVK_REWRITE_FAST_KERNELS;
    gvk_result result = gvk_graph_copy(host, graph, &copy);
    if (!result)
        result = gvk_rewrite_graph(copy, gvk_rewrites_off(&policy, off));
    if (!result)
        result = gvk_program_create(host, &program);
    if (result)
        goto done;
    struct gvk_builder builder = {
        .host = host,
        .policy = &policy,
        .graph = copy,
        .packing = &packing,
        .program = program,
    };
    result = gvk_program_follow(&builder, &packing, stream);
    if (!result)
        result = gvk_count_barriers(program, 0, program->command_count, &out->barriers);
    if (!result) {
        out->dispatches = program->command_count;
        out->pipelines = count_pipelines(program);
        out->arena_bytes = program->arena_bytes;
        out->weight_bytes = packing.quads * gvk_quad_bytes(&policy);
    }
done:
    gvk_packing_destroy(host, &packing);
    gvk_program_destroy(program);
    gvk_graph_destroy(copy);
    return result;
}

/* What was learned of the node's weights. */
static uint64_t count_parameters(const struct gvk_graph_node *node)
{
    const struct gvk_op_line *line = gvk_op_line_of(node->op);
    struct gvk_wanted_weight weights[GVK_MOST_WANTED_WEIGHTS];
    struct gvk_graph_node copy = *node;
    uint32_t count = line->list_weights ? line->list_weights(&copy, node->bias.rank > 0, weights) : 0;
    uint64_t parameters = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t values = !weights[i].is_measured;
        for (uint32_t j = 0; j < weights[i].rank; j++)
            values *= weights[i].shape[j];
        parameters += values;
    }
    return parameters;
}

static void describe_node(const struct gvk_graph_node *node, const struct gvk_shape *shapes, uint64_t batch,
                          gvk_layer_description *out)
{
    const struct gvk_shape *shape = &shapes[node->output];
    *out = (gvk_layer_description){
        .name = node->name,
        .op = gvk_op_name(node),
        .channels = shape->channels,
        .height = shape->height,
        .width = shape->width,
        .macs = gvk_count_macs(node, shapes) * batch,
    };
    out->parameters = count_parameters(node);
}

/* Layers and names in one block, so that they outlive the graph. */
static gvk_result describe_layers(const gvk_host *host, const gvk_graph *graph, const gvk_stream_params *stream,
                                  size_t layer_size, gvk_description *out)
{
    size_t name_bytes = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
        name_bytes += strlen(graph->nodes[i].name) + 1;
    size_t layer_bytes = graph->node_count * layer_size;
    char *memory = gvk_allocate(host, layer_bytes + name_bytes);
    struct gvk_shape *shapes = gvk_allocate_array(host, graph->tensor_count, sizeof *shapes);
    gvk_result result =
        memory && shapes ? gvk_graph_shapes(host, graph, stream->width, stream->height, shapes) : gvk_fail_memory(host);
    if (!memory || result) {
        gvk_release(host, memory);
        gvk_release(host, shapes);
        return result;
    }
    char *names = memory + layer_bytes;
    uint64_t batch = stream->batch ? stream->batch : 1;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        gvk_layer_description layer;
        describe_node(node, shapes, batch, &layer);
        size_t bytes = strlen(node->name) + 1;
        memcpy(names, node->name, bytes);
        layer.name = names;
        names += bytes;
        out->macs += layer.macs;
        out->parameters += layer.parameters;
        gvk_element_write(&gvk_layout_of_layer_description, &layer, memory, layer_size, i);
    }
    gvk_release(host, shapes);
    out->memory = memory;
    out->layers = (const gvk_layer_description *)(const void *)memory;
    out->layer_count = graph->node_count;
    return GVK_OK;
}

gvk_result gvk_plan_describe(const gvk_device *device, const gvk_graph *graph, const gvk_model_params *given_model,
                             const gvk_stream_params *given_stream, gvk_description *out)
{
    if (!graph)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = device ? &device->host : &graph->host;
    if (!graph->finished || !given_stream || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "gvk_plan_describe needs a finished graph, a stream's params and a place for the description.");
    gvk_model_params model;
    gvk_stream_params stream;
    size_t size, layer_size;
    gvk_result result = gvk_struct_read(host, &gvk_layout_of_model_params, given_model, &model);
    if (!result)
        result = gvk_struct_read(host, &gvk_layout_of_stream_params, given_stream, &stream);
    if (!result)
        result = gvk_element_size(host, &gvk_layout_of_description, out->size, &size);
    if (!result)
        result = gvk_element_size(host, &gvk_layout_of_layer_description, out->layer_size, &layer_size);
    if (result)
        return result;
    const struct gvk_traits plain = gvk_traits_of_plain_gpu();
    struct gvk_policy policy;
    result = gvk_policy_of_model(host, device, &plain, &model, &policy);
    if (result)
        return result;
    gvk_description made = {.size = sizeof made, .layer_size = out->layer_size};
    struct path before = {0}, after = {0};
    struct gvk_graph *tapped = NULL;
    if (model.tap_count)
        result = gvk_graph_copy_tapped(host, graph, model.taps, model.tap_count, &tapped);
    if (!result)
        result = describe_layers(host, graph, &stream, layer_size, &made);
    if (!result)
        result = follow_path(host, policy, graph, GVK_REWRITE_ALL, &stream, &before);
    if (!result)
        result = follow_path(host, policy, tapped ? tapped : graph, model.rewrites_off, &stream, &after);
    gvk_graph_destroy(tapped);
    if (result) {
        gvk_description_release(host, &made);
        return result;
    }
    made.dispatches_before = before.dispatches;
    made.dispatches_after = after.dispatches;
    made.barriers_after = after.barriers;
    made.pipelines_after = after.pipelines;
    made.arena_bytes = after.arena_bytes;
    made.weight_bytes = after.weight_bytes;
    gvk_struct_write(&gvk_layout_of_description, &made, out);
    return GVK_OK;
}

void gvk_description_release(const gvk_host *host_or_null, gvk_description *description)
{
    gvk_host host;
    if (!description || gvk_host_read(host_or_null, &host))
        return;
    gvk_release(&host, description->memory);
    gvk_struct_write(&gvk_layout_of_description, &(gvk_description){.layer_size = description->layer_size},
                     description);
}

/* ---- what a stream has recorded ---- */

static void add_counts(gvk_recorded_counts *sum, const gvk_recorded_counts *counts)
{
    sum->dispatches += counts->dispatches;
    sum->transfers += counts->transfers;
    sum->barriers += counts->barriers;
}

/* How many pipelines the first `end` commands bind. */
static uint32_t count_bound_pipelines(const struct gvk_recorder *recorder, uint32_t end)
{
    const VkPipeline *pipelines = recorder->pipelines;
    uint32_t count = 0;
    for (uint32_t i = 0; i < end; i++) {
        bool seen = !pipelines[i]; /* copies and fills bind none */
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = pipelines[j] == pipelines[i];
        count += !seen;
    }
    return count;
}

void gvk_stream_describe(const gvk_stream *stream, gvk_stream_info *out)
{
    if (!out)
        return;
    if (!stream) {
        gvk_struct_write(&gvk_layout_of_stream_info, &(gvk_stream_info){.size = 0}, out);
        return;
    }
    const struct gvk_program *program = stream->program;
    uint64_t newest = stream->newest ? stream->newest - 1 : 0;
    const struct gvk_frame *frame = &stream->frames[newest % stream->frame_count];
    const struct gvk_intake *intake = &frame->intake;
    uint32_t intake_commands = intake->recorded ? intake->program->command_count : 0;
    gvk_stream_info info = {
        .width = program->width,
        .height = program->height,
        .batch = program->batch,
        .frames = stream->frame_count,
        .frame = stream->network_counts,
        .network = stream->network_counts,
        .precision = stream->model->policy.half ? GVK_PRECISION_FP16 : GVK_PRECISION_FP32,
        .submissions = stream->newest ? frame->parts : stream->submissions.count,
        .pipelines = count_bound_pipelines(&stream->recorder, program->command_count) +
                     count_bound_pipelines(&intake->recorder, intake_commands), /* of which neither has the other's */
        .network_pipelines = count_bound_pipelines(&stream->recorder, program->network_end),
        .arena_bytes = program->arena_bytes,
        .weight_bytes = stream->model->packing.quads * stream->program->quad_bytes,
    };
    add_counts(&info.frame, &stream->main_counts);
    add_counts(&info.frame, &intake->counts);
    for (uint32_t i = 0; i < program->network_end; i++)
        info.macs += program->commands[i].macs;
    gvk_struct_write(&gvk_layout_of_stream_info, &info, out);
}
