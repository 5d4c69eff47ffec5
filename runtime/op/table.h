/* The kernel of each node, and what is done with all of a graph. */
#ifndef GVK_OP_TABLE_H
#define GVK_OP_TABLE_H

#include "kernel.h"

/* The kernel of a node; never NULL for a graph that was checked. */
const struct gvk_kernel *gvk_kernel_of(const struct gvk_graph_node *node);
/* Emits every live node of the graph in order. */
gvk_result gvk_emit_graph(const struct gvk_builder *builder);
/* Selects every node's kernel, once, counts its weights and gives them their places. */
gvk_result gvk_packing_create(const struct gvk_builder *builder, struct gvk_packing *out);
void gvk_packing_destroy(const gvk_host *host, struct gvk_packing *packing);
/* From a graph to a planned program, without a device; `packing` is filled on the way. */
gvk_result gvk_program_follow(struct gvk_builder *builder, struct gvk_packing *packing,
                              const gvk_stream_params *stream);

#endif
