/* See unused.h. What is harmless is listed, and everything else counts as a weight: other networks have names that
 * nobody can foresee. */
#include "unused.h"

#include <inttypes.h>
#include <string.h>

#include "ghostnet/checkpoint/names.h"
#include "ghostnet/files/text.h"

static bool starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

/* The backbone's own head, which stays in the state dict of many a detector's backbone and is never run there. */
static bool is_classifier_head(const struct gvk_architecture *architecture, const char *name)
{
    const char *prefix = gvk_task_traits(architecture->task)->prefix;
    size_t length = strlen(prefix);
    if (architecture->task != GVK_TASK_DETECTOR || !starts_with(name, prefix) || name[length] != '.')
        return false;
    for (const char *const *part = architecture->backbone->head_parts; *part; part++)
        if (starts_with(name + length + 1, *part))
            return true;
    return false;
}

/* Whether another set's tensor is one that the network has taken from its own. */
static bool is_copy(const gvk_network *network, const gvk_checkpoint_tensor *tensor)
{
    const gvk_checkpoint_tensor *taken = gvk_checkpoint_find(network->checkpoint, tensor->name + tensor->wrapper_bytes);
    return taken && network->used[taken - gvk_checkpoint_at(network->checkpoint, 0)];
}

/* Whether a result of the network that the file was saved from can depend on the tensor. */
static bool can_matter(const gvk_network *network, const gvk_checkpoint_tensor *tensor, bool is_asked)
{
    if (gvk_is_bookkeeping(tensor->name) || tensor->array.bytes == 0)
        return false;
    if (tensor->is_aside && (is_asked || tensor->is_spare_average || is_copy(network, tensor)))
        return false;
    if (is_classifier_head(network->architecture, tensor->name))
        return false;
    return !tensor->is_integer || gvk_is_weight_name(tensor->name, strlen(tensor->name));
}

/* Counters that torch keeps beside each batch norm are expected and not worth a mention. */
static bool is_worth_listing(const char *name)
{
    size_t length = strlen(name), suffix = strlen("num_batches_tracked");
    return length < suffix || strcmp(name + length - suffix, "num_batches_tracked") != 0;
}

static gvk_result refuse(const gvk_network *network, const char *name, uint32_t count)
{
    gvk_quoted quoted;
    gvk_quote(&quoted, name, strlen(name));
    if (count == 1)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The tensor \"%s\" belongs to no layer of %s, so the file is of another network, whose "
                        "results would be wrong here.",
                        quoted.text, network->architecture->name);
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                    "The tensor \"%s\" and %" PRIu32 " more belong to no layer of %s, so the file is of another "
                    "network, whose results would be wrong here.",
                    quoted.text, count - 1, network->architecture->name);
}

gvk_result gvk_judge_unused(gvk_network *network, const gvk_network_params *params)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint), foreign = 0;
    const char *first = NULL;
    network->unused = gvk_allocate_array(&network->host, count, sizeof *network->unused);
    if (!network->unused)
        return gvk_fail_memory(&network->host);
    for (uint32_t i = 0; i < count; i++) {
        const gvk_checkpoint_tensor *tensor = gvk_checkpoint_at(network->checkpoint, i);
        if (network->used[i])
            continue;
        if (is_worth_listing(tensor->name))
            network->unused[network->unused_count++] = tensor->name;
        if (!can_matter(network, tensor, params->weights))
            continue;
        first = first ? first : tensor->name;
        foreign++;
    }
    return foreign && !params->allow_unused ? refuse(network, first, foreign) : GVK_OK;
}
