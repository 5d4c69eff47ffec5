/* What follows GhostNet's stages in the classifier: Han et al., CVPR 2020, the last rows of Table 1. */
#include "heads.h"
#include "layers.h"

#define WIDE_CHANNELS 960u
#define HEAD_CHANNELS 1280u /* at every width */

void gvk_add_classifier(gvk_graph *graph, gvk_tensor input, const struct gvk_backbone *backbone, double width,
                        uint32_t class_count)
{
    /* Shapes are those of width 1.0 for an input of 3 x 224 x 224. */
    gvk_tensor x = backbone->add(graph, "", input, width).stride32; /* 160 x 7 x 7 */
    x = gvk_add_layer(graph, "blocks.9.0", x,
                      &(struct gvk_layer){.convolution = "conv",
                                          .norm = "bn1",
                                          .outputs = gvk_scale_channels(WIDE_CHANNELS, width, 4),
                                          .kernel = 1,
                                          .activation = GVK_ACTIVATION_RELU}); /* 960 x 7 x 7 */
    x = gvk_graph_add(graph,
                      &(gvk_node){.op = GVK_OP_AVERAGE_POOL, .name = "global_pool", .inputs = {x}}); /* 960 x 1 x 1 */
    x = gvk_add_biased(graph, "conv_head", x, HEAD_CHANNELS, GVK_ACTIVATION_RELU);                   /* 1280 x 1 x 1 */
    x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_LINEAR,
                                         .name = "classifier",
                                         .inputs = {x},
                                         .outputs = class_count}); /* classes x 1 x 1 */
    gvk_graph_output(graph, "logits", x);
}
