/* What C must know to choose among the variants of a kernel. The build fills gvk_tiles (shader_table.h) with it, from
 * the one list in CMakeLists.txt beside this file. */
#ifndef GVK_VARIANTS_H
#define GVK_VARIANTS_H

/* How a variant reads weights and activations (convolution/pointwise.comp says what SPREAD is). */
enum gvk_form {
    GVK_FORM_UNIFORM,      /* SPREAD 0, storage buffers: AMD, NVIDIA, and every device that no other form is for */
    GVK_FORM_BROADCAST_16, /* SPREAD 2, subgroups of 16, storage buffers: Intel */
    GVK_FORM_TEXELS,       /* SPREAD 0, texel buffers: Adreno, Mali */
    GVK_FORM_MATRIX,       /* matrix units, of pointwise convolutions in fp16 alone: AMD, NVIDIA, where the work is large */
    GVK_FORM_SHUFFLE_16,   /* SPREAD 1, subgroups of 16, texel buffers: lavapipe until Mesa 22 */
    GVK_FORM_SHUFFLE_8,    /* the same, subgroups of 8 */
    GVK_FORM_SPREAD_16,    /* SPREAD 2, subgroups of 16, texel buffers: lavapipe of Mesa 23 to 25.0 */
    GVK_FORM_SPREAD_8,     /* the same, subgroups of 8 */
    GVK_FORM_SINGLE_16,    /* SPREAD 2, no stores of two values at once: lavapipe of Mesa 25.1 and later */
    GVK_FORM_SINGLE_8,     /* the same, subgroups of 8 */
    GVK_FORM_CHUNKS_4,     /* weights in chunks for pointwise, else as the next; subgroups of 4 */
    GVK_FORM_BROADCAST_4,  /* SPREAD 2, subgroups of 4, storage buffers */
    GVK_FORM_PLAIN,        /* one value a lane: the reference, and what every device runs */
    GVK_FORM_COUNT
};

/* Kernels that have variants. */
enum gvk_family {
    GVK_FAMILY_POINTWISE,
    GVK_FAMILY_GHOST,
    GVK_FAMILY_DEPTHWISE,
    GVK_FAMILY_DENSE,
    GVK_FAMILY_PYRAMID,
    GVK_FAMILY_AVERAGE_POOL,
    GVK_FAMILY_EXCITE,
    GVK_FAMILY_COUNT
};

/* What a convolution does with its sums. Each may have a shader of its own: by code, or by name alone, with one code that a
 * constant tells what to do (GVK_CONSTANT_STORE). Either is proven by itself. */
enum gvk_store {
    GVK_STORE_PLAIN,
    GVK_STORE_RESIDUAL, /* adds a tensor; of a depthwise convolution: the tail of a ghost bottleneck; of squeeze-excite:
                         * one of its layers alone */
    GVK_STORE_UPSAMPLE, /* stores each value to 2 x 2 pixels */
    GVK_STORE_GATE,     /* sources are multiplied by a gate; others have that as a constant (GVK_EXTRA_GATE) */
    GVK_STORE_COUNT
};

#endif
