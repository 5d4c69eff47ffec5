/* The inside of gvk_network, which is not public. Everything in it is fixed once gvk_network_open is done. */
#ifndef GVK_NETWORK_INSIDE_H
#define GVK_NETWORK_INSIDE_H

#include "ghostnet/networks/table.h"
#include "runtime/base/host.h"
#include <ghostvk/ghostnet.h>

struct gvk_network {
    gvk_host host;
    gvk_checkpoint *checkpoint; /* the graph's weights lie in it */
    gvk_graph *graph;
    const struct gvk_architecture *architecture;
    double width;
    uint32_t class_count;
    char **classes;
    float anchors[2 * GVK_ANCHORS]; /* in the file's order, smallest first: the last three are those of stride 32 */
    uint32_t input_width, input_height;
    bool letterbox;
    float confidence, iou;
    bool *used; /* by index in the checkpoint */
    const char **unused;
    uint32_t unused_count;
};

#endif
