/* Dispatches as kernels put them together, and their check against the device. */
#include "dispatch.h"

#include <math.h>
#include <string.h>

struct gvk_command gvk_begin_selected(const struct gvk_graph_node *node, struct gvk_pipeline_key key)
{
    struct gvk_command command = {.kind = GVK_COMMAND_DISPATCH, .label = node->name, .key = key};
    gvk_set_activation(&command, node->activation);
    return command;
}

struct gvk_command gvk_begin_dispatch(const struct gvk_graph_node *node, enum gvk_shader shader, uint32_t local_size)
{
    struct gvk_pipeline_key key = {.shader = shader};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = local_size;
    return gvk_begin_selected(node, key);
}

void gvk_set_activation(struct gvk_command *command, gvk_activation activation)
{
    command->key.constants[GVK_CONSTANT_SWISH] = activation == GVK_ACTIVATION_HARD_SWISH;
}

struct gvk_activation_range gvk_range_of(gvk_activation activation)
{
    switch (activation) {
    case GVK_ACTIVATION_RELU: return (struct gvk_activation_range){0.0f, INFINITY, 0.0f, 1.0f};
    case GVK_ACTIVATION_RELU6: return (struct gvk_activation_range){0.0f, 6.0f, 0.0f, 1.0f};
    case GVK_ACTIVATION_HARD_SIGMOID:
    case GVK_ACTIVATION_HARD_SWISH: return (struct gvk_activation_range){0.0f, 6.0f, 3.0f, 1.0f / 6.0f};
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
    uint32_t each = gvk_quad_bytes(builder->policy);
    return (struct gvk_operand){
        .binding = binding,
        .memory = GVK_MEMORY_WEIGHTS,
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
        if (!groups[i] || groups[i] > builder->policy->traits->max_workgroup_count)
            return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                            "\"%s\" is too large for this device: it takes at most %u workgroups a dimension.",
                            command->label, builder->policy->traits->max_workgroup_count);
        command->groups[i] = (uint32_t)groups[i];
    }
    for (uint32_t i = 0; i < command->operand_count; i++)
        if (command->operands[i].bytes + GVK_MOST_ALIGNMENT > builder->policy->traits->max_storage_bytes)
            return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                            "\"%s\" is too large for this device: it binds at most %u MiB at once. A smaller input "
                            "size or batch takes less.",
                            command->label, (unsigned)(builder->policy->traits->max_storage_bytes >> 20));
    command->key.shader = gvk_shader_for(builder->policy, command->key.shader);
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
