/* Reads the zip that torch.save writes since 1.6: NAME/data.pkl is the pickle, NAME/data/KEY a storage's bytes.
 * pth_legacy.c reads the older stream. */
#include <string.h>

#include "ghostnet/files/zip.h"
#include "ghostnet/pickle/pickle.h"
#include "state_dict.h"

#define ENTRY_LIMIT (UINT64_C(256) << 20) /* of a pickle: all of it is read */

typedef struct archive {
    gvk_zip zip;
    const char *prefix; /* "NAME/", in the file's bytes */
    size_t prefix_length;
    gvk_checkpoint *checkpoint;
} archive;

static bool ends_with(const gvk_zip_entry *entry, const char *word)
{
    size_t length = strlen(word);
    return entry->name_length > length && memcmp(entry->name + entry->name_length - length, word, length) == 0;
}

/* Finds "NAME/data.pkl", of which there must be one. */
static gvk_result find_pickle(archive *from, uint32_t *out)
{
    static const char ending[] = "/data.pkl";
    uint32_t found = 0;
    for (uint32_t i = 0; i < from->zip.count; i++) {
        const gvk_zip_entry *entry = &from->zip.entries[i];
        if (!ends_with(entry, ending))
            continue;
        found++;
        *out = i;
        from->prefix = entry->name;
        from->prefix_length = entry->name_length - strlen(ending) + 1;
    }
    if (found == 0)
        return gvk_refuse(&from->checkpoint->source, "this is a zip archive without a data.pkl, so torch.save did not "
                                                     "write it.");
    if (found > 1)
        return gvk_refuse(&from->checkpoint->source, "its zip archive holds more than one data.pkl.");
    return GVK_OK;
}

/* Looks up "NAME/" followed by `first` and `second`. */
static gvk_result find_record(archive *from, const char *first, gvk_pickle_text second, bool *is_there, uint32_t *out)
{
    const gvk_host *host = &from->checkpoint->host;
    size_t first_length = strlen(first);
    *is_there = false;
    if (second.length > UINT16_MAX) /* no zip entry has a longer name */
        return GVK_OK;
    size_t length = from->prefix_length + first_length + second.length;
    char *name = gvk_allocate(host, length);
    if (!name)
        return gvk_fail_memory(host);
    memcpy(name, from->prefix, from->prefix_length);
    memcpy(name + from->prefix_length, first, first_length);
    memcpy(name + from->prefix_length + first_length, second.text, second.length);
    *is_there = gvk_zip_find(&from->zip, name, length, out);
    gvk_release(host, name);
    return GVK_OK;
}

/* The record of an entry, made when it is first asked for. */
static gvk_result find_entry_record(archive *from, uint32_t index, uint32_t *out)
{
    gvk_zip_entry *entry = &from->zip.entries[index];
    if (entry->method != 0)
        return gvk_zip_refuse_compressed(&from->zip, index);
    if (entry->record != GVK_NO_RECORD) {
        *out = entry->record;
        return GVK_OK;
    }
    gvk_result result = gvk_checkpoint_add_record(from->checkpoint,
                                                  &(gvk_record){.begin = (size_t)(entry->data - from->zip.bytes),
                                                                .size = entry->size,
                                                                .name = entry->name,
                                                                .name_length = entry->name_length,
                                                                .checksum = entry->checksum},
                                                  &entry->record);
    *out = entry->record;
    return result;
}

/* The whole of a small entry, loaded and checked. */
static gvk_result read_entry(archive *from, uint32_t index, const unsigned char **data, size_t *size)
{
    const gvk_zip_entry *entry = &from->zip.entries[index];
    uint32_t record = 0;
    gvk_quoted quoted;
    if (entry->size > ENTRY_LIMIT)
        return gvk_refuse(&from->checkpoint->source, "its zip entry %s is larger than 256 MiB.",
                          gvk_quote(&quoted, entry->name, entry->name_length));
    gvk_result result = find_entry_record(from, index, &record);
    if (!result)
        result = gvk_checkpoint_load_record(from->checkpoint, record);
    *data = entry->data;
    *size = entry->size;
    return result;
}

