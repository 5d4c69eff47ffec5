/* The ops of gvk.h as their definitions read, in double precision. See reference_kernels.h. */
#include "reference_kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON       1e-5
#define FIRST_OUTPUT  2
#define FP32_INTEGERS 16777216.0 /* up to here fp32 holds every integer */
#define INPUT_STEP    0.25
#define WEIGHT_STEP   0.25
#define INPUT_LARGEST 2.0

static void *allocate(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size);
    assert_non_null(block);
    return block;
}

/* ---- building ---- */

gvk_tensor reference_start(struct reference_graph *graph, uint64_t seed, uint32_t input_channels)
{
    memset(graph, 0, sizeof *graph);
    graph->seed = graph->random = seed;
    graph->input_channels = input_channels;
    graph->tensors[1].channels = input_channels;
    return 1;
}

uint32_t reference_channels(const struct reference_graph *graph, gvk_tensor tensor)
{
    return graph->tensors[tensor].channels;
}

void reference_output(struct reference_graph *graph, gvk_tensor tensor)
{
    assert_in_range(graph->output_count, 0, REFERENCE_MAX_OUTPUTS - 1);
    graph->outputs[graph->output_count++] = tensor;
}

/* Quarter steps are exact in half precision and in bfloat16 too. */
static uint16_t half_of(float value)
{
    int exponent;
    float fraction = frexpf(fabsf(value), &exponent);
    if (fraction == 0)
        return 0;
    uint32_t bits = (uint32_t)(exponent - 1 + 15) << 10 | ((uint32_t)(fraction * 2048.0f) & 1023u);
    return (uint16_t)(bits | (value < 0 ? 0x8000u : 0u));
}

static uint16_t bfloat_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static void store_weight(struct reference_weight *weight, gvk_type type, size_t count)
{
    size_t size = type == GVK_TYPE_F32 ? 4 : 2;
    free(weight->stored);
    weight->stored = allocate(count, size);
    for (size_t i = 0; i < count; i++) {
        uint16_t half = type == GVK_TYPE_F16 ? half_of(weight->values[i]) : bfloat_of(weight->values[i]);
        unsigned char *to = (unsigned char *)weight->stored + i * size;
        memcpy(to, size == 4 ? (const void *)&weight->values[i] : (const void *)&half, size);
    }
    weight->array.type = type;
    weight->array.data = weight->stored;
    weight->array.bytes = count * size;
}

static size_t elements_of(const gvk_array *array)
{
    size_t count = 1;
    for (uint32_t i = 0; i < array->rank; i++)
        count *= (size_t)array->shape[i];
    return count;
}

static void draw_weight(struct reference_graph *graph, struct reference_weight *weight, gvk_array array, bool positive)
{
    size_t count = elements_of(&array);
    weight->array = array;
    weight->values = allocate(count, sizeof *weight->values);
    for (size_t i = 0; i < count; i++) {
        weight->values[i] = quarter_step(&graph->random);
        if (positive)
            weight->values[i] = fabsf(weight->values[i]) + 0.25f;
    }
    const gvk_type types[4] = {GVK_TYPE_F32, GVK_TYPE_F32, GVK_TYPE_F16, GVK_TYPE_BF16};
    store_weight(weight, types[random_below(&graph->random, 4)], count);
}

static void draw_weights(struct reference_graph *graph, const gvk_node *node, uint32_t inputs, uint32_t outputs,
                         struct reference_weight *weights)
{
    gvk_array vector = {.rank = 1, .shape = {outputs}};
    if (node->op == GVK_OP_CONVOLUTION) {
        gvk_array shape = {.rank = 4, .shape = {outputs, inputs / node->groups, node->kernel, node->kernel}};
        draw_weight(graph, &weights[REFERENCE_WEIGHT], shape, false);
    } else if (node->op == GVK_OP_LINEAR) {
        draw_weight(graph, &weights[REFERENCE_WEIGHT], (gvk_array){.rank = 2, .shape = {outputs, inputs}}, false);
    } else if (node->op == GVK_OP_BATCH_NORM) {
        draw_weight(graph, &weights[REFERENCE_WEIGHT], vector, false);
        draw_weight(graph, &weights[REFERENCE_MEAN], vector, false);
        draw_weight(graph, &weights[REFERENCE_VARIANCE], vector, true);
    }
    if (node->op == GVK_OP_LINEAR || node->op == GVK_OP_BATCH_NORM || (node->op == GVK_OP_CONVOLUTION && node->bias))
        draw_weight(graph, &weights[REFERENCE_BIAS], vector, false);
}

