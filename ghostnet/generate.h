/* Weights made up, for measuring without a file. Called by network.c. */
#ifndef GVK_GENERATE_H
#define GVK_GENERATE_H

#include "checkpoint/checkpoint.h"

/* The checkpoint of a detector of width 1.0, the same for the same class count on every machine. Its maps have the
 * magnitudes of a trained one's, and few of its cells claim an object, so that a frame takes as long as a real one. */
gvk_result gvk_generate_detector(const gvk_host *host, uint32_t class_count, gvk_checkpoint **out);

#endif
