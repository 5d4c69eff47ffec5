/* What a kernel file offers: how its weights are packed, and the commands of a node.
 * kernels.c finds the file for a node; model.c packs through it, plan makers emit through it. */
#ifndef GVK_KERNEL_H
#define GVK_KERNEL_H

#include "choice.h"

struct gvk_kernel {
    /* Channel quads that the node's packed weights take; NULL: it has none. */
    uint64_t (*count_weights)(const struct gvk_builder *builder, const struct gvk_graph_node *node);
    /* Fills them; the memory is zeroed. Batch norms are folded here. */
    gvk_result (*pack_weights)(const struct gvk_builder *builder, const struct gvk_graph_node *node, float *out);
    gvk_result (*emit)(const struct gvk_builder *builder, uint32_t node_index);
    /* The pipeline that `emit` takes for the node; NULL where there is no choice among kernels. */
    struct gvk_pipeline_key (*select)(const struct gvk_builder *builder, const struct gvk_graph_node *node);
    /* The index-th kernel and local size that may be worth a try for the node; false: no more. With `select` alone. */
    bool (*candidate)(const struct gvk_builder *builder, const struct gvk_graph_node *node, uint32_t index,
                      enum gvk_shader *shader, uint32_t *local_size);
};

/* The kernel of each node; never NULL for a graph that was checked. */
const struct gvk_kernel *gvk_kernel_of(const struct gvk_graph_node *node);

extern const struct gvk_kernel gvk_kernel_pointwise, gvk_kernel_depthwise, gvk_kernel_dense, gvk_kernel_batch_norm,
    gvk_kernel_concat, gvk_kernel_upsample, gvk_kernel_max_pool, gvk_kernel_average_pool, gvk_kernel_combine,
    gvk_kernel_squeeze_excite, gvk_kernel_ghost;

/* The gvk_rewrite bits to leave out on a device of these traits, `off` among them. */
uint32_t gvk_rewrites_off(const struct gvk_traits *traits, uint32_t off);
/* Emits every live node of the graph in order. */
gvk_result gvk_emit_graph(const struct gvk_builder *builder);
/* Counts every node's weights and gives them their places. */
gvk_result gvk_packing_create(const struct gvk_builder *builder, struct gvk_packing *out);
void gvk_packing_destroy(const gvk_host *host, struct gvk_packing *packing);

/* ---- for kernel files ---- */

/* The array as fp32, zeros when it holds nothing; the caller releases it. */
gvk_result gvk_read_weights(const gvk_host *host, const gvk_array *array, uint64_t count, float **out);
/* A convolution's weights, its batch norm folded into weight and bias in double. */
struct gvk_folded_weights {
    const gvk_array *array;
    uint64_t each;  /* weights of an output */
    double *scales; /* of the outputs; NULL: no norm */
    float *bias;    /* of the outputs, zeros when the node has none */
    float *row;
};
gvk_result gvk_fold_weights(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_folded_weights *out);
/* The weights of one output. They live until the next call: a copy of all would cost a start its fresh memory. */
const float *gvk_folded_row(const struct gvk_folded_weights *weights, uint64_t output);
void gvk_release_weights(const gvk_host *host, struct gvk_folded_weights *weights);

/* How a block of 4 * quads outputs has its weights for an input quad: in `weights` quads, the last ones perhaps unused,
 * each the inputs of an output or, where by_input, the outputs of an input. */
struct gvk_block_layout {
    uint32_t quads, weights;
    bool by_input;
};
/* Weights and bias of a convolution, batch norm folded in, as shaders/pointwise*.comp and depthwise*.comp read them: in
 * blocks; a quad's taps and bias together. The memory is zeroed. */
gvk_result gvk_pack_pointwise(const gvk_host *host, const struct gvk_graph_node *node, struct gvk_block_layout layout,
                              float *weight, float *bias);
gvk_result gvk_pack_depthwise(const gvk_host *host, const struct gvk_graph_node *node, float *out);

/* The average pool of the node's first input, to `output`, `output_item` quads from one item of the batch to the next.
 */
gvk_result gvk_emit_average_pool(const struct gvk_builder *builder, const struct gvk_graph_node *node,
                                 struct gvk_operand output, uint32_t output_item);

