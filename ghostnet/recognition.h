/* Which network of the table a checkpoint holds, how many classes it tells apart, and how wide it is: all of it from
 * names and shapes. */
#ifndef GVK_RECOGNITION_H
#define GVK_RECOGNITION_H

#include "network_inside.h"

/* Sets the architecture and the class count. GVK_ERROR_MISMATCH with a sentence that names tensors where the file holds
 * no network of the table, a backbone alone, or heads that agree on no class count. */
gvk_result gvk_recognise_network(gvk_network *network);
/* Sets the width. */
gvk_result gvk_infer_width(gvk_network *network);

#endif
