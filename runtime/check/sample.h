/* A small graph that uses one kernel as a network's node does, with made-up numbers and what must come of them. */
#ifndef GVK_PROOF_SAMPLE_H
#define GVK_PROOF_SAMPLE_H

#include "runtime/graph/graph.h"
#include "shaders/shared.h"

#define GVK_SAMPLE_WIDTH  23 /* odd, so that every tile has an edge */
#define GVK_SAMPLE_HEIGHT 17

struct gvk_sample_weight {
    const char *name;
    gvk_array array;
    float *values;
};

struct gvk_sample {
    const gvk_host *host;
    uint32_t inputs, outputs, kernel, stride, padding, groups; /* of the convolution */
    gvk_activation activation;
    bool residual, gate, upsample;
    bool ghost;                       /* the depthwise convolution that ends a ghost bottleneck, without the pointwise
                                       * one */
    bool module;                      /* a ghost module */
    uint32_t width, height, channels; /* of the result */
    struct gvk_sample_weight weights[8];
    uint32_t weight_count;
    float *input;    /* inputs x GVK_SAMPLE_HEIGHT x GVK_SAMPLE_WIDTH */
    float *expected; /* channels x height x width, computed in double precision */
    gvk_graph *graph;
};

/* Input channels that make a kernel go through its loop several times: six quads. Where a step of the loop takes
 * several quads there are two whole steps and a rest, in each slice. */
#define GVK_PROOF_INPUTS                  24u
#define GVK_PROOF_INPUTS_OF(slices, step) (4u * (slices) * (2 * (step) + 1))
#define GVK_PROOF_MOST_INPUTS             GVK_PROOF_INPUTS_OF(GVK_MOST_SLICES, GVK_MOST_AHEAD)
/* A convolution as the rewritten node does it, with so many input channels, at most GVK_PROOF_MOST_INPUTS, and outputs.
 * A depthwise one has its own number of both; one with a residual as many outputs as inputs. */
gvk_result gvk_sample_create(const gvk_host *host, const struct gvk_graph_node *node, uint32_t inputs, uint32_t outputs,
                             struct gvk_sample **out);
void gvk_sample_destroy(struct gvk_sample *sample);

#endif
