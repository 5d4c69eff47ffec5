/* See generate.h. The names and shapes are those that the network's own graph asks for; each tensor is filled from a
 * SplitMix64 stream that its name seeds (64-bit FNV-1a). */
#include "generate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/graph/graph.h"

#define NAME_BYTES 128

/* Variance that a layer passes on: residual sums add up over the bottlenecks, and ReLU halves what it gets. The heads'
 * makes few of the cells claim an object. */
#define BOTTLENECK_GAIN 1.0
#define NECK_GAIN       1.5
#define HEAD_GAIN       1.0

struct list {
    const gvk_host *host;
    gvk_checkpoint_tensor *tensors;
    char *names;
    uint32_t count, capacity;
    uint64_t bytes; /* of all tensors' data */
};

static uint64_t seed_of(const char *name)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    return hash;
}

/* In [0, 1), a multiple of 2^-24. */
static double next_unit(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ (z >> 31)) >> 40) / 16777216.0;
}

static void add_tensor(struct list *list, const char *node, const char *part, const gvk_array *array)
{
    if (!array->rank) /* the node has none of this kind */
        return;
    if (list->count < list->capacity) {
        gvk_checkpoint_tensor *tensor = &list->tensors[list->count];
        tensor->name = list->names + (size_t)list->count * NAME_BYTES;
        snprintf(tensor->name, NAME_BYTES, "%s.%s", node, part); /* names of the table's networks are shorter */
        tensor->array = *array;
        tensor->array.bytes = sizeof(float);
        for (uint32_t i = 0; i < array->rank; i++)
            tensor->array.bytes *= array->shape[i];
        list->bytes += tensor->array.bytes;
    }
    list->count++;
}

static void add_tensors(struct list *list, const gvk_graph *graph)
{
    list->count = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        add_tensor(list, node->name, "weight", &node->weight);
        add_tensor(list, node->name, "bias", &node->bias);
        add_tensor(list, node->name, "weight", &node->norm.weight);
        add_tensor(list, node->name, "bias", &node->norm.bias);
        add_tensor(list, node->name, "running_mean", &node->norm.mean);
        add_tensor(list, node->name, "running_var", &node->norm.variance);
    }
}

static bool has_part(const char *name, const char *part)
{
    const char *dot = strrchr(name, '.');
    return dot && !strcmp(dot + 1, part);
}

static void fill(const gvk_checkpoint_tensor *tensor, float *out)
{
    const gvk_array *array = &tensor->array;
    uint64_t count = array->bytes / sizeof(float), state = seed_of(tensor->name);
    double low = -0.1875, high = 0.1875;
    if (has_part(tensor->name, "weight") && array->rank > 1) {
        bool is_head = strstr(tensor->name, "yolo_head") && !strstr(tensor->name, ".0."); /* its last layer */
        double gain = is_head ? HEAD_GAIN : strstr(tensor->name, "blocks.") ? BOTTLENECK_GAIN : NECK_GAIN;
        high = sqrt(3 * gain * (double)array->shape[0] / (double)count); /* uniform in +-high: variance gain / inputs */
        low = -high;
    } else if (has_part(tensor->name, "weight")) {
        low = 0.75;
        high = 1.25;
    } else if (has_part(tensor->name, "running_var")) {
        low = 0.5;
        high = 1.5;
    }
    for (uint64_t i = 0; i < count; i++)
        out[i] = (float)(low + (high - low) * next_unit(&state));
}

static gvk_result build_without_weights(const gvk_host *host, const struct gvk_architecture *architecture,
                                        uint32_t class_count, gvk_graph **out)
{
    gvk_result result = gvk_graph_create(host, NULL, NULL, out);
    if (result)
        return result;
    architecture->add(*out, gvk_graph_input(*out, "input", 3), architecture->backbone, 1.0, class_count);
    return gvk_graph_finish(*out);
}

gvk_result gvk_generate_weights(const gvk_host *host, const struct gvk_architecture *architecture, uint32_t class_count,
                                gvk_checkpoint **out)
{
    gvk_graph *graph = NULL;
    struct list list = {.host = host};
    unsigned char *data = NULL;
    gvk_result result = build_without_weights(host, architecture, class_count, &graph);
    if (result)
        goto done;
    add_tensors(&list, graph);
    list.capacity = list.count;
    list.tensors = gvk_allocate_array(host, list.capacity, sizeof *list.tensors);
    list.names = gvk_allocate_array(host, list.capacity, NAME_BYTES);
    if (!list.tensors || !list.names) {
        result = gvk_fail_memory(host);
        goto done;
    }
    add_tensors(&list, graph);
    data = list.bytes <= SIZE_MAX ? gvk_allocate(host, (size_t)list.bytes) : NULL;
    if (!data) {
        result = gvk_fail_memory(host);
        goto done;
    }
    size_t offset = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        fill(&list.tensors[i], (float *)(void *)(data + offset));
        list.tensors[i].array.data = data + offset;
        offset += (size_t)list.tensors[i].array.bytes;
    }
    result = gvk_checkpoint_create(host, "generated", list.tensors, list.count, data, out);
    data = NULL; /* the checkpoint's, or released */
done:
    gvk_release(host, data);
    gvk_release(host, list.names);
    gvk_release(host, list.tensors);
    gvk_graph_destroy(graph);
    return result;
}