/* A dispatch with its label and local size; operands and push constants are added by the caller. */
struct gvk_command gvk_begin_dispatch(const struct gvk_graph_node *node, enum gvk_shader shader, uint32_t local_size);
struct gvk_command gvk_begin_selected(const struct gvk_graph_node *node, struct gvk_pipeline_key key);
/* The activation as the shaders compute it. */
struct gvk_activation_range gvk_range_of(gvk_activation activation);
void gvk_add_operand(struct gvk_command *command, struct gvk_operand operand);
struct gvk_operand gvk_weights_operand(const struct gvk_builder *builder, uint32_t node_index, uint32_t binding);
void gvk_set_push(struct gvk_command *command, const void *push, uint32_t bytes);
/* What one lane of a dispatch may make of loop turns (gvk_command.turns). */
#define GVK_MOST_TURNS 16384u
/* A range may be bound so many bytes early; no device asks for more. */
#define GVK_MOST_ALIGNMENT 256u
/* Checks workgroup counts, ranges and turns against the device before it appends. */
gvk_result gvk_finish_dispatch(const struct gvk_builder *builder, struct gvk_command *command, uint64_t x, uint64_t y,
                               uint64_t z);

/* A model of these traits computes the shader's products, and sums of a few, in fp16, too. */
static inline bool gvk_sums_in_half(const struct gvk_traits *traits, enum gvk_shader shader)
{
    return traits->half && traits->half_sums && gvk_shader_codes[shader].half_sums != GVK_SHADER_COUNT;
}

/* The shader as a model of these traits uses it; GVK_SHADER_COUNT: it has no form for fp16. */
static inline enum gvk_shader gvk_shader_for(const struct gvk_traits *traits, enum gvk_shader shader)
{
    const struct gvk_shader_code *code = &gvk_shader_codes[shader];
    return gvk_sums_in_half(traits, shader) ? code->half_sums : traits->half ? code->half : shader;
}

/* The shader computed wrongly on this device and is not to be chosen. */
static inline bool gvk_is_struck(const struct gvk_traits *traits, enum gvk_shader shader)
{
    shader = gvk_shader_for(traits, shader);
    return traits->struck[(uint32_t)shader / 32] >> ((uint32_t)shader % 32) & 1;
}

static inline uint32_t gvk_divide_up(uint32_t value, uint32_t by)
{
    return value / by + (value % by != 0);
}

/* How weights and activations are read on this device (shaders/pointwise.comp says what SPREAD is). */
enum gvk_form {
    GVK_FORM_UNIFORM,      /* SPREAD 0, storage buffers: AMD, NVIDIA, and every device that no other form is for */
    GVK_FORM_BROADCAST_16, /* SPREAD 2, subgroups of 16, storage buffers: Intel */
    GVK_FORM_TEXELS,       /* SPREAD 0, texel buffers: Adreno, Mali */
    GVK_FORM_SHUFFLE_16,   /* SPREAD 1, subgroups of 16, texel buffers: lavapipe until Mesa 22 */
    GVK_FORM_SHUFFLE_8,    /* the same, subgroups of 8 */
    GVK_FORM_SPREAD_16,    /* SPREAD 2, subgroups of 16, texel buffers: lavapipe from Mesa 23 on */
    GVK_FORM_SPREAD_8,     /* the same, subgroups of 8 */
    GVK_FORM_CHUNKS_4,     /* weights in chunks for pointwise, else as the next; subgroups of 4 */
    GVK_FORM_BROADCAST_4,  /* SPREAD 2, subgroups of 4, storage buffers */
    GVK_FORM_COUNT
};
/* Forms that read texels are for devices whose texel buffers hold as much as a storage buffer does. */
#define GVK_TEXELS_OF_EVERY_TENSOR (1u << 27)
enum gvk_form gvk_form_of(const struct gvk_traits *traits);
/* Whether barriers and shared memory are worth their while in it. */
static inline bool gvk_form_is_for_gpus(enum gvk_form form)
{
    return form <= GVK_FORM_TEXELS;
}
/* Turns of a lane of shaders/excite.comp. */
uint64_t gvk_count_excite_turns(uint64_t channel_quads, uint64_t reduced_quads);
/* Lanes of a workgroup that share a sum (shaders/split.glsl): a power of two. */
uint32_t gvk_split_lanes(const struct gvk_traits *traits);
/* Whether that form reads tensors and weights through texel buffers. */
bool gvk_reads_texels(const struct gvk_traits *traits);
/* Whether a device of these traits can run the form, and whether it may be worth a try: on a CPU device, whose forms
 * were all measured, its own alone. */
bool gvk_form_is_possible(const struct gvk_traits *traits, enum gvk_form form);
bool gvk_form_is_candidate(const struct gvk_traits *traits, enum gvk_form form);

#define GVK_VENDOR_AMD      0x1002u
#define GVK_VENDOR_NVIDIA   0x10deu
#define GVK_VENDOR_INTEL    0x8086u
#define GVK_VENDOR_QUALCOMM 0x5143u
#define GVK_VENDOR_ARM      0x13b5u

/* So many workgroups of 64 lanes a dispatch should have, lest cores of the device idle. 0: it does not matter. */
uint32_t gvk_wanted_workgroups(const struct gvk_traits *traits);

#endif
