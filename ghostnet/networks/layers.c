/* See layers.h. */
#include "layers.h"

#include <stdio.h>

struct gvk_name gvk_join(const char *parent, const char *part)
{
    struct gvk_name name;
    int length = snprintf(name.text, sizeof name.text, "%s%s%s", parent, *parent ? "." : "", part);
    if (length < 0 || (size_t)length >= sizeof name.text)
        name.text[0] = 0;
    return name;
}

gvk_tensor gvk_add_layer(gvk_graph *graph, const char *prefix, gvk_tensor in, const struct gvk_layer *layer)
{
    struct gvk_name name = gvk_join(prefix, layer->convolution);
    gvk_tensor out = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION,
                                                      .name = name.text,
                                                      .inputs = {in},
                                                      .outputs = layer->outputs,
                                                      .kernel = layer->kernel,
                                                      .stride = layer->stride,
                                                      .padding = layer->kernel / 2,
                                                      .groups = layer->outputs ? 1 : gvk_graph_channels(graph, in)});
    name = gvk_join(prefix, layer->norm);
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_BATCH_NORM,
                                            .name = name.text,
                                            .inputs = {out},
                                            .epsilon = layer->epsilon,
                                            .activation = layer->activation});
}

gvk_tensor gvk_add_stem(gvk_graph *graph, const char *prefix, gvk_tensor in, uint32_t outputs,
                        gvk_activation activation)
{
    return gvk_add_layer(
        graph, prefix, in,
        &(struct gvk_layer){
            .convolution = "0", .norm = "1", .outputs = outputs, .kernel = 3, .stride = 2, .activation = activation});
}

gvk_tensor gvk_add_biased(gvk_graph *graph, const char *name, gvk_tensor in, uint32_t outputs,
                          gvk_activation activation)
{
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION,
                                            .name = name,
                                            .inputs = {in},
                                            .outputs = outputs,
                                            .bias = 1,
                                            .activation = activation});
}

gvk_tensor gvk_add_gated(gvk_graph *graph, const char *prefix, gvk_tensor in,
                         gvk_tensor (*add_gate)(gvk_graph *graph, const char *prefix, gvk_tensor pooled))
{
    struct gvk_name pool = gvk_join(prefix, "pool"), multiply = gvk_join(prefix, "multiply");
    gvk_tensor pooled = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_AVERAGE_POOL, .name = pool.text, .inputs = {in}});
    gvk_tensor gate = add_gate(graph, prefix, pooled);
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_MULTIPLY, .name = multiply.text, .inputs = {in, gate}});
}

gvk_tensor gvk_add_sum(gvk_graph *graph, const char *prefix, gvk_tensor left, gvk_tensor right)
{
    struct gvk_name name = gvk_join(prefix, "add");
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_ADD, .name = name.text, .inputs = {left, right}});
}

uint32_t gvk_scale_channels(uint32_t channels, double factor, uint32_t divisor)
{
    double wanted = (double)channels * factor;
    uint32_t half = divisor / 2, rounded = (uint32_t)(wanted + half) / divisor * divisor;
    if (rounded < divisor)
        rounded = divisor;
    return rounded < 0.9 * wanted ? rounded + divisor : rounded;
}
