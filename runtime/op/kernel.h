/* What a kernel file offers: how its weights are packed, and the commands of a node. */
#ifndef GVK_KERNEL_H
#define GVK_KERNEL_H

#include "runtime/plan/program.h"

struct gvk_kernel {
    /* Channel quads that the node's packed weights take; NULL: it has none. */
    uint64_t (*count_weights)(const struct gvk_builder *builder, const struct gvk_graph_node *node);
    /* Fills them; the memory is zeroed. Batch norms are folded here. */
    gvk_result (*pack_weights)(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out);
    gvk_result (*emit)(const struct gvk_builder *builder, uint32_t node_index);
    /* The pipeline that `emit` takes for the node; NULL where there is no choice among kernels. */
    struct gvk_pipeline_key (*select)(const struct gvk_builder *builder, const struct gvk_graph_node *node);
    /* The index-th kernel and local size that may be worth a try for the node; false: no more. With `select` alone. */
    bool (*candidate)(const struct gvk_builder *builder, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size);
};

extern const struct gvk_kernel gvk_kernel_pointwise, gvk_kernel_depthwise, gvk_kernel_dense, gvk_kernel_batch_norm,
    gvk_kernel_concat, gvk_kernel_upsample, gvk_kernel_max_pool, gvk_kernel_average_pool, gvk_kernel_combine,
    gvk_kernel_squeeze_excite, gvk_kernel_ghost;

#endif
