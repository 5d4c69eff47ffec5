/* The ops: names, inputs, weights, shapes, work. */
#include "ops.h"

#include "shaders/shared.h"

#define SHARING_TURNS 64u /* of shaders/planes/split.glsl, at most */

/* ---- convolutions and linear layers ---- */

static const char *name_convolution(const struct gvk_graph_node *node)
{
    return gvk_is_pointwise(node)   ? "pointwise convolution"
           : gvk_is_depthwise(node) ? "depthwise convolution"
                                    : "convolution";
}

static const char *check_convolution(const struct gvk_graph_node *node, const struct gvk_graph_tensor *tensors)
{
    (void)tensors;
    if (node->groups != 1 && (node->groups != node->input_channels || node->output_channels != node->input_channels))
        return "groups must be 1 or the channel count (depthwise)";
    if (node->stride > 4 || node->padding >= node->kernel)
        return "the stride is 1 to 4 and the padding smaller than the kernel";
    return NULL;
}

static uint32_t list_convolution(struct gvk_graph_node *node, bool bias, struct gvk_wanted_weight *out)
{
    out[0] = (struct gvk_wanted_weight){
        .suffix = "weight",
        .to = &node->weight,
        .shape = {node->output_channels, node->input_channels / node->groups, node->kernel, node->kernel},
        .rank = 4,
    };
    out[1] =
        (struct gvk_wanted_weight){.suffix = "bias", .to = &node->bias, .shape = {node->output_channels}, .rank = 1};
    return bias ? 2 : 1;
}

static gvk_result shape_convolution(const gvk_host *host, const struct gvk_graph_node *node,
                                    const struct gvk_shape *shapes, struct gvk_shape *out)
{
    const struct gvk_shape *in = &shapes[node->inputs[0]];
    if (in->width + 2 * node->padding < node->kernel || in->height + 2 * node->padding < node->kernel)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "The input is too small: nothing is left of it at \"%s\".",
                        node->name);
    out->width = (in->width + 2 * node->padding - node->kernel) / node->stride + 1;
    out->height = (in->height + 2 * node->padding - node->kernel) / node->stride + 1;
    return GVK_OK;
}

static uint64_t count_convolution(const struct gvk_graph_node *node, uint64_t pixels)
{
    return pixels * node->output_channels * (node->input_channels / node->groups) * node->kernel * node->kernel;
}

static const struct gvk_op_line convolution_line = {
    .name = "convolution",
    .name_of = name_convolution,
    .ends_in_activation = true,
    .least_inputs = 1,
    .most_inputs = 1,
    .channels = GVK_CHANNELS_ASKED,
    .check = check_convolution,
    .list_weights = list_convolution,
    .shape = shape_convolution,
    .count_macs = count_convolution,
};

static const char *check_linear(const struct gvk_graph_node *node, const struct gvk_graph_tensor *tensors)
{
    (void)tensors;
    return node->kernel != 1 || node->stride != 1 || node->padding || node->groups != 1
               ? "a linear layer has no kernel, stride, padding or groups"
               : NULL;
}

static uint32_t list_linear(struct gvk_graph_node *node, bool bias, struct gvk_wanted_weight *out)
{
    (void)bias;
    out[0] = (struct gvk_wanted_weight){
        .suffix = "weight",
        .to = &node->weight,
        .shape = {node->output_channels, node->input_channels},
        .rank = 2,
    };
    out[1] =
        (struct gvk_wanted_weight){.suffix = "bias", .to = &node->bias, .shape = {node->output_channels}, .rank = 1};
    return 2;
}

static gvk_result shape_linear(const gvk_host *host, const struct gvk_graph_node *node, const struct gvk_shape *shapes,
                               struct gvk_shape *out)
{
    (void)shapes;
    if (out->width != 1 || out->height != 1)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "\"%s\" needs an input of 1 x 1 pixels.", node->name);
    return GVK_OK;
}

static const struct gvk_op_line linear_line = {
    .name = "linear",
    .ends_in_activation = true,
    .least_inputs = 1,
    .most_inputs = 1,
    .channels = GVK_CHANNELS_ASKED,
    .check = check_linear,
    .list_weights = list_linear,
    .shape = shape_linear,
    .count_macs = count_convolution,
};

/* ---- batch norm and activation ---- */

static uint32_t list_norm(struct gvk_graph_node *node, bool bias, struct gvk_wanted_weight *out)
{
    static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var"};
    gvk_array *const to[] = {&node->norm.weight, &node->norm.bias, &node->norm.mean, &node->norm.variance};
    (void)bias;
    node->norm.present = true;
    for (int i = 0; i < 4; i++)
        out[i] = (struct gvk_wanted_weight){
            .suffix = suffixes[i],
            .to = to[i],
            .shape = {node->input_channels},
            .rank = 1,
            .is_measured = i >= 2,
        };
    return 4;
}

static const struct gvk_op_line batch_norm_line = {
    .name = "batch norm",
    .ends_in_activation = true,
    .least_inputs = 1,
    .most_inputs = 1,
    .list_weights = list_norm,
};

static const struct gvk_op_line activation_line = {
    .name = "activation", .ends_in_activation = true, .least_inputs = 1, .most_inputs = 1};

/* ---- pools and upsampling ---- */

static gvk_result shape_upsample(const gvk_host *host, const struct gvk_graph_node *node,
                                 const struct gvk_shape *shapes, struct gvk_shape *out)
{
    (void)host;
    (void)node;
    (void)shapes;
    out->width *= 2;
    out->height *= 2;
    return GVK_OK;
}

