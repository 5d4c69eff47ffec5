/* Finds the dict of weights in what a torch pickle holds, and hands its tensors to the checkpoint.
 * Called by pth.c and pth_legacy.c. Training scripts save the weights alone, or under a key beside optimizer state,
 * counters and settings; those extras are nobody's business here. */
#include <string.h>

#include "pth.h"

#define NODE_LIMIT 64u

/* Where weights are looked for, in this order. */
static const char *const wrapper_keys[] = {"state_dict", "model", "net", "ema", "model_state_dict"};

#define WRAPPER_COUNT (sizeof wrapper_keys / sizeof wrapper_keys[0])

typedef struct node {
    const gvk_pickle_value *value;
    uint32_t parent;
    uint32_t weights; /* how many entries of the dict are weights */
} node;

typedef struct search {
    node nodes[NODE_LIMIT];
    uint32_t count;
    const gvk_pickle_value *stranger; /* the first opaque value where weights were looked for */
} search;

static bool ends_with(gvk_pickle_text text, const char *word)
{
    size_t length = strlen(word);
    return text.length >= length && memcmp(text.text + text.length - length, word, length) == 0;
}

/* Whether a value of unknown making stands where the network expects a weight. */
static bool is_weight_name(const gvk_pickle_value *key)
{
    static const char *const endings[] = {"weight", "bias", "running_mean", "running_var"};
    if (key->kind != GVK_PICKLE_STRING)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(key->as.text, endings[i]))
            return true;
    return false;
}

static uint32_t count_weights(const gvk_pickle_value *dict)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < dict->as.list.count; i += 2) {
        const gvk_pickle_value *key = dict->as.list.items[i], *value = dict->as.list.items[i + 1];
        count += value->kind == GVK_PICKLE_TENSOR || (value->kind == GVK_PICKLE_OPAQUE && is_weight_name(key));
    }
    return count;
}

static void visit(search *found, const gvk_pickle_value *value, uint32_t parent)
{
    if (value->kind == GVK_PICKLE_OPAQUE && !found->stranger)
        found->stranger = value;
    if (value->kind != GVK_PICKLE_DICT || found->count == NODE_LIMIT)
        return;
    for (uint32_t i = 0; i < found->count; i++)
        if (found->nodes[i].value == value) /* shared, or a cycle */
            return;
    found->nodes[found->count++] = (node){.value = value, .parent = parent, .weights = count_weights(value)};
}

/* Breadth first, so that outer dicts come before inner ones. */
static void search_wrappers(search *found, const gvk_pickle_value *root)
{
    visit(found, root, 0);
    for (uint32_t i = 0; i < found->count; i++) {
        for (size_t k = 0; k < WRAPPER_COUNT; k++) {
            const gvk_pickle_value *inner = gvk_pickle_find(found->nodes[i].value, wrapper_keys[k]);
            if (inner)
                visit(found, inner, i);
        }
    }
}

/* Whether some dict inside of `outer` has more weights. Then what `outer` holds beside it, such as the best accuracy as
 * a tensor, is no set of weights. */
static bool is_outdone(const search *found, uint32_t outer)
{
    for (uint32_t i = outer + 1; i < found->count; i++) {
        if (found->nodes[i].weights <= found->nodes[outer].weights)
            continue;
        for (uint32_t at = i; at > outer;) {
            at = found->nodes[at].parent; /* a parent's number is below its child's */
            if (at == outer)
                return true;
        }
    }
    return false;
}

static bool is_module(const gvk_pickle_value *value)
{
    const gvk_pickle_value *state = value->as.opaque.state;
    return state && (gvk_pickle_find(state, "_modules") || gvk_pickle_find(state, "_parameters"));
}

static gvk_result refuse_root(const gvk_source *source, const search *found, const gvk_pickle_value *root)
{
    gvk_quoted quoted;
    if (found->stranger && is_module(found->stranger))
        return gvk_refuse(source, "it holds a whole pickled model (class %s), not its weights; " GVK_SAVE_AGAIN ".",
                          gvk_pickle_name_maker(&quoted, found->stranger));
    if (found->stranger)
        return gvk_refuse(source, "what should be its weights is made by %s, which is not run; " GVK_SAVE_AGAIN ".",
                          gvk_pickle_name_maker(&quoted, found->stranger));
    if (root->kind == GVK_PICKLE_TENSOR)
        return gvk_refuse(source, "it holds one tensor without a name; " GVK_SAVE_AGAIN ".");
    if (root->kind != GVK_PICKLE_DICT)
        return gvk_refuse(source, "it does not hold a dict of weights; " GVK_SAVE_AGAIN ".");
    return gvk_refuse(source, "it holds no weights, neither directly nor under state_dict, model, net, ema or "
                              "model_state_dict.");
}

/* An entry that is no tensor. Settings and counters are left out; a weight of unknown making stops the load. */
static gvk_result pass_over(const gvk_source *source, gvk_pickle *pickle, const gvk_pickle_value *key,
                            gvk_pickle_value *value)
{
    if (value->kind != GVK_PICKLE_OPAQUE)
        return GVK_OK;
    bool is_weight = is_weight_name(key);
    if (!is_weight) {
        gvk_result result = gvk_pickle_holds_tensor(pickle, value, &is_weight);
        if (result)
            return result;
    }
    if (!is_weight)
        return GVK_OK;
    gvk_quoted name, maker;
    bool is_text = key->kind == GVK_PICKLE_STRING;
    return gvk_refuse(source, "weight %s is made by %s, which is not run; " GVK_SAVE_AGAIN ".",
                      gvk_quote(&name, is_text ? key->as.text.text : "?", is_text ? key->as.text.length : 1),
                      gvk_pickle_name_maker(&maker, value));
}

static gvk_result take_entry(gvk_checkpoint *checkpoint, const gvk_pickle_value *key, const gvk_pickle_value *value,
                             const gvk_storage_finder *finder)
{
    const gvk_source *source = &checkpoint->source;
    if (key->kind != GVK_PICKLE_STRING)
        return gvk_refuse(source, "a tensor's name is no string.");
    gvk_quoted name;
    gvk_quote(&name, key->as.text.text, key->as.text.length);
    const char *problem = gvk_name_problem(key->as.text.text, key->as.text.length);
    if (problem)
        return gvk_refuse(source, "the name of a tensor %s: \"%s\".", problem, name.text);
    gvk_array array;
    gvk_result result = gvk_take_tensor(checkpoint, name.text, value, finder, &array);
    bool is_integer = value->as.tensor.storage->as.storage.type == GVK_STORAGE_INTEGER;
    return result ? result : gvk_checkpoint_add(checkpoint, key->as.text.text, key->as.text.length, &array, is_integer);
}

gvk_result gvk_take_state_dict(gvk_checkpoint *checkpoint, gvk_pickle *pickle, const gvk_storage_finder *finder)
{
    const gvk_pickle_value *root = gvk_pickle_root(pickle), *dict = NULL;
    search found = {.count = 0};
    search_wrappers(&found, root);
    for (uint32_t i = 0; i < found.count && !dict; i++)
        if (found.nodes[i].weights > 0 && !is_outdone(&found, i))
            dict = found.nodes[i].value;
    if (!dict)
        return refuse_root(&checkpoint->source, &found, root);

    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i + 1 < dict->as.list.count && !result; i += 2) {
        gvk_pickle_value *key = dict->as.list.items[i], *value = dict->as.list.items[i + 1];
        if (value->kind == GVK_PICKLE_TENSOR)
            result = take_entry(checkpoint, key, value, finder);
        else
            result = pass_over(&checkpoint->source, pickle, key, value);
    }
    return result;
}
