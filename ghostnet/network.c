/* Opens a checkpoint as a network: what it is, how wide, which classes, and the graph over its weights.
 * The public calls of ghostnet.h that need no device are here. */
#include "network_inside.h"

#include <string.h>

#include "generate.h"
#include "ghostnet/files/text.h"
#include "metadata.h"
#include "recognition.h"
#include "runtime/base/structs.h"
#include "unused.h"

static const struct gvk_layout layout_of_params = GVK_LAYOUT(gvk_network_params, weights, weights);
static const struct gvk_layout layout_of_info = GVK_LAYOUT(gvk_network_info, name, name);

/* ---- the graph over the weights ---- */

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    gvk_network *network = user;
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(network->checkpoint, name);
    if (!tensor)
        return GVK_ERROR_MISMATCH;
    /* Tensors lie in one array, in the file's order. */
    network->used[tensor - gvk_checkpoint_at(network->checkpoint, 0)] = true;
    *out = tensor->array;
    return GVK_OK;
}

static gvk_result build_graph(gvk_network *network)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint);
    network->used = gvk_allocate_array(&network->host, count, sizeof *network->used);
    if (!network->used)
        return gvk_fail_memory(&network->host);
    gvk_result result = gvk_graph_create(&network->host, find_weight, network, &network->graph);
    if (result)
        return result;
    gvk_tensor input = gvk_graph_input(network->graph, "input", 3);
    const struct gvk_architecture *architecture = network->architecture;
    architecture->add(network->graph, input, architecture->backbone, network->width, network->class_count);
    return gvk_graph_finish(network->graph);
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    return length >= suffix_length && !strcmp(text + length - suffix_length, suffix);
}

/* The sign and the exponent of each type lie in its last two bytes. */
static const char *find_number_fault(const gvk_array *array, bool is_variance)
{
    const unsigned char *bytes = array->data;
    size_t size = array->type == GVK_TYPE_F32 ? 4 : 2;
    unsigned exponent = array->type == GVK_TYPE_F16 ? 0x7c00 : 0x7f80;
    for (uint64_t at = 0; at + size <= array->bytes; at += size) {
        unsigned top = bytes[at + size - 2] | (unsigned)bytes[at + size - 1] << 8;
        if ((top & exponent) == exponent)
            return "an infinity or a not-a-number";
        bool is_zero = !(top & 0x7fff) && (size == 2 || !(bytes[at] | bytes[at + 1]));
        if (is_variance && (top & 0x8000) && !is_zero)
            return "a variance below zero";
    }
    return NULL;
}

/* Only now that all shapes fit, and only what the network needs. */
static gvk_result load_weights(const gvk_network *network)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint);
    for (uint32_t i = 0; i < count; i++) {
        gvk_result result = network->used[i] ? gvk_checkpoint_load(network->checkpoint, i) : GVK_OK;
        if (result)
            return result;
    }
    gvk_checkpoint_close(network->checkpoint);
    return GVK_OK;
}

/* One bad number among the weights would spread over every picture. */
static gvk_result check_numbers(const gvk_network *network)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint);
    for (uint32_t i = 0; i < count; i++) {
        if (!network->used[i])
            continue;
        const gvk_checkpoint_tensor *tensor = gvk_checkpoint_at(network->checkpoint, i);
        const char *fault = find_number_fault(&tensor->array, has_suffix(tensor->name, ".running_var"));
        if (fault)
            return gvk_fail(&network->host, GVK_ERROR_FORMAT, "The tensor \"%s\" holds %s.", tensor->name, fault);
    }
    return GVK_OK;
}

/* ---- the public calls ---- */

static gvk_result open_checkpoint(gvk_network *network, const gvk_network_params *params)
{
    const gvk_checkpoint_params source = {
        .path = params->path, .bytes = params->bytes, .byte_count = params->byte_count, .weights = params->weights};
    return gvk_checkpoint_open_as(&network->host, &source, "The model", true, &network->checkpoint);
}

/* Who finds two sets of weights wants to know which one runs. */
static void tell_weights(const gvk_network *network)
{
    const char *origin = gvk_checkpoint_origin(network->checkpoint);
    gvk_quoted quoted;
    gvk_quote(&quoted, origin, strlen(origin));
    switch (gvk_checkpoint_chosen(network->checkpoint)) {
    case GVK_CHOICE_ONLY:
        if (*origin)
            gvk_log(&network->host, GVK_LOG_INFO, "The weights are those under \"%s\".", quoted.text);
        else
            gvk_log(&network->host, GVK_LOG_INFO, "The weights are those at the top level.");
        break;
    case GVK_CHOICE_PLAIN:
        gvk_log(&network->host, GVK_LOG_WARNING,
                "The file holds weights and an average of some of them; taken are the weights%s%s%s.",
                *origin ? " under \"" : " at the top level", quoted.text, *origin ? "\"" : "");
        break;
    case GVK_CHOICE_AVERAGE:
        gvk_log(&network->host, GVK_LOG_WARNING,
                "The file holds weights and their moving average; taken is the average, under \"%s\".", quoted.text);
        break;
    }
}

