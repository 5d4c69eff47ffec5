/* From torch's view of a storage to a contiguous array. */
#ifndef GVK_CHECKPOINT_TENSOR_H
#define GVK_CHECKPOINT_TENSOR_H

#include "container.h"
#include "ghostnet/pickle/value.h"

/* Finds the place of a storage's bytes, exactly count * item_bytes of them, and the record that loads them, or refuses.
 * The type is known. */
typedef struct gvk_storage_finder {
    void *user;
    gvk_result (*find)(void *user, const gvk_pickle_value *storage, const unsigned char **data, uint32_t *record);
} gvk_storage_finder;

/* Makes a contiguous array of a tensor value, in the file's bytes where it can; nothing of it is loaded yet.
 * `name` is for messages. The tensor's copy, if it has one, is the caller's. */
gvk_result gvk_take_tensor(gvk_checkpoint *checkpoint, const char *name, const gvk_pickle_value *tensor,
                           const gvk_storage_finder *finder, gvk_checkpoint_tensor *out);
/* Arranges a tensor's data anew, once its record is loaded. */
void gvk_copy_items(const struct gvk_copy *copy);

/* The size of a storage in bytes; false when it does not fit 64 bits. The type must be known. */
bool gvk_measure_storage(const gvk_pickle_value *storage, uint64_t *bytes);

#endif
