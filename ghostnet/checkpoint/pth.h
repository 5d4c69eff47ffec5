/* What the two torch readers share: from a pickle's root to the checkpoint's tensors. The readers,
 * zip and legacy, differ in where a storage's bytes lie. */
#ifndef GVK_CHECKPOINT_PTH_H
#define GVK_CHECKPOINT_PTH_H

#include "ghostnet/pickle/pickle.h"
#include "reader.h"

/* Finds the place of a storage's bytes, exactly count * item_bytes of them, and the record that loads them, or refuses.
 * The type is known. */
typedef struct gvk_storage_finder {
    void *user;
    gvk_result (*find)(void *user, const gvk_pickle_value *storage, const unsigned char **data, uint32_t *record);
} gvk_storage_finder;

/* state_dict.c: finds the dict of weights in the pickle and adds its tensors. */
gvk_result gvk_take_state_dict(gvk_checkpoint *checkpoint, gvk_pickle *pickle, const gvk_storage_finder *finder);

/* weights_search.c: the dict of weights among those that the value holds, by the keys that lead to it. Fills
 * checkpoint->dict, ->keys and ->choice, and takes from checkpoint->wanted what names a dict. */
gvk_result gvk_find_weights(gvk_checkpoint *checkpoint, const gvk_pickle_value *root, const gvk_pickle_value **out);

/* tensor.c: makes a contiguous array of a tensor value, in the file's bytes where it can; nothing of it is loaded yet.
 * `name` is for messages. The tensor's copy, if it has one, is the caller's. */
gvk_result gvk_take_tensor(gvk_checkpoint *checkpoint, const char *name, const gvk_pickle_value *tensor,
                           const gvk_storage_finder *finder, gvk_checkpoint_tensor *out);
/* tensor.c: arranges a tensor's data anew, once its record is loaded. */
void gvk_copy_items(const struct gvk_copy *copy);

/* tensor.c: the size of a storage in bytes; false when it does not fit 64 bits. The type must be known. */
bool gvk_measure_storage(const gvk_pickle_value *storage, uint64_t *bytes);

/* How to get rid of a pickle's own classes, as the end of a sentence. */
#define GVK_SAVE_AGAIN "load it in torch and save the weights alone: torch.save(model.state_dict(), \"weights.pth\")"

#endif
