/* What is known of an op apart from any device. */
#ifndef GVK_OPS_H
#define GVK_OPS_H

#include "graph.h"

/* Turns of a lane of shaders/excite.comp, as if no lanes shared a sum; where they do it is less. A squeeze-excite of
 * more than GVK_MOST_TURNS stays the layers that it was built of. */
uint64_t gvk_count_excite_turns(uint64_t channel_quads, uint64_t reduced_quads);

#endif
