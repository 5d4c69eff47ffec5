/* Opens a checkpoint as a network: what it is, how wide, which classes, and the graph over its weights.
 * The public calls of ghostnet.h that need no device are here. */
#include "network.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "generate.h"
#include "ghostnet/files/text.h"
#include "ghostnet/networks/backbone.h"
#include "ghostnet/networks/classifier.h"
#include "ghostnet/networks/yolov4.h"
#include "metadata.h"
#include "runtime/base/structs.h"
#include "unused.h"

static const struct gvk_layout layout_of_params = GVK_LAYOUT(gvk_network_params, weights, weights);
static const struct gvk_layout layout_of_info = GVK_LAYOUT(gvk_network_info, weights, weights);

/* What a checkpoint's graph can have; graphs stop at 65536 channels, three anchors with five numbers each included. */
#define MAX_DETECTOR_CLASSES   21840u
#define MAX_CLASSIFIER_CLASSES 65536u

/* So many names with one prefix are a network's: a GhostNet backbone has 414 tensors. */
#define PREFIXED_LEAST 100u

static const char *const kind_names[] = {[GVK_NETWORK_DETECTOR] = "detector", [GVK_NETWORK_CLASSIFIER] = "classifier"};
static const char *const stem_names[] = {
    [GVK_NETWORK_DETECTOR] = "backbone.model.conv_stem.weight", [GVK_NETWORK_CLASSIFIER] = "conv_stem.weight"};
static const char *const heads[] = {"yolo_head1.1.weight", "yolo_head2.1.weight", "yolo_head3.1.weight"};
static const char classifier_head[] = "classifier.weight";
static const char *const backbone_prefixes[] = {
    [GVK_NETWORK_DETECTOR] = "backbone.model", [GVK_NETWORK_CLASSIFIER] = ""};

/* ---- what the shapes say ---- */

/* How many tensors' names begin like this one's first `length` bytes. */
static uint32_t count_prefixed(const gvk_network *network, const char *prefix, size_t length)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint), prefixed = 0;
    for (uint32_t i = 0; i < count; i++)
        prefixed += !strncmp(gvk_checkpoint_at(network->checkpoint, i)->name, prefix, length);
    return prefixed;
}

/* A tensor whose name ends in `name`, with something in front that hundreds of names share, as a network's do; NULL
 * when there is none. */
static const char *find_prefixed(const gvk_network *network, const char *name)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint), tries = 16; /* names may be made to cost time */
    size_t length = strlen(name);
    for (uint32_t i = 0; i < count && tries; i++) {
        const char *longer = gvk_checkpoint_at(network->checkpoint, i)->name;
        size_t before = strlen(longer);
        if (before < length + 2 || longer[before - length - 1] != '.' || strcmp(longer + before - length, name) != 0)
            continue;
        if (count_prefixed(network, longer, before - length) >= PREFIXED_LEAST)
            return longer;
        tries--;
    }
    return NULL;
}

/* Everything fits, but for what stands in front of the names. */
static gvk_result refuse_prefix(const gvk_network *network, const char *stem, const char *longer)
{
    gvk_quoted quoted, prefix;
    return gvk_fail(
        &network->host, GVK_ERROR_MISMATCH,
        "The file has \"%s\" only as \"%s\": its names begin with the prefix \"%s\", which is none of those "
        "that are stripped; the option weights can name it.",
        stem, gvk_quote(&quoted, longer, strlen(longer)), gvk_quote(&prefix, longer, strlen(longer) - strlen(stem)));
}

static gvk_result refuse_unknown(const gvk_network *network)
{
    for (int kind = GVK_NETWORK_DETECTOR; kind <= GVK_NETWORK_CLASSIFIER; kind++) {
        const char *longer = find_prefixed(network, stem_names[kind]);
        if (longer)
            return refuse_prefix(network, stem_names[kind], longer);
    }
    char names[352] = "no tensors";
    size_t used = 0;
    uint32_t count = gvk_checkpoint_count(network->checkpoint);
    const char *keys = gvk_checkpoint_keys(network->checkpoint);
    uint32_t listed = keys ? 1 : 3; /* the sentence has 512 bytes */
    for (uint32_t i = 0; i < count && i < listed; i++) {
        const char *name = gvk_checkpoint_at(network->checkpoint, i)->name;
        gvk_quoted quoted;
        int printed = snprintf(names + used, sizeof names - used, "%s\"%s\"", i ? ", " : "",
                               gvk_quote(&quoted, name, strlen(name)));
        used += printed > 0 ? (size_t)printed : 0;
    }
    if (count > listed)
        snprintf(names + used, sizeof names - used, " and %" PRIu32 " more", count - listed);
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                    "The file is neither a detector, which has a tensor \"%s\", nor a classifier, which has \"%s\"; "
                    "it has %s%s%s.",
                    stem_names[GVK_NETWORK_DETECTOR], stem_names[GVK_NETWORK_CLASSIFIER], names,
                    keys ? ", and top-level keys " : "", keys ? keys : "");
}

/* A backbone alone has nothing to say of a picture. */
static gvk_result refuse_headless(const gvk_network *network)
{
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                    "This is a GhostNet backbone without a head: it has \"%s\", but no \"%s\" of a %s.",
                    stem_names[network->kind], network->kind == GVK_NETWORK_DETECTOR ? heads[0] : classifier_head,
                    kind_names[network->kind]);
}

static bool has_head(const gvk_network *network)
{
    if (network->kind == GVK_NETWORK_CLASSIFIER)
        return gvk_checkpoint_find(network->checkpoint, classifier_head);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (gvk_checkpoint_find(network->checkpoint, heads[i]))
            return true;
    return false;
}

