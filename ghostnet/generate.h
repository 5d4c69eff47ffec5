/* Weights made up, for measuring without a file. */
#ifndef GVK_GENERATE_H
#define GVK_GENERATE_H

#include "ghostnet/checkpoint/checkpoint.h"

/* The checkpoint of a detector of width 1.0, the same for the same class count on every machine. Its maps vary as a
 * trained one's do, and few of their cells claim an object. */
gvk_result gvk_generate_detector(const gvk_host *host, uint32_t class_count, gvk_checkpoint **out);

#endif
