/* Reads safetensors: eight bytes of header length, a JSON header, then the tensors' bytes without gap or overlap.
 * The tensors stay where they are in the file's bytes. */
#include <string.h>

#include "container.h"
#include "ghostnet/files/bytes.h"
#include "ghostnet/files/json_reader.h"
#include "ghostnet/files/ranges.h"

#define PREFIX_BYTES 8u
#define HEADER_LIMIT 100000000u /* the format's own ceiling */
#define STRING_LIMIT (4u << 20) /* bytes of a string that is read: a list of 65536 class names may be long */

typedef struct header_reader {
    gvk_checkpoint *checkpoint;
    gvk_json json;
    size_t room;   /* for one string */
    char *scratch; /* room for any one string of the header, and a key of metadata */
    const unsigned char *data;
    uint64_t data_count;
} header_reader;

/* A tensor's entry as it is written, before it is believed. */
typedef struct entry {
    gvk_quoted name;
    bool has_type, has_shape, has_offsets, is_integer;
    gvk_type type;
    uint32_t item_bytes;
    uint32_t rank;
    uint64_t shape[GVK_MAX_RANK];
    uint64_t begin, end;
} entry;

static gvk_result refuse_json(header_reader *reader)
{
    return gvk_refuse(&reader->checkpoint->source, "its header is not valid at byte %zu: %s.",
                      reader->json.at + PREFIX_BYTES, reader->json.problem ? reader->json.problem : "it is damaged");
}

static gvk_result read_type(header_reader *reader, entry *item)
{
    static const struct {
        const char *name;
        uint32_t bytes;
        gvk_type type;
        bool is_integer;
    } types[] = {
        {"F32", 4, GVK_TYPE_F32, false},       {"F16", 2, GVK_TYPE_F16, false},
        {"BF16", 2, GVK_TYPE_BF16, false},     {"F64", 8, GVK_TYPE_OTHER, false},
        {"BOOL", 1, GVK_TYPE_OTHER, true},     {"U8", 1, GVK_TYPE_OTHER, true},
        {"I8", 1, GVK_TYPE_OTHER, true},       {"U16", 2, GVK_TYPE_OTHER, true},
        {"I16", 2, GVK_TYPE_OTHER, true},      {"U32", 4, GVK_TYPE_OTHER, true},
        {"I32", 4, GVK_TYPE_OTHER, true},      {"U64", 8, GVK_TYPE_OTHER, true},
        {"I64", 8, GVK_TYPE_OTHER, true},      {"C64", 8, GVK_TYPE_OTHER, false},
        {"F8_E4M3", 1, GVK_TYPE_OTHER, false}, {"F8_E5M2", 1, GVK_TYPE_OTHER, false},
        {"F8_E8M0", 1, GVK_TYPE_OTHER, false},
    };
    size_t length;
    if (!gvk_json_string(&reader->json, reader->scratch, reader->room, &length))
        return refuse_json(reader);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strlen(types[i].name) == length && memcmp(types[i].name, reader->scratch, length) == 0) {
            item->type = types[i].type;
            item->item_bytes = types[i].bytes;
            item->is_integer = types[i].is_integer;
            return GVK_OK;
        }
    }
    gvk_quoted quoted;
    return gvk_refuse(&reader->checkpoint->source, "tensor %s has the unknown dtype \"%s\".", item->name.text,
                      gvk_quote(&quoted, reader->scratch, length));
}

static gvk_result read_shape(header_reader *reader, entry *item)
{
    gvk_json *json = &reader->json;
    if (!gvk_json_expect(json, '['))
        return refuse_json(reader);
    if (gvk_json_take(json, ']'))
        return GVK_OK;
    do {
        if (item->rank == GVK_MAX_RANK)
            return gvk_refuse(&reader->checkpoint->source, "tensor %s has more than %d dimensions.", item->name.text,
                              GVK_MAX_RANK);
        if (!gvk_json_unsigned(json, &item->shape[item->rank++]))
            return refuse_json(reader);
    } while (gvk_json_take(json, ','));
    return gvk_json_expect(json, ']') ? GVK_OK : refuse_json(reader);
}

static gvk_result read_offsets(header_reader *reader, entry *item)
{
    gvk_json *json = &reader->json;
    bool good = gvk_json_expect(json, '[') && gvk_json_unsigned(json, &item->begin);
    if (good && !gvk_json_take(json, ','))
        return gvk_refuse(&reader->checkpoint->source, "data_offsets of tensor %s is not a pair.", item->name.text);
    good = good && gvk_json_unsigned(json, &item->end) && gvk_json_expect(json, ']');
    return good ? GVK_OK : refuse_json(reader);
}

