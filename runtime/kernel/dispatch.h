/* A dispatch: begun with a label and a kernel, given operands and push constants, checked against the device and
 * appended to the program. */
#ifndef GVK_DISPATCH_H
#define GVK_DISPATCH_H

#include "runtime/plan/program.h"

/* A dispatch with its label, local size and activation; operands and push constants are added by the caller. */
struct gvk_command gvk_begin_dispatch(const struct gvk_graph_node *node, enum gvk_shader shader, uint32_t local_size);
struct gvk_command gvk_begin_selected(const struct gvk_graph_node *node, struct gvk_pipeline_key key);
/* Where it is not the node's. */
void gvk_set_activation(struct gvk_command *command, gvk_activation activation);
/* The activation as the shaders compute it: this goes into the push constants. Hard-swish has a constant beside it,
 * which the calls above set. */
struct gvk_activation_range gvk_range_of(gvk_activation activation);
void gvk_add_operand(struct gvk_command *command, struct gvk_operand operand);
struct gvk_operand gvk_weights_operand(const struct gvk_builder *builder, uint32_t node_index, uint32_t binding);
void gvk_set_push(struct gvk_command *command, const void *push, uint32_t bytes);
/* A range may be bound so many bytes early; no device asks for more. */
#define GVK_MOST_ALIGNMENT 256u
/* Checks workgroup counts, ranges and turns against the device before it appends. */
gvk_result gvk_finish_dispatch(const struct gvk_builder *builder, struct gvk_command *command, uint64_t x, uint64_t y,
                               uint64_t z);

static inline uint32_t gvk_divide_up(uint32_t value, uint32_t by)
{
    return value / by + (value % by != 0);
}

#endif
