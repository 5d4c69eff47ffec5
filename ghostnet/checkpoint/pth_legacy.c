/* Reads the stream that torch.save wrote before 1.6: five pickles (a magic number, a version, facts about the machine,
 * the object, the keys of its storages), then each storage as an item count and its bytes. */
#include <string.h>

#include "ghostnet/files/bytes.h"
#include "ghostnet/pickle/pickle.h"
#include "state_dict.h"

#define PROTOCOL_VERSION 1001

typedef struct stream {
    gvk_checkpoint *checkpoint;
    size_t at;
    gvk_pickle *object;
    gvk_name_index storages;        /* key to number */
    uint32_t *records;              /* by number; GVK_NO_RECORD until the stream brought the storage */
    const gvk_pickle_value **first; /* by number: the first mention of the storage */
    uint32_t count;
} stream;

static gvk_result read_pickle(stream *from, gvk_pickle **out)
{
    gvk_checkpoint *checkpoint = from->checkpoint;
    size_t used;
    gvk_result result =
        gvk_pickle_read(&checkpoint->source, &checkpoint->budget, &checkpoint->content, checkpoint->bytes + from->at,
                        checkpoint->byte_count - from->at, from->at, out, &used);
    if (!result)
        from->at += used;
    return result;
}

static bool is_magic(const gvk_pickle_value *value)
{
    static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return value->kind == GVK_PICKLE_LONG && value->as.text.length == sizeof magic &&
           memcmp(value->as.text.text, magic, sizeof magic) == 0;
}

static gvk_result check_magic(const gvk_source *source, const gvk_pickle_value *value)
{
    return is_magic(value) ? GVK_OK : gvk_refuse(source, "it is a pickle, but not one that torch.save wrote.");
}

static gvk_result check_version(const gvk_source *source, const gvk_pickle_value *value)
{
    if (value->kind == GVK_PICKLE_INTEGER && value->as.integer == PROTOCOL_VERSION)
        return GVK_OK;
    return gvk_refuse(source, "its torch protocol version is not 1001.");
}

static gvk_result check_machine(const gvk_source *source, const gvk_pickle_value *value)
{
    const gvk_pickle_value *order = gvk_pickle_find(value, "little_endian");
    if (!order || order->kind != GVK_PICKLE_BOOL)
        return gvk_refuse(source, "it does not say the byte order of its numbers.");
    if (!order->as.integer)
        return gvk_refuse(source, "a big-endian machine saved it; only little-endian files are read.");
    return GVK_OK;
}

/* The three pickles in front of the object. */
static gvk_result read_preamble(stream *from)
{
    static gvk_result (*const checks[])(const gvk_source *source,
                                        const gvk_pickle_value *value) = {check_magic, check_version, check_machine};
    gvk_result result = GVK_OK;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !result; i++) {
        gvk_pickle *pickle = NULL;
        result = read_pickle(from, &pickle);
        if (!result)
            result = checks[i](&from->checkpoint->source, gvk_pickle_root(pickle));
        gvk_pickle_destroy(pickle);
    }
    return result;
}

/* Gives each storage key a number. All mentions of one storage must say the same of it, because only the first one is
 * looked at from here on. */
static gvk_result number_storages(stream *from)
{
    const gvk_host *host = &from->checkpoint->host;
    const gvk_source *source = &from->checkpoint->source;
    uint32_t mentions = gvk_pickle_storage_count(from->object);
    uint32_t room = mentions < GVK_NAME_COUNT_LIMIT ? mentions : GVK_NAME_COUNT_LIMIT;
    from->records = gvk_allocate_array(host, room, sizeof *from->records);
    from->first = gvk_allocate_array(host, room, sizeof(*from->first));
    if (!from->records || !from->first)
        return gvk_fail_memory(host);
    for (uint32_t i = 0; i < room; i++)
        from->records[i] = GVK_NO_RECORD;
    gvk_result result = gvk_name_index_create(host, room, &from->storages);
    for (uint32_t i = 0; i < mentions && !result; i++) {
        const gvk_pickle_value *storage = gvk_pickle_storage_at(from->object, i), *known;
        gvk_pickle_text key = storage->as.storage.key;
        gvk_quoted quoted;
        uint32_t number;
        if (gvk_name_index_find(&from->storages, key.text, key.length, &number)) {
            known = from->first[number];
            if (known->as.storage.count != storage->as.storage.count ||
                known->as.storage.type != storage->as.storage.type ||
                known->as.storage.item_bytes != storage->as.storage.item_bytes)
                result = gvk_refuse(source, "its storage %s is mentioned with two sizes or types.",
                                    gvk_quote(&quoted, key.text, key.length));
        } else if (from->count == room) {
            result = gvk_refuse(source, "it holds more than %u storages.", GVK_NAME_COUNT_LIMIT);
        } else {
            gvk_name_index_add(&from->storages, key.text, key.length, from->count);
            from->first[from->count++] = storage;
        }
    }
    return result;
}

