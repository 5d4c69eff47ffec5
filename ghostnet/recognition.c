/* See recognition.h. */
#include "recognition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ghostnet/files/text.h"
#include "metadata.h"

/* So many names with one prefix are a network's: a GhostNet backbone has 414 tensors. */
#define PREFIXED_LEAST 100u

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
static gvk_result refuse_prefix(const gvk_network *network, const char *mark, const char *longer)
{
    gvk_quoted quoted, prefix;
    return gvk_fail(
        &network->host, GVK_ERROR_MISMATCH,
        "The file has \"%s\" only as \"%s\": its names begin with the prefix \"%s\", which is none of those "
        "that are stripped; the option weights can name it.",
        mark, gvk_quote(&quoted, longer, strlen(longer)), gvk_quote(&prefix, longer, strlen(longer) - strlen(mark)));
}

static gvk_result refuse_unknown(const gvk_network *network)
{
    const struct gvk_architecture *architecture;
    char known[160];
    size_t used = 0;
    for (uint32_t i = 0; (architecture = gvk_architecture_at(i)) != NULL; i++) {
        struct gvk_mark mark = gvk_mark_of(architecture);
        const char *longer = find_prefixed(network, mark.text);
        if (longer)
            return refuse_prefix(network, mark.text, longer);
    }
    const struct gvk_architecture *detector = NULL, *classifier = NULL; /* the first of each */
    for (uint32_t i = 0; (architecture = gvk_architecture_at(i)) != NULL; i++)
        if (architecture->task == GVK_TASK_DETECTOR && used < sizeof known) {
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", detector ? ", " : "",
                                     architecture->backbone->name);
            detector = detector ? detector : architecture;
        } else if (architecture->task == GVK_TASK_CLASSIFIER) {
            classifier = classifier ? classifier : architecture;
        }
    char names[256] = "no tensors";
    used = 0;
    uint32_t count = gvk_checkpoint_count(network->checkpoint);
    const char *keys = gvk_checkpoint_keys(network->checkpoint);
    uint32_t listed = keys ? 1 : 3; /* the sentence has 512 bytes */
    for (uint32_t i = 0; i < count && i < listed; i++) {
        const char *name = gvk_checkpoint_at(network->checkpoint, i)->name;
        gvk_quoted quoted;
        int printed = snprintf(names + used, sizeof names - used, "%s\"%s\"", i ? ", " : "",
                               gvk_quote(&quoted, name, strlen(name)));
        used += printed > 0 ? (size_t)printed : 0;
        if (used + 120 > sizeof names) /* no room for another of the longest */
            listed = i + 1;
    }
    if (count > listed)
        snprintf(names + used, sizeof names - used, " and %" PRIu32 " more", count - listed);
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                    "The file is neither a detector with one of the backbones %s (\"%s\" is %s's), nor a classifier, "
                    "which has \"%s\"; it has %s%s%s.",
                    known, gvk_mark_of(detector).text, detector->backbone->name, gvk_mark_of(classifier).text, names,
                    keys ? ", and top-level keys " : "", keys ? keys : "");
}

/* A backbone alone has nothing to say of a picture. */
static gvk_result refuse_headless(const gvk_network *network)
{
    const struct gvk_task_traits *task = gvk_task_traits(network->architecture->task);
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                    "This is a %s backbone without a head: it has \"%s\", but no \"%s\" of a %s.",
                    network->architecture->backbone->name, gvk_mark_of(network->architecture).text, task->heads[0],
                    task->name);
}

static bool has_head(const gvk_network *network)
{
    const struct gvk_task_traits *task = gvk_task_traits(network->architecture->task);
    for (size_t i = 0; task->heads[i]; i++)
        if (gvk_checkpoint_find(network->checkpoint, task->heads[i]))
            return true;
    return false;
}

/* The first line of the table whose mark the file has; where `task` is not NULL, of that task alone. */
static const struct gvk_architecture *find_architecture(const gvk_network *network, const char *task)
{
    const struct gvk_architecture *architecture;
    for (uint32_t i = 0; (architecture = gvk_architecture_at(i)) != NULL; i++)
        if ((!task || !strcmp(task, gvk_task_traits(architecture->task)->name)) &&
            gvk_checkpoint_find(network->checkpoint, gvk_mark_of(architecture).text))
            return architecture;
    return NULL;
}

/* The metadata name a task, and the file has the mark of none of its networks. */
static gvk_result refuse_task(const gvk_network *network, const char *task)
{
    const struct gvk_architecture *architecture;
    char marks[400] = "";
    size_t used = 0;
    for (uint32_t i = 0; (architecture = gvk_architecture_at(i)) != NULL && used < sizeof marks; i++)
        if (!strcmp(task, gvk_task_traits(architecture->task)->name))
            used += (size_t)snprintf(marks + used, sizeof marks - used, "%s\"%s\" of %s", used ? ", " : "",
                                     gvk_mark_of(architecture).text, architecture->name);
    if (!used)
        return gvk_refuse_metadata(network, "kind", task, "detector or classifier");
    return gvk_fail(&network->host, GVK_ERROR_MISMATCH, "The file's metadata call it a %s, but it has no tensor %s.",
                    task, marks);
}

static gvk_result find_network(gvk_network *network)
{
    if (!find_architecture(network, NULL))
        return refuse_unknown(network);
    const char *task = gvk_checkpoint_metadata(network->checkpoint, "kind");
    network->architecture = find_architecture(network, task);
    return network->architecture ? GVK_OK : refuse_task(network, task);
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

/* Of a detector three anchors, of which each has five numbers beside the classes'. */
static gvk_result count_classes(gvk_network *network)
{
    const struct gvk_task_traits *task = gvk_task_traits(network->architecture->task);
    uint64_t outputs = 0, first = 0;
    for (uint32_t i = 0; task->heads[i]; i++) {
        gvk_result result = count_outputs(network, task->heads[i], task->rank, &outputs);
        if (result)
            return result;
        first = i ? first : outputs;
        if (outputs != first)
            return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                            "The heads do not agree on the classes: \"%s\" has %" PRIu64 " outputs, but \"%s\" has "
                            "%" PRIu64 ".",
                            task->heads[0], first, task->heads[i], outputs);
    }
    uint64_t classes = outputs;
    if (network->architecture->task == GVK_TASK_DETECTOR) {
        classes = outputs / 3 - 5; /* of fewer than 15 outputs: far too many */
        if (outputs % 3 || !classes || classes > task->most_classes)
            return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                            "The tensor \"%s\" has %" PRIu64 " outputs, but three anchors with 1 to %u classes need "
                            "3 * (5 + classes).",
                            task->heads[0], outputs, task->most_classes);
    } else if (!classes || classes > task->most_classes) {
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The tensor \"%s\" has %" PRIu64 " outputs, but a classifier has 1 to %u classes.",
                        task->heads[0], outputs, task->most_classes);
    }
    network->class_count = (uint32_t)classes;
    return GVK_OK;
}

gvk_result gvk_recognise_network(gvk_network *network)
{
    gvk_result result = find_network(network);
    if (!result && !has_head(network))
        result = refuse_headless(network);
    return result ? result : count_classes(network);
}

gvk_result gvk_infer_width(gvk_network *network)
{
    const struct gvk_backbone *backbone = network->architecture->backbone;
    network->width = 1.0;
    return backbone->infer_width
               ? backbone->infer_width(&network->host, network->checkpoint,
                                       gvk_task_traits(network->architecture->task)->prefix, &network->width)
               : GVK_OK;
}
