/* Facts of the ops. */
#include "ops.h"

#include "shaders/shared.h"

#define SHARING_TURNS 64u /* of split.glsl, at most */

uint64_t gvk_count_excite_turns(uint64_t channel_quads, uint64_t reduced_quads)
{
    return (reduced_quads / GVK_EXCITE_LANES + 1) * (channel_quads + 1) +
           (channel_quads / GVK_EXCITE_LANES + 1) * (reduced_quads + 1) + SHARING_TURNS;
}
