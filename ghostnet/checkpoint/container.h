/* The checkpoint's inside and the calls that fill it. Not for other folders.
 * A reader gets a checkpoint that holds the file's bytes and adds tensors; on failure it has logged one sentence, and
 * what it added is destroyed with the checkpoint. */
#ifndef GVK_CHECKPOINT_CONTAINER_H
#define GVK_CHECKPOINT_CONTAINER_H

#include "checkpoint.h"
#include "ghostnet/files/checksum.h"
#include "ghostnet/files/content.h"
#include "ghostnet/files/text.h"
#include "ghostnet/pickle/value.h"
#include "runtime/base/name_index.h"

#define GVK_CHECKPOINT_METADATA_LIMIT 1024u

typedef struct gvk_checkpoint_pair {
    char *key, *value;
} gvk_checkpoint_pair;

/* Bytes of the file that are loaded and checked as one, such as a storage. */
typedef struct gvk_record {
    size_t begin, size;
    const char *name; /* in the file's bytes; of a zip entry */
    size_t name_length;
    uint32_t checksum; /* 0: none */
    bool is_loaded;
} gvk_record;

#define GVK_NO_RECORD UINT32_MAX /* no record: its bytes are in memory already, or are loaded without one */

struct gvk_checkpoint {
    gvk_host host;
    char *label;
    gvk_source source; /* points at the two above */
    const char *format;
    gvk_content content;
    unsigned char *bytes; /* of the content */
    size_t byte_count;
    gvk_record *records;
    uint32_t record_count, record_capacity;
    uint64_t record_bytes, tensor_bytes; /* that were loaded, and for what */
    gvk_checksum *checksum;
    gvk_pickle_budget budget; /* one for all pickles of the file */
    char *wanted;             /* the name of the set of weights that is asked for, less the keys of dicts that a reader
                               * has followed already; or NULL */
    char *dict;               /* keys of dicts that lead to the weights, joined by dots; or NULL */
    char *origin;             /* the same and the prefix of their names; or NULL */
    char *keys;               /* of the outermost dict, for a sentence; or NULL */
    bool is_asked;            /* for a set of weights, once */
    gvk_checkpoint_choice choice;
    gvk_checkpoint_tensor *tensors;
    uint32_t count, capacity;
    gvk_name_index index;
    gvk_checkpoint_pair *metadata;
    uint32_t metadata_count, metadata_capacity;
    void **blocks; /* data of tensors that had to be rearranged or converted */
    uint32_t block_count, block_capacity;
    uint64_t block_bytes;
};

/* A checkpoint without bytes or tensors. `label` names the source in messages. */
gvk_result gvk_checkpoint_create_empty(const gvk_host *host, const char *label, gvk_checkpoint **out);
/* Adds the tensor, and takes over its `copy`, under a copy of the name, for which gvk_name_problem must be NULL. On
 * failure nothing is taken over. */
gvk_result gvk_checkpoint_add(gvk_checkpoint *checkpoint, const char *name, size_t length,
                              const gvk_checkpoint_tensor *tensor);
gvk_result gvk_checkpoint_add_record(gvk_checkpoint *checkpoint, const gvk_record *record, uint32_t *out);
/* Loads a record and compares its checksum. */
gvk_result gvk_checkpoint_load_record(gvk_checkpoint *checkpoint, uint32_t record);
/* Adds a metadata pair; a key that is there already is refused. Neither may hold a NUL. */
gvk_result gvk_checkpoint_add_metadata(gvk_checkpoint *checkpoint, const char *key, size_t key_length,
                                       const char *value, size_t value_length);
/* Memory for one tensor's data. All blocks together are bounded by the file's size. */
gvk_result gvk_checkpoint_add_block(gvk_checkpoint *checkpoint, uint64_t bytes, unsigned char **out);
/* Notes that the names of the weights begin with `prefix` in the file. */
gvk_result gvk_checkpoint_note_origin(gvk_checkpoint *checkpoint, const char *prefix, size_t length);
/* Builds the index of names, to be called after names were added or changed. Two equal names are refused. */
gvk_result gvk_checkpoint_index_names(gvk_checkpoint *checkpoint);

/* The readers, one a format. */
gvk_result gvk_safetensors_read(gvk_checkpoint *checkpoint);
gvk_result gvk_pth_read_zip(gvk_checkpoint *checkpoint);
gvk_result gvk_pth_read_legacy(gvk_checkpoint *checkpoint);

/* The end of a refusal of a file that holds Python objects: what to do instead. */
#define GVK_SAVE_AGAIN "load it in torch and save the weights alone: torch.save(model.state_dict(), \"weights.pth\")"

#endif
