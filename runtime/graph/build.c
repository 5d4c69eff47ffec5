/* Builds a graph: checks each node against its inputs and its weights, and works out shapes. */
#include "graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops.h"
#include "runtime/base/name_index.h"
#include "runtime/base/structs.h"

/* Ceilings that no real network meets; they keep every product below in 64 bits. */
#define MAX_CHANNELS 65536u
#define MAX_KERNEL   31u
#define MAX_NODES    GVK_NAME_COUNT_LIMIT

gvk_result gvk_graph_create(const gvk_host *host_or_null, gvk_find_weight find, void *user, gvk_graph **out)
{
    gvk_host host;
    gvk_result result = gvk_host_read(host_or_null, &host);
    if (result)
        return result;
    if (!out)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "gvk_graph_create needs a place for the graph.");
    gvk_graph *graph = gvk_allocate(&host, sizeof *graph);
    if (!graph)
        return gvk_fail_memory(&host);
    graph->host = host;
    graph->find = find;
    graph->user = user;
    graph->tensor_count = 1;
    *out = graph;
    return GVK_OK;
}

void gvk_graph_destroy(gvk_graph *graph)
{
    if (!graph)
        return;
    gvk_host host = graph->host;
    for (uint32_t i = 0; i < graph->node_count; i++)
        gvk_release(&host, graph->nodes[i].name);
    for (uint32_t i = 0; i < graph->input_count; i++)
        gvk_release(&host, graph->inputs[i].name);
    for (uint32_t i = 0; i < graph->output_count; i++)
        gvk_release(&host, graph->outputs[i].name);
    gvk_release(&host, graph->nodes);
    gvk_release(&host, graph->tensors);
    gvk_release(&host, graph);
}

/* The first error sticks, and its sentence is the only one. */
static gvk_tensor refuse(gvk_graph *graph, gvk_result result)
{
    if (!graph->error)
        graph->error = result;
    return 0;
}

static gvk_tensor add_tensor(gvk_graph *graph, uint32_t producer, uint32_t channels)
{
    if (graph->tensor_count >= graph->tensor_capacity) {
        uint32_t capacity = graph->tensor_capacity ? graph->tensor_capacity * 2 : 64;
        struct gvk_graph_tensor *tensors =
            gvk_grow_array(&graph->host, graph->tensors, graph->tensor_capacity, capacity, sizeof *tensors);
        if (!tensors)
            return refuse(graph, gvk_fail_memory(&graph->host));
        graph->tensors = tensors;
        graph->tensor_capacity = capacity;
    }
    graph->tensors[graph->tensor_count] = (struct gvk_graph_tensor){.producer = producer, .channels = channels};
    return graph->tensor_count++;
}

/* Whether nothing may be added any more. A finished graph may be shared by threads: it stays as it is. */
static bool is_closed(const gvk_graph *graph)
{
    if (graph->finished)
        gvk_log(&graph->host, GVK_LOG_ERROR, "The graph is finished; nothing can be added to it.");
    return graph->finished || graph->error;
}

gvk_tensor gvk_graph_input(gvk_graph *graph, const char *name, uint32_t channels)
{
    if (!graph || is_closed(graph))
        return 0;
    if (!name || !channels || channels > MAX_CHANNELS || graph->input_count)
        return refuse(graph, gvk_fail(&graph->host, GVK_ERROR_ARGUMENT,
                                      "A graph has one input, with a name and 1 to %u channels.", MAX_CHANNELS));
    char *copy = gvk_copy_string(&graph->host, name);
    if (!copy)
        return refuse(graph, gvk_fail_memory(&graph->host));
    gvk_tensor tensor = add_tensor(graph, UINT32_MAX, channels);
    if (!tensor) {
        gvk_release(&graph->host, copy);
        return 0;
    }
    graph->inputs[graph->input_count++] = (struct gvk_graph_port){.name = copy, .tensor = tensor};
    return tensor;
}

