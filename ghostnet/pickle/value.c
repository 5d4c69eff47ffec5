/* The values of a pickle: their memory, and the questions that callers ask of them. See value.h.
 * Values live in blocks that are freed together, so sharing and cycles cost nothing. */
#include "value.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 65536u

typedef struct block {
    struct block *next;
    size_t used, size;
    max_align_t bytes[]; /* `size` bytes */
} block;

struct gvk_pickle {
    gvk_source source;
    gvk_pickle_budget *budget;
    block *blocks;
    gvk_pickle_value *root;
    const gvk_pickle_value **storages;
    uint32_t storage_count, storage_capacity;
};

gvk_pickle_budget gvk_pickle_budget_of(uint64_t file_bytes)
{
    uint64_t rest = GVK_PICKLE_MEMORY_LIMIT - GVK_PICKLE_MEMORY_ALONE;
    return (gvk_pickle_budget){.steps = GVK_PICKLE_STEP_LIMIT,
                               .values = GVK_PICKLE_VALUE_LIMIT,
                               .memory = GVK_PICKLE_MEMORY_ALONE + (file_bytes < rest ? file_bytes : rest)};
}

gvk_result gvk_pickle_spend(gvk_pickle *pickle, uint64_t bytes)
{
    if (bytes > pickle->budget->memory)
        return gvk_refuse(&pickle->source, "its pickle needs more memory than a file of its size may take.");
    pickle->budget->memory -= bytes;
    return GVK_OK;
}

gvk_result gvk_pickle_create(const gvk_source *source, gvk_pickle_budget *budget, gvk_pickle **out)
{
    gvk_pickle *pickle = gvk_allocate(source->host, sizeof *pickle);
    if (!pickle)
        return gvk_fail_memory(source->host);
    pickle->source = *source;
    pickle->budget = budget;
    *out = pickle;
    return GVK_OK;
}

void gvk_pickle_destroy(gvk_pickle *pickle)
{
    if (!pickle)
        return;
    const gvk_host *host = pickle->source.host;
    for (block *at = pickle->blocks; at;) {
        block *next = at->next;
        gvk_release(host, at);
        at = next;
    }
    gvk_release(host, pickle->storages);
    gvk_release(host, pickle);
}

/* Zeroed memory that lives as long as the pickle. */
static void *take(gvk_pickle *pickle, size_t bytes, gvk_result *result)
{
    size_t step = _Alignof(gvk_pickle_value);
    size_t wanted = (bytes + step - 1) / step * step;
    block *first = pickle->blocks;
    if (!first || first->size - first->used < wanted) {
        size_t size = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
        *result = gvk_pickle_spend(pickle, sizeof(block) + size);
        if (*result)
            return NULL;
        block *fresh = gvk_allocate(pickle->source.host, sizeof *fresh + size);
        if (!fresh) {
            *result = gvk_fail_memory(pickle->source.host);
            return NULL;
        }
        *fresh = (block){.next = first, .size = size};
        pickle->blocks = first = fresh;
    }
    unsigned char *bytes_of_block = (unsigned char *)first->bytes;
    void *taken = bytes_of_block + first->used;
    first->used += wanted;
    return taken;
}

/* Values take no more than their kind needs: most of a pickle are numbers. */
static size_t measure_value(gvk_pickle_kind kind)
{
    const gvk_pickle_value *value = NULL;
    size_t head = offsetof(gvk_pickle_value, as);
    switch (kind) {
    case GVK_PICKLE_NONE:
    case GVK_PICKLE_BOOL:
    case GVK_PICKLE_INTEGER: return head + sizeof value->as.integer;
    case GVK_PICKLE_FLOAT: return head + sizeof value->as.real;
    case GVK_PICKLE_LONG:
    case GVK_PICKLE_STRING:
    case GVK_PICKLE_BYTES: return head + sizeof value->as.text;
    case GVK_PICKLE_TUPLE:
    case GVK_PICKLE_LIST:
    case GVK_PICKLE_SET:
    case GVK_PICKLE_DICT: return head + sizeof value->as.list;
    case GVK_PICKLE_GLOBAL: return head + sizeof value->as.global;
    case GVK_PICKLE_OPAQUE: return head + sizeof value->as.opaque;
    case GVK_PICKLE_STORAGE: return head + sizeof value->as.storage;
    case GVK_PICKLE_TENSOR: return head + sizeof value->as.tensor;
    }
    return sizeof *value;
}

