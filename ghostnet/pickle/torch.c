/* What a torch pickle would call, as data: ordered dicts, tensors, parameters, storages. Everything else becomes an
 * opaque value that remembers its maker. This is what REDUCE and persistent ids mean here; nothing is ever run. */
#include <string.h>

#include "torch.h"

#define ENCODED_LIMIT 256u /* bytes; one text may be encoded again and again */

typedef struct storage_class {
    const char *name;
    gvk_storage_type type;
    uint32_t bytes;
} storage_class;

static bool equals(gvk_pickle_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.text, word, text.length) == 0;
}

static bool is_global(const gvk_pickle_value *value, const char *module, const char *name)
{
    return value->kind == GVK_PICKLE_GLOBAL && equals(value->as.global.module, module) &&
           equals(value->as.global.name, name);
}

static const storage_class *find_storage_class(const gvk_pickle_value *value)
{
    static const storage_class classes[] = {
        {"FloatStorage", GVK_STORAGE_F32, 4},          {"HalfStorage", GVK_STORAGE_F16, 2},
        {"BFloat16Storage", GVK_STORAGE_BF16, 2},      {"DoubleStorage", GVK_STORAGE_F64, 8},
        {"LongStorage", GVK_STORAGE_INTEGER, 8},       {"IntStorage", GVK_STORAGE_INTEGER, 4},
        {"ShortStorage", GVK_STORAGE_INTEGER, 2},      {"CharStorage", GVK_STORAGE_INTEGER, 1},
        {"ByteStorage", GVK_STORAGE_INTEGER, 1},       {"BoolStorage", GVK_STORAGE_INTEGER, 1},
        {"ComplexFloatStorage", GVK_STORAGE_OTHER, 8}, {"ComplexDoubleStorage", GVK_STORAGE_OTHER, 16},
        {"QInt8Storage", GVK_STORAGE_OTHER, 1},        {"QUInt8Storage", GVK_STORAGE_OTHER, 1},
        {"QInt32Storage", GVK_STORAGE_OTHER, 4},
    };
    if (value->kind != GVK_PICKLE_GLOBAL || !equals(value->as.global.module, "torch"))
        return NULL;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (equals(value->as.global.name, classes[i].name))
            return &classes[i];
    return NULL;
}

static gvk_result make_opaque(gvk_pickle *pickle, gvk_pickle_value *maker, gvk_pickle_value *arguments,
                              gvk_pickle_value **out)
{
    gvk_result result = GVK_OK;
    gvk_pickle_value *value = gvk_pickle_make(pickle, GVK_PICKLE_OPAQUE, &result);
    if (value) {
        value->as.opaque.maker = maker;
        value->as.opaque.arguments = arguments;
        *out = value;
    }
    return result;
}

static gvk_result refuse(const char **problem, const char *text)
{
    *problem = text;
    return GVK_ERROR_FORMAT;
}

static bool is_sequence(const gvk_pickle_value *value)
{
    return value->kind == GVK_PICKLE_TUPLE || value->kind == GVK_PICKLE_LIST;
}

/* OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it. */
static gvk_result make_ordered_dict(gvk_pickle *pickle, gvk_pickle_value *arguments, gvk_pickle_value **out,
                                    const char **problem)
{
    gvk_result result = GVK_OK;
    gvk_pickle_value *dict = gvk_pickle_make(pickle, GVK_PICKLE_DICT, &result);
    if (!dict)
        return result;
    dict->is_ordered = true;
    *out = dict;
    if (arguments->as.list.count == 0)
        return GVK_OK;
    const gvk_pickle_value *pairs = arguments->as.list.items[0];
    if (arguments->as.list.count > 1 || !is_sequence(pairs))
        return refuse(problem, "gives OrderedDict something else than a list of pairs");
    for (uint32_t i = 0; i < pairs->as.list.count && !result; i++) {
        const gvk_pickle_value *pair = pairs->as.list.items[i];
        if (!is_sequence(pair) || pair->as.list.count != 2)
            return refuse(problem, "gives OrderedDict something else than a list of pairs");
        result = gvk_pickle_append(pickle, dict, pair->as.list.items, 2);
    }
    return result;
}