void gvk_graph_output(gvk_graph *graph, const char *name, gvk_tensor tensor)
{
    if (!graph || is_closed(graph))
        return;
    uint32_t room = sizeof graph->outputs / sizeof graph->outputs[0];
    if (!name || !tensor || tensor >= graph->tensor_count || graph->output_count == room) {
        refuse(graph,
               gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "A graph has 1 to %u outputs, each with a name.", room));
        return;
    }
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (!strcmp(graph->outputs[i].name, name)) {
            refuse(graph, gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "Two outputs are called \"%s\".", name));
            return;
        }
    char *copy = gvk_copy_string(&graph->host, name);
    if (!copy) {
        refuse(graph, gvk_fail_memory(&graph->host));
        return;
    }
    graph->outputs[graph->output_count++] = (struct gvk_graph_port){.name = copy, .tensor = tensor};
}

uint32_t gvk_graph_channels(const gvk_graph *graph, gvk_tensor tensor)
{
    return graph && tensor && tensor < graph->tensor_count ? graph->tensors[tensor].channels : 0;
}

static void print_shape(char *text, size_t size, uint32_t rank, const uint64_t *shape)
{
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < rank && used < size; i++) {
        int printed = snprintf(text + used, size - used, "%s%" PRIu64, i ? "x" : "", shape[i]);
        used += printed > 0 ? (size_t)printed : 0;
    }
}

/* Finds a weight by its name and checks every dimension of its shape. In a graph without weights *out has the shape and
 * no data. */
static bool find_weight(gvk_graph *graph, const char *node, const char *suffix, uint32_t rank, const uint64_t *shape,
                        gvk_array *out)
{
    if (!graph->find) {
        *out = (gvk_array){.type = GVK_TYPE_F32, .rank = rank};
        memcpy(out->shape, shape, rank * sizeof *shape);
        return true;
    }
    char name[512];
    int length = snprintf(name, sizeof name, "%s.%s", node, suffix);
    if (length < 0 || (size_t)length >= sizeof name) {
        refuse(graph, gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "A node's name is longer than 500 bytes."));
        return false;
    }
    gvk_array found = {0};
    gvk_result result = graph->find(graph->user, name, &found);
    if (result) {
        if (result == GVK_ERROR_MISMATCH)
            gvk_fail(&graph->host, result, "The checkpoint has no tensor \"%s\", which this network needs.", name);
        refuse(graph, result);
        return false;
    }
    bool same = found.rank == rank;
    uint64_t count = 1;
    for (uint32_t i = 0; same && i < rank; i++) {
        same = found.shape[i] == shape[i];
        count *= shape[i];
    }
    if (!same) {
        char wanted[96], given[192];
        print_shape(wanted, sizeof wanted, rank, shape);
        print_shape(given, sizeof given, found.rank <= GVK_MAX_RANK ? found.rank : GVK_MAX_RANK, found.shape);
        refuse(graph, gvk_fail(&graph->host, GVK_ERROR_MISMATCH,
                               "The tensor \"%s\" is %s in the checkpoint, but this network needs %s.", name,
                               found.rank ? given : "a single number", wanted));
        return false;
    }
    uint64_t item = found.type == GVK_TYPE_F32 ? 4 : 2;
    if (found.type != GVK_TYPE_F32 && found.type != GVK_TYPE_F16 && found.type != GVK_TYPE_BF16) {
        refuse(graph, gvk_fail(&graph->host, GVK_ERROR_MISMATCH,
                               "The tensor \"%s\" is not of a type that weights have (fp32, fp16, bf16).", name));
        return false;
    }
    if (!found.data || found.bytes < count * item) {
        refuse(graph,
               gvk_fail(&graph->host, GVK_ERROR_MISMATCH, "The tensor \"%s\" has fewer values than its shape.", name));
        return false;
    }
    *out = found;
    return true;
}

static bool find_weights(gvk_graph *graph, const struct gvk_op_line *line, struct gvk_graph_node *node, bool bias)
{
    struct gvk_wanted_weight wanted[GVK_MOST_WANTED_WEIGHTS];
    uint32_t count = line->list_weights ? line->list_weights(node, bias, wanted) : 0;
    for (uint32_t i = 0; i < count; i++)
        if (!find_weight(graph, node->name, wanted[i].suffix, wanted[i].rank, wanted[i].shape, wanted[i].to))
            return false;
    return true;
}

