/* Finds a node's kernel, and holds what all kernel files share. Called by model.c, stream.c and describe.c. */
#include "kernel.h"

#include <math.h>
#include <string.h>

const struct gvk_kernel *gvk_kernel_of(const struct gvk_graph_node *node)
{
    switch (node->op) {
    case GVK_OP_CONVOLUTION:
        return gvk_is_pointwise(node)   ? &gvk_kernel_pointwise
               : gvk_is_depthwise(node) ? &gvk_kernel_depthwise
                                        : &gvk_kernel_dense;
    case GVK_OP_LINEAR: return &gvk_kernel_pointwise;
    case GVK_OP_BATCH_NORM:
    case GVK_OP_ACTIVATION: return &gvk_kernel_batch_norm;
    case GVK_OP_CONCAT: return &gvk_kernel_concat;
    case GVK_OP_UPSAMPLE: return &gvk_kernel_upsample;
    case GVK_OP_MAX_POOL:
    case GVK_OP_MAX_POOLS: return &gvk_kernel_max_pool;
    case GVK_OP_AVERAGE_POOL: return &gvk_kernel_average_pool;
    case GVK_OP_SQUEEZE_EXCITE: return &gvk_kernel_squeeze_excite;
    case GVK_OP_GHOST: return &gvk_kernel_ghost;
    default: return &gvk_kernel_combine; /* add and multiply: graph.c lets nothing else in */
    }
}

/* Forms for CPU devices are for fp32 alone. */
static bool is_cpu(const struct gvk_traits *traits)
{
    return traits->type == VK_PHYSICAL_DEVICE_TYPE_CPU && !traits->half;
}

bool gvk_form_is_possible(const struct gvk_traits *traits, enum gvk_form form)
{
    bool cpu = is_cpu(traits);
    /* Without a required size a driver may run subgroups partly filled, and lanes would miss weights. */
    bool sure = traits->subgroup_size_control && traits->full_subgroups;
    bool texels = traits->texel_buffers && traits->max_texels >= GVK_TEXELS_OF_EVERY_TENSOR;
    bool lavapipe = cpu && sure && texels && traits->float64;
    bool shuffle = lavapipe && traits->subgroup_shuffle && traits->shuffles_well;
    bool spread = lavapipe && traits->subgroup_broadcast;
    bool broadcast_4 = cpu && sure && traits->subgroup_size == 4 && traits->subgroup_broadcast;
    switch (form) {
    case GVK_FORM_SHUFFLE_16: return shuffle && traits->subgroup_size == 16;
    case GVK_FORM_SHUFFLE_8: return shuffle && traits->subgroup_size == 8;
    case GVK_FORM_SPREAD_16: return spread && traits->subgroup_size == 16;
    case GVK_FORM_SPREAD_8: return spread && traits->subgroup_size == 8;
    case GVK_FORM_CHUNKS_4: return broadcast_4 && traits->max_chunks;
    case GVK_FORM_BROADCAST_4: return broadcast_4;
    case GVK_FORM_BROADCAST_16:
        return !cpu && sure && traits->subgroup_broadcast && traits->min_subgroup_size <= 16 &&
               traits->max_subgroup_size >= 16;
    case GVK_FORM_TEXELS: return !cpu && texels;
    default: return true;
    }
}

enum gvk_form gvk_form_of(const struct gvk_traits *traits)
{
    static const enum gvk_form of_cpus[] = {GVK_FORM_SHUFFLE_16, GVK_FORM_SHUFFLE_8, GVK_FORM_SPREAD_16,
                                            GVK_FORM_SPREAD_8,   GVK_FORM_CHUNKS_4,  GVK_FORM_BROADCAST_4};
    for (size_t i = 0; i < sizeof of_cpus / sizeof of_cpus[0]; i++)
        if (gvk_form_is_possible(traits, of_cpus[i]))
            return of_cpus[i];
    if (traits->vendor_id == GVK_VENDOR_INTEL && gvk_form_is_possible(traits, GVK_FORM_BROADCAST_16))
        return GVK_FORM_BROADCAST_16;
    if ((traits->vendor_id == GVK_VENDOR_QUALCOMM || traits->vendor_id == GVK_VENDOR_ARM) &&
        gvk_form_is_possible(traits, GVK_FORM_TEXELS))
        return GVK_FORM_TEXELS;
    return GVK_FORM_UNIFORM;
}

bool gvk_reads_texels(const struct gvk_traits *traits)
{
    enum gvk_form form = gvk_form_of(traits);
    return form == GVK_FORM_TEXELS || (form >= GVK_FORM_SHUFFLE_16 && form <= GVK_FORM_SPREAD_8);
}

bool gvk_form_is_candidate(const struct gvk_traits *traits, enum gvk_form form)
{
    return form == gvk_form_of(traits) || (!is_cpu(traits) && gvk_form_is_possible(traits, form));
}

uint32_t gvk_split_lanes(const struct gvk_traits *traits)
{
    uint32_t lanes = GVK_SPLIT_LANES;
    while (lanes > traits->max_invocations || lanes > traits->max_workgroup_size_x)
        lanes /= 2;
    return lanes;
}

uint32_t gvk_wanted_workgroups(const struct gvk_traits *traits)
{
    /* Vulkan does not tell how many cores there are. Large cards have 80 to 160 schedulers that each want two or three
     * workgroups to hide memory behind; integrated and mobile GPUs have 4 to 48. */
    switch (traits->type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return 0;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return 256;
    default: return 64;
    }
}