static bool is_integers(const gvk_pickle_value *value)
{
    if (value->kind != GVK_PICKLE_TUPLE)
        return false;
    for (uint32_t i = 0; i < value->as.list.count; i++)
        if (value->as.list.items[i]->kind != GVK_PICKLE_INTEGER)
            return false;
    return true;
}

/* _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks). Whether the numbers make sense is for
 * tensor.c to say, if the tensor is used at all. */
static gvk_result make_tensor(gvk_pickle *pickle, gvk_pickle_value *arguments, gvk_pickle_value **out,
                              const char **problem)
{
    if (arguments->as.list.count < 4)
        return refuse(problem, "gives _rebuild_tensor_v2 too few arguments");
    gvk_pickle_value **items = arguments->as.list.items;
    /* What an unknown function makes is unknown itself; a refusal will name the function. */
    for (int i = 0; i < 4; i++)
        if (items[i]->kind == GVK_PICKLE_OPAQUE)
            return make_opaque(pickle, items[i], arguments, out);
    if (items[0]->kind != GVK_PICKLE_STORAGE)
        return refuse(problem, "gives _rebuild_tensor_v2 no storage");
    /* Many tensors may share one shape, so going over it is paid for each time. */
    for (int i = 2; i < 4; i++)
        if (items[i]->kind == GVK_PICKLE_TUPLE && items[i]->as.list.count > GVK_PICKLE_RANK_LIMIT)
            return refuse(problem, "gives _rebuild_tensor_v2 more than 64 dimensions");
    if (items[1]->kind != GVK_PICKLE_INTEGER || !is_integers(items[2]) || !is_integers(items[3]))
        return refuse(problem, "gives _rebuild_tensor_v2 an offset, shape or stride that is not an integer of 64 bits");
    gvk_result result = GVK_OK;
    gvk_pickle_value *tensor = gvk_pickle_make(pickle, GVK_PICKLE_TENSOR, &result);
    if (!tensor)
        return result;
    tensor->as.tensor.storage = items[0];
    tensor->as.tensor.offset = items[1]->as.integer;
    tensor->as.tensor.shape = items[2];
    tensor->as.tensor.strides = items[3];
    *out = tensor;
    return GVK_OK;
}

/* _codecs.encode("text", "latin1"), which is how protocol 2 has bytes. Only ASCII is the same in both. */
static gvk_result make_bytes(gvk_pickle *pickle, gvk_pickle_value *callable, gvk_pickle_value *arguments,
                             gvk_pickle_value **out)
{
    gvk_pickle_value *const *items = arguments->as.list.items;
    bool is_ascii = arguments->as.list.count == 2 && items[0]->kind == GVK_PICKLE_STRING &&
                    items[0]->as.text.length <= ENCODED_LIMIT;
    for (size_t i = 0; is_ascii && i < items[0]->as.text.length; i++)
        is_ascii = (unsigned char)items[0]->as.text.text[i] < 0x80;
    if (!is_ascii)
        return make_opaque(pickle, callable, arguments, out);
    gvk_result result = GVK_OK;
    gvk_pickle_value *value = gvk_pickle_make(pickle, GVK_PICKLE_BYTES, &result);
    if (value) {
        value->as.text = items[0]->as.text;
        *out = value;
    }
    return result;
}

gvk_result gvk_pickle_reduce(gvk_pickle *pickle, gvk_pickle_value *callable, gvk_pickle_value *arguments,
                             gvk_pickle_value **out, const char **problem)
{
    if (callable->kind != GVK_PICKLE_GLOBAL && callable->kind != GVK_PICKLE_OPAQUE)
        return refuse(problem, "calls something that is no function");
    if (arguments->kind != GVK_PICKLE_TUPLE)
        return refuse(problem, "calls with something else than a tuple");
    if (is_global(callable, "collections", "OrderedDict"))
        return make_ordered_dict(pickle, arguments, out, problem);
    if (is_global(callable, "torch._utils", "_rebuild_tensor_v2"))
        return make_tensor(pickle, arguments, out, problem);
    if (is_global(callable, "torch._utils", "_rebuild_parameter") ||
        is_global(callable, "torch._utils", "_rebuild_parameter_with_state")) {
        gvk_pickle_value *tensor = arguments->as.list.count ? arguments->as.list.items[0] : NULL;
        if (!tensor || (tensor->kind != GVK_PICKLE_TENSOR && tensor->kind != GVK_PICKLE_OPAQUE))
            return refuse(problem, "gives _rebuild_parameter no tensor");
        *out = tensor;
        return GVK_OK;
    }
    if (is_global(callable, "_codecs", "encode"))
        return make_bytes(pickle, callable, arguments, out);
    return make_opaque(pickle, callable, arguments, out);
}