/* What an op asks of its inputs; NULL when all is well. */
static const char *check_node(const gvk_graph *graph, const struct gvk_op_line *line, const struct gvk_graph_node *node)
{
    if (!line || line->is_fused)
        return "its op is unknown";
    if (node->activation && !line->ends_in_activation)
        return "only convolutions, linear layers and batch norms end in an activation";
    if (!(node->norm.epsilon > 0) || isinf(node->norm.epsilon))
        return "the epsilon of a batch norm is finite and positive";
    if (node->input_count < line->least_inputs || node->input_count > line->most_inputs)
        return "it has the wrong number of inputs";
    return line->check ? line->check(node, graph->tensors) : NULL;
}

/* An op that there is not has nothing of its own. */
static uint32_t count_channels(const struct gvk_op_line *line, const gvk_node *from, uint32_t first, uint32_t all)
{
    if (line && line->channels == GVK_CHANNELS_OF_ALL)
        return all;
    return line && line->channels == GVK_CHANNELS_ASKED && from->outputs ? from->outputs : first;
}

static bool copy_params(gvk_graph *graph, const struct gvk_op_line *line, const gvk_node *from,
                        struct gvk_graph_node *node)
{
    const gvk_host *host = &graph->host;
    if (!from->name || !*from->name || graph->node_count >= MAX_NODES) {
        refuse(graph,
               gvk_fail(host, GVK_ERROR_ARGUMENT, "A node needs a name, and a graph has at most %u.", MAX_NODES));
        return false;
    }
    *node = (struct gvk_graph_node){
        .op = (int)from->op,
        .kernel = from->kernel ? from->kernel : 1,
        .stride = from->stride ? from->stride : 1,
        .padding = line && line->pads_half_its_kernel ? from->kernel / 2 : from->padding,
        .groups = from->groups ? from->groups : 1,
        .activation = from->activation,
        .norm.epsilon = from->epsilon == 0 ? GVK_BATCH_NORM_EPSILON : from->epsilon,
    };
    uint32_t channels = 0;
    for (uint32_t i = 0; i < GVK_MAX_INPUTS && from->inputs[i]; i++) {
        if (from->inputs[i] >= graph->tensor_count) {
            refuse(graph,
                   gvk_fail(host, GVK_ERROR_ARGUMENT, "Node \"%s\" names an input that is not there.", from->name));
            return false;
        }
        node->inputs[node->input_count++] = from->inputs[i];
        channels += graph->tensors[from->inputs[i]].channels;
    }
    node->input_channels = node->input_count ? graph->tensors[node->inputs[0]].channels : 0;
    node->output_channels = count_channels(line, from, node->input_channels, channels);
    if (!node->input_count || node->output_channels > MAX_CHANNELS || node->kernel > MAX_KERNEL ||
        (uint32_t)node->activation > GVK_ACTIVATION_HARD_SWISH) {
        refuse(graph,
               gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Node \"%s\" has no input, a kernel over %u, more than %u channels, or an unknown activation.",
                        from->name, MAX_KERNEL, MAX_CHANNELS));
        return false;
    }
    return true;
}

gvk_tensor gvk_graph_add(gvk_graph *graph, const gvk_node *given)
{
    if (!graph || is_closed(graph))
        return 0;
    if (!given)
        return refuse(graph, gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "gvk_graph_add needs a node."));
    gvk_node read;
    const gvk_node *params = &read;
    gvk_result result = gvk_struct_read(&graph->host, &gvk_layout_of_node, given, &read);
    if (result)
        return refuse(graph, result);
    const struct gvk_op_line *line = gvk_op_line_of((int)params->op);
    struct gvk_graph_node node;
    if (!copy_params(graph, line, params, &node))
        return 0;
    const char *fault = check_node(graph, line, &node);
    if (fault)
        return refuse(graph,
                      gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "Node \"%s\" does not fit: %s.", params->name, fault));
    node.name = gvk_copy_string(&graph->host, params->name);
    if (!node.name)
        return refuse(graph, gvk_fail_memory(&graph->host));
    if (!find_weights(graph, line, &node, params->bias != 0))
        goto fail;
    if (graph->node_count >= graph->node_capacity) {
        uint32_t capacity = graph->node_capacity ? graph->node_capacity * 2 : 64;
        struct gvk_graph_node *nodes =
            gvk_grow_array(&graph->host, graph->nodes, graph->node_capacity, capacity, sizeof *nodes);
        if (!nodes) {
            refuse(graph, gvk_fail_memory(&graph->host));
            goto fail;
        }
        graph->nodes = nodes;
        graph->node_capacity = capacity;
    }
    node.output = add_tensor(graph, graph->node_count, node.output_channels);
    if (!node.output)
        goto fail;
    node.built = node.output;
    graph->nodes[graph->node_count++] = node;
    return node.output;
