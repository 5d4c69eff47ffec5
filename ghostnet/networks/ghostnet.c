/* GhostNet, from its table to nodes: the stem and the stages 0 to 8.
 *
 * Source: Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020, Table 1. */
#include "backbone.h"
#include "layers.h"

#include <inttypes.h>
#include <stdio.h>

/* The reduced channels of squeeze-excite, as a part of the expanded ones. */
#define SQUEEZE_RATIO 0.25
/* Channel counts at a width are multiples of this. */
#define DIVISOR 4u

/* Table 1, a bottleneck a row. Channels are those at width 1.0. */
struct bottleneck {
    uint32_t stage, block, kernel, expansion, outputs;
    bool squeeze_excite;
    uint32_t stride;
};

#define STEM_CHANNELS 16u

static const struct bottleneck bottlenecks[] = {
    {0, 0, 3, 16, 16, false, 1},   /*  16 x 208 x 208, for an input of 416 x 416 */
    {1, 0, 3, 48, 24, false, 2},   /*  24 x 104 x 104 */
    {2, 0, 3, 72, 24, false, 1},   /*  24 x 104 x 104 */
    {3, 0, 5, 72, 40, true, 2},    /*  40 x  52 x  52 */
    {4, 0, 5, 120, 40, true, 1},   /*  40 x  52 x  52, the map of stride 8 */
    {5, 0, 3, 240, 80, false, 2},  /*  80 x  26 x  26 */
    {6, 0, 3, 200, 80, false, 1},  /*  80 x  26 x  26 */
    {6, 1, 3, 184, 80, false, 1},  /*  80 x  26 x  26 */
    {6, 2, 3, 184, 80, false, 1},  /*  80 x  26 x  26 */
    {6, 3, 3, 480, 112, true, 1},  /* 112 x  26 x  26 */
    {6, 4, 3, 672, 112, true, 1},  /* 112 x  26 x  26, the map of stride 16 */
    {7, 0, 5, 672, 160, true, 2},  /* 160 x  13 x  13 */
    {8, 0, 5, 960, 160, false, 1}, /* 160 x  13 x  13 */
    {8, 1, 5, 960, 160, true, 1},  /* 160 x  13 x  13 */
    {8, 2, 5, 960, 160, false, 1}, /* 160 x  13 x  13 */
    {8, 3, 5, 960, 160, true, 1},  /* 160 x  13 x  13, the map of stride 32 */
};

#define BOTTLENECKS (sizeof bottlenecks / sizeof bottlenecks[0])

static struct gvk_name join_bottleneck(const char *prefix, const struct bottleneck *row)
{
    char part[40];
    snprintf(part, sizeof part, "blocks.%" PRIu32 ".%" PRIu32, row->stage, row->block);
    return gvk_join(prefix, part);
}

/* ---- the width ---- */

/* A count of Table 1 at a width. */
static uint32_t scale(uint32_t channels, double width)
{
    return gvk_scale_channels(channels, width, DIVISOR);
}

/* A channel count of the checkpoint beside the one that the table has for it. */
struct witness {
    uint32_t channels; /* at width 1.0 */
    uint32_t parts;    /* the tensor has one part of them: a ghost module's primary convolution makes half */
    uint64_t found;
};

static void ask_witness(const gvk_checkpoint *checkpoint, const char *prefix, const char *part, uint32_t channels,
                        uint32_t parts, struct witness *witnesses, uint32_t *count)
{
    struct gvk_name name = gvk_join(prefix, part);
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(checkpoint, name.text);
    if (tensor && tensor->array.rank == 4)
        witnesses[(*count)++] = (struct witness){channels, parts, tensor->array.shape[0]};
}

static uint32_t count_agreeing(const struct witness *witnesses, uint32_t count, double width)
{
    uint32_t agreeing = 0;
    for (uint32_t i = 0; i < count; i++)
        agreeing += scale(witnesses[i].channels, width) / witnesses[i].parts == witnesses[i].found;
    return agreeing;
}

/* A few tensors that do not fit the width are left for the graph to refuse by name. */
static gvk_result infer_width(const gvk_host *host, const gvk_checkpoint *checkpoint, const char *prefix, double *out)
{
    struct witness witnesses[1 + 2 * BOTTLENECKS];
    uint32_t count = 0;
    ask_witness(checkpoint, prefix, "conv_stem.weight", STEM_CHANNELS, 1, witnesses, &count);
    for (size_t i = 0; i < BOTTLENECKS; i++) {
        const struct bottleneck *row = &bottlenecks[i];
        struct gvk_name block = join_bottleneck(prefix, row);
        ask_witness(checkpoint, block.text, "ghost1.primary_conv.0.weight", row->expansion, 2, witnesses, &count);
        ask_witness(checkpoint, block.text, "ghost2.primary_conv.0.weight", row->outputs, 2, witnesses, &count);
    }
    if (count < 2) { /* a stem of this name many networks have */
        struct gvk_name stem = gvk_join(prefix, "conv_stem.weight"), block = join_bottleneck(prefix, &bottlenecks[0]);
        struct gvk_name module = gvk_join(block.text, "ghost1.primary_conv.0.weight");
        return gvk_fail(
            host, GVK_ERROR_MISMATCH,
            "The file has \"%s\", but no ghost module, such as \"%s\": it is of another network with a stem "
            "of that name, as GhostNetV3, MobileNetV3 and EfficientNet are.",
            stem.text, module.text);
    }
    /* Round steps first: several widths can give the same channels, and people train 1.3, not 1.299. */
    static const uint32_t steps[] = {20, 40, 100, 1000};
    double best_width = 0;
    uint32_t best = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && best < count; i++)
        for (uint32_t j = steps[i] / 10; j <= 4 * steps[i]; j++) {
            double width = (double)j / steps[i];
            uint32_t agreeing = count_agreeing(witnesses, count, width);
            if (agreeing > best) {
                best = agreeing;
                best_width = width;
            }
        }
    if (best * 2 <= count)
        return gvk_fail(host, GVK_ERROR_MISMATCH,
                        "The channel counts of the checkpoint's backbone are not GhostNet's at any width from 0.1 to "
                        "4: the best guess explains %" PRIu32 " of %" PRIu32 " tensors.",
                        best, count);
    *out = best_width;
    return GVK_OK;
}

