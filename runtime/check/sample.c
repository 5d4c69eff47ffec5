/* Makes samples: graphs of a few nodes that the rewriting turns into a node of just the kind that is to be proven, and
 * what must come of them, computed on the host. */
#include "sample.h"

#include <math.h>
#include <string.h>

#define INPUT_PIXELS  ((size_t)GVK_SAMPLE_WIDTH * GVK_SAMPLE_HEIGHT)
#define MOST_INPUTS   GVK_PROOF_MOST_INPUTS
#define MOST_PLANES   12u /* of a depthwise convolution */
#define GATE_CHANNELS 4u  /* between the two layers of a squeeze-excite */

/* Uniform in [-scale, scale], the same on every machine. */
static float next_number(uint32_t *state, float scale)
{
    *state = *state * 1664525u + 1013904223u;
    return ((float)(*state >> 8) / 8388608.0f - 1.0f) * scale;
}

static gvk_result add_weight(struct gvk_sample *sample, const char *name, uint32_t rank, const uint32_t *shape,
                             uint32_t *state, float scale)
{
    struct gvk_sample_weight *weight = &sample->weights[sample->weight_count];
    size_t count = 1;
    weight->name = name;
    weight->array = (gvk_array){.type = GVK_TYPE_F32, .rank = rank};
    for (uint32_t i = 0; i < rank; i++) {
        weight->array.shape[i] = shape[i];
        count *= shape[i];
    }
    weight->values = gvk_allocate_array(sample->host, count, sizeof *weight->values);
    if (!weight->values)
        return gvk_fail_memory(sample->host);
    sample->weight_count++;
    for (size_t i = 0; i < count; i++)
        weight->values[i] = next_number(state, scale);
    weight->array.data = weight->values;
    weight->array.bytes = count * sizeof *weight->values;
    return GVK_OK;
}

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    const struct gvk_sample *sample = user;
    for (uint32_t i = 0; i < sample->weight_count; i++)
        if (!strcmp(sample->weights[i].name, name)) {
            *out = sample->weights[i].array;
            return GVK_OK;
        }
    return GVK_ERROR_MISMATCH;
}

static const float *values_of(const struct gvk_sample *sample, const char *name)
{
    for (uint32_t i = 0; i < sample->weight_count; i++)
        if (!strcmp(sample->weights[i].name, name))
            return sample->weights[i].values;
    return NULL;
}

static gvk_result make_weights(struct gvk_sample *sample)
{
    uint32_t state = 1;
    const uint32_t each = sample->inputs / sample->groups;
    const uint32_t shape[4] = {sample->outputs, each, sample->kernel, sample->kernel};
    const uint32_t cheap[4] = {sample->outputs, 1, 3, 3};
    const uint32_t reduce[2] = {GATE_CHANNELS, sample->inputs}, expand[2] = {sample->inputs, GATE_CHANNELS};
    float scale = 3.0f / sqrtf((float)(each * sample->kernel * sample->kernel)); /* results of about 1 */
    gvk_result result = add_weight(sample, "convolution.weight", 4, shape, &state, scale);
    if (!result)
        result = add_weight(sample, "convolution.bias", 1, shape, &state, 1.0f);
    if (!result && sample->module)
        result = add_weight(sample, "cheap.weight", 4, cheap, &state, 1.0f);
    if (!result && sample->module)
        result = add_weight(sample, "cheap.bias", 1, cheap, &state, 1.0f);
    if (result || !sample->gate)
        return result;
    result = add_weight(sample, "reduce.weight", 2, reduce, &state, 1.0f);
    if (!result)
        result = add_weight(sample, "reduce.bias", 1, reduce, &state, 1.0f);
    if (!result)
        result = add_weight(sample, "expand.weight", 2, expand, &state, 1.0f);
    if (!result)
        result = add_weight(sample, "expand.bias", 1, expand, &state, 1.0f);
    return result;
}

