/* The tensors of a checkpoint that its network does not need: a file with other weights than the network's is one of
 * another network, whose results would be wrong without a word. For network.c, once the graph has taken its own. */
#ifndef GVK_UNUSED_H
#define GVK_UNUSED_H

#include "network.h"

/* Fills the network's list of unused tensors. GVK_ERROR_MISMATCH for the first one that a result could depend on,
 * unless that is allowed. */
gvk_result gvk_judge_unused(gvk_network *network, bool allowed);

#endif