static const struct gvk_op_line upsample_line = {
    .name = "upsample", .least_inputs = 1, .most_inputs = 1, .shape = shape_upsample};

static const char *check_max_pool(const struct gvk_graph_node *node, const struct gvk_graph_tensor *tensors)
{
    (void)tensors;
    return node->kernel % 2 == 0 || node->stride != 1 ? "a max pool's kernel is odd and its stride 1" : NULL;
}

static const struct gvk_op_line max_pool_line = {
    .name = "max pool",
    .pads_half_its_kernel = true,
    .least_inputs = 1,
    .most_inputs = 1,
    .check = check_max_pool,
};

static gvk_result shape_one_pixel(const gvk_host *host, const struct gvk_graph_node *node,
                                  const struct gvk_shape *shapes, struct gvk_shape *out)
{
    (void)host;
    (void)node;
    (void)shapes;
    out->width = out->height = 1;
    return GVK_OK;
}

static const struct gvk_op_line average_pool_line = {
    .name = "average pool", .least_inputs = 1, .most_inputs = 1, .shape = shape_one_pixel};

/* ---- what joins tensors ---- */

gvk_result gvk_compare_maps(const gvk_host *host, const struct gvk_graph_node *node, const struct gvk_shape *left,
                            const struct gvk_shape *right)
{
    if (left->width == right->width && left->height == right->height)
        return GVK_OK;
    return gvk_fail(host, GVK_ERROR_ARGUMENT,
                    "At \"%s\" maps of %ux%u and %ux%u meet. Width and height of the input must be multiples of the "
                    "network's largest stride.",
                    node->name, left->width, left->height, right->width, right->height);
}

static gvk_result shape_alike(const gvk_host *host, const struct gvk_graph_node *node, const struct gvk_shape *shapes,
                              struct gvk_shape *out)
{
    for (uint32_t i = 1; i < node->input_count; i++) {
        gvk_result result = gvk_compare_maps(host, node, out, &shapes[node->inputs[i]]);
        if (result)
            return result;
    }
    return GVK_OK;
}

static const struct gvk_op_line concat_line = {
    .name = "concat",
    .least_inputs = 2,
    .most_inputs = GVK_MAX_INPUTS,
    .channels = GVK_CHANNELS_OF_ALL,
    .shape = shape_alike,
};

static const char *check_channels(const struct gvk_graph_node *node, const struct gvk_graph_tensor *tensors)
{
    return tensors[node->inputs[0]].channels != tensors[node->inputs[1]].channels
               ? "its inputs have different channel counts"
               : NULL;
}

static const struct gvk_op_line add_line = {
    .name = "add", .least_inputs = 2, .most_inputs = 2, .check = check_channels, .shape = shape_alike};

static gvk_result shape_multiply(const gvk_host *host, const struct gvk_graph_node *node,
                                 const struct gvk_shape *shapes, struct gvk_shape *out)
{
    (void)out;
    if (shapes[node->inputs[1]].width != 1 || shapes[node->inputs[1]].height != 1)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "The gate of \"%s\" is not 1 x 1 pixels.", node->name);
    return GVK_OK;
}

static const struct gvk_op_line multiply_line = {
    .name = "multiply", .least_inputs = 2, .most_inputs = 2, .check = check_channels, .shape = shape_multiply};

/* ---- what rewrites make ---- */

static const struct gvk_op_line max_pools_line = {.name = "max pools", .is_fused = true};

static uint64_t count_squeeze_excite(const struct gvk_graph_node *node, uint64_t pixels)
{
    (void)pixels;
    return 2 * (uint64_t)node->input_channels * node->reduced_channels;
}

static const struct gvk_op_line squeeze_excite_line = {
    .name = "squeeze-excite", .is_fused = true, .shape = shape_one_pixel, .count_macs = count_squeeze_excite};

static uint64_t count_ghost(const struct gvk_graph_node *node, uint64_t pixels)
{
    return pixels * node->output_channels * ((uint64_t)node->input_channels + 9);
}

static const struct gvk_op_line ghost_line = {.name = "ghost module", .is_fused = true, .count_macs = count_ghost};

uint64_t gvk_count_excite_turns(uint64_t channel_quads, uint64_t reduced_quads)
{
    return (reduced_quads / GVK_EXCITE_LANES + 1) * (channel_quads + 1) +
           (channel_quads / GVK_EXCITE_LANES + 1) * (reduced_quads + 1) + SHARING_TURNS;
}

/* ---- the table ---- */

#define LINE(OP, word) [GVK_OP_##OP] = &word##_line,
static const struct gvk_op_line *const lines[] = {GVK_OPS(LINE)};

#define PLACE(OP, word) PLACE_OF_##OP,
enum { GVK_OPS(PLACE) PLACES };
_Static_assert(PLACES == GVK_OP_END - 1 && sizeof lines / sizeof lines[0] == GVK_OP_END, "GVK_OPS names every op once");

const struct gvk_op_line *gvk_op_line_of(int op)
{
    return op > GVK_OP_NONE && op < GVK_OP_END ? lines[op] : NULL;
}

const char *gvk_op_name(const struct gvk_graph_node *node)
{
    const struct gvk_op_line *line = lines[node->op];
    return line->name_of ? line->name_of(node) : line->name;
}

uint64_t gvk_count_macs(const struct gvk_graph_node *node, const struct gvk_shape *shapes)
{
    const struct gvk_op_line *line = lines[node->op];
    const struct gvk_shape *shape = &shapes[node->output];
    uint64_t pixels = (uint64_t)shape->width * shape->height / (node->upsample ? 4 : 1);
    return line->count_macs ? line->count_macs(node, pixels) : 0;
}