/* ---- the stages ---- */

/* Half of the channels by a pointwise convolution, the other half from them by a depthwise one. */
static gvk_tensor add_ghost_module(gvk_graph *graph, const char *prefix, gvk_tensor in, uint32_t outputs,
                                   gvk_activation activation)
{
    struct gvk_name primary = gvk_join(prefix, "primary_conv"), cheap = gvk_join(prefix, "cheap_operation");
    struct gvk_name concat = gvk_join(prefix, "concat");
    gvk_tensor intrinsic = gvk_add_layer(
        graph, primary.text, in,
        &(struct gvk_layer){
            .convolution = "0", .norm = "1", .outputs = outputs / 2, .kernel = 1, .activation = activation});
    gvk_tensor ghost =
        gvk_add_layer(graph, cheap.text, intrinsic,
                      &(struct gvk_layer){.convolution = "0", .norm = "1", .kernel = 3, .activation = activation});
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONCAT, .name = concat.text, .inputs = {intrinsic, ghost}});
}

static gvk_tensor add_gate(gvk_graph *graph, const char *prefix, gvk_tensor pooled)
{
    uint32_t channels = gvk_graph_channels(graph, pooled);
    uint32_t reduced = gvk_scale_channels(channels, SQUEEZE_RATIO, DIVISOR);
    struct gvk_name reduce = gvk_join(prefix, "conv_reduce"), expand = gvk_join(prefix, "conv_expand");
    gvk_tensor inner = gvk_add_biased(graph, reduce.text, pooled, reduced, GVK_ACTIVATION_RELU);
    return gvk_add_biased(graph, expand.text, inner, channels, GVK_ACTIVATION_HARD_SIGMOID);
}

/* What the bottleneck's input becomes so that it can be added to the output. */
static gvk_tensor add_shortcut(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct bottleneck *row,
                               uint32_t outputs)
{
    if (row->stride == 1 && gvk_graph_channels(graph, in) == outputs)
        return in;
    gvk_tensor out = gvk_add_layer(
        graph, prefix, in,
        &(struct gvk_layer){.convolution = "0", .norm = "1", .kernel = row->kernel, .stride = row->stride});
    return gvk_add_layer(graph, prefix, out,
                         &(struct gvk_layer){.convolution = "2", .norm = "3", .outputs = outputs, .kernel = 1});
}

static gvk_tensor add_bottleneck(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct bottleneck *row,
                                 double width)
{
    uint32_t expansion = scale(row->expansion, width), outputs = scale(row->outputs, width);
    struct gvk_name ghost1 = gvk_join(prefix, "ghost1"), ghost2 = gvk_join(prefix, "ghost2");
    struct gvk_name squeeze = gvk_join(prefix, "se"), shortcut = gvk_join(prefix, "shortcut");

    gvk_tensor out = add_ghost_module(graph, ghost1.text, in, expansion, GVK_ACTIVATION_RELU);
    if (row->stride > 1)
        out =
            gvk_add_layer(graph, prefix, out,
                          &(struct gvk_layer){
                              .convolution = "conv_dw", .norm = "bn_dw", .kernel = row->kernel, .stride = row->stride});
    if (row->squeeze_excite)
        out = gvk_add_gated(graph, squeeze.text, out, add_gate);
    out = add_ghost_module(graph, ghost2.text, out, outputs, GVK_ACTIVATION_NONE);
    gvk_tensor residual = add_shortcut(graph, shortcut.text, in, row, outputs);
    return gvk_add_sum(graph, prefix, out, residual);
}

static struct gvk_backbone_maps add_ghostnet(gvk_graph *graph, const char *prefix, gvk_tensor in, double width)
{
    struct gvk_backbone_maps maps = {0};
    gvk_tensor x = gvk_add_layer(graph, prefix, in,
                                 &(struct gvk_layer){.convolution = "conv_stem",
                                                     .norm = "bn1",
                                                     .outputs = scale(STEM_CHANNELS, width),
                                                     .kernel = 3,
                                                     .stride = 2,
                                                     .activation = GVK_ACTIVATION_RELU});
    for (size_t i = 0; i < BOTTLENECKS; i++) {
        struct gvk_name block = join_bottleneck(prefix, &bottlenecks[i]);
        x = add_bottleneck(graph, block.text, x, &bottlenecks[i], width);
        if (bottlenecks[i].stage == 4)
            maps.stride8 = x;
        if (bottlenecks[i].stage == 6)
            maps.stride16 = x;
        if (bottlenecks[i].stage == 8)
            maps.stride32 = x;
    }
    return maps;
}

static const char *const head_parts[] = {"blocks.9.", "conv_head.", "classifier.", NULL};

const struct gvk_backbone gvk_ghostnet = {
    .name = "GhostNet",
    .mark = "conv_stem.weight",
    .head_parts = head_parts,
    .infer_width = infer_width,
    .add = add_ghostnet,
};