static gvk_result build_graph(struct gvk_sample *sample)
{
    gvk_result result = gvk_graph_create(sample->host, find_weight, sample, &sample->graph);
    if (result)
        return result;
    gvk_graph *graph = sample->graph;
    gvk_tensor input = gvk_graph_input(graph, "input", sample->inputs), x = input;
    if (sample->gate) {
        gvk_node pool = {.op = GVK_OP_AVERAGE_POOL, .name = "pool", .inputs = {input}};
        gvk_node reduce = {.op = GVK_OP_LINEAR,
                           .name = "reduce",
                           .inputs = {gvk_graph_add(graph, &pool)},
                           .outputs = GATE_CHANNELS,
                           .bias = 1,
                           .activation = GVK_ACTIVATION_RELU};
        gvk_node expand = {.op = GVK_OP_LINEAR,
                           .name = "expand",
                           .inputs = {gvk_graph_add(graph, &reduce)},
                           .outputs = sample->inputs,
                           .bias = 1,
                           .activation = GVK_ACTIVATION_HARD_SIGMOID};
        gvk_node multiply = {
            .op = GVK_OP_MULTIPLY, .name = "multiply", .inputs = {input, gvk_graph_add(graph, &expand)}};
        x = gvk_graph_add(graph, &multiply);
    }
    gvk_node convolution = {.op = GVK_OP_CONVOLUTION,
                            .name = "convolution",
                            .inputs = {x},
                            .outputs = sample->outputs,
                            .kernel = sample->kernel,
                            .stride = sample->stride,
                            .padding = sample->padding,
                            .groups = sample->groups,
                            .bias = 1,
                            .activation = sample->activation};
    gvk_tensor y = gvk_graph_add(graph, &convolution);
    if (sample->upsample) {
        gvk_node upsample = {.op = GVK_OP_UPSAMPLE, .name = "upsample", .inputs = {y}};
        y = gvk_graph_add(graph, &upsample);
    }
    gvk_tensor residual = input, first = input;
    if (sample->module) {
        gvk_node cheap = {.op = GVK_OP_CONVOLUTION,
                          .name = "cheap",
                          .inputs = {y},
                          .kernel = 3,
                          .padding = 1,
                          .groups = sample->outputs,
                          .bias = 1,
                          .activation = sample->activation};
        first = y;
        y = gvk_graph_add(graph, &cheap);
    }
    if (sample->ghost || (sample->module && sample->residual)) {
        gvk_node relu = {.op = GVK_OP_ACTIVATION, .name = "relu", .inputs = {input}, .activation = GVK_ACTIVATION_RELU};
        gvk_node beside = {.op = GVK_OP_CONCAT, .name = "beside", .inputs = {input, gvk_graph_add(graph, &relu)}};
        residual = gvk_graph_add(graph, &beside);
    }
    if (sample->ghost || sample->module) {
        gvk_node both = {.op = GVK_OP_CONCAT, .name = "both", .inputs = {first, y}};
        y = gvk_graph_add(graph, &both);
    }
    if (sample->ghost || sample->residual) {
        gvk_node add = {.op = GVK_OP_ADD, .name = "add", .inputs = {y, residual}};
        y = gvk_graph_add(graph, &add);
    }
    gvk_graph_output(graph, "output", y);
    return gvk_graph_finish(graph);
}

static double activate(gvk_activation activation, double x)
{
    if (activation == GVK_ACTIVATION_HARD_SIGMOID)
        return fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0;
    return activation == GVK_ACTIVATION_RELU ? fmax(x, 0.0) : x;
}