fail:
    gvk_release(&graph->host, node.name);
    return 0;
}

static gvk_result check_names(gvk_graph *graph)
{
    gvk_name_index names = {0};
    gvk_result result = gvk_name_index_create(&graph->host, graph->node_count, &names);
    for (uint32_t i = 0; i < graph->node_count && !result; i++) {
        const char *name = graph->nodes[i].name;
        if (!gvk_name_index_add(&names, name, strlen(name), i))
            result = gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "Two nodes are called \"%s\".", name);
    }
    gvk_name_index_release(&graph->host, &names);
    return result;
}

gvk_result gvk_graph_finish(gvk_graph *graph)
{
    if (!graph)
        return GVK_ERROR_ARGUMENT;
    if (graph->finished)
        return GVK_OK;
    if (!graph->error && (!graph->input_count || !graph->output_count))
        refuse(graph, gvk_fail(&graph->host, GVK_ERROR_ARGUMENT, "A graph needs an input and an output."));
    if (!graph->error)
        graph->error = check_names(graph);
    graph->finished = !graph->error;
    return graph->error;
}

gvk_result gvk_graph_copy(const gvk_host *host, const struct gvk_graph *graph, struct gvk_graph **out)
{
    struct gvk_graph *copy = gvk_allocate(host, sizeof *copy);
    if (!copy)
        return gvk_fail_memory(host);
    copy->host = *host;
    copy->finished = graph->finished;
    copy->nodes = gvk_allocate_array(host, graph->node_count, sizeof *copy->nodes);
    copy->tensors = gvk_allocate_array(host, graph->tensor_count, sizeof *copy->tensors);
    if (!copy->nodes || !copy->tensors)
        goto fail;
    copy->node_capacity = graph->node_count;
    copy->tensor_capacity = copy->tensor_count = graph->tensor_count;
    for (uint32_t i = 1; i < graph->tensor_count; i++) /* [0] is no tensor, and no memory where there are none */
        copy->tensors[i] = graph->tensors[i];
    for (uint32_t i = 0; i < graph->node_count; i++) {
        copy->nodes[i] = graph->nodes[i];
        copy->nodes[i].name = gvk_copy_string(host, graph->nodes[i].name);
        copy->node_count++;
        if (!copy->nodes[i].name)
            goto fail;
    }
    for (uint32_t i = 0; i < graph->input_count; i++) {
        copy->inputs[i] =
            (struct gvk_graph_port){gvk_copy_string(host, graph->inputs[i].name), graph->inputs[i].tensor};
        copy->input_count++;
        if (!copy->inputs[i].name)
            goto fail;
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        copy->outputs[i] =
            (struct gvk_graph_port){gvk_copy_string(host, graph->outputs[i].name), graph->outputs[i].tensor};
        copy->output_count++;
        if (!copy->outputs[i].name)
            goto fail;
    }
    *out = copy;
    return GVK_OK;
fail:
    gvk_graph_destroy(copy);
    return gvk_fail_memory(host);
}