/* Everything behind the checkpoint. */
static gvk_result fill_network(gvk_network *network, const gvk_network_params *params)
{
    gvk_result result = gvk_recognise_network(network);
    if (!result)
        result = gvk_take_classes(network, params);
    if (!result)
        result = gvk_read_defaults(network);
    if (!result)
        result = gvk_take_anchors(network, params->anchors);
    if (!result)
        result = gvk_infer_width(network);
    if (!result)
        result = build_graph(network);
    if (!result)
        result = gvk_judge_unused(network, params);
    if (!result)
        result = load_weights(network);
    if (!result)
        result = check_numbers(network);
    return result;
}

gvk_result gvk_network_open(const gvk_host *host_or_null, const gvk_network_params *given, gvk_network **out)
{
    gvk_host host;
    gvk_network_params used;
    const gvk_network_params *params = &used;
    gvk_result result = gvk_host_read(host_or_null, &host);
    if (!result)
        result = gvk_struct_read(&host, &layout_of_params, given, &used);
    if (result)
        return result;
    if (!out || !params->path == !params->bytes)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT,
                        "gvk_network_open needs params with either a path or bytes, and a place for the network.");
    gvk_network *network = gvk_allocate(&host, sizeof *network);
    if (!network)
        return gvk_fail_memory(&host);
    network->host = host;
    result = open_checkpoint(network, params);
    if (!result)
        result = fill_network(network, params);
    if (result)
        goto fail;
    tell_weights(network);
    *out = network;
    return GVK_OK;
fail:
    gvk_network_destroy(network);
    return result;
}

gvk_result gvk_network_generate(const gvk_host *host, uint32_t class_count, gvk_network **out)
{
    return gvk_network_generate_named(host, NULL, class_count, out);
}

gvk_result gvk_network_generate_named(const gvk_host *host_or_null, const char *name, uint32_t class_count,
                                      gvk_network **out)
{
    gvk_host host;
    gvk_result result = gvk_host_read(host_or_null, &host);
    if (result)
        return result;
    const struct gvk_architecture *architecture = name ? gvk_architecture_named(name) : gvk_architecture_at(0);
    if (!architecture)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "No network is called so; gvk_network_name lists them.");
    uint32_t most = gvk_task_traits(architecture->task)->most_classes;
    if (!out || !class_count || class_count > most)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "A generated %s has 1 to %u classes.",
                        gvk_task_traits(architecture->task)->name, most);
    gvk_network *network = gvk_allocate(&host, sizeof *network);
    if (!network)
        return gvk_fail_memory(&host);
    network->host = host;
    result = gvk_generate_weights(&host, architecture, class_count, &network->checkpoint);
    if (!result)
        result = fill_network(network, &(gvk_network_params){.size = sizeof(gvk_network_params)});
    if (result)
        goto fail;
    *out = network;
    return GVK_OK;
fail:
    gvk_network_destroy(network);
    return result;
}

const char *gvk_network_name(uint32_t index)
{
    const struct gvk_architecture *architecture = gvk_architecture_at(index);
    return architecture ? architecture->name : NULL;
}

void gvk_network_destroy(gvk_network *network)
{
    if (!network)
        return;
    gvk_host host = network->host;
    gvk_graph_destroy(network->graph);
    for (uint32_t i = 0; network->classes && i < network->class_count; i++)
        gvk_release(&host, network->classes[i]);
    gvk_release(&host, network->classes);
    gvk_release(&host, network->used);
    gvk_release(&host, network->unused);
    gvk_checkpoint_destroy(network->checkpoint);
    gvk_release(&host, network);
}

const gvk_graph *gvk_network_graph(const gvk_network *network)
{
    return network ? network->graph : NULL;
}

void gvk_network_describe(const gvk_network *network, gvk_network_info *out)
{
    if (!out)
        return;
    if (!network) {
        gvk_struct_write(&layout_of_info, &(gvk_network_info){.size = 0}, out);
        return;
    }
    gvk_network_info made = {
        .task = network->architecture->task,
        .name = network->architecture->name,
        .format = gvk_checkpoint_format(network->checkpoint),
        .width = network->width,
        .class_count = network->class_count,
        .classes = (const char *const *)network->classes,
        .anchors = network->architecture->task == GVK_TASK_DETECTOR ? network->anchors : NULL,
        .input_width = network->input_width,
        .input_height = network->input_height,
        .letterbox = network->letterbox,
        .confidence = network->confidence,
        .iou = network->iou,
        .unused_count = network->unused_count,
        .unused = network->unused,
        .weights = gvk_checkpoint_origin(network->checkpoint),
    };
    gvk_struct_write(&layout_of_info, &made, out);
}
