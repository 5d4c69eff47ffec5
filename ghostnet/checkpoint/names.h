/* Tensor names without the wrappers that training leaves around a model. Called by checkpoint.c. */
#ifndef GVK_CHECKPOINT_NAMES_H
#define GVK_CHECKPOINT_NAMES_H

#include "checkpoint.h"

/* Strips "module.", "_orig_mod." and "model." from the front of the names, again and again, as long as all weights
 * share the prefix: `backbone.model.conv_stem` stays, and so does a `model.` that only some weights have. Tensors that
 * cannot be weights (counters and the like) have no vote, but lose the prefix where they have it.
 * True when a name changed. */
bool gvk_strip_wrappers(gvk_checkpoint_tensor *tensors, uint32_t count);

/* Whether the name is one of those that layers give to what they learn and measure: weight, bias, running_mean,
 * running_var. */
bool gvk_is_weight_name(const char *name, size_t length);
/* Whether the tensor only serves training or counts it: num_batches_tracked, the total_ops of thop, n_averaged,
 * optimizer state. */
bool gvk_is_bookkeeping(const char *name);

#endif
