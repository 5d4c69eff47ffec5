/* YOLOv4's neck and heads on any backbone: spatial pyramid pooling, a path up and a path down (PANet), three heads.
 * Source: Bochkovskiy et al., "YOLOv4", 2020; each 3x3 convolution of the paper is a depthwise and a pointwise one
 * here. The names are those of the PyTorch modules that checkpoints come from. */
#include "heads.h"
#include "layers.h"

/* ---- the parts, by the names of the PyTorch helpers ---- */

static gvk_tensor conv2d(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t outputs)
{
    return gvk_add_layer(
        graph, name, in,
        &(struct gvk_layer){
            .convolution = "conv", .norm = "bn", .outputs = outputs, .kernel = 1, .activation = GVK_ACTIVATION_RELU6});
}

static gvk_tensor conv_dw(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t outputs, uint32_t stride)
{
    gvk_tensor x = gvk_add_layer(
        graph, name, in,
        &(struct gvk_layer){
            .convolution = "0", .norm = "1", .kernel = 3, .stride = stride, .activation = GVK_ACTIVATION_RELU6});
    return gvk_add_layer(
        graph, name, x,
        &(struct gvk_layer){
            .convolution = "3", .norm = "4", .outputs = outputs, .kernel = 1, .activation = GVK_ACTIVATION_RELU6});
}

static gvk_tensor three_convs(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t narrow, uint32_t wide)
{
    gvk_tensor x = conv2d(graph, gvk_join(name, "0").text, in, narrow);
    x = conv_dw(graph, gvk_join(name, "1").text, x, wide, 1);
    return conv2d(graph, gvk_join(name, "2").text, x, narrow);
}

static gvk_tensor five_convs(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t narrow, uint32_t wide)
{
    gvk_tensor x = three_convs(graph, name, in, narrow, wide);
    x = conv_dw(graph, gvk_join(name, "3").text, x, wide, 1);
    return conv2d(graph, gvk_join(name, "4").text, x, narrow);
}

static gvk_tensor head(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t hidden, uint32_t outputs)
{
    gvk_tensor x = conv_dw(graph, gvk_join(name, "0").text, in, hidden, 1);
    return gvk_add_biased(graph, gvk_join(name, "1").text, x, outputs, GVK_ACTIVATION_NONE);
}

static gvk_tensor upsample(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t outputs)
{
    gvk_tensor x = conv2d(graph, gvk_join(name, "upsample.0").text, in, outputs);
    struct gvk_name last = gvk_join(name, "upsample.1");
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_UPSAMPLE, .name = last.text, .inputs = {x}});
}

static gvk_tensor max_pool(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t kernel)
{
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_MAX_POOL, .name = name, .inputs = {in}, .kernel = kernel});
}

static gvk_tensor concat(gvk_graph *graph, const char *name, gvk_tensor first, gvk_tensor second)
{
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONCAT, .name = name, .inputs = {first, second}});
}

static gvk_tensor spatial_pyramid(gvk_graph *graph, gvk_tensor x)
{
    gvk_tensor pool13 = max_pool(graph, "spatial_pyramid.pool13", x, 13);
    gvk_tensor pool9 = max_pool(graph, "spatial_pyramid.pool9", x, 9);
    gvk_tensor pool5 = max_pool(graph, "spatial_pyramid.pool5", x, 5);
    return gvk_graph_add(
        graph, &(gvk_node){.op = GVK_OP_CONCAT, .name = "spatial_pyramid.concat", .inputs = {pool13, pool9, pool5, x}});
}

/* ---- the network, with shapes for an input of 3 x 416 x 416; the neck's channels are those of no backbone ---- */

void gvk_add_yolov4(gvk_graph *graph, gvk_tensor input, const struct gvk_backbone *backbone, double width,
                    uint32_t class_count)
{
    uint32_t outputs = 3 * (5 + class_count);
    /* clang-format off */
    struct gvk_backbone_maps c = backbone->add(graph, "backbone.model", input, width);
                                        /* c.stride8 of 52 x 52, c.stride16 of 26 x 26, c.stride32 of 13 x 13 pixels */
    /* The pyramid. */
    gvk_tensor p5 = three_convs(graph, "conv1", c.stride32, 512, 1024);                 /*  512 x 13 x 13 */
    p5 = spatial_pyramid(graph, p5);                                                    /* 2048 x 13 x 13 */
    p5 = three_convs(graph, "conv2", p5, 512, 1024);                                    /*  512 x 13 x 13 */

    /* Up: what the small maps know of the whole, to the larger ones. */
    gvk_tensor up = upsample(graph, "upsample1", p5, 256);                              /*  256 x 26 x 26 */
    gvk_tensor p4 = conv2d(graph, "conv_for_P4", c.stride16, 256);                      /*  256 x 26 x 26 */
    p4 = concat(graph, "upsample1.concat", p4, up);                                     /*  512 x 26 x 26 */
    p4 = five_convs(graph, "make_five_conv1", p4, 256, 512);                            /*  256 x 26 x 26 */

    up = upsample(graph, "upsample2", p4, 128);                                         /*  128 x 52 x 52 */
    gvk_tensor p3 = conv2d(graph, "conv_for_P3", c.stride8, 128);                       /*  128 x 52 x 52 */
    p3 = concat(graph, "upsample2.concat", p3, up);                                     /*  256 x 52 x 52 */
    p3 = five_convs(graph, "make_five_conv2", p3, 128, 256);                            /*  128 x 52 x 52 */

    /* Down: what the large maps know of places, to the smaller ones. */
    gvk_tensor down = conv_dw(graph, "down_sample1", p3, 256, 2);                       /*  256 x 26 x 26 */
    p4 = concat(graph, "down_sample1.concat", down, p4);                                /*  512 x 26 x 26 */
    p4 = five_convs(graph, "make_five_conv3", p4, 256, 512);                            /*  256 x 26 x 26 */

    down = conv_dw(graph, "down_sample2", p4, 512, 2);                                  /*  512 x 13 x 13 */
    p5 = concat(graph, "down_sample2.concat", down, p5);                                /* 1024 x 13 x 13 */
    p5 = five_convs(graph, "make_five_conv4", p5, 512, 1024);                           /*  512 x 13 x 13 */

    /* The heads: for each of three anchors x, y, width, height, objectness and the classes. */
    gvk_graph_output(graph, "stride32", head(graph, "yolo_head1", p5, 1024, outputs));  /* outputs x 13 x 13 */
    gvk_graph_output(graph, "stride16", head(graph, "yolo_head2", p4, 512, outputs));   /* outputs x 26 x 26 */
    gvk_graph_output(graph, "stride8", head(graph, "yolo_head3", p3, 256, outputs));    /* outputs x 52 x 52 */
    /* clang-format on */
}
