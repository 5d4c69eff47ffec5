/* The passes that turn the graph as built into the graph that runs. Each is a function with a name, and each can be
 * left out; with all of them out the graph runs node by node. The graph is changed in place. */
#ifndef GVK_REWRITE_H
#define GVK_REWRITE_H

#include "graph.h"

/* `off` holds gvk_rewrite bits to leave out. */
gvk_result gvk_rewrite_graph(struct gvk_graph *graph, uint32_t off);

#endif