/* The view of an old storage: None, or (key, first item, items). */
static bool read_view(const gvk_pickle_value *view, gvk_pickle_value *storage)
{
    if (view->kind == GVK_PICKLE_NONE)
        return true;
    if (view->kind != GVK_PICKLE_TUPLE || view->as.list.count != 3)
        return false;
    const gvk_pickle_value *begin = view->as.list.items[1], *count = view->as.list.items[2];
    if (begin->kind != GVK_PICKLE_INTEGER || count->kind != GVK_PICKLE_INTEGER || begin->as.integer < 0 ||
        count->as.integer < 0 || begin->as.integer > storage->as.storage.count ||
        count->as.integer > storage->as.storage.count - begin->as.integer)
        return false;
    storage->as.storage.view_begin = begin->as.integer;
    storage->as.storage.view_count = count->as.integer;
    return true;
}

/* ("storage", class, key, location, items), and in the legacy stream a view. */
static gvk_result make_storage(gvk_pickle *pickle, const gvk_pickle_value *id, gvk_pickle_value **out,
                               const char **problem)
{
    uint32_t count = id->as.list.count;
    gvk_pickle_value *const *items = id->as.list.items;
    if (count != 5 && count != 6)
        return refuse(problem, "names a storage with too few or too many words");
    if (items[1]->kind != GVK_PICKLE_GLOBAL && items[1]->kind != GVK_PICKLE_OPAQUE)
        return refuse(problem, "names a storage without its class");
    if (items[2]->kind != GVK_PICKLE_STRING)
        return refuse(problem, "names a storage whose key is no string");
    if (items[2]->as.text.length > GVK_PICKLE_KEY_LIMIT) /* it is looked up at each mention */
        return refuse(problem, "names a storage whose key is longer than 128 bytes");
    if (items[4]->kind != GVK_PICKLE_INTEGER || items[4]->as.integer < 0)
        return refuse(problem, "names a storage with a wrong number of items");
    gvk_result result = GVK_OK;
    gvk_pickle_value *storage = gvk_pickle_make(pickle, GVK_PICKLE_STORAGE, &result);
    if (!storage)
        return result;
    const storage_class *known = find_storage_class(items[1]);
    storage->as.storage.type = known ? known->type : GVK_STORAGE_UNKNOWN;
    storage->as.storage.item_bytes = known ? known->bytes : 0;
    storage->as.storage.class = items[1];
    storage->as.storage.key = items[2]->as.text;
    storage->as.storage.count = items[4]->as.integer;
    storage->as.storage.view_count = items[4]->as.integer;
    if (count == 6 && !read_view(items[5], storage))
        return refuse(problem, "names a storage with a wrong view");
    *out = storage;
    return gvk_pickle_note_storage(pickle, storage);
}

gvk_result gvk_pickle_load_persistent(gvk_pickle *pickle, gvk_pickle_value *id, gvk_pickle_value **out,
                                      const char **problem)
{
    if (id->kind != GVK_PICKLE_TUPLE || id->as.list.count < 2)
        return refuse(problem, "has an id that torch does not write");
    if (gvk_pickle_is_text(id->as.list.items[0], "storage"))
        return make_storage(pickle, id, out, problem);
    if (gvk_pickle_is_text(id->as.list.items[0], "module")) {
        *out = id->as.list.items[1]; /* the class of a pickled module; its source text follows and is dropped */
        return GVK_OK;
    }
    return refuse(problem, "has an id that torch does not write");
}
