/* The detector's frame (416 x 416, 80 classes) as it is planned for a device of given facts; no device is needed. */
#ifndef GVK_LAB_PLAN_H
#define GVK_LAB_PLAN_H

#include "runtime/plan/program.h"

struct planned {
    gvk_host host;
    gvk_graph *graph;
    struct gvk_graph *rewritten;
    struct gvk_packing packing;
    struct gvk_program *program; /* the network's commands; their labels are the graph's */
};

/* False: it failed. Release it in any case. */
bool plan_frame(const struct gvk_policy *policy, uint32_t batch, struct planned *out);
void planned_release(struct planned *planned);

/* The tile whose shader this is, for fp32 or fp16; NULL: the kernel has no variants. */
const struct gvk_tile *tile_of_shader(enum gvk_shader shader);

#endif
