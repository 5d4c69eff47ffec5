/* Dispatches that go plane by plane, most of them with a lane for each pixel. */
#ifndef GVK_PLANES_H
#define GVK_PLANES_H

#include "dispatch.h"

#define GVK_PLANES_LANES 64 /* of a workgroup */

/* From the node's first input to its output. */
struct gvk_planes_push gvk_planes_of(const struct gvk_program *program, const struct gvk_graph_node *node);
/* One source, one output; further operands and constants are the caller's to add. */
struct gvk_command gvk_begin_planes(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                    enum gvk_shader shader);
/* A lane for each of `lanes` pixels in each of `rows` planes. */
gvk_result gvk_finish_planes(const struct gvk_builder *builder, struct gvk_command *command,
                             const struct gvk_planes_push *push, uint32_t lanes, uint32_t rows);
/* The average pool of the node's first input by kernels of the form, to `output`, `output_item` quads from one item of
 * the batch to the next.
 */
gvk_result gvk_emit_average_pool(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                 enum gvk_form form, struct gvk_operand output, uint32_t output_item);

#endif
