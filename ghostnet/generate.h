/* Weights made up, for measuring without a file. */
#ifndef GVK_GENERATE_H
#define GVK_GENERATE_H

#include "ghostnet/networks/table.h"

/* The checkpoint of a network of width 1.0, the same for the same class count on every machine. Its maps vary as a
 * trained one's do, and few of a detector's cells claim an object. */
gvk_result gvk_generate_weights(const gvk_host *host, const struct gvk_architecture *architecture, uint32_t class_count,
                                gvk_checkpoint **out);

#endif
