/* Weights as the graph's host gives them, read as fp32 with batch norms folded in. Called by the kernel files when they
 * pack weights. */
#include <math.h>
#include <string.h>

#include "kernel.h"
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