static gvk_result decide_kind(gvk_network *network)
{
    bool detector = gvk_checkpoint_find(network->checkpoint, stem_names[GVK_NETWORK_DETECTOR]);
    bool classifier = gvk_checkpoint_find(network->checkpoint, stem_names[GVK_NETWORK_CLASSIFIER]);
    if (!detector && !classifier)
        return refuse_unknown(network);
    network->kind = detector ? GVK_NETWORK_DETECTOR : GVK_NETWORK_CLASSIFIER;
    const char *value = gvk_checkpoint_metadata(network->checkpoint, "kind");
    if (!value)
        return GVK_OK;
    if (!strcmp(value, kind_names[GVK_NETWORK_DETECTOR]))
        network->kind = GVK_NETWORK_DETECTOR;
    else if (!strcmp(value, kind_names[GVK_NETWORK_CLASSIFIER]))
        network->kind = GVK_NETWORK_CLASSIFIER;
    else
        return gvk_refuse_metadata(network, "kind", value, "detector or classifier");
    if (network->kind == GVK_NETWORK_DETECTOR ? detector : classifier)
        return GVK_OK;
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                    "The file's metadata call it a %s, but it has no tensor \"%s\", as every %s has.",
                    kind_names[network->kind], stem_names[network->kind], kind_names[network->kind]);
}

/* The output channels of a tensor whose shape says how many classes there are. */
static gvk_result count_outputs(const gvk_network *network, const char *name, uint32_t rank, uint64_t *out)
{
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(network->checkpoint, name);
    if (!tensor)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The checkpoint has no tensor \"%s\", which this network needs.", name);
    if (tensor->array.rank != rank)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The tensor \"%s\" has %" PRIu32 " dimensions, but this network needs %" PRIu32 ".", name,
                        tensor->array.rank, rank);
    *out = tensor->array.shape[0];
    return GVK_OK;
}

static gvk_result count_detector_classes(gvk_network *network)
{
    uint64_t outputs[3];
    for (uint32_t i = 0; i < 3; i++) {
        gvk_result result = count_outputs(network, heads[i], 4, &outputs[i]);
        if (result)
            return result;
        if (outputs[i] != outputs[0])
            return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                            "The heads do not agree on the classes: \"%s\" has %" PRIu64 " outputs, but \"%s\" has "
                            "%" PRIu64 ".",
                            heads[0], outputs[0], heads[i], outputs[i]);
    }
    uint64_t of_anchor = outputs[0] / 3;
    if (outputs[0] % 3 || of_anchor < 6 || of_anchor - 5 > MAX_DETECTOR_CLASSES)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The tensor \"%s\" has %" PRIu64 " outputs, but three anchors with 1 to %u classes need "
                        "3 * (5 + classes).",
                        heads[0], outputs[0], MAX_DETECTOR_CLASSES);
    network->class_count = (uint32_t)(of_anchor - 5);
    return GVK_OK;
}

static gvk_result count_classifier_classes(gvk_network *network)
{
    uint64_t outputs = 0;
    gvk_result result = count_outputs(network, classifier_head, 2, &outputs);
    if (result)
        return result;
    if (!outputs || outputs > MAX_CLASSIFIER_CLASSES)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The tensor \"classifier.weight\" has %" PRIu64 " outputs, but a classifier has 1 to %u "
                        "classes.",
                        outputs, MAX_CLASSIFIER_CLASSES);
    network->class_count = (uint32_t)outputs;
    return GVK_OK;
}

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
    if (network->kind == GVK_NETWORK_DETECTOR)
        gvk_add_yolov4(network->graph, input, network->width, network->class_count);
    else
        gvk_add_classifier(network->graph, input, network->width, network->class_count);
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
    return gvk_checkpoint_open_with(&network->host,
                                    &(gvk_checkpoint_params){.path = params->path,
                                                             .bytes = params->bytes,
                                                             .byte_count = params->byte_count,
                                                             .label = "The model",
                                                             .is_deferred = true,
                                                             .weights = params->weights},
                                    &network->checkpoint);
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
    gvk_result result = decide_kind(network);
    if (!result && !has_head(network))
        result = refuse_headless(network);
    if (!result)
        result =
            network->kind == GVK_NETWORK_DETECTOR ? count_detector_classes(network) : count_classifier_classes(network);
    if (!result)
        result = gvk_take_classes(network, params);
    if (!result)
        result = gvk_read_defaults(network);
    if (!result)
        result = gvk_take_anchors(network, params->anchors);
    if (!result)
        result =
            gvk_infer_width(&network->host, network->checkpoint, backbone_prefixes[network->kind], &network->width);
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

gvk_result gvk_network_generate(const gvk_host *host_or_null, uint32_t class_count, gvk_network **out)
{
    gvk_host host;
    gvk_result result = gvk_host_read(host_or_null, &host);
    if (result)
        return result;
    if (!out || !class_count || class_count > MAX_DETECTOR_CLASSES)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "A generated detector has 1 to %u classes.", MAX_DETECTOR_CLASSES);
    gvk_network *network = gvk_allocate(&host, sizeof *network);
    if (!network)
        return gvk_fail_memory(&host);
    network->host = host;
    result = gvk_generate_detector(&host, class_count, &network->checkpoint);
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
        .kind = network->kind,
        .format = gvk_checkpoint_format(network->checkpoint),
        .width = network->width,
        .class_count = network->class_count,
        .classes = (const char *const *)network->classes,
        .anchors = network->kind == GVK_NETWORK_DETECTOR ? network->anchors : NULL,
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