gvk_tensor reference_add(struct reference_graph *graph, gvk_node node)
{
    assert_in_range(graph->node_count, 0, REFERENCE_MAX_NODES - 1);
    uint32_t index = graph->node_count++;
    snprintf(graph->names[index], sizeof graph->names[index], "node%u", index);
    node.name = graph->names[index];
    uint32_t inputs = reference_channels(graph, node.inputs[0]), outputs = inputs;
    if (node.op == GVK_OP_CONVOLUTION || node.op == GVK_OP_LINEAR) {
        outputs = node.outputs ? node.outputs : inputs;
        node.kernel = node.kernel ? node.kernel : 1;
        node.stride = node.stride ? node.stride : 1;
        node.groups = node.groups ? node.groups : 1;
    }
    for (uint32_t i = 1; i < 4 && node.op == GVK_OP_CONCAT && node.inputs[i]; i++)
        outputs += reference_channels(graph, node.inputs[i]);
    graph->nodes[index] = node;
    graph->weight_steps[index] = WEIGHT_STEP;
    graph->tensors[FIRST_OUTPUT + index].channels = outputs;
    draw_weights(graph, &node, inputs, outputs, graph->weights[index]);
    return FIRST_OUTPUT + index;
}

void reference_scale_weights(struct reference_graph *graph, gvk_tensor output, float factor)
{
    graph->weight_steps[output - FIRST_OUTPUT] *= (double)factor;
    for (int i = REFERENCE_WEIGHT; i <= REFERENCE_BIAS; i++) {
        struct reference_weight *weight = &graph->weights[output - FIRST_OUTPUT][i];
        if (!weight->values)
            continue;
        size_t count = elements_of(&weight->array);
        for (size_t j = 0; j < count; j++)
            weight->values[j] *= factor;
        store_weight(weight, weight->array.type, count);
    }
}

void reference_release(struct reference_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (int j = 0; j < REFERENCE_WEIGHT_COUNT; j++) {
            free(graph->weights[i][j].values);
            free(graph->weights[i][j].stored);
        }
    for (uint32_t i = 0; i < REFERENCE_MAX_NODES + FIRST_OUTPUT; i++)
        free(graph->tensors[i].values);
    memset(graph, 0, sizeof *graph);
}

gvk_result reference_find_weight(void *user, const char *name, gvk_array *out)
{
    static const char *const suffixes[REFERENCE_WEIGHT_COUNT] = {"weight", "bias", "running_mean", "running_var"};
    const struct reference_graph *graph = user;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        size_t length = strlen(graph->names[i]);
        if (strncmp(name, graph->names[i], length) != 0 || name[length] != '.')
            continue;
        for (int j = 0; j < REFERENCE_WEIGHT_COUNT; j++)
            if (!strcmp(name + length + 1, suffixes[j]) && graph->weights[i][j].values) {
                *out = graph->weights[i][j].array;
                return GVK_OK;
            }
    }
    return GVK_ERROR_MISMATCH;
}

/* ---- evaluating ---- */

static size_t at(const struct reference_tensor *tensor, uint32_t item, uint32_t channel, uint32_t y, uint32_t x)
{
    return (((size_t)item * tensor->channels + channel) * tensor->height + y) * tensor->width + x;
}

static size_t count_of(const struct reference_graph *graph, const struct reference_tensor *tensor)
{
    return (size_t)graph->batch * tensor->channels * tensor->height * tensor->width;
}

static double activate(gvk_activation activation, double x)
{
    switch (activation) {
    case GVK_ACTIVATION_RELU: return x < 0 ? 0 : x;
    case GVK_ACTIVATION_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case GVK_ACTIVATION_HARD_SIGMOID: return activate(GVK_ACTIVATION_RELU6, x + 3) / 6;
    case GVK_ACTIVATION_HARD_SWISH: return x * activate(GVK_ACTIVATION_RELU6, x + 3) / 6;
    case GVK_ACTIVATION_NONE: break;
    }
    return x;
}

static void activate_all(const struct reference_graph *graph, gvk_activation activation,
                         struct reference_tensor *tensor)
{
    size_t count = count_of(graph, tensor);
    for (size_t i = 0; i < count; i++)
        tensor->values[i] = activate(activation, tensor->values[i]);
    if (activation == GVK_ACTIVATION_HARD_SIGMOID) {
        tensor->exact = false;
        tensor->magnitude = (tensor->magnitude + 3) / 6;
    } else if (activation == GVK_ACTIVATION_HARD_SWISH) { /* what it is off by grows by half at most */
        tensor->exact = false;
        tensor->magnitude *= 1.5;
    }
}

struct convolution {
    const gvk_node *node;
    const struct reference_weight *weights;
    const struct reference_tensor *in;
    struct reference_tensor *out;
    double weight_step;
};

