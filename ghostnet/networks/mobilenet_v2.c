/* MobileNetV2: a stem, then inverted residuals, which widen, convolve each channel and narrow again without an
 * activation.
 *
 * Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, Table 2. */
#include <inttypes.h>
#include <stdio.h>

#include "backbone.h"
#include "layers.h"

#define STEM_CHANNELS 32u

/* Table 2: blocks alike, of which the first one has the stride. */
struct row {
    uint32_t expansion, outputs, repeats, stride;
};

static const struct row rows[] = {
    {1, 16, 1, 1},  /*  16 x 208 x 208, for an input of 416 x 416 */
    {6, 24, 2, 2},  /*  24 x 104 x 104 */
    {6, 32, 3, 2},  /*  32 x  52 x  52, the map of stride 8 */
    {6, 64, 4, 2},  /*  64 x  26 x  26 */
    {6, 96, 3, 1},  /*  96 x  26 x  26, the map of stride 16 */
    {6, 160, 3, 2}, /* 160 x  13 x  13 */
    {6, 320, 1, 1}, /* 320 x  13 x  13, the map of stride 32 */
};

static gvk_tensor add_block(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct row *row, uint32_t stride)
{
    uint32_t inputs = gvk_graph_channels(graph, in), layer = 0;
    char convolution[16], norm[16];
    gvk_tensor x = in;
    if (row->expansion > 1) {
        x = gvk_add_layer(graph, prefix, x,
                          &(struct gvk_layer){.convolution = "conv.0.0",
                                              .norm = "conv.0.1",
                                              .outputs = inputs * row->expansion,
                                              .kernel = 1,
                                              .activation = GVK_ACTIVATION_RELU6});
        layer = 1;
    }
    snprintf(convolution, sizeof convolution, "conv.%" PRIu32 ".0", layer);
    snprintf(norm, sizeof norm, "conv.%" PRIu32 ".1", layer);
    x = gvk_add_layer(graph, prefix, x,
                      &(struct gvk_layer){.convolution = convolution,
                                          .norm = norm,
                                          .kernel = 3,
                                          .stride = stride,
                                          .activation = GVK_ACTIVATION_RELU6});
    snprintf(convolution, sizeof convolution, "conv.%" PRIu32, layer + 1);
    snprintf(norm, sizeof norm, "conv.%" PRIu32, layer + 2);
    x = gvk_add_layer(
        graph, prefix, x,
        &(struct gvk_layer){.convolution = convolution, .norm = norm, .outputs = row->outputs, .kernel = 1});
    return stride == 1 && inputs == row->outputs ? gvk_add_sum(graph, prefix, in, x) : x;
}

static struct gvk_backbone_maps add(gvk_graph *graph, const char *prefix, gvk_tensor in, double width)
{
    (void)width;
    struct gvk_backbone_maps maps = {0};
    gvk_tensor x = gvk_add_stem(graph, gvk_join(prefix, "features.0").text, in, STEM_CHANNELS, GVK_ACTIVATION_RELU6);
    uint32_t block = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t j = 0; j < rows[i].repeats; j++) {
            char part[40];
            snprintf(part, sizeof part, "features.%" PRIu32, block++);
            x = add_block(graph, gvk_join(prefix, part).text, x, &rows[i], j ? 1 : rows[i].stride);
        }
        if (rows[i].outputs == 32)
            maps.stride8 = x;
        if (rows[i].outputs == 96)
            maps.stride16 = x;
        if (rows[i].outputs == 320)
            maps.stride32 = x;
    }
    return maps;
}

static const char *const head_parts[] = {"features.18.", "classifier.", NULL};

const struct gvk_backbone gvk_mobilenet_v2 = {
    .name = "MobileNetV2",
    .mark = "features.1.conv.0.0.weight",
    .head_parts = head_parts,
    .add = add,
};
