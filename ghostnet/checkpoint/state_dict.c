/* Hands the tensors of the dict of weights in a torch pickle to the checkpoint; weights_search.c finds it. */
#include <string.h>

#include "names.h"
#include "state_dict.h"
#include "weights_search.h"

/* An entry that is no tensor. Settings and counters are left out; a weight of unknown making stops the load. */
static gvk_result pass_over(const gvk_source *source, gvk_pickle *pickle, const gvk_pickle_value *key,
                            gvk_pickle_value *value)
{
    if (value->kind != GVK_PICKLE_OPAQUE)
        return GVK_OK;
    bool is_text = gvk_pickle_has_text(key);
    bool is_weight = is_text && gvk_is_weight_name(key->as.text.text, key->as.text.length);
    if (!is_weight) {
        gvk_result result = gvk_pickle_holds_tensor(pickle, value, &is_weight);
        if (result)
            return result;
    }
    if (!is_weight)
        return GVK_OK;
    gvk_quoted name, maker;
    return gvk_refuse(source, "weight %s is made by %s, which is not run; " GVK_SAVE_AGAIN ".",
                      gvk_quote(&name, is_text ? key->as.text.text : "?", is_text ? key->as.text.length : 1),
                      gvk_pickle_name_maker(&maker, value));
}

static gvk_result take_entry(gvk_checkpoint *checkpoint, const gvk_pickle_value *key, const gvk_pickle_value *value,
                             const gvk_storage_finder *finder)
{
    const gvk_source *source = &checkpoint->source;
    if (!gvk_pickle_has_text(key))
        return gvk_refuse(source, "a tensor's name is no string.");
    gvk_quoted name;
    gvk_quote(&name, key->as.text.text, key->as.text.length);
    const char *problem = gvk_name_problem(key->as.text.text, key->as.text.length);
    if (problem)
        return gvk_refuse(source, "the name of a tensor %s: \"%s\".", problem, name.text);
    gvk_checkpoint_tensor tensor;
    gvk_result result = gvk_take_tensor(checkpoint, name.text, value, finder, &tensor);
    if (result)
        return result;
    result = gvk_checkpoint_add(checkpoint, key->as.text.text, key->as.text.length, &tensor);
    if (result)
        gvk_release(&checkpoint->host, tensor.copy);
    return result;
}

gvk_result gvk_take_state_dict(gvk_checkpoint *checkpoint, gvk_pickle *pickle, const gvk_storage_finder *finder)
{
    const gvk_pickle_value *dict = NULL;
    gvk_result result = gvk_find_weights(checkpoint, gvk_pickle_root(pickle), &dict);
    for (uint32_t i = 0; !result && i + 1 < dict->as.list.count; i += 2) {
        gvk_pickle_value *key = dict->as.list.items[i], *value = dict->as.list.items[i + 1];
        if (value->kind == GVK_PICKLE_TENSOR)
            result = take_entry(checkpoint, key, value, finder);
        else
            result = pass_over(&checkpoint->source, pickle, key, value);
    }
    return result;
}
