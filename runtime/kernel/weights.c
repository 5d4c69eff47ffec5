/* Weights as the graph's host gives them, read as fp32 with batch norms folded in, and packed. */
#include "weights.h"

#include <math.h>
#include <string.h>

#include "runtime/base/half.h"

static void convert(const gvk_array *array, uint64_t first, uint64_t count, float *out)
{
    const unsigned char *bytes = array->data;
    if (!bytes) {
        memset(out, 0, (size_t)count * sizeof *out);
    } else if (array->type == GVK_TYPE_F32) {
        memcpy(out, bytes + first * 4, (size_t)count * 4);
    } else {
        bytes += first * 2;
        for (uint64_t i = 0; i < count; i++) {
            uint16_t half = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
            out[i] = array->type == GVK_TYPE_F16 ? gvk_float_of_half(half) : gvk_float_of_bits((uint32_t)half << 16);
        }
    }
}

gvk_result gvk_read_weights(const gvk_host *host, const gvk_array *array, uint64_t count, float **out)
{
    float *values =
        count > SIZE_MAX / sizeof *values ? NULL : gvk_allocate_unfilled(host, (size_t)count * sizeof *values);
    if (!values)
        return gvk_fail_memory(host);
    convert(array, 0, count, values);
    *out = values;
    return GVK_OK;
}

/* The norm's factors, and its shift added to the bias. */
static gvk_result fold_norm(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_folded_weights *weights)
{
    const gvk_array *arrays[4] = {&node->norm.weight, &node->norm.bias, &node->norm.mean, &node->norm.variance};
    float *norm[4] = {0};
    uint64_t outputs = node->output_channels;
    gvk_result result = GVK_OK;
    weights->scales = gvk_allocate_array(host, (size_t)outputs, sizeof *weights->scales);
    if (!weights->scales)
        return gvk_fail_memory(host);
    for (int i = 0; i < 4 && !result; i++)
        result = gvk_read_weights(host, arrays[i], outputs, &norm[i]);
    for (uint64_t o = 0; o < outputs && !result; o++) {
        double scale = (double)norm[0][o] / sqrt((double)norm[3][o] + node->norm.epsilon);
        weights->scales[o] = scale;
        weights->bias[o] = (float)((double)norm[1][o] + ((double)weights->bias[o] - (double)norm[2][o]) * scale);
    }
    for (int i = 0; i < 4; i++)
        gvk_release(host, norm[i]);
    return result;
}

gvk_result gvk_fold_weights(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_folded_weights *out)
{
    struct gvk_folded_weights made = {
        .array = &node->weight,
        .each = (uint64_t)node->input_channels / node->groups * node->kernel * node->kernel,
    };
    gvk_result result = gvk_read_weights(host, &node->bias, node->output_channels, &made.bias);
    if (!result) {
        made.row = gvk_allocate_array(host, (size_t)made.each, sizeof *made.row);
        result = made.row ? GVK_OK : gvk_fail_memory(host);
    }
    if (!result && node->norm.present)
        result = fold_norm(host, node, &made);
    if (result)
        gvk_release_weights(host, &made);
    else
        *out = made;
    return result;
}

const float *gvk_folded_row(const struct gvk_folded_weights *weights, uint64_t output)
{
    convert(weights->array, output * weights->each, weights->each, weights->row);
    for (uint64_t i = 0; weights->scales && i < weights->each; i++)
        weights->row[i] = (float)((double)weights->row[i] * weights->scales[output]);
    return weights->row;
}

void gvk_release_weights(const gvk_host *host, struct gvk_folded_weights *weights)
{
    gvk_release(host, weights->scales);
    gvk_release(host, weights->bias);
    gvk_release(host, weights->row);
    *weights = (struct gvk_folded_weights){0};
}

gvk_result gvk_pack_pointwise(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_block_layout layout,
                              float *weight, float *bias)
{
    struct gvk_folded_weights weights;
    gvk_result result = gvk_fold_weights(host, node, &weights);
    if (result)
        return result;
    uint64_t block = 4 * (uint64_t)layout.quads, input_quads = gvk_quads(node->input_channels);
    uint64_t input_step = layout.by_input ? 4 : 1, output_step = layout.by_input ? 1 : 4;
    for (uint64_t o = 0; o < node->output_channels; o++) {
        const float *row = gvk_folded_row(&weights, o);
        uint64_t quad = (o / block) * input_quads * layout.weights + o % block / 4 * 4; /* of the first input */
        for (uint64_t i = 0; i < node->input_channels; i++)
            weight[(quad + i / 4 * layout.weights) * 4 + i % 4 * input_step + o % 4 * output_step] = row[i];
    }
    for (uint64_t o = 0; o < node->output_channels; o++)
        bias[o] = weights.bias[o];
    gvk_release_weights(host, &weights);
    return GVK_OK;
}

gvk_result gvk_pack_depthwise(const gvk_host *host, const struct gvk_graph_node *node, float *out)
{
    struct gvk_folded_weights weights;
    gvk_result result = gvk_fold_weights(host, node, &weights);
    if (result)
        return result;
    uint64_t taps = (uint64_t)node->kernel * node->kernel;
    for (uint64_t c = 0; c < node->input_channels; c++) {
        const float *row = gvk_folded_row(&weights, c);
        float *quad = out + (c / 4) * (taps + 1) * 4 + c % 4;
        for (uint64_t t = 0; t < taps; t++)
            quad[t * 4] = row[t];
        quad[taps * 4] = weights.bias[c];
    }
    gvk_release_weights(host, &weights);
    return GVK_OK;
}
