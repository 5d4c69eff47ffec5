/* Fuzzes the pickle machine and what follows it: opcodes, the search for the weights, tensors from views of storages.
 * The input is one pickle. Storages have any number of zero bytes up to 64 KiB, so that no container is needed. */
#include <string.h>

#include "ghostnet/checkpoint/state_dict.h"
#include "ghostnet/pickle/pickle.h"
#include "tests/fuzz/fuzz.h"

static const unsigned char storage_bytes[65536];

static gvk_result find_storage(void *user, const gvk_pickle_value *storage, const unsigned char **data,
                               uint32_t *record)
{
    const gvk_checkpoint *checkpoint = user;
    uint64_t bytes;
    FUZZ_CHECK(storage->kind == GVK_PICKLE_STORAGE && storage->as.storage.type != GVK_STORAGE_UNKNOWN);
    if (!gvk_measure_storage(storage, &bytes) || bytes > sizeof storage_bytes)
        return gvk_refuse(&checkpoint->source, "a storage is larger than this target lends.");
    *data = storage_bytes + sizeof storage_bytes - bytes; /* a read past it leaves the array */
    *record = GVK_NO_RECORD;
    return GVK_OK;
}

/* Every storage was noted, and its key lies in the input. */
static void check_storages(const gvk_pickle *pickle)
{
    gvk_quoted quoted;
    for (uint32_t i = 0; i < gvk_pickle_storage_count(pickle); i++) {
        const gvk_pickle_value *storage = gvk_pickle_storage_at(pickle, i);
        FUZZ_CHECK(storage->kind == GVK_PICKLE_STORAGE && storage->as.storage.count >= 0);
        FUZZ_CHECK(storage->as.storage.view_begin >= 0 && storage->as.storage.view_count >= 0);
        FUZZ_CHECK(storage->as.storage.view_begin <= storage->as.storage.count - storage->as.storage.view_count);
        fuzz_touch(storage->as.storage.key.text, storage->as.storage.key.length);
        fuzz_check_sentence(gvk_pickle_name_maker(&quoted, storage->as.storage.class));
    }
}

static gvk_checkpoint *create_checkpoint(const gvk_host *host, const uint8_t *data, size_t size)
{
    gvk_checkpoint *checkpoint = gvk_allocate(host, sizeof *checkpoint);
    FUZZ_CHECK(checkpoint != NULL);
    checkpoint->host = *host;
    checkpoint->label = gvk_copy_label(host, "input");
    checkpoint->source = (gvk_source){.host = &checkpoint->host, .label = checkpoint->label};
    checkpoint->format = "pickle";
    checkpoint->bytes = gvk_allocate(host, size);
    FUZZ_CHECK(checkpoint->label && checkpoint->bytes);
    if (size)
        memcpy(checkpoint->bytes, data, size);
    checkpoint->byte_count = size;
    return checkpoint;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gvk_checkpoint *checkpoint = create_checkpoint(fuzz_begin((size_t)4 << 20), data, size);
    gvk_pickle *pickle = NULL;
    size_t used = 0;
    checkpoint->budget = gvk_pickle_budget_of(size);
    gvk_result result =
        gvk_pickle_read(&checkpoint->source, &checkpoint->budget, NULL, checkpoint->bytes, size, 0, &pickle, &used);
    fuzz_check_result(result);
    FUZZ_CHECK((result == GVK_OK) == (pickle != NULL));
    if (pickle) {
        const gvk_storage_finder finder = {.user = checkpoint, .find = find_storage};
        FUZZ_CHECK(used <= size && gvk_pickle_root(pickle));
        check_storages(pickle);
        result = gvk_take_state_dict(checkpoint, pickle, &finder);
        if (!result)
            result = gvk_checkpoint_index_names(checkpoint);
        for (uint32_t i = 0; !result && i < gvk_checkpoint_count(checkpoint); i++)
            result = gvk_checkpoint_load(checkpoint, i);
        fuzz_check_result(result);
        if (!result)
            fuzz_check_checkpoint(checkpoint);
    }
    FUZZ_CHECK(result == GVK_OK || result == GVK_ERROR_FORMAT || result == GVK_ERROR_HOST_MEMORY);
    gvk_pickle_destroy(pickle);
    gvk_checkpoint_destroy(checkpoint);
    fuzz_end();
    return 0;
}