/* One factor a channel of the input. */
static void compute_gate(const struct gvk_sample *sample, double *gate)
{
    const float *reduce = values_of(sample, "reduce.weight"), *reduce_bias = values_of(sample, "reduce.bias");
    const float *expand = values_of(sample, "expand.weight"), *expand_bias = values_of(sample, "expand.bias");
    double mean[MOST_INPUTS] = {0}, inner[GATE_CHANNELS];
    for (uint32_t c = 0; c < sample->inputs; c++) {
        for (size_t p = 0; p < INPUT_PIXELS; p++)
            mean[c] += (double)sample->input[c * INPUT_PIXELS + p];
        mean[c] /= (double)INPUT_PIXELS;
    }
    for (uint32_t i = 0; i < GATE_CHANNELS; i++) {
        inner[i] = (double)reduce_bias[i];
        for (uint32_t c = 0; c < sample->inputs; c++)
            inner[i] += (double)reduce[i * sample->inputs + c] * mean[c];
        inner[i] = fmax(inner[i], 0.0);
    }
    for (uint32_t c = 0; c < sample->inputs; c++) {
        gate[c] = (double)expand_bias[c];
        for (uint32_t i = 0; i < GATE_CHANNELS; i++)
            gate[c] += (double)expand[c * GATE_CHANNELS + i] * inner[i];
        gate[c] = activate(GVK_ACTIVATION_HARD_SIGMOID, gate[c]);
    }
}

/* The convolution's value at an output, activation included. */
static double convolve(const struct gvk_sample *sample, const double *gate, uint32_t output, uint32_t y, uint32_t x)
{
    const float *weight = values_of(sample, "convolution.weight");
    uint32_t each = sample->inputs / sample->groups, kernel = sample->kernel;
    double sum = (double)values_of(sample, "convolution.bias")[output];
    for (uint32_t i = 0; i < each; i++) {
        uint32_t channel = sample->groups > 1 ? output : i;
        double factor = gate ? gate[channel] : 1.0;
        for (uint32_t ky = 0; ky < kernel; ky++)
            for (uint32_t kx = 0; kx < kernel; kx++) {
                uint32_t row = y * sample->stride + ky - sample->padding; /* before the first: large */
                uint32_t column = x * sample->stride + kx - sample->padding;
                if (row >= GVK_SAMPLE_HEIGHT || column >= GVK_SAMPLE_WIDTH)
                    continue;
                size_t at = channel * INPUT_PIXELS + (size_t)row * GVK_SAMPLE_WIDTH + column;
                sum += factor * (double)sample->input[at] *
                       (double)weight[((output * each + i) * kernel + ky) * kernel + kx];
            }
    }
    return activate(sample->activation, sum);
}

/* A ghost module's two halves, the first of which is in `expected` already; then the residual, the input and
 * relu(input). */
static void compute_second_half(struct gvk_sample *sample)
{
    const float *weight = values_of(sample, "cheap.weight"), *bias = values_of(sample, "cheap.bias");
    float *first = sample->expected, *second = sample->expected + sample->outputs * INPUT_PIXELS;
    for (uint32_t o = 0; o < sample->outputs; o++)
        for (uint32_t p = 0; p < INPUT_PIXELS; p++) {
            double sum = (double)bias[o];
            for (uint32_t t = 0; t < 9; t++) {
                uint32_t row = p / GVK_SAMPLE_WIDTH + t / 3 - 1, column = p % GVK_SAMPLE_WIDTH + t % 3 - 1;
                if (row < GVK_SAMPLE_HEIGHT && column < GVK_SAMPLE_WIDTH) /* before the first: large */
                    sum += (double)weight[o * 9 + t] *
                           (double)first[o * INPUT_PIXELS + (size_t)row * GVK_SAMPLE_WIDTH + column];
            }
            second[o * INPUT_PIXELS + p] = (float)activate(sample->activation, sum);
        }
    for (size_t i = 0; sample->residual && i < sample->outputs * INPUT_PIXELS; i++) {
        first[i] += sample->input[i];
        second[i] += fmaxf(sample->input[i], 0.0f);
    }
}

