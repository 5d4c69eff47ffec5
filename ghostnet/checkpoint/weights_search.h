/* Which dict of those that a torch pickle holds has the weights. */
#ifndef GVK_CHECKPOINT_WEIGHTS_SEARCH_H
#define GVK_CHECKPOINT_WEIGHTS_SEARCH_H

#include "container.h"
#include "ghostnet/pickle/value.h"

/* The dict of weights among those that the value holds, by the keys that lead to it. Fills
 * checkpoint->dict, ->keys and ->choice, and takes from checkpoint->wanted what names a dict. */
gvk_result gvk_find_weights(gvk_checkpoint *checkpoint, const gvk_pickle_value *root, const gvk_pickle_value **out);

#endif
