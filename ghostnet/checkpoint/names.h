/* Tensor names without the wrappers that training leaves around a model. Called by checkpoint.c. */
#ifndef GVK_CHECKPOINT_NAMES_H
#define GVK_CHECKPOINT_NAMES_H

#include "checkpoint.h"

/* Strips "module.", "_orig_mod." and "model." from the front of the names, again and again, as long as all weights
 * share the prefix: `backbone.model.conv_stem` stays, and so does a `model.` that only some weights have. Tensors that
 * cannot be weights (counters and the like) have no vote, but lose the prefix where they have it.
 * True when a name changed. */
bool gvk_strip_wrappers(gvk_checkpoint_tensor *tensors, uint32_t count);

#endif
