/* The container: what a checkpoint holds, and the calls that fill it. It knows no file format; open.c finds
 * the reader of a file. */
#include "container.h"

#include <string.h>

/* Blocks are copies of storages, so in an honest file they are hardly larger than the file. */
#define BLOCK_SLACK 65536u

/* Makes room for one more item. */
static gvk_result make_room(const gvk_host *host, void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return GVK_OK;
    uint32_t wanted = *capacity ? *capacity * 2 : 64;
    void *larger = gvk_grow_array(host, *items, count, wanted, size);
    if (!larger)
        return gvk_fail_memory(host);
    *items = larger;
    *capacity = wanted;
    return GVK_OK;
}

static char *copy_text(const gvk_host *host, const char *text, size_t length)
{
    char *copy = gvk_allocate(host, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

gvk_result gvk_checkpoint_add(gvk_checkpoint *checkpoint, const char *name, size_t length,
                              const gvk_checkpoint_tensor *tensor)
{
    const gvk_host *host = &checkpoint->host;
    if (checkpoint->count >= GVK_NAME_COUNT_LIMIT)
        return gvk_refuse(&checkpoint->source, "it holds more than %u tensors.", GVK_NAME_COUNT_LIMIT);
    void *tensors = checkpoint->tensors;
    gvk_result result =
        make_room(host, &tensors, checkpoint->count, &checkpoint->capacity, sizeof *checkpoint->tensors);
    checkpoint->tensors = tensors;
    if (result)
        return result;
    char *copy = copy_text(host, name, length);
    if (!copy)
        return gvk_fail_memory(host);
    checkpoint->tensors[checkpoint->count] = *tensor;
    checkpoint->tensors[checkpoint->count++].name = copy;
    return GVK_OK;
}

gvk_result gvk_checkpoint_add_metadata(gvk_checkpoint *checkpoint, const char *key, size_t key_length,
                                       const char *value, size_t value_length)
{
    const gvk_host *host = &checkpoint->host;
    if (checkpoint->metadata_count >= GVK_CHECKPOINT_METADATA_LIMIT)
        return gvk_refuse(&checkpoint->source, "it holds more than %u metadata strings.",
                          GVK_CHECKPOINT_METADATA_LIMIT);
    if (key_length > GVK_NAME_LIMIT) /* each is compared with all others */
        return gvk_refuse(&checkpoint->source, "a metadata key is longer than 1024 bytes.");
    void *metadata = checkpoint->metadata;
    gvk_result result = make_room(host, &metadata, checkpoint->metadata_count, &checkpoint->metadata_capacity,
                                  sizeof *checkpoint->metadata);
    checkpoint->metadata = metadata;
    if (result)
        return result;
    gvk_checkpoint_pair *pair = &checkpoint->metadata[checkpoint->metadata_count];
    pair->key = copy_text(host, key, key_length);
    pair->value = copy_text(host, value, value_length);
    if (!pair->key || !pair->value) {
        gvk_release(host, pair->key);
        gvk_release(host, pair->value);
        return gvk_fail_memory(host);
    }
    bool known = gvk_checkpoint_metadata(checkpoint, pair->key) != NULL;
    checkpoint->metadata_count++;
    gvk_quoted quoted;
    return known ? gvk_refuse(&checkpoint->source, "the metadata key \"%s\" occurs twice.",
                              gvk_quote(&quoted, key, key_length))
                 : GVK_OK;
}

gvk_result gvk_checkpoint_add_block(gvk_checkpoint *checkpoint, uint64_t bytes, unsigned char **out)
{
    const gvk_host *host = &checkpoint->host;
    uint64_t ceiling = (uint64_t)checkpoint->byte_count + BLOCK_SLACK;
    if (bytes > ceiling || checkpoint->block_bytes > ceiling - bytes)
        return gvk_refuse(&checkpoint->source,
                          "its tensors view the same data so often that with them it would take "
                          "more than twice the file's size; save contiguous copies of them instead.");
    void *blocks = checkpoint->blocks;
    gvk_result result =
        make_room(host, &blocks, checkpoint->block_count, &checkpoint->block_capacity, sizeof *checkpoint->blocks);
    checkpoint->blocks = blocks;
    if (result)
        return result;
    unsigned char *block = bytes <= SIZE_MAX ? gvk_allocate_unfilled(host, (size_t)bytes) : NULL;
    if (!block)
        return gvk_fail_memory(host);
    checkpoint->blocks[checkpoint->block_count++] = block;
    checkpoint->block_bytes += bytes;
    *out = block;
    return GVK_OK;
}

gvk_result gvk_checkpoint_index_names(gvk_checkpoint *checkpoint)
{
    gvk_name_index_release(&checkpoint->host, &checkpoint->index);
    gvk_result result = gvk_name_index_create(&checkpoint->host, checkpoint->count, &checkpoint->index);
    for (uint32_t i = 0; !result && i < checkpoint->count; i++) {
        const char *name = checkpoint->tensors[i].name;
        gvk_quoted quoted;
        if (!checkpoint->tensors[i].is_aside && !gvk_name_index_add(&checkpoint->index, name, strlen(name), i))
            result = gvk_refuse(&checkpoint->source, "two tensors are called \"%s\".",
                                gvk_quote(&quoted, name, strlen(name)));
    }
    return result;
}

gvk_result gvk_checkpoint_note_origin(gvk_checkpoint *checkpoint, const char *prefix, size_t length)
{
    const char *dict = checkpoint->dict ? checkpoint->dict : "";
    size_t before = strlen(dict), dot = before && length;
    char *origin = gvk_allocate(&checkpoint->host, before + dot + length + 1);
    if (!origin)
        return gvk_fail_memory(&checkpoint->host);
    memcpy(origin, dict, before);
    memcpy(origin + before, ".", dot);
    memcpy(origin + before + dot, prefix, length);
    gvk_release(&checkpoint->host, checkpoint->origin);
    checkpoint->origin = origin;
    return GVK_OK;
}

gvk_result gvk_checkpoint_create_empty(const gvk_host *host, const char *label, gvk_checkpoint **out)
{
    gvk_host complete = gvk_host_complete(host);
    gvk_checkpoint *checkpoint = gvk_allocate(&complete, sizeof *checkpoint);
    if (!checkpoint)
        return gvk_fail_memory(&complete);
    checkpoint->host = complete;
    checkpoint->label = gvk_copy_label(&complete, label);
    checkpoint->source = (gvk_source){.host = &checkpoint->host, .label = checkpoint->label};
    if (!checkpoint->label) {
        gvk_checkpoint_destroy(checkpoint);
        return gvk_fail_memory(&complete);
    }
    *out = checkpoint;
    return GVK_OK;
}

gvk_result gvk_checkpoint_add_record(gvk_checkpoint *checkpoint, const gvk_record *record, uint32_t *out)
{
    void *records = checkpoint->records;
    gvk_result result = make_room(&checkpoint->host, &records, checkpoint->record_count, &checkpoint->record_capacity,
                                  sizeof *checkpoint->records);
    checkpoint->records = records;
    if (result)
        return result;
    checkpoint->records[checkpoint->record_count] = *record;
    *out = checkpoint->record_count++;
    return GVK_OK;
}

/* torch can leave the checksum out; it then writes 0. */
static gvk_result check_record(gvk_checkpoint *checkpoint, const gvk_record *record)
{
    gvk_quoted quoted;
    if (record->checksum == 0)
        return GVK_OK;
    if (!checkpoint->checksum) {
        checkpoint->checksum = gvk_allocate(&checkpoint->host, sizeof *checkpoint->checksum);
        if (!checkpoint->checksum)
            return gvk_fail_memory(&checkpoint->host);
        gvk_checksum_start(checkpoint->checksum);
    }
    if (gvk_checksum_of(checkpoint->checksum, checkpoint->bytes + record->begin, record->size) == record->checksum)
        return GVK_OK;
    return gvk_refuse(&checkpoint->source, "its zip entry %s does not match its checksum, so the file is damaged.",
                      gvk_quote(&quoted, record->name, record->name_length));
}

gvk_result gvk_checkpoint_load_record(gvk_checkpoint *checkpoint, uint32_t index)
{
    gvk_record *record = &checkpoint->records[index];
    if (record->is_loaded)
        return GVK_OK;
    gvk_result result = gvk_content_need(&checkpoint->content, record->begin, record->size);
    if (!result)
        result = check_record(checkpoint, record);
    record->is_loaded = !result;
    return result;
}

gvk_result gvk_checkpoint_create(const gvk_host *host, const char *format, const gvk_checkpoint_tensor *tensors,
                                 uint32_t count, void *data, gvk_checkpoint **out)
{
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_create_empty(host, format, &checkpoint);
    if (result) {
        gvk_host complete = gvk_host_complete(host);
        gvk_release(&complete, data);
        return result;
    }
    checkpoint->format = format;
    checkpoint->bytes = data;
    for (uint32_t i = 0; i < count && !result; i++)
        result = gvk_checkpoint_add(
            checkpoint, tensors[i].name, strlen(tensors[i].name),
            &(gvk_checkpoint_tensor){.array = tensors[i].array, .record = GVK_NO_RECORD, .is_loaded = true});
    if (!result)
        result = gvk_checkpoint_index_names(checkpoint);
    if (result)
        gvk_checkpoint_destroy(checkpoint);
    else
        *out = checkpoint;
    return result;
}

void gvk_checkpoint_destroy(gvk_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    gvk_host host = checkpoint->host; /* the checkpoint itself goes last */
    gvk_content_close(&checkpoint->content);
    for (uint32_t i = 0; i < checkpoint->count; i++) {
        gvk_release(&host, checkpoint->tensors[i].name);
        gvk_release(&host, checkpoint->tensors[i].copy);
    }
    gvk_release(&host, checkpoint->records);
    gvk_release(&host, checkpoint->checksum);
    for (uint32_t i = 0; i < checkpoint->metadata_count; i++) {
        gvk_release(&host, checkpoint->metadata[i].key);
        gvk_release(&host, checkpoint->metadata[i].value);
    }
    for (uint32_t i = 0; i < checkpoint->block_count; i++)
        gvk_release(&host, checkpoint->blocks[i]);
    gvk_name_index_release(&host, &checkpoint->index);
    gvk_release(&host, checkpoint->tensors);
    gvk_release(&host, checkpoint->metadata);
    gvk_release(&host, checkpoint->blocks);
    gvk_release(&host, checkpoint->bytes);
    gvk_release(&host, checkpoint->wanted);
    gvk_release(&host, checkpoint->dict);
    gvk_release(&host, checkpoint->origin);
    gvk_release(&host, checkpoint->keys);
    gvk_release(&host, checkpoint->label);
    gvk_release(&host, checkpoint);
}

uint32_t gvk_checkpoint_count(const gvk_checkpoint *checkpoint)
{
    return checkpoint->count;
}

const gvk_checkpoint_tensor *gvk_checkpoint_at(const gvk_checkpoint *checkpoint, uint32_t index)
{
    return index < checkpoint->count ? &checkpoint->tensors[index] : NULL;
}

const gvk_checkpoint_tensor *gvk_checkpoint_find(const gvk_checkpoint *checkpoint, const char *name)
{
    uint32_t index;
    return gvk_name_index_find(&checkpoint->index, name, strlen(name), &index) ? &checkpoint->tensors[index] : NULL;
}

const char *gvk_checkpoint_metadata(const gvk_checkpoint *checkpoint, const char *key)
{
    for (uint32_t i = 0; checkpoint && key && i < checkpoint->metadata_count; i++)
        if (strcmp(checkpoint->metadata[i].key, key) == 0)
            return checkpoint->metadata[i].value;
    return NULL;
}

const char *gvk_checkpoint_format(const gvk_checkpoint *checkpoint)
{
    return checkpoint ? checkpoint->format : NULL;
}

const char *gvk_checkpoint_origin(const gvk_checkpoint *checkpoint)
{
    return checkpoint && checkpoint->origin ? checkpoint->origin : "";
}

gvk_checkpoint_choice gvk_checkpoint_chosen(const gvk_checkpoint *checkpoint)
{
    return checkpoint->is_asked ? GVK_CHOICE_ONLY : checkpoint->choice;
}

const char *gvk_checkpoint_keys(const gvk_checkpoint *checkpoint)
{
    return checkpoint->keys;
}

gvk_result gvk_checkpoint_find_weight(void *checkpoint, const char *name, gvk_array *out)
{
    if (!checkpoint || !name || !out)
        return GVK_ERROR_ARGUMENT;
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(checkpoint, name);
    if (!tensor)
        return GVK_ERROR_MISMATCH;
    *out = tensor->array;
    return GVK_OK;
}

const char *gvk_checkpoint_tensor_name(const gvk_checkpoint *checkpoint, uint32_t index, gvk_array *out)
{
    const gvk_checkpoint_tensor *tensor = checkpoint ? gvk_checkpoint_at(checkpoint, index) : NULL;
    if (tensor && out)
        *out = tensor->array;
    return tensor ? tensor->name : NULL;
}