gvk_result gvk_emit_graph(const struct gvk_builder *builder)
{
    struct gvk_program *program = builder->program;
    program->network_first = program->command_count;
    for (uint32_t i = 0; i < builder->graph->node_count; i++) {
        const struct gvk_graph_node *node = &builder->graph->nodes[i];
        if (node->removed)
            continue;
        gvk_result result = gvk_kernel_of(node)->emit(builder, i);
        if (result)
            return result;
        uint64_t macs = gvk_count_macs(node, program->shapes) * program->batch;
        if (macs) /* the last command of a node has all of them: the one in front of squeeze-excite's only sums */
            program->commands[program->command_count - 1].macs = macs;
    }
    program->network_end = program->command_count;
    return GVK_OK;
}

gvk_result gvk_packing_create(const struct gvk_builder *builder, struct gvk_packing *out)
{
    const struct gvk_graph *graph = builder->graph;
    struct gvk_packing made = {0};
    made.offsets = gvk_allocate_array(builder->host, graph->node_count, sizeof *made.offsets);
    made.sizes = gvk_allocate_array(builder->host, graph->node_count, sizeof *made.sizes);
    if (!made.offsets || !made.sizes) {
        gvk_packing_destroy(builder->host, &made);
        return gvk_fail_memory(builder->host);
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        const struct gvk_kernel *kernel = gvk_kernel_of(node);
        if (node->removed || !kernel->count_weights)
            continue;
        made.offsets[i] = made.quads;
        made.sizes[i] = kernel->count_weights(builder, node);
        made.quads += (made.sizes[i] + 15) / 16 * 16; /* channels are bounded by graph.c: no overflow */
    }
    made.quads += GVK_SLACK_QUADS;
    *out = made;
    return GVK_OK;
}

void gvk_packing_destroy(const gvk_host *host, struct gvk_packing *packing)
{
    gvk_release(host, packing->offsets);
    gvk_release(host, packing->sizes);
    *packing = (struct gvk_packing){0};
}

struct gvk_command gvk_begin_selected(const struct gvk_graph_node *node, struct gvk_pipeline_key key)
{
    return (struct gvk_command){.kind = GVK_COMMAND_DISPATCH, .label = node->name, .key = key};
}

struct gvk_command gvk_begin_dispatch(const struct gvk_graph_node *node, enum gvk_shader shader, uint32_t local_size)
{
    struct gvk_pipeline_key key = {.shader = shader};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = local_size;
    return gvk_begin_selected(node, key);
}

struct gvk_activation_range gvk_range_of(gvk_activation activation)
{
    switch (activation) {
    case GVK_ACTIVATION_RELU: return (struct gvk_activation_range){0.0f, INFINITY, 0.0f, 1.0f};
    case GVK_ACTIVATION_RELU6: return (struct gvk_activation_range){0.0f, 6.0f, 0.0f, 1.0f};
    case GVK_ACTIVATION_HARD_SIGMOID: return (struct gvk_activation_range){0.0f, 6.0f, 3.0f, 1.0f / 6.0f};
    case GVK_ACTIVATION_NONE: break;
    }
    return (struct gvk_activation_range){-INFINITY, INFINITY, 0.0f, 1.0f};
}

void gvk_add_operand(struct gvk_command *command, struct gvk_operand operand)
{
    command->operands[command->operand_count++] = operand;
}

struct gvk_operand gvk_weights_operand(const struct gvk_builder *builder, uint32_t node_index, uint32_t binding)
{
    uint32_t each = gvk_quad_bytes(builder->traits);
    return (struct gvk_operand){
        .binding = binding,
        .place = GVK_PLACE_WEIGHTS,
        .access = GVK_READ,
        .quad_bytes = each,
        .offset = builder->packing->offsets[node_index] * each,
        .bytes = (builder->packing->sizes[node_index] + GVK_SLACK_QUADS) * each,
        .useful = builder->packing->sizes[node_index] * each,
    };
}

void gvk_set_push(struct gvk_command *command, const void *push, uint32_t bytes)
{
    memcpy(command->push, push, bytes);
    command->push_bytes = bytes;
}

gvk_result gvk_finish_dispatch(const struct gvk_builder *builder, struct gvk_command *command, uint64_t x, uint64_t y,
                               uint64_t z)
{
    const uint64_t groups[3] = {x, y, z};
    for (int i = 0; i < 3; i++) {
        if (!groups[i] || groups[i] > builder->traits->max_workgroup_count)
            return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                            "\"%s\" is too large for this device: it takes at most %u workgroups a dimension.",
                            command->label, builder->traits->max_workgroup_count);
        command->groups[i] = (uint32_t)groups[i];
    }
    for (uint32_t i = 0; i < command->operand_count; i++)
        if (command->operands[i].bytes + GVK_MOST_ALIGNMENT > builder->traits->max_storage_bytes)
            return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                            "\"%s\" is too large for this device: it binds at most %u MiB at once. A smaller input "
                            "size or batch takes less.",
                            command->label, (unsigned)(builder->traits->max_storage_bytes >> 20));
    command->key.shader = gvk_shader_for(builder->traits, command->key.shader);
    if (command->key.shader == GVK_SHADER_COUNT)
        return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED, "\"%s\" has no kernel for fp16 on this device.",
                        command->label);
    if (gvk_shader_codes[command->key.shader].has_loops && (!command->turns || command->turns > GVK_MOST_TURNS))
        return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                        "\"%s\" is too large: a lane of its kernel \"%s\" would make %llu turns, and %u are allowed.",
                        command->label, gvk_shader_codes[command->key.shader].name, (unsigned long long)command->turns,
                        GVK_MOST_TURNS);
    return gvk_program_add_command(builder->program, command);
}
