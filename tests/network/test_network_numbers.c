/* The graphs compute what PyTorch computes, by the plainest interpreter there can be. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opening.h"
#include "tests/filler/filler.h"

static float activate(float x, gvk_activation activation)
{
    switch (activation) {
    case GVK_ACTIVATION_RELU: return x > 0 ? x : 0;
    case GVK_ACTIVATION_RELU6: return x > 0 ? (x < 6 ? x : 6) : 0;
    case GVK_ACTIVATION_HARD_SIGMOID: return activate(x + 3, GVK_ACTIVATION_RELU6) / 6;
    case GVK_ACTIVATION_HARD_SWISH: return x * activate(x + 3, GVK_ACTIVATION_RELU6) / 6;
    default: return x;
    }
}

static float *copy_floats(const gvk_array *array)
{
    assert_int_equal(array->type, GVK_TYPE_F32);
    float *floats = malloc((size_t)array->bytes + 1);
    assert_non_null(floats);
    memcpy(floats, array->data, (size_t)array->bytes);
    return floats;
}

static size_t count_values(const struct gvk_shape *shape)
{
    return (size_t)shape->channels * shape->height * shape->width;
}

static void convolve(const struct gvk_graph_node *node, const float *in, const struct gvk_shape *from, float *out,
                     const struct gvk_shape *to)
{
    float *weights = copy_floats(&node->weight), *bias = node->bias.data ? copy_floats(&node->bias) : NULL;
    uint32_t inputs = node->input_channels / node->groups, kernel = node->kernel;
    for (uint32_t c = 0; c < to->channels; c++)
        for (uint32_t y = 0; y < to->height; y++)
            for (uint32_t x = 0; x < to->width; x++) {
                double sum = bias ? (double)bias[c] : 0;
                for (uint32_t i = 0; i < inputs; i++)
                    for (uint32_t ky = 0; ky < kernel; ky++)
                        for (uint32_t kx = 0; kx < kernel; kx++) {
                            uint32_t sy = y * node->stride + ky - node->padding; /* wraps above the input */
                            uint32_t sx = x * node->stride + kx - node->padding;
                            size_t source = node->groups > 1 ? c : i;
                            if (sy < from->height && sx < from->width)
                                sum += (double)in[(source * from->height + sy) * from->width + sx] *
                                       (double)weights[(((size_t)c * inputs + i) * kernel + ky) * kernel + kx];
                        }
                out[((size_t)c * to->height + y) * to->width + x] = activate((float)sum, node->activation);
            }
    free(weights);
    free(bias);
}

static void normalise(const struct gvk_graph_node *node, const float *in, float *out, const struct gvk_shape *shape)
{
    float *weight = copy_floats(&node->norm.weight), *bias = copy_floats(&node->norm.bias);
    float *mean = copy_floats(&node->norm.mean), *variance = copy_floats(&node->norm.variance);
    size_t plane = (size_t)shape->height * shape->width;
    for (size_t i = 0; i < count_values(shape); i++) {
        size_t c = i / plane;
        double scaled = ((double)in[i] - (double)mean[c]) / sqrt((double)variance[c] + node->norm.epsilon);
        out[i] = activate((float)(scaled * (double)weight[c] + (double)bias[c]), node->activation);
    }
    free(weight);
    free(bias);
    free(mean);
    free(variance);
}

static void pool_largest(uint32_t kernel, const float *in, float *out, const struct gvk_shape *shape)
{
    uint32_t half = kernel / 2;
    for (uint32_t c = 0; c < shape->channels; c++)
        for (uint32_t y = 0; y < shape->height; y++)
            for (uint32_t x = 0; x < shape->width; x++) {
                const float *plane = in + (size_t)c * shape->height * shape->width;
                float largest = -INFINITY;
                for (uint32_t sy = y > half ? y - half : 0; sy <= y + half && sy < shape->height; sy++)
                    for (uint32_t sx = x > half ? x - half : 0; sx <= x + half && sx < shape->width; sx++)
                        largest = fmaxf(largest, plane[sy * shape->width + sx]);
                out[((size_t)c * shape->height + y) * shape->width + x] = largest;
            }
}

static void average(const float *in, const struct gvk_shape *from, float *out)
{
    size_t plane = (size_t)from->height * from->width;
    for (size_t c = 0; c < from->channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < plane; i++)
            sum += (double)in[c * plane + i];
        out[c] = (float)(sum / (double)plane);
    }
}