static gvk_result compute_expected(struct gvk_sample *sample)
{
    uint32_t scale = sample->upsample ? 2 : 1;
    uint32_t inner_width = (GVK_SAMPLE_WIDTH + 2 * sample->padding - sample->kernel) / sample->stride + 1;
    uint32_t inner_height = (GVK_SAMPLE_HEIGHT + 2 * sample->padding - sample->kernel) / sample->stride + 1;
    sample->width = inner_width * scale;
    sample->height = inner_height * scale;
    sample->channels = sample->ghost || sample->module ? 2 * sample->outputs : sample->outputs;
    size_t pixels = (size_t)sample->width * sample->height;
    sample->expected = gvk_allocate_array(sample->host, sample->channels * pixels, sizeof *sample->expected);
    if (!sample->expected)
        return gvk_fail_memory(sample->host);
    double gate[MOST_INPUTS];
    if (sample->gate)
        compute_gate(sample, gate);
    for (uint32_t o = 0; o < sample->outputs; o++)
        for (uint32_t p = 0; p < inner_width * inner_height; p++) {
            uint32_t y = p / inner_width, x = p % inner_width;
            double value = convolve(sample, sample->gate ? gate : NULL, o, y, x);
            if (sample->ghost) {
                float first = sample->input[o * pixels + p];
                sample->expected[o * pixels + p] = 2.0f * first;
                sample->expected[(o + sample->outputs) * pixels + p] = (float)(value + fmax((double)first, 0.0));
                continue;
            }
            if (sample->residual && !sample->module)
                value += (double)sample->input[o * pixels + p];
            for (uint32_t i = 0; i < scale * scale; i++)
                sample->expected[o * pixels + (size_t)(y * scale + i / scale) * sample->width + x * scale + i % scale] =
                    (float)value;
        }
    if (sample->module)
        compute_second_half(sample);
    return GVK_OK;
}

gvk_result gvk_sample_create(const gvk_host *host, const struct gvk_graph_node *node, uint32_t inputs, uint32_t outputs,
                             struct gvk_sample **out)
{
    struct gvk_sample *sample = gvk_allocate(host, sizeof *sample);
    if (!sample)
        return gvk_fail_memory(host);
    bool depthwise = gvk_is_depthwise(node);
    sample->host = host;
    sample->ghost = depthwise && node->residual;
    sample->module = node->op == GVK_OP_GHOST;
    sample->residual = !depthwise && node->residual;
    sample->gate = node->gate != 0;
    sample->upsample = node->upsample;
    sample->kernel = node->op == GVK_OP_LINEAR ? 1 : node->kernel;
    sample->stride = node->op == GVK_OP_LINEAR ? 1 : node->stride;
    sample->padding = node->op == GVK_OP_LINEAR ? 0 : node->padding;
    sample->outputs = depthwise ? MOST_PLANES : outputs;
    if (sample->residual && inputs > outputs)
        sample->outputs = inputs;
    sample->inputs = depthwise ? MOST_PLANES : sample->residual ? sample->outputs : inputs;
    sample->groups = depthwise ? MOST_PLANES : 1;
    /* Shift, bounds and scale of an activation are all in this one. A residual is added to a bare convolution. */
    sample->activation = sample->residual && !sample->module ? GVK_ACTIVATION_NONE : GVK_ACTIVATION_HARD_SIGMOID;
    gvk_result result = make_weights(sample);
    if (result)
        goto fail;
    sample->input = gvk_allocate_array(host, sample->inputs * INPUT_PIXELS, sizeof *sample->input);
    if (!sample->input) {
        result = gvk_fail_memory(host);
        goto fail;
    }
    uint32_t state = 2;
    for (size_t i = 0; i < sample->inputs * INPUT_PIXELS; i++)
        sample->input[i] = next_number(&state, 1.0f);
    result = compute_expected(sample);
    if (!result)
        result = build_graph(sample);
    if (result)
        goto fail;
    *out = sample;
    return GVK_OK;
fail:
    gvk_sample_destroy(sample);
    return result;
}

void gvk_sample_destroy(struct gvk_sample *sample)
{
    if (!sample)
        return;
    const gvk_host *host = sample->host;
    gvk_graph_destroy(sample->graph);
    for (uint32_t i = 0; i < sample->weight_count; i++)
        gvk_release(host, sample->weights[i].values);
    gvk_release(host, sample->input);
    gvk_release(host, sample->expected);
    gvk_release(host, sample);
}