gvk_pickle_value *gvk_pickle_make(gvk_pickle *pickle, gvk_pickle_kind kind, gvk_result *result)
{
    if (!pickle->budget->values) {
        *result = gvk_refuse(&pickle->source, "its pickle holds more than %u values.", GVK_PICKLE_VALUE_LIMIT);
        return NULL;
    }
    gvk_pickle_value *value = take(pickle, measure_value(kind), result);
    if (!value)
        return NULL;
    pickle->budget->values--;
    value->kind = kind;
    return value;
}

gvk_result gvk_pickle_append(gvk_pickle *pickle, gvk_pickle_value *list, gvk_pickle_value *const *items, size_t count)
{
    gvk_result result = GVK_OK;
    if (count == 0)
        return GVK_OK;
    /* Items come from the stack, so `count` is below its limit; a list grows by appending again and again. */
    if (count > GVK_PICKLE_STEP_LIMIT || list->as.list.count > GVK_PICKLE_STEP_LIMIT - count)
        return gvk_refuse(&pickle->source, "its pickle holds a list of more than %u items.", GVK_PICKLE_STEP_LIMIT);
    uint32_t needed = list->as.list.count + (uint32_t)count;
    if (needed > list->as.list.capacity) {
        /* The old array stays in its block unused; doubling keeps that below the size of the new one. */
        uint32_t capacity = list->as.list.capacity * 2 > needed ? list->as.list.capacity * 2 : needed;
        gvk_pickle_value **larger = take(pickle, capacity * sizeof *larger, &result);
        if (!larger)
            return result;
        if (list->as.list.count)
            memcpy(larger, list->as.list.items, list->as.list.count * sizeof *larger);
        list->as.list.items = larger;
        list->as.list.capacity = capacity;
    }
    memcpy(list->as.list.items + list->as.list.count, items, count * sizeof(*items));
    list->as.list.count = needed;
    return GVK_OK;
}

gvk_result gvk_pickle_note_storage(gvk_pickle *pickle, const gvk_pickle_value *storage)
{
    if (pickle->storage_count == pickle->storage_capacity) {
        uint32_t capacity = pickle->storage_capacity ? pickle->storage_capacity * 2 : 64;
        const gvk_host *host = pickle->source.host;
        gvk_result result = gvk_pickle_spend(pickle, (uint64_t)capacity * sizeof(*pickle->storages));
        if (result)
            return result;
        void *larger =
            gvk_grow_array(host, pickle->storages, pickle->storage_count, capacity, sizeof(*pickle->storages));
        if (!larger)
            return gvk_fail_memory(host);
        pickle->storages = larger;
        pickle->storage_capacity = capacity;
    }
    pickle->storages[pickle->storage_count++] = storage;
    return GVK_OK;
}

void gvk_pickle_set_root(gvk_pickle *pickle, gvk_pickle_value *root)
{
    pickle->root = root;
}

gvk_pickle_value *gvk_pickle_root(const gvk_pickle *pickle)
{
    return pickle->root;
}

uint32_t gvk_pickle_storage_count(const gvk_pickle *pickle)
{
    return pickle->storage_count;
}

const gvk_pickle_value *gvk_pickle_storage_at(const gvk_pickle *pickle, uint32_t index)
{
    return pickle->storages[index];
}

bool gvk_pickle_has_text(const gvk_pickle_value *value)
{
    return value->kind == GVK_PICKLE_STRING || value->kind == GVK_PICKLE_BYTES;
}

bool gvk_pickle_is_text(const gvk_pickle_value *value, const char *text)
{
    return value->kind == GVK_PICKLE_STRING && value->as.text.length == strlen(text) &&
           memcmp(value->as.text.text, text, value->as.text.length) == 0;
}

gvk_pickle_value *gvk_pickle_find(const gvk_pickle_value *dict, const char *key)
{
    if (dict->kind != GVK_PICKLE_DICT)
        return NULL;
    for (uint32_t i = dict->as.list.count; i >= 2; i -= 2)
        if (gvk_pickle_is_text(dict->as.list.items[i - 2], key))
            return dict->as.list.items[i - 1];
    return NULL;
}