static void upsample(const float *in, float *out, const struct gvk_shape *to)
{
    for (size_t c = 0; c < to->channels; c++)
        for (size_t y = 0; y < to->height; y++)
            for (size_t x = 0; x < to->width; x++)
                out[(c * to->height + y) * to->width + x] =
                    in[(c * (to->height / 2) + y / 2) * (to->width / 2) + x / 2];
}

static void run_node(const struct gvk_graph_node *node, const struct gvk_shape *shapes, float **tensors)
{
    const struct gvk_shape *from = &shapes[node->inputs[0]], *to = &shapes[node->output];
    const float *in = tensors[node->inputs[0]];
    size_t count = count_values(to), plane = (size_t)to->height * to->width, used = 0;
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    tensors[node->output] = out;
    switch (node->op) {
    case GVK_OP_CONVOLUTION:
    case GVK_OP_LINEAR: convolve(node, in, from, out, to); break;
    case GVK_OP_BATCH_NORM: normalise(node, in, out, to); break;
    case GVK_OP_MAX_POOL: pool_largest(node->kernel, in, out, to); break;
    case GVK_OP_AVERAGE_POOL: average(in, from, out); break;
    case GVK_OP_UPSAMPLE: upsample(in, out, to); break;
    case GVK_OP_MULTIPLY:
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] * tensors[node->inputs[1]][i / plane];
        break;
    case GVK_OP_ADD:
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] + tensors[node->inputs[1]][i];
        break;
    case GVK_OP_CONCAT:
        for (uint32_t i = 0; i < node->input_count; i++) {
            size_t part = count_values(&shapes[node->inputs[i]]);
            memcpy(out + used, tensors[node->inputs[i]], part * sizeof *out);
            used += part;
        }
        break;
    default: fail_msg("%s has an op that networks do not use", node->name);
    }
}

static void compare_output(const char *golden, const char *name, const gvk_array *wanted, const float *got,
                           size_t count)
{
    float *expected = copy_floats(wanted), largest = 0, worst = 0;
    assert_true(wanted->bytes / 4 >= count); /* the golden may hold further items of a batch */
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(expected[i]));
        worst = fmaxf(worst, fabsf(expected[i] - got[i]));
    }
    free(expected);
    if (!(worst <= largest * 1e-5f))
        fail_msg("%s: %s is off by %g of %g", golden, name, (double)worst, (double)largest);
}

static void check_golden(const char *golden, enum network_kind kind, double width, uint32_t class_count, uint32_t side)
{
    struct recorder recorder = {0};
    gvk_host host = recording_host(&recorder);
    gvk_network *network = open_made(&recorder, kind, width, class_count);
    const gvk_graph *graph = gvk_network_graph(network);
    struct gvk_shape *shapes = make_shapes(graph, side, side);
    float **tensors = calloc(graph->tensor_count, sizeof *tensors);
    assert_non_null(tensors);
    gvk_tensor input = graph->inputs[0].tensor;
    tensors[input] = malloc(count_values(&shapes[input]) * sizeof(float));
    assert_non_null(tensors[input]);
    fill_input("input", (const uint64_t[4]){1, 3, side, side}, tensors[input]);
    for (uint32_t i = 0; i < graph->node_count; i++)
        run_node(&graph->nodes[i], shapes, tensors);

    char path[512];
    snprintf(path, sizeof path, GVK_TEST_DATA_DIR "/goldens/%s.safetensors", golden);
    gvk_checkpoint *expected = NULL;
    if (gvk_checkpoint_open_path(&host, path, &expected))
        fail_msg("%s", recorder.last);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        const struct gvk_graph_port *output = &graph->outputs[i];
        const gvk_checkpoint_tensor *wanted = gvk_checkpoint_find(expected, output->name);
        assert_non_null(wanted);
        compare_output(golden, output->name, &wanted->array, tensors[output->tensor],
                       count_values(&shapes[output->tensor]));
    }
    gvk_checkpoint_destroy(expected);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        free(tensors[i]);
    free(tensors);
    free(shapes);
    close_good(&recorder, network);
}

static void the_graphs_compute_what_pytorch_computes(void **state)
{
    (void)state;
    check_golden("detector_w050_c3_64x64_b1", NETWORK_DETECTOR, 0.5, 3, 64);
    check_golden("detector_w100_c20_64x64_b1", NETWORK_DETECTOR, 1.0, 20, 64);
    check_golden("detector_w130_c80_64x64_b1", NETWORK_DETECTOR, 1.3, 80, 64);
    check_golden("classifier_w050_c10_224x224_b2", NETWORK_CLASSIFIER, 0.5, 10, 224);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_graphs_compute_what_pytorch_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
