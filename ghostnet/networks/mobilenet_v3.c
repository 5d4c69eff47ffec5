/* MobileNetV3, the large one: inverted residuals with kernels of 3 and 5, squeeze-excite in some of them, and ReLU or
 * hard-swish. Where a block widens, squeeze-excite stands between the depthwise convolution and its activation; where
 * it does not, behind both.
 *
 * Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, Table 1. */
#include <inttypes.h>
#include <stdio.h>

#include "backbone.h"
#include "layers.h"

#define STEM_CHANNELS 16u

/* Table 1, a block a row. */
struct row {
    uint32_t kernel, expanded, outputs;
    bool squeeze_excite;
    gvk_activation activation;
    uint32_t stride;
};

#define RELU  GVK_ACTIVATION_RELU
#define SWISH GVK_ACTIVATION_HARD_SWISH

static const struct row rows[] = {
    {3, 16, 16, false, RELU, 1},   /*  16 x 208 x 208, for an input of 416 x 416 */
    {3, 64, 24, false, RELU, 2},   /*  24 x 104 x 104 */
    {3, 72, 24, false, RELU, 1},   /*  24 x 104 x 104 */
    {5, 72, 40, true, RELU, 2},    /*  40 x  52 x  52 */
    {5, 120, 40, true, RELU, 1},   /*  40 x  52 x  52 */
    {5, 120, 40, true, RELU, 1},   /*  40 x  52 x  52, the map of stride 8 */
    {3, 240, 80, false, SWISH, 2}, /*  80 x  26 x  26 */
    {3, 200, 80, false, SWISH, 1}, /*  80 x  26 x  26 */
    {3, 184, 80, false, SWISH, 1}, /*  80 x  26 x  26 */
    {3, 184, 80, false, SWISH, 1}, /*  80 x  26 x  26 */
    {3, 480, 112, true, SWISH, 1}, /* 112 x  26 x  26 */
    {3, 672, 112, true, SWISH, 1}, /* 112 x  26 x  26, the map of stride 16 */
    {5, 672, 160, true, SWISH, 2}, /* 160 x  13 x  13 */
    {5, 960, 160, true, SWISH, 1}, /* 160 x  13 x  13 */
    {5, 960, 160, true, SWISH, 1}, /* 160 x  13 x  13, the map of stride 32 */
};

/* A gate's inner channels are a quarter of the others, as a multiple of this. */
#define SQUEEZE_RATIO   0.25
#define SQUEEZE_DIVISOR 8u

static gvk_tensor add_linear(gvk_graph *graph, const char *prefix, const char *part, gvk_tensor in, uint32_t outputs,
                             gvk_activation activation)
{
    struct gvk_name name = gvk_join(prefix, part);
    return gvk_graph_add(
        graph,
        &(gvk_node){
            .op = GVK_OP_LINEAR, .name = name.text, .inputs = {in}, .outputs = outputs, .activation = activation});
}

static gvk_tensor add_gate(gvk_graph *graph, const char *prefix, gvk_tensor pooled)
{
    uint32_t channels = gvk_graph_channels(graph, pooled);
    uint32_t reduced = gvk_scale_channels(channels, SQUEEZE_RATIO, SQUEEZE_DIVISOR);
    gvk_tensor inner = add_linear(graph, prefix, "fc.0", pooled, reduced, GVK_ACTIVATION_RELU);
    return add_linear(graph, prefix, "fc.2", inner, channels, GVK_ACTIVATION_HARD_SIGMOID);
}

/* The names of a block count its layers: a convolution, its norm, its activation, or squeeze-excite. */
static struct gvk_name count_layer(uint32_t *layer)
{
    struct gvk_name name;
    snprintf(name.text, sizeof name.text, "conv.%" PRIu32, (*layer)++);
    return name;
}

static gvk_tensor add_counted(gvk_graph *graph, const char *prefix, gvk_tensor in, struct gvk_layer params,
                              uint32_t *layer)
{
    struct gvk_name convolution = count_layer(layer), norm = count_layer(layer);
    params.convolution = convolution.text;
    params.norm = norm.text;
    return gvk_add_layer(graph, prefix, in, &params);
}

static gvk_tensor add_block(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct row *row)
{
    uint32_t inputs = gvk_graph_channels(graph, in), layer = 0;
    bool widens = inputs != row->expanded, apart = widens && row->squeeze_excite;
    gvk_tensor x = in;
    if (widens) {
        struct gvk_layer params = {.outputs = row->expanded, .kernel = 1, .activation = row->activation};
        x = add_counted(graph, prefix, x, params, &layer);
        layer++; /* the activation */
    }
    struct gvk_layer depthwise = {
        .kernel = row->kernel, .stride = row->stride, .activation = apart ? GVK_ACTIVATION_NONE : row->activation};
    x = add_counted(graph, prefix, x, depthwise, &layer);
    uint32_t first = layer, second = layer + 1; /* squeeze-excite and the activation, or the other way round */
    if (row->squeeze_excite) {
        uint32_t at = widens ? first : second;
        x = gvk_add_gated(graph, gvk_join(prefix, count_layer(&at).text).text, x, add_gate);
    }
    if (apart) {
        struct gvk_name name = gvk_join(prefix, count_layer(&second).text);
        x = gvk_graph_add(
            graph,
            &(gvk_node){.op = GVK_OP_ACTIVATION, .name = name.text, .inputs = {x}, .activation = row->activation});
    }
    layer = first + 2;
    x = add_counted(graph, prefix, x, (struct gvk_layer){.outputs = row->outputs, .kernel = 1}, &layer);
    return row->stride == 1 && inputs == row->outputs ? gvk_add_sum(graph, prefix, in, x) : x;
}

static struct gvk_backbone_maps add(gvk_graph *graph, const char *prefix, gvk_tensor in, double width)
{
    (void)width;
    struct gvk_backbone_maps maps = {0};
    gvk_tensor x =
        gvk_add_stem(graph, gvk_join(prefix, "features.0").text, in, STEM_CHANNELS, GVK_ACTIVATION_HARD_SWISH);
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char part[40];
        snprintf(part, sizeof part, "features.%" PRIu32, i + 1);
        x = add_block(graph, gvk_join(prefix, part).text, x, &rows[i]);
        if (rows[i].outputs == 40)
            maps.stride8 = x;
        if (rows[i].outputs == 112)
            maps.stride16 = x;
        if (rows[i].outputs == 160)
            maps.stride32 = x;
    }
    return maps;
}

static const char *const head_parts[] = {"conv.", "classifier.", NULL};

const struct gvk_backbone gvk_mobilenet_v3 = {
    .name = "MobileNetV3",
    .mark = "features.1.conv.0.weight",
    .head_parts = head_parts,
    .add = add,
};
