/* MobileNetV1: a stem, then depthwise separable convolutions, each with batch norm and ReLU6 behind both halves.
 *
 * Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
 * Table 1. */
#include <inttypes.h>
#include <stdio.h>

#include "backbone.h"
#include "layers.h"

#define STEM_CHANNELS 32u

/* A separable convolution a row: its name, its output channels and its stride. */
struct separable {
    uint32_t stage, block, outputs, stride;
};

static const struct separable separables[] = {
    {1, 1, 64, 1},   {1, 2, 128, 2},  {1, 3, 128, 1}, /*  128 x 104 x 104, for an input of 416 x 416 */
    {1, 4, 256, 2},  {1, 5, 256, 1},                  /*  256 x  52 x  52, the map of stride 8 */
    {2, 0, 512, 2},  {2, 1, 512, 1},  {2, 2, 512, 1}, /*  512 x  26 x  26 */
    {2, 3, 512, 1},  {2, 4, 512, 1},  {2, 5, 512, 1}, /*  512 x  26 x  26, the map of stride 16 */
    {3, 0, 1024, 2}, {3, 1, 1024, 1},                 /* 1024 x  13 x  13, the map of stride 32 */
};

static gvk_tensor add_separable(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct separable *row)
{
    gvk_tensor x = gvk_add_layer(
        graph, prefix, in,
        &(struct gvk_layer){
            .convolution = "0", .norm = "1", .kernel = 3, .stride = row->stride, .activation = GVK_ACTIVATION_RELU6});
    return gvk_add_layer(
        graph, prefix, x,
        &(struct gvk_layer){
            .convolution = "3", .norm = "4", .outputs = row->outputs, .kernel = 1, .activation = GVK_ACTIVATION_RELU6});
}

static struct gvk_backbone_maps add(gvk_graph *graph, const char *prefix, gvk_tensor in, double width)
{
    (void)width;
    struct gvk_backbone_maps maps = {0};
    gvk_tensor x = gvk_add_stem(graph, gvk_join(prefix, "stage1.0").text, in, STEM_CHANNELS, GVK_ACTIVATION_RELU6);
    for (size_t i = 0; i < sizeof separables / sizeof separables[0]; i++) {
        char part[40];
        snprintf(part, sizeof part, "stage%" PRIu32 ".%" PRIu32, separables[i].stage, separables[i].block);
        x = add_separable(graph, gvk_join(prefix, part).text, x, &separables[i]);
        if (separables[i].stage == 1)
            maps.stride8 = x;
        else if (separables[i].stage == 2)
            maps.stride16 = x;
        else
            maps.stride32 = x;
    }
    return maps;
}

static const char *const head_parts[] = {"fc.", NULL};

const struct gvk_backbone gvk_mobilenet_v1 = {
    .name = "MobileNetV1",
    .mark = "stage1.0.0.weight",
    .head_parts = head_parts,
    .add = add,
};
