/* The tensors of a checkpoint that its network does not need: a file with other weights than the network's is one of
 * another network, whose results would be wrong without a word. The graph must have taken its own. */
#ifndef GVK_UNUSED_H
#define GVK_UNUSED_H

#include "network_inside.h"

/* Fills the network's list of unused tensors. GVK_ERROR_MISMATCH for the first one that a result could depend on,
 * unless that is allowed. Of other sets of weights in the file averages and copies of the network are
 * passed over, and all where the caller named the set to take. */
gvk_result gvk_judge_unused(gvk_network *network, const gvk_network_params *params);

#endif
