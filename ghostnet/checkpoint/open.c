/* Opens a checkpoint of any kind: finds the reader that knows its bytes, settles the names, loads the data. */
#include <string.h>

#include "ghostnet/files/file_kind.h"
#include "names.h"
#include "runtime/base/structs.h"
#include "tensor.h"

static const struct gvk_layout layout_of_params = GVK_LAYOUT(gvk_checkpoint_params, weights, weights);

/* How much more than the tensors' own bytes may be loaded: a tensor of a few numbers may be part of a storage of
 * gigabytes. */
#define RECORDS_PER_TENSORS 2u
#define RECORD_SLACK        (UINT64_C(256) << 20)

#define HEAD_BYTES 4096u /* enough to recognise a file */

/* Hands the bytes to the reader that knows them, then settles the names. */
static gvk_result read_tensors(gvk_checkpoint *checkpoint)
{
    gvk_file_kind kind;
    size_t head = checkpoint->byte_count < HEAD_BYTES ? checkpoint->byte_count : HEAD_BYTES;
    checkpoint->budget = gvk_pickle_budget_of(checkpoint->byte_count);
    gvk_result result = gvk_content_need(&checkpoint->content, 0, head);
    if (!result)
        result = gvk_recognise(&checkpoint->source, checkpoint->bytes, head, &kind);
    if (result)
        return result;
    switch (kind) {
    case GVK_FILE_SAFETENSORS:
        checkpoint->format = "safetensors";
        result = gvk_safetensors_read(checkpoint);
        break;
    case GVK_FILE_TORCH_ZIP:
        checkpoint->format = "torch zip";
        result = gvk_pth_read_zip(checkpoint);
        break;
    case GVK_FILE_TORCH_LEGACY:
        checkpoint->format = "torch legacy";
        result = gvk_pth_read_legacy(checkpoint);
        break;
    }
    if (!result) /* refuses two equal names in the file, before any of them is shortened */
        result = gvk_checkpoint_index_names(checkpoint);
    if (!result)
        result = gvk_settle_names(checkpoint);
    if (!result)
        result = gvk_checkpoint_index_names(checkpoint);
    return result;
}

/* Loads the storage of a tensor, unless it is far larger than what tensors use of it. */
static gvk_result load_storage(gvk_checkpoint *checkpoint, const gvk_checkpoint_tensor *tensor)
{
    const gvk_record *record = &checkpoint->records[tensor->record];
    gvk_quoted quoted;
    checkpoint->tensor_bytes += tensor->array.bytes;
    if (record->is_loaded)
        return GVK_OK;
    checkpoint->record_bytes += record->size;
    if (checkpoint->record_bytes > RECORD_SLACK + RECORDS_PER_TENSORS * checkpoint->tensor_bytes)
        return gvk_refuse(&checkpoint->source,
                          "tensor %s is a small part of a storage of %zu bytes; save a contiguous "
                          "copy of it instead.",
                          gvk_quote(&quoted, tensor->name, strlen(tensor->name)), record->size);
    return gvk_checkpoint_load_record(checkpoint, tensor->record);
}

gvk_result gvk_checkpoint_load(gvk_checkpoint *checkpoint, uint32_t index)
{
    gvk_checkpoint_tensor *tensor = &checkpoint->tensors[index];
    gvk_result result = GVK_OK;
    if (tensor->is_loaded)
        return GVK_OK;
    if (tensor->record != GVK_NO_RECORD)
        result = load_storage(checkpoint, tensor);
    else if (checkpoint->content.loaded && tensor->array.bytes)
        result = gvk_content_need(&checkpoint->content,
                                  (uint64_t)((const unsigned char *)tensor->array.data - checkpoint->bytes),
                                  tensor->array.bytes);
    if (!result && tensor->copy)
        gvk_copy_items(tensor->copy);
    tensor->is_loaded = !result;
    return result;
}