static gvk_result find_storage(void *user, const gvk_pickle_value *storage, const unsigned char **data,
                               uint32_t *record)
{
    archive *from = user;
    const gvk_source *source = &from->checkpoint->source;
    gvk_pickle_text key = storage->as.storage.key;
    gvk_quoted quoted;
    uint32_t index = 0;
    bool is_there;
    uint64_t wanted;
    gvk_result result = find_record(from, "data/", key, &is_there, &index);
    if (result)
        return result;
    if (!is_there)
        return gvk_refuse(source, "its zip archive lacks the record data/%s that a tensor needs.",
                          gvk_quote(&quoted, key.text, key.length));
    result = find_entry_record(from, index, record);
    if (result)
        return result;
    const gvk_zip_entry *entry = &from->zip.entries[index];
    if (!gvk_measure_storage(storage, &wanted) || wanted != entry->size)
        return gvk_refuse(source, "its zip record data/%s has %zu bytes, which is not what its storage should have.",
                          gvk_quote(&quoted, key.text, key.length), entry->size);
    *data = entry->data;
    return GVK_OK;
}

/* Newer torch notes the byte order of the machine that saved. */
static gvk_result check_byte_order(archive *from)
{
    static const gvk_pickle_text nothing = {"", 0};
    uint32_t record = 0;
    bool is_there;
    const unsigned char *order;
    size_t size;
    gvk_result result = find_record(from, "byteorder", nothing, &is_there, &record);
    if (result || !is_there)
        return result;
    result = read_entry(from, record, &order, &size);
    if (result || (size == 6 && memcmp(order, "little", 6) == 0))
        return result;
    return gvk_refuse(&from->checkpoint->source, "a big-endian machine saved it; only little-endian files are read.");
}

static gvk_result refuse_torchscript(archive *from)
{
    static const gvk_pickle_text nothing = {"", 0};
    uint32_t record;
    bool is_there;
    gvk_result result = find_record(from, "constants.pkl", nothing, &is_there, &record);
    if (result || !is_there)
        return result;
    return gvk_refuse(&from->checkpoint->source,
                      "this is a TorchScript archive, which holds code; in torch, load it with torch.jit.load and save "
                      "the weights alone: torch.save(model.state_dict(), \"weights.pth\").");
}

static gvk_result read_pickle(archive *from, uint32_t record, gvk_pickle **out)
{
    const unsigned char *bytes = NULL;
    size_t size = 0, used = 0;
    gvk_result result = read_entry(from, record, &bytes, &size);
    if (!result)
        result =
            gvk_pickle_read(&from->checkpoint->source, &from->checkpoint->budget, NULL, bytes, size, 0, out, &used);
    if (!result && used != size)
        result = gvk_refuse(&from->checkpoint->source, "%zu bytes follow the pickle in data.pkl.", size - used);
    return result;
}

gvk_result gvk_pth_read_zip(gvk_checkpoint *checkpoint)
{
    archive from = {.checkpoint = checkpoint};
    gvk_pickle *pickle = NULL;
    uint32_t record = 0;
    const gvk_storage_finder finder = {.user = &from, .find = find_storage};
    gvk_result result =
        gvk_zip_open(&checkpoint->source, &checkpoint->content, checkpoint->bytes, checkpoint->byte_count, &from.zip);
    if (!result)
        result = find_pickle(&from, &record);
    if (!result)
        result = refuse_torchscript(&from);
    if (!result)
        result = check_byte_order(&from);
    if (!result)
        result = read_pickle(&from, record, &pickle);
    if (!result)
        result = gvk_take_state_dict(checkpoint, pickle, &finder);
    gvk_pickle_destroy(pickle);
    gvk_zip_close(&from.zip);
    return result;
}