/* One member of an entry. Members that this reader does not know are left to later versions of the format. */
static gvk_result read_member(header_reader *reader, entry *item)
{
    size_t length;
    if (!gvk_json_string(&reader->json, reader->scratch, reader->room, &length) || !gvk_json_expect(&reader->json, ':'))
        return refuse_json(reader);
    static const struct {
        const char *name;
        gvk_result (*read)(header_reader *reader, entry *item);
    } members[] = {{"dtype", read_type}, {"shape", read_shape}, {"data_offsets", read_offsets}};
    bool *seen[] = {&item->has_type, &item->has_shape, &item->has_offsets};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (strlen(members[i].name) != length || memcmp(members[i].name, reader->scratch, length) != 0)
            continue;
        if (*seen[i])
            return gvk_refuse(&reader->checkpoint->source, "tensor %s has two members called %s.", item->name.text,
                              members[i].name);
        *seen[i] = true;
        return members[i].read(reader, item);
    }
    return gvk_json_skip(&reader->json) ? GVK_OK : refuse_json(reader);
}

static gvk_result check_entry(const header_reader *reader, const entry *item)
{
    const gvk_source *source = &reader->checkpoint->source;
    const char *name = item->name.text;
    if (!item->has_type || !item->has_shape || !item->has_offsets)
        return gvk_refuse(source, "tensor %s lacks its %s.", name,
                          !item->has_type    ? "dtype"
                          : !item->has_shape ? "shape"
                                             : "data_offsets");
    if (item->begin > item->end)
        return gvk_refuse(source, "tensor %s ends before it begins.", name);
    if (item->end > reader->data_count)
        return gvk_refuse(source, "tensor %s reaches past the end of the file.", name);
    uint64_t bytes = item->item_bytes;
    bool is_empty = false;
    for (uint32_t i = 0; i < item->rank; i++)
        is_empty = is_empty || item->shape[i] == 0;
    for (uint32_t i = 0; i < item->rank && !is_empty; i++) {
        if (bytes > UINT64_MAX / item->shape[i])
            return gvk_refuse(source, "the shape of tensor %s is too large.", name);
        bytes *= item->shape[i];
    }
    if (item->end - item->begin != (is_empty ? 0 : bytes))
        return gvk_refuse(source, "the shape and dtype of tensor %s do not fit its %llu bytes.", name,
                          (unsigned long long)(item->end - item->begin));
    return GVK_OK;
}

/* `name` lies in the scratch memory, which the entry's own strings overwrite: hence the copy. */
static gvk_result read_entry(header_reader *reader, const char *name, size_t length)
{
    gvk_checkpoint *checkpoint = reader->checkpoint;
    entry item = {.rank = 0};
    gvk_quote(&item.name, name, length);
    const char *problem = gvk_name_problem(name, length);
    if (problem)
        return gvk_refuse(&checkpoint->source, "the name of a tensor %s: \"%s\".", problem, item.name.text);
    char kept[GVK_NAME_LIMIT];
    memcpy(kept, name, length);

    if (!gvk_json_expect(&reader->json, '{'))
        return refuse_json(reader);
    if (!gvk_json_take(&reader->json, '}')) {
        do {
            gvk_result result = read_member(reader, &item);
            if (result)
                return result;
        } while (gvk_json_take(&reader->json, ','));
        if (!gvk_json_expect(&reader->json, '}'))
            return refuse_json(reader);
    }
    gvk_result result = check_entry(reader, &item);
    if (result)
        return result;
    gvk_array array = {.type = item.type, .rank = item.rank};
    memcpy(array.shape, item.shape, sizeof array.shape);
    array.data = reader->data + (size_t)item.begin;
    array.bytes = item.end - item.begin;
    return gvk_checkpoint_add(
        checkpoint, kept, length,
        &(gvk_checkpoint_tensor){.array = array, .is_integer = item.is_integer, .record = GVK_NO_RECORD});
}

static gvk_result read_metadata(header_reader *reader)
{
    gvk_json *json = &reader->json;
    if (gvk_json_take_null(json)) /* as the format's own reader does */
        return GVK_OK;
    if (!gvk_json_expect(json, '{'))
        return refuse_json(reader);
    if (gvk_json_take(json, '}'))
        return GVK_OK;
    do {
        /* Key and value share the scratch memory, which has room for both. */
        size_t key_length, value_length;
        if (!gvk_json_string(json, reader->scratch, reader->room, &key_length) || !gvk_json_expect(json, ':'))
            return refuse_json(reader);
        char *value = reader->scratch + key_length;
        if (!gvk_json_string(json, value, reader->room, &value_length))
            return refuse_json(reader);
        gvk_result result =
            gvk_checkpoint_add_metadata(reader->checkpoint, reader->scratch, key_length, value, value_length);
        if (result)
            return result;
    } while (gvk_json_take(json, ','));
    return gvk_json_expect(json, '}') ? GVK_OK : refuse_json(reader);
}