static void convolve_one(const struct convolution *c, uint32_t item, uint32_t output, uint32_t y, uint32_t x)
{
    const float *weight = c->weights[REFERENCE_WEIGHT].values, *bias = c->weights[REFERENCE_BIAS].values;
    uint32_t group_inputs = c->in->channels / c->node->groups, kernel = c->node->kernel;
    uint32_t first = output / (c->out->channels / c->node->groups) * group_inputs;
    double sum = bias ? (double)bias[output] : 0, magnitude = fabs(sum);
    for (uint32_t i = 0; i < group_inputs; i++)
        for (uint32_t ky = 0; ky < kernel; ky++)
            for (uint32_t kx = 0; kx < kernel; kx++) {
                int64_t from_y = (int64_t)y * c->node->stride + ky - c->node->padding;
                int64_t from_x = (int64_t)x * c->node->stride + kx - c->node->padding;
                if (from_y < 0 || from_x < 0 || from_y >= c->in->height || from_x >= c->in->width)
                    continue;
                double product = (double)weight[(((size_t)output * group_inputs + i) * kernel + ky) * kernel + kx] *
                                 c->in->values[at(c->in, item, first + i, (uint32_t)from_y, (uint32_t)from_x)];
                sum += product;
                magnitude += fabs(product);
            }
    c->out->values[at(c->out, item, output, y, x)] = sum;
    c->out->magnitude = fmax(c->out->magnitude, magnitude);
}

static void convolve(const struct reference_graph *graph, const struct convolution *c)
{
    for (uint32_t item = 0; item < graph->batch; item++)
        for (uint32_t output = 0; output < c->out->channels; output++)
            for (uint32_t y = 0; y < c->out->height; y++)
                for (uint32_t x = 0; x < c->out->width; x++)
                    convolve_one(c, item, output, y, x);
    c->out->step = c->in->step * c->weight_step;
}

static void normalize(const struct reference_graph *graph, const struct reference_weight *weights,
                      const struct reference_tensor *in, struct reference_tensor *out)
{
    size_t pixels = (size_t)in->height * in->width;
    for (uint32_t c = 0; c < in->channels; c++) {
        double scale =
            (double)weights[REFERENCE_WEIGHT].values[c] / sqrt((double)weights[REFERENCE_VARIANCE].values[c] + EPSILON);
        double shift = (double)weights[REFERENCE_BIAS].values[c] - (double)weights[REFERENCE_MEAN].values[c] * scale;
        for (uint32_t item = 0; item < graph->batch; item++)
            for (size_t p = 0; p < pixels; p++) {
                size_t i = at(in, item, c, 0, 0) + p;
                out->values[i] = in->values[i] * scale + shift;
            }
        out->magnitude = fmax(out->magnitude, in->magnitude * fabs(scale) + fabs(shift));
    }
    out->exact = false;
}

/* Concat, and everything else that moves or combines values. */
static double combine_one(const struct reference_graph *graph, const gvk_node *node, const struct reference_tensor *in,
                          uint32_t item, uint32_t channel, uint32_t y, uint32_t x)
{
    const struct reference_tensor *second = &graph->tensors[node->inputs[1]];
    uint32_t reach = node->kernel / 2;
    double value = -INFINITY;
    switch (node->op) {
    case GVK_OP_CONCAT:
        for (uint32_t i = 0; i < 4 && node->inputs[i]; i++) {
            const struct reference_tensor *part = &graph->tensors[node->inputs[i]];
            if (channel < part->channels)
                return part->values[at(part, item, channel, y, x)];
            channel -= part->channels;
        }
        return NAN;
    case GVK_OP_UPSAMPLE: return in->values[at(in, item, channel, y / 2, x / 2)];
    case GVK_OP_MAX_POOL:
        for (uint32_t j = y < reach ? 0 : y - reach; j <= y + reach && j < in->height; j++)
            for (uint32_t i = x < reach ? 0 : x - reach; i <= x + reach && i < in->width; i++)
                value = fmax(value, in->values[at(in, item, channel, j, i)]);
        return value;
    case GVK_OP_AVERAGE_POOL:
        value = 0;
        for (uint32_t j = 0; j < in->height; j++)
            for (uint32_t i = 0; i < in->width; i++)
                value += in->values[at(in, item, channel, j, i)];
        return value / ((double)in->height * in->width);
    case GVK_OP_MULTIPLY:
        return in->values[at(in, item, channel, y, x)] * second->values[at(second, item, channel, 0, 0)];
    case GVK_OP_ADD: return in->values[at(in, item, channel, y, x)] + second->values[at(second, item, channel, y, x)];
    default: return in->values[at(in, item, channel, y, x)];
    }
}