static gvk_result shape_of_node(const gvk_host *host, const struct gvk_graph *graph, const struct gvk_graph_node *node,
                                struct gvk_shape *shapes)
{
    const struct gvk_shape *in = &shapes[node->inputs[0]];
    struct gvk_shape out = {
        .channels = graph->tensors[node->output].channels, .height = in->height, .width = in->width};
    const struct gvk_op_line *line = gvk_op_line_of(node->op);
    gvk_result result = line->shape ? line->shape(host, node, shapes, &out) : GVK_OK;
    if (result)
        return result;
    if (node->upsample) {
        out.width *= 2;
        out.height *= 2;
    }
    if (node->residual)
        result = gvk_compare_maps(host, node, &out, &shapes[node->residual]);
    shapes[node->output] = out;
    if (node->op == GVK_OP_GHOST) /* others may read its halves */
        for (uint32_t i = 1; i < graph->tensor_count; i++)
            if (graph->tensors[i].parent == node->output)
                shapes[i] = (struct gvk_shape){graph->tensors[i].channels, out.height, out.width};
    /* A concat whose parts are all placed has no node left; it has its parts' size. */
    for (gvk_tensor parent = graph->tensors[node->output].parent; parent && !result;
         parent = graph->tensors[parent].parent) {
        if (shapes[parent].width)
            result = gvk_compare_maps(host, node, &out, &shapes[parent]);
        shapes[parent] = (struct gvk_shape){graph->tensors[parent].channels, out.height, out.width};
    }
    return result;
}

gvk_result gvk_graph_shapes(const gvk_host *host, const struct gvk_graph *graph, uint32_t width, uint32_t height,
                            struct gvk_shape *shapes)
{
    if (!width || !height || width > 65535 || height > 65535)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "An input of %ux%u pixels cannot be; each side is 1 to 65535.", width,
                        height);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        shapes[i] = (struct gvk_shape){0};
    for (uint32_t i = 0; i < graph->input_count; i++) {
        gvk_tensor tensor = graph->inputs[i].tensor;
        shapes[tensor] = (struct gvk_shape){graph->tensors[tensor].channels, height, width};
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].removed)
            continue;
        gvk_result result = shape_of_node(host, graph, &graph->nodes[i], shapes);
        if (result)
            return result;
    }
    return GVK_OK;
}

gvk_tensor gvk_graph_find_tensor(const struct gvk_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (!strcmp(graph->outputs[i].name, name))
            return graph->outputs[i].tensor;
    for (uint32_t i = 0; i < graph->input_count; i++)
        if (!strcmp(graph->inputs[i].name, name))
            return graph->inputs[i].tensor;
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (!strcmp(graph->nodes[i].name, name)) {
            gvk_tensor built = graph->nodes[i].built;
            return graph->tensors[built].removed ? 0 : built; /* [0] is no tensor, and never removed */
        }
    return 0;
}

/* Names, no more of them than there are tensors: a count that was never set is not followed. */
static bool names_taps(const struct gvk_graph *graph, const char *const *taps, uint32_t count)
{
    if (count && (!taps || count > graph->tensor_count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!taps[i])
            return false;
    return true;
}

gvk_result gvk_graph_copy_tapped(const gvk_host *host, const struct gvk_graph *graph, const char *const *taps,
                                 uint32_t count, struct gvk_graph **out)
{
    struct gvk_graph *copy = NULL;
    if (!names_taps(graph, taps, count))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A model's taps are names, no more of them than the graph has.");
    gvk_result result = gvk_graph_copy(host, graph, &copy);
    if (result)
        return result;
    for (uint32_t i = 0; i < count; i++) {
        gvk_tensor tensor = gvk_graph_find_tensor(copy, taps[i]);
        if (!tensor) {
            gvk_graph_destroy(copy);
            return gvk_fail(host, GVK_ERROR_ARGUMENT, "There is no tensor \"%s\" in this graph to be tapped.", taps[i]);
        }
        copy->tensors[tensor].tapped = true;
    }
    *out = copy;
    return GVK_OK;
}

uint32_t gvk_graph_uses(const struct gvk_graph *graph, gvk_tensor tensor)
{
    uint32_t uses = tensor && graph->tensors[tensor].tapped;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        if (node->removed)
            continue;
        for (uint32_t j = 0; j < node->input_count; j++)
            uses += node->inputs[j] == tensor;
        uses += node->residual == tensor;
        uses += node->gate == tensor;
    }
    for (uint32_t i = 0; i < graph->output_count; i++)
        uses += graph->outputs[i].tensor == tensor;
    return uses;
}
