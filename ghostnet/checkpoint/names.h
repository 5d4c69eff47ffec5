/* Tensor names without what training leaves around a model: DataParallel's "module.", torch.compile's "_orig_mod.", the
 * attribute of a wrapper ("model.", "net."), the moving average beside the weights ("model_ema."). */
#ifndef GVK_CHECKPOINT_NAMES_H
#define GVK_CHECKPOINT_NAMES_H

#include "container.h"

/* What a key of a dict, or the first part of a name, says of what lies below it. */
typedef enum gvk_wrapper {
    GVK_WRAPPER_NONE,
    GVK_WRAPPER_PLAIN,  /* weights: state_dict, model, net, module, params and the like */
    GVK_WRAPPER_AVERAGE /* a moving average of weights: ema, model_ema, state_dict_ema and the like */
} gvk_wrapper;

gvk_wrapper gvk_judge_wrapper(const char *word, size_t length);

/* Chooses the set of weights whose names begin alike, and strips what they begin with; the tensors of other sets are
 * put aside. Of an average and the weights themselves the average is taken, if it has as many; of several sets, the one
 * with the most weights. "module." and "_orig_mod." go wherever they stand in a name, unless two names would become
 * one. checkpoint->wanted, where it is not NULL, names the set: a prefix, or "." for names without one. Notes the
 * prefix as the checkpoint's origin. */
gvk_result gvk_settle_names(gvk_checkpoint *checkpoint);

/* Whether the name is one of those that layers give to what they learn and measure: weight, bias, running_mean,
 * running_var. */
bool gvk_is_weight_name(const char *name, size_t length);
/* Whether the tensor only serves training or counts it: num_batches_tracked, the total_ops of thop, n_averaged, what
 * optimizers, losses and metrics keep. */
bool gvk_is_bookkeeping(const char *name);

#endif
