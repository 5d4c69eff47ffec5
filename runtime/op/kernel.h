/* What a kernel file offers: which variant computes a node, how its weights are packed, and its commands. */
#ifndef GVK_KERNEL_H
#define GVK_KERNEL_H

#include "runtime/kernel/selection.h"
#include "runtime/plan/program.h"

struct gvk_kernel {
    /* Decides which variant computes the node; NULL: the kernel has no variants. */
    struct gvk_selection (*select)(const struct gvk_policy *policy, const struct gvk_graph_node *node);
    /* The selection as it fits the sizes of a program's images; its weights stay the same. NULL: sizes do not matter.
     */
    struct gvk_selection (*refine)(const struct gvk_policy *policy, const struct gvk_selection *selection,
                                   const struct gvk_graph_node *node, const struct gvk_program *program);
    /* Channel quads that the node's packed weights take; NULL: it has none. */
    uint64_t (*count_weights)(const struct gvk_selection *selection, const struct gvk_graph_node *node);
    /* Fills them; the memory is zeroed. Batch norms are folded here. */
    gvk_result (*pack_weights)(const gvk_host *host, const struct gvk_selection *selection,
                               const struct gvk_graph_node *node, float *out);
    gvk_result (*emit)(const struct gvk_builder *builder, uint32_t node_index, const struct gvk_selection *selection);
    /* The candidate number `index` for the node, a shader and a local size; false: there are no more. Kernels that have
     * candidates are proven before a model uses them. */
    bool (*candidate)(const struct gvk_policy *policy, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size);
};

extern const struct gvk_kernel gvk_kernel_pointwise, gvk_kernel_depthwise, gvk_kernel_dense, gvk_kernel_batch_norm,
    gvk_kernel_concat, gvk_kernel_upsample, gvk_kernel_max_pool, gvk_kernel_average_pool, gvk_kernel_combine,
    gvk_kernel_squeeze_excite, gvk_kernel_ghost;

#endif