static gvk_result read_header(header_reader *reader)
{
    static const char metadata_key[] = "__metadata__";
    gvk_json *json = &reader->json;
    bool has_metadata = false;
    if (!gvk_json_expect(json, '{'))
        return refuse_json(reader);
    if (!gvk_json_take(json, '}')) {
        do {
            size_t length;
            if (!gvk_json_string(json, reader->scratch, reader->room, &length) || !gvk_json_expect(json, ':'))
                return refuse_json(reader);
            gvk_result result;
            if (length == sizeof metadata_key - 1 && memcmp(reader->scratch, metadata_key, length) == 0) {
                if (has_metadata)
                    return gvk_refuse(&reader->checkpoint->source, "its header holds __metadata__ twice.");
                has_metadata = true;
                result = read_metadata(reader);
            } else {
                result = read_entry(reader, reader->scratch, length);
            }
            if (result)
                return result;
        } while (gvk_json_take(json, ','));
        if (!gvk_json_expect(json, '}'))
            return refuse_json(reader);
    }
    if (!gvk_json_is_at_end(json))
        return gvk_refuse(&reader->checkpoint->source, "something follows the JSON object in its header, at byte %zu.",
                          json->at + PREFIX_BYTES);
    return GVK_OK;
}

/* The tensors must cover the data exactly: no byte twice, none unused. */
static gvk_result check_cover(const header_reader *reader)
{
    gvk_checkpoint *checkpoint = reader->checkpoint;
    const gvk_source *source = &checkpoint->source;
    gvk_range *ranges = gvk_allocate_array(&checkpoint->host, checkpoint->count, sizeof *ranges);
    if (!ranges)
        return gvk_fail_memory(&checkpoint->host);
    for (uint32_t i = 0; i < checkpoint->count; i++) {
        const gvk_array *array = &checkpoint->tensors[i].array;
        uint64_t begin = (uint64_t)((const unsigned char *)array->data - reader->data);
        ranges[i] = (gvk_range){.begin = begin, .end = begin + array->bytes, .owner = i};
    }
    gvk_sort_ranges(ranges, checkpoint->count);
    gvk_result result = GVK_OK;
    uint64_t covered = 0;
    for (uint32_t i = 0; i < checkpoint->count && !result; i++) {
        const char *name = checkpoint->tensors[ranges[i].owner].name;
        gvk_quoted quoted;
        if (ranges[i].begin < covered)
            result = gvk_refuse(source, "tensor %s overlaps another one.", gvk_quote(&quoted, name, strlen(name)));
        else if (ranges[i].begin > covered)
            result = gvk_refuse(source, "there are unused bytes in front of tensor %s.",
                                gvk_quote(&quoted, name, strlen(name)));
        covered = ranges[i].end;
    }
    if (!result && covered != reader->data_count)
        result = gvk_refuse(source, "%llu bytes follow the last tensor.",
                            (unsigned long long)(reader->data_count - covered));
    gvk_release(&checkpoint->host, ranges);
    return result;
}

gvk_result gvk_safetensors_read(gvk_checkpoint *checkpoint)
{
    const gvk_source *source = &checkpoint->source;
    if (checkpoint->byte_count < PREFIX_BYTES)
        return gvk_refuse(source, "the file is cut short.");
    gvk_result result = gvk_content_need(&checkpoint->content, 0, PREFIX_BYTES);
    if (result)
        return result;
    uint64_t header = gvk_load_u64(checkpoint->bytes);
    if (header > HEADER_LIMIT)
        return gvk_refuse(source, "its header claims to be longer than 100 MB.");
    if (header > checkpoint->byte_count - PREFIX_BYTES)
        return gvk_refuse(source, "its header of %llu bytes reaches past the end of the file.",
                          (unsigned long long)header);

    result = gvk_content_need(&checkpoint->content, PREFIX_BYTES, header);
    if (result)
        return result;
    header_reader reader = {.checkpoint = checkpoint};
    reader.room = header < STRING_LIMIT ? (size_t)header : STRING_LIMIT;
    reader.json = (gvk_json){.bytes = checkpoint->bytes + PREFIX_BYTES, .count = (size_t)header};
    reader.data = checkpoint->bytes + PREFIX_BYTES + (size_t)header;
    reader.data_count = checkpoint->byte_count - PREFIX_BYTES - header;
    reader.scratch = gvk_allocate_unfilled(&checkpoint->host, 2 * reader.room);
    if (!reader.scratch)
        return gvk_fail_memory(&checkpoint->host);
    result = read_header(&reader);
    gvk_release(&checkpoint->host, reader.scratch);
    return result ? result : check_cover(&reader);
}
