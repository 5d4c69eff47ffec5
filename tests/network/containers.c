/* See containers.h. */
#include "containers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/filler/filler.h"

const char *const container_names[CONTAINERS] = {"zip", "legacy", "safetensors"};

static uint64_t count_floats(const struct tensor_list *list)
{
    uint64_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += count_elements(list->tensors[i].shape, list->tensors[i].rank);
    return count;
}

static void put_floats(bytes *to, const struct weight_set *set)
{
    for (size_t i = 0; i < set->list->count; i++) {
        const struct named_tensor *tensor = &set->list->tensors[i];
        size_t count = count_elements(tensor->shape, tensor->rank);
        float *values = calloc(count + 1, sizeof *values);
        assert_non_null(values);
        fill_tensor(tensor->name, tensor->shape, tensor->rank, values);
        for (size_t j = 0; j < count; j++)
            values[j] *= set->scale;
        put(to, values, count * sizeof *values); /* the machines of the tests are little-endian, as files are */
        free(values);
    }
}

/* ---- pickles ---- */

static void put_tensor(bytes *to, const struct weight_set *set, const struct named_tensor *tensor, uint64_t offset,
                       uint64_t total, bool is_legacy)
{
    int64_t shape[4], strides[4], stride = 1;
    char name[200];
    for (uint32_t i = tensor->rank; i-- > 0;) {
        shape[i] = (int64_t)tensor->shape[i];
        strides[i] = stride;
        stride *= shape[i];
    }
    snprintf(name, sizeof name, "%s%s", set->prefix, tensor->name);
    pickle_text(to, name);
    pickle_global(to, "torch._utils", "_rebuild_tensor_v2");
    put_text(to, "(");
    pickle_storage(to, "FloatStorage", "0", (int64_t)total, is_legacy);
    pickle_integer(to, (int64_t)offset);
    pickle_integers(to, shape, (int)tensor->rank);
    pickle_integers(to, strides, (int)tensor->rank);
    put(to, "\x89", 1);
    pickle_global(to, "collections", "OrderedDict");
    put_text(to, ")RtR");
}

/* The set's items, each dict around them opened and closed. */
static void put_set(bytes *to, const struct weight_set *set, uint64_t offset, uint64_t total, bool is_legacy)
{
    unsigned depth = 0;
    for (const char *key = set->keys; *key; depth++) {
        char text[100];
        size_t length = strcspn(key, "/");
        snprintf(text, sizeof text, "%.*s", (int)length, key);
        pickle_text(to, text);
        put_text(to, "}(");
        key += length + (key[length] == '/');
    }
    for (size_t i = 0; i < set->list->count; i++) {
        const struct named_tensor *tensor = &set->list->tensors[i];
        put_tensor(to, set, tensor, offset, total, is_legacy);
        offset += count_elements(tensor->shape, tensor->rank);
    }
    while (depth-- > 0)
        put_text(to, "u");
}

static bytes make_pickle(const struct weight_set *sets, size_t count, const char *extra, uint64_t total, bool is_legacy)
{
    bytes pickle = {.data = NULL};
    uint64_t offset = 0;
    put(&pickle, "\x80\x02}(", 4);
    if (extra)
        put_text(&pickle, extra);
    for (size_t i = 0; i < count; i++) {
        put_set(&pickle, &sets[i], offset, total, is_legacy);
        offset += count_floats(sets[i].list);
    }
    put_text(&pickle, "u.");
    return pickle;
}

static bytes make_legacy(const bytes *pickle, const bytes *data)
{
    static const char *const keys[] = {"0"};
    const legacy_layout layout = {false, false, 1001, keys, 1, data->count / sizeof(float), 0};
    bytes file = build_legacy(pickle, &layout);
    put(&file, data->data, data->count);
    return file;
}

/* ---- safetensors ---- */

static bytes make_safetensors(const struct weight_set *sets, size_t count, const bytes *data)
{
    bytes header = {.data = NULL}, file = {.data = NULL};
    uint64_t begin = 0;
    put_text(&header, "{");
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < sets[s].list->count; i++) {
            const struct named_tensor *tensor = &sets[s].list->tensors[i];
            uint64_t end = begin + sizeof(float) * count_elements(tensor->shape, tensor->rank);
            char entry[400];
            snprintf(entry, sizeof entry, "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", begin ? "," : "", sets[s].prefix,
                     tensor->name);
            put_text(&header, entry);
            for (uint32_t j = 0; j < tensor->rank; j++) {
                snprintf(entry, sizeof entry, "%s%" PRIu64, j ? "," : "", tensor->shape[j]);
                put_text(&header, entry);
            }
            snprintf(entry, sizeof entry, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", begin, end);
            put_text(&header, entry);
            begin = end;
        }
    put_text(&header, "}");
    put_number(&file, header.count, 8);
    put(&file, header.data, header.count);
    put(&file, data->data, data->count);
    drop(&header);
    return file;
}

struct image make_file_of(enum container container, const struct weight_set *sets, size_t count, const char *extra)
{
    bytes data = {.data = NULL}, pickle = {.data = NULL}, file;
    for (size_t i = 0; i < count; i++)
        put_floats(&data, &sets[i]);
    if (container == CONTAINER_SAFETENSORS) {
        file = make_safetensors(sets, count, &data);
    } else {
        bool is_legacy = container == CONTAINER_LEGACY;
        pickle = make_pickle(sets, count, extra, data.count / sizeof(float), is_legacy);
        file = is_legacy ? make_legacy(&pickle, &data) : build_pth(&pickle, data.data, data.count);
    }
    drop(&pickle);
    drop(&data);
    return (struct image){.bytes = file.data, .count = file.count};
}
