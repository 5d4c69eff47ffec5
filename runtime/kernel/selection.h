/* What was decided for a node: which variant of its kernel computes it. Made once by the kernel's `select`, kept with
 * the model's packed weights, and read by all that packs, plans and emits. */
#ifndef GVK_SELECTION_H
#define GVK_SELECTION_H

#include "runtime/device/pipeline.h"
#include "runtime/device/policy.h"
#include "runtime/graph/graph.h"
#include "weights.h"

struct gvk_selection {
    const struct gvk_tile *tile;    /* NULL: the node's kernel has no variants */
    struct gvk_pipeline_key key;    /* of the tile; the shader as for fp32 (gvk_shader_for) */
    struct gvk_block_layout layout; /* of the packed weights of pointwise convolutions */
    bool is_forced;                 /* no size of image changes it */
    uint32_t work;                  /* that it was measured for, and holds near; 0: it was not measured */
};

#endif
