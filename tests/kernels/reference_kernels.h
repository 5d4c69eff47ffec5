/* Every op of gvk.h in plain C and double precision, and small graphs of such nodes with weights of their own.
 * test_kernels.c hands the same graph to the runtime and compares. Nothing here knows how the runtime computes. */
#ifndef GVK_TEST_REFERENCE_KERNELS_H
#define GVK_TEST_REFERENCE_KERNELS_H

#include "tests/support/harness.h"

#define REFERENCE_MAX_NODES   40
#define REFERENCE_MAX_OUTPUTS 4

/* A tensor's values, and what is known of their rounding in fp32. While `exact`, fp32 holds each value and each partial
 * sum in any order; where a division or a batch norm came in, `magnitude` says on what scale rounding happened. */
struct reference_tensor {
    uint32_t channels, height, width;
    double *values;   /* N, C, H, W */
    double step;      /* all values and partial sums are multiples of it: a power of two */
    double magnitude; /* the largest sum of magnitudes that made a value */
    bool exact;
};

struct reference_weight {
    float *values;
    void *stored; /* the same as fp32, fp16 or bf16 */
    gvk_array array;
};

enum { REFERENCE_WEIGHT, REFERENCE_BIAS, REFERENCE_MEAN, REFERENCE_VARIANCE, REFERENCE_WEIGHT_COUNT };

/* Tensor 1 is the input, tensor 2 + i the output of node i, whatever numbers the runtime gives them. */
struct reference_graph {
    uint64_t seed, random;
    uint32_t input_channels;
    uint32_t batch, height, width; /* of the last evaluation */
    gvk_node nodes[REFERENCE_MAX_NODES];
    char names[REFERENCE_MAX_NODES][16];
    struct reference_weight weights[REFERENCE_MAX_NODES][REFERENCE_WEIGHT_COUNT];
    double weight_steps[REFERENCE_MAX_NODES];
    uint32_t node_count;
    gvk_tensor outputs[REFERENCE_MAX_OUTPUTS]; /* named out0, out1, ... */
    uint32_t output_count;
    struct reference_tensor tensors[REFERENCE_MAX_NODES + 2];
};

/* Starts an empty graph; returns its input. */
gvk_tensor reference_start(struct reference_graph *graph, uint64_t seed, uint32_t input_channels);
/* Adds a node (its name is made here) and draws its weights in quarter steps, stored as one of the three types. */
gvk_tensor reference_add(struct reference_graph *graph, gvk_node node);
void reference_output(struct reference_graph *graph, gvk_tensor tensor);
uint32_t reference_channels(const struct reference_graph *graph, gvk_tensor tensor);
/* Multiplies a node's weights and bias by a power of two, to keep the values of deep graphs small. */
void reference_scale_weights(struct reference_graph *graph, gvk_tensor output, float factor);
void reference_release(struct reference_graph *graph);

/* A gvk_find_weight; `user` is the graph. */
gvk_result reference_find_weight(void *user, const char *name, gvk_array *out);

/* Computes every tensor from an input of N, C, H, W. */
void reference_evaluate(struct reference_graph *graph, const float *input, uint32_t batch, uint32_t height,
                        uint32_t width);

/* Every parameter of every node, a line each. */
void reference_print(const struct reference_graph *graph);

#endif
