/* From a torch pickle's root to the checkpoint's tensors. The readers, zip and legacy, differ in where a storage's
 * bytes lie. */
#ifndef GVK_CHECKPOINT_STATE_DICT_H
#define GVK_CHECKPOINT_STATE_DICT_H

#include "ghostnet/pickle/value.h"
#include "tensor.h"

/* Finds the dict of weights in the pickle and adds its tensors. */
gvk_result gvk_take_state_dict(gvk_checkpoint *checkpoint, gvk_pickle *pickle, const gvk_storage_finder *finder);

#endif