static void combine(const struct reference_graph *graph, const gvk_node *node, const struct reference_tensor *in,
                    struct reference_tensor *out)
{
    for (uint32_t item = 0; item < graph->batch; item++)
        for (uint32_t channel = 0; channel < out->channels; channel++)
            for (uint32_t y = 0; y < out->height; y++)
                for (uint32_t x = 0; x < out->width; x++)
                    out->values[at(out, item, channel, y, x)] = combine_one(graph, node, in, item, channel, y, x);
    out->magnitude = in->magnitude;
    for (uint32_t i = 1; i < 4 && node->inputs[i]; i++) {
        const struct reference_tensor *other = &graph->tensors[node->inputs[i]];
        out->exact = out->exact && other->exact;
        out->step = node->op == GVK_OP_MULTIPLY ? out->step * other->step : fmin(out->step, other->step);
        out->magnitude = node->op == GVK_OP_MULTIPLY ? out->magnitude * other->magnitude
                         : node->op == GVK_OP_ADD    ? out->magnitude + other->magnitude
                                                     : fmax(out->magnitude, other->magnitude);
    }
    if (node->op == GVK_OP_AVERAGE_POOL)
        out->exact = false;
}

static void shape_output(const gvk_node *node, const struct reference_tensor *in, struct reference_tensor *out)
{
    out->height = in->height;
    out->width = in->width;
    if (node->op == GVK_OP_CONVOLUTION) {
        out->height = (in->height + 2 * node->padding - node->kernel) / node->stride + 1;
        out->width = (in->width + 2 * node->padding - node->kernel) / node->stride + 1;
    } else if (node->op == GVK_OP_UPSAMPLE) {
        out->height *= 2;
        out->width *= 2;
    } else if (node->op == GVK_OP_AVERAGE_POOL) {
        out->height = out->width = 1;
    }
}

void reference_evaluate(struct reference_graph *graph, const float *input, uint32_t batch, uint32_t height,
                        uint32_t width)
{
    graph->batch = batch;
    graph->height = height;
    graph->width = width;
    struct reference_tensor *first = &graph->tensors[1];
    *first = (struct reference_tensor){.channels = graph->input_channels,
                                       .height = height,
                                       .width = width,
                                       .values = first->values,
                                       .step = INPUT_STEP,
                                       .magnitude = INPUT_LARGEST,
                                       .exact = true};
    size_t count = count_of(graph, first);
    free(first->values);
    first->values = allocate(count, sizeof *first->values);
    for (size_t i = 0; i < count; i++)
        first->values[i] = (double)input[i];
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const gvk_node *node = &graph->nodes[i];
        const struct reference_tensor *in = &graph->tensors[node->inputs[0]];
        struct reference_tensor *out = &graph->tensors[FIRST_OUTPUT + i];
        shape_output(node, in, out);
        free(out->values);
        out->values = allocate(count_of(graph, out), sizeof *out->values);
        out->step = in->step;
        out->magnitude = 0;
        out->exact = in->exact;
        if (node->op == GVK_OP_CONVOLUTION || node->op == GVK_OP_LINEAR)
            convolve(graph, &(struct convolution){node, graph->weights[i], in, out, graph->weight_steps[i]});
        else if (node->op == GVK_OP_BATCH_NORM)
            normalize(graph, graph->weights[i], in, out);
        else
            combine(graph, node, in, out);
        activate_all(graph, node->activation, out);
        out->exact = out->exact && out->magnitude / out->step <= FP32_INTEGERS;
    }
}

/* ---- printing ---- */

void reference_print(const struct reference_graph *graph)
{
    static const char *const ops[] = {"none",     "convolution",  "batch norm", "activation", "concat", "upsample",
                                      "max pool", "average pool", "multiply",   "add",        "linear"};
    static const char *const activations[] = {"none", "relu", "relu6", "hard sigmoid", "hard swish"};
    print_error("seed %llu, input %u x %u x %u x %u (tensor 1)\n", (unsigned long long)graph->seed, graph->batch,
                graph->input_channels, graph->height, graph->width);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const gvk_node *node = &graph->nodes[i];
        const struct reference_tensor *out = &graph->tensors[FIRST_OUTPUT + i];
        print_error(
            "  tensor %u = %s(%u %u %u %u): %u x %u x %u, kernel %u, stride %u, padding %u, groups %u, bias %d, "
            "activation %s, weights %d %d %d %d\n",
            FIRST_OUTPUT + i, ops[node->op], node->inputs[0], node->inputs[1], node->inputs[2], node->inputs[3],
            out->channels, out->height, out->width, node->kernel, node->stride, node->padding, node->groups, node->bias,
            activations[node->activation], (int)graph->weights[i][0].array.type, (int)graph->weights[i][1].array.type,
            (int)graph->weights[i][2].array.type, (int)graph->weights[i][3].array.type);
    }
    for (uint32_t i = 0; i < graph->output_count; i++)
        print_error("  out%u = tensor %u\n", i, graph->outputs[i]);
}