static gvk_result load_all(gvk_checkpoint *checkpoint)
{
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < checkpoint->count && !result; i++)
        result = gvk_checkpoint_load(checkpoint, i);
    if (!result)
        gvk_checkpoint_close(checkpoint);
    return result;
}

void gvk_checkpoint_close(gvk_checkpoint *checkpoint)
{
    gvk_content_close(&checkpoint->content);
}

static gvk_result open_content(gvk_checkpoint *checkpoint, const gvk_checkpoint_params *params)
{
    gvk_result result =
        params->path ? gvk_content_open(&checkpoint->source, params->path, &checkpoint->content)
                     : gvk_content_borrow(&checkpoint->source, params->bytes, params->byte_count, &checkpoint->content);
    checkpoint->bytes = checkpoint->content.bytes;
    checkpoint->byte_count = checkpoint->content.count;
    return result;
}

gvk_result gvk_checkpoint_open_as(const gvk_host *host, const gvk_checkpoint_params *params, const char *label,
                                  bool is_deferred, gvk_checkpoint **out)
{
    gvk_checkpoint *checkpoint = NULL;
    label = params->path ? params->path : label ? label : "checkpoint";
    if (params->weights && (!*params->weights || strlen(params->weights) > GVK_NAME_LIMIT)) {
        gvk_host complete = gvk_host_complete(host);
        return gvk_fail(&complete, GVK_ERROR_ARGUMENT, "The name of a set of weights has 1 to 1024 bytes.");
    }
    gvk_result result = gvk_checkpoint_create_empty(host, label, &checkpoint);
    if (result)
        return result;
    checkpoint->wanted = params->weights ? gvk_copy_string(&checkpoint->host, params->weights) : NULL;
    checkpoint->is_asked = params->weights != NULL;
    if (params->weights && !checkpoint->wanted)
        result = gvk_fail_memory(&checkpoint->host);
    else
        result = open_content(checkpoint, params);
    if (!result)
        result = read_tensors(checkpoint);
    if (!result && !is_deferred)
        result = load_all(checkpoint);
    if (result)
        gvk_checkpoint_destroy(checkpoint);
    else
        *out = checkpoint;
    return result;
}

gvk_result gvk_checkpoint_open(const gvk_host *host_or_null, const gvk_checkpoint_params *given, gvk_checkpoint **out)
{
    gvk_host host;
    gvk_checkpoint_params params;
    gvk_result result = gvk_host_read(host_or_null, &host);
    if (!result)
        result = gvk_struct_read(&host, &layout_of_params, given, &params);
    if (result)
        return result;
    if (!out || !params.path == !params.bytes)
        return gvk_fail(
            &host, GVK_ERROR_ARGUMENT,
            "gvk_checkpoint_open needs params with either a path or bytes, and a place for the checkpoint.");
    return gvk_checkpoint_open_as(&host, &params, NULL, false, out);
}

gvk_result gvk_checkpoint_open_path(const gvk_host *host, const char *path, gvk_checkpoint **out)
{
    if (!path || !out) {
        gvk_host complete = gvk_host_complete(host);
        return gvk_fail(&complete, GVK_ERROR_ARGUMENT, "A checkpoint needs a path.");
    }
    return gvk_checkpoint_open_as(host, &(gvk_checkpoint_params){.path = path}, NULL, false, out);
}

gvk_result gvk_checkpoint_open_bytes(const gvk_host *host, const void *bytes, size_t count, const char *label,
                                     gvk_checkpoint **out)
{
    if ((!bytes && count) || !out) {
        gvk_host complete = gvk_host_complete(host);
        return gvk_fail(&complete, GVK_ERROR_ARGUMENT, "A checkpoint in memory needs its bytes.");
    }
    return gvk_checkpoint_open_as(host, &(gvk_checkpoint_params){.bytes = bytes, .byte_count = count}, label, false,
                                  out);
}