/* Whether the function only makes an object of the class that is its first argument. */
static bool is_plain_constructor(const gvk_pickle_value *global)
{
    static const char *const names[] = {"_reconstructor", "__newobj__", "__newobj_ex__"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (global->as.global.name.length == strlen(names[i]) &&
            memcmp(global->as.global.name.text, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

const char *gvk_pickle_name_maker(gvk_quoted *quoted, const gvk_pickle_value *value)
{
    /* What made the value may have been made by something itself. A few steps are followed to a name, and no more,
     * because there may be a cycle. */
    for (int step = 0; step < 8 && value; step++) {
        if (value->kind == GVK_PICKLE_OPAQUE) {
            const gvk_pickle_value *maker = value->as.opaque.maker, *arguments = value->as.opaque.arguments;
            bool has_class = maker && maker->kind == GVK_PICKLE_GLOBAL && is_plain_constructor(maker) && arguments &&
                             arguments->kind == GVK_PICKLE_TUPLE && arguments->as.list.count > 0;
            value = has_class ? arguments->as.list.items[0] : maker;
        } else if (value->kind == GVK_PICKLE_GLOBAL) {
            char joined[sizeof quoted->text];
            snprintf(joined, sizeof joined, "%.*s.%.*s",
                     (int)(value->as.global.module.length < 48 ? value->as.global.module.length : 48),
                     value->as.global.module.text,
                     (int)(value->as.global.name.length < 48 ? value->as.global.name.length : 48),
                     value->as.global.name.text);
            return gvk_quote(quoted, joined, strlen(joined));
        } else {
            break;
        }
    }
    return gvk_quote(quoted, "an unknown class", 16);
}

/* Queues the values that one value refers to; a value that was queued once is never queued again. */
static gvk_result push_children(gvk_pickle *pickle, const gvk_pickle_value *value, gvk_pickle_value ***queue,
                                size_t *count, size_t *capacity)
{
    gvk_pickle_value *few[3] = {NULL, NULL, NULL};
    gvk_pickle_value *const *items = few;
    size_t item_count = 3;
    switch (value->kind) {
    case GVK_PICKLE_TUPLE:
    case GVK_PICKLE_LIST:
    case GVK_PICKLE_SET:
    case GVK_PICKLE_DICT:
        items = value->as.list.items;
        item_count = value->as.list.count;
        break;
    case GVK_PICKLE_OPAQUE:
        few[0] = value->as.opaque.maker;
        few[1] = value->as.opaque.arguments;
        few[2] = value->as.opaque.state;
        break;
    default: return GVK_OK;
    }
    for (size_t i = 0; i < item_count; i++) {
        if (!items[i] || items[i]->is_walked)
            continue;
        items[i]->is_walked = true;
        if (*count == *capacity) {
            size_t wanted = *capacity ? *capacity * 2 : 64;
            gvk_result result = gvk_pickle_spend(pickle, wanted * sizeof(**queue));
            if (result)
                return result;
            void *larger = gvk_grow_array(pickle->source.host, *queue, *count, wanted, sizeof(**queue));
            if (!larger)
                return gvk_fail_memory(pickle->source.host);
            *queue = larger;
            *capacity = wanted;
        }
        (*queue)[(*count)++] = items[i];
    }
    return GVK_OK;
}

gvk_result gvk_pickle_holds_tensor(gvk_pickle *pickle, gvk_pickle_value *value, bool *out)
{
    const gvk_host *host = pickle->source.host;
    gvk_pickle_value **queue = NULL;
    size_t count = 0, capacity = 0;
    gvk_result result = GVK_OK;
    *out = false;
    if (value->is_walked)
        return GVK_OK;
    value->is_walked = true;
    while (!result) {
        if (value->kind == GVK_PICKLE_TENSOR || value->kind == GVK_PICKLE_STORAGE) {
            *out = true;
            break;
        }
        result = push_children(pickle, value, &queue, &count, &capacity);
        if (result || count == 0)
            break;
        value = queue[--count];
    }
    gvk_release(host, queue);
    return result;
}