/* One storage's count and bytes, at the stream's place. */
static gvk_result read_storage(stream *from, const gvk_pickle_value *key)
{
    const gvk_source *source = &from->checkpoint->source;
    size_t left = from->checkpoint->byte_count - from->at;
    const unsigned char *bytes = from->checkpoint->bytes + from->at;
    gvk_quoted quoted, class;
    uint32_t number;
    uint64_t size;
    if (key->kind != GVK_PICKLE_STRING)
        return gvk_refuse(source, "its list of storage keys holds something else than strings.");
    gvk_quote(&quoted, key->as.text.text, key->as.text.length);
    if (!gvk_name_index_find(&from->storages, key->as.text.text, key->as.text.length, &number))
        return gvk_refuse(source, "its storage %s belongs to no tensor.", quoted.text);
    if (from->records[number] != GVK_NO_RECORD)
        return gvk_refuse(source, "its storage %s occurs twice.", quoted.text);
    const gvk_pickle_value *storage = from->first[number];
    if (storage->as.storage.type == GVK_STORAGE_UNKNOWN)
        return gvk_refuse(source, "its storage %s is of the unknown class %s; " GVK_SAVE_AGAIN ".", quoted.text,
                          gvk_pickle_name_maker(&class, storage->as.storage.class));
    gvk_result result = gvk_content_need(&from->checkpoint->content, from->at, left < 8 ? left : 8);
    if (result)
        return result;
    if (left < 8 || gvk_load_u64(bytes) != (uint64_t)storage->as.storage.count)
        return gvk_refuse(source, "its storage %s does not have the number of items that its tensors say.",
                          quoted.text);
    if (!gvk_measure_storage(storage, &size) || size > left - 8)
        return gvk_refuse(source, "its storage %s is cut short.", quoted.text);
    result = gvk_checkpoint_add_record(from->checkpoint, &(gvk_record){.begin = from->at + 8, .size = (size_t)size},
                                       &from->records[number]);
    from->at += 8 + (size_t)size;
    return result;
}

static gvk_result read_storages(stream *from)
{
    const gvk_source *source = &from->checkpoint->source;
    gvk_pickle *pickle = NULL;
    gvk_result result = read_pickle(from, &pickle);
    if (result)
        return result;
    const gvk_pickle_value *keys = gvk_pickle_root(pickle);
    if (keys->kind != GVK_PICKLE_LIST)
        result = gvk_refuse(source, "its list of storage keys is missing.");
    for (uint32_t i = 0; !result && i < keys->as.list.count; i++)
        result = read_storage(from, keys->as.list.items[i]);
    if (!result && from->at != from->checkpoint->byte_count)
        result = gvk_refuse(source, "%zu bytes follow its last storage.", from->checkpoint->byte_count - from->at);
    gvk_pickle_destroy(pickle);
    return result;
}

static gvk_result find_storage(void *user, const gvk_pickle_value *storage, const unsigned char **data,
                               uint32_t *record)
{
    stream *from = user;
    gvk_pickle_text key = storage->as.storage.key;
    gvk_quoted quoted;
    uint32_t number;
    if (!gvk_name_index_find(&from->storages, key.text, key.length, &number) || from->records[number] == GVK_NO_RECORD)
        return gvk_refuse(&from->checkpoint->source, "it lacks the storage %s that a tensor needs.",
                          gvk_quote(&quoted, key.text, key.length));
    *record = from->records[number];
    *data = from->checkpoint->bytes + from->checkpoint->records[*record].begin;
    return GVK_OK;
}

gvk_result gvk_pth_read_legacy(gvk_checkpoint *checkpoint)
{
    stream from = {.checkpoint = checkpoint};
    const gvk_storage_finder finder = {.user = &from, .find = find_storage};
    gvk_result result = read_preamble(&from);
    if (!result)
        result = read_pickle(&from, &from.object);
    if (!result)
        result = number_storages(&from);
    if (!result)
        result = read_storages(&from);
    if (!result)
        result = gvk_take_state_dict(checkpoint, from.object, &finder);
    gvk_name_index_release(&checkpoint->host, &from.storages);
    gvk_release(&checkpoint->host, from.records);
    gvk_release(&checkpoint->host, from.first);
    gvk_pickle_destroy(from.object);
    return result;
}
