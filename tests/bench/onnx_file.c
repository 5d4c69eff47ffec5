#include "onnx_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Field numbers of onnx.proto3, and the versions that its IR 7 and operator set 13 name. */
enum { IR_VERSION = 7, OPERATOR_SET = 13, ONNX_FLOAT = 1 };
enum model_field { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPERATORS = 8 };
enum graph_field { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum node_field { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum attribute_field {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_TEXT = 4,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20
};
enum attribute_type { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_TEXT = 3, TYPE_INTS = 7 };
enum tensor_field { TENSOR_DIMENSION = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_DATA = 9 };

struct writer {
    struct message graph;
    struct message node;
    int unknown; /* an operation that is not written here */
};

struct text {
    char bytes[160];
};

/* ---- nodes ---- */

static struct text name_value(gvk_tensor tensor)
{
    struct text text;
    snprintf(text.bytes, sizeof text.bytes, "value%" PRIu32, tensor);
    return text;
}

static struct text join(const char *node, const char *part)
{
    struct text text;
    snprintf(text.bytes, sizeof text.bytes, "%.120s.%s", node, part);
    return text;
}

static void begin_node(struct writer *writer, const char *op, const char *name)
{
    message_add_text(&writer->node, NODE_OP, op);
    message_add_text(&writer->node, NODE_NAME, name);
}

static void add_input(struct writer *writer, const char *name)
{
    message_add_text(&writer->node, NODE_INPUT, name);
}

static void end_node(struct writer *writer, const char *output)
{
    message_add_text(&writer->node, NODE_OUTPUT, output);
    message_add_message(&writer->graph, GRAPH_NODE, &writer->node);
}

static void begin_attribute(struct message *attribute, const char *name, enum attribute_type type)
{
    message_add_text(attribute, ATTRIBUTE_NAME, name);
    message_add_number(attribute, ATTRIBUTE_TYPE, type);
}

static void add_float(struct writer *writer, const char *name, float value)
{
    struct message attribute = {0};
    begin_attribute(&attribute, name, TYPE_FLOAT);
    message_add_float(&attribute, ATTRIBUTE_FLOAT, value);
    message_add_message(&writer->node, NODE_ATTRIBUTE, &attribute);
}

static void add_int(struct writer *writer, const char *name, uint64_t value)
{
    struct message attribute = {0};
    begin_attribute(&attribute, name, TYPE_INT);
    message_add_number(&attribute, ATTRIBUTE_INT, value);
    message_add_message(&writer->node, NODE_ATTRIBUTE, &attribute);
}

static void add_text(struct writer *writer, const char *name, const char *value)
{
    struct message attribute = {0};
    begin_attribute(&attribute, name, TYPE_TEXT);
    message_add_text(&attribute, ATTRIBUTE_TEXT, value);
    message_add_message(&writer->node, NODE_ATTRIBUTE, &attribute);
}

/* `count` times the same value: kernels, strides and paddings are square here. */
static void add_equal_ints(struct writer *writer, const char *name, uint32_t value, int count)
{
    struct message attribute = {0};
    begin_attribute(&attribute, name, TYPE_INTS);
    for (int i = 0; i < count; i++)
        message_add_number(&attribute, ATTRIBUTE_INTS, value);
    message_add_message(&writer->node, NODE_ATTRIBUTE, &attribute);
}

static void add_window(struct writer *writer, const struct gvk_graph_node *node)
{
    add_equal_ints(writer, "kernel_shape", node->kernel, 2);
    add_equal_ints(writer, "strides", node->stride, 2);
    add_equal_ints(writer, "pads", node->padding, 4);
}

/* ---- weights ---- */

static void add_initializer(struct writer *writer, const char *name, const gvk_array *array)
{
    struct message tensor = {0};
    for (uint32_t i = 0; i < array->rank; i++)
        message_add_number(&tensor, TENSOR_DIMENSION, array->shape[i]);
    message_add_number(&tensor, TENSOR_TYPE, ONNX_FLOAT);
    message_add_text(&tensor, TENSOR_NAME, name);
    message_add_bytes(&tensor, TENSOR_DATA, array->data, (size_t)array->bytes); /* little-endian, as gvk_array is */
    message_add_message(&writer->graph, GRAPH_INITIALIZER, &tensor);
    writer->unknown |= array->type != GVK_TYPE_F32 || !array->data;
}

static void add_weight(struct writer *writer, const struct gvk_graph_node *node, const char *part,
                       const gvk_array *array)
{
    struct text name = join(node->name, part);
    add_initializer(writer, name.bytes, array);
    add_input(writer, name.bytes);
}

/* Constants that several nodes share. */
static void add_constants(struct writer *writer)
{
    static const float zero[1] = {0}, six[1] = {6}, scales[4] = {1, 1, 2, 2};
    add_initializer(writer, "zero", &(gvk_array){.type = GVK_TYPE_F32, .data = zero, .bytes = sizeof zero});
    add_initializer(writer, "six", &(gvk_array){.type = GVK_TYPE_F32, .data = six, .bytes = sizeof six});
    add_initializer(
        writer, "twice",
        &(gvk_array){.type = GVK_TYPE_F32, .rank = 1, .shape = {4}, .data = scales, .bytes = sizeof scales});
}

/* ---- operations ---- */

static void write_activation(struct writer *writer, const struct gvk_graph_node *node, const char *input,
                             const char *output)
{
    struct text name = join(node->name, "activation");
    static const char *const ops[] = {[GVK_ACTIVATION_NONE] = "Identity",
                                      [GVK_ACTIVATION_RELU] = "Relu",
                                      [GVK_ACTIVATION_RELU6] = "Clip",
                                      [GVK_ACTIVATION_HARD_SIGMOID] = "HardSigmoid",
                                      [GVK_ACTIVATION_HARD_SWISH] = "HardSwish"};
    begin_node(writer, ops[node->activation], name.bytes);
    add_input(writer, input);
    if (node->activation == GVK_ACTIVATION_RELU6) {
        add_input(writer, "zero");
        add_input(writer, "six");
    } else if (node->activation == GVK_ACTIVATION_HARD_SIGMOID) {
        add_float(writer, "alpha", 1.0f / 6.0f);
        add_float(writer, "beta", 0.5f);
    }
    end_node(writer, output);
}

static void write_op(struct writer *writer, const struct gvk_graph_node *node)
{
    switch (node->op) {
    case GVK_OP_CONVOLUTION:
        add_window(writer, node);
        add_int(writer, "group", node->groups);
        add_weight(writer, node, "weight", &node->weight);
        if (node->bias.data)
            add_weight(writer, node, "bias", &node->bias);
        break;
    case GVK_OP_BATCH_NORM:
        add_float(writer, "epsilon", (float)node->norm.epsilon);
        add_weight(writer, node, "weight", &node->norm.weight);
        add_weight(writer, node, "bias", &node->norm.bias);
        add_weight(writer, node, "running_mean", &node->norm.mean);
        add_weight(writer, node, "running_var", &node->norm.variance);
        break;
    case GVK_OP_CONCAT: add_int(writer, "axis", 1); break;
    case GVK_OP_UPSAMPLE:
        add_input(writer, ""); /* no region of interest */
        add_input(writer, "twice");
        add_text(writer, "mode", "nearest");
        add_text(writer, "coordinate_transformation_mode", "asymmetric");
        add_text(writer, "nearest_mode", "floor");
        break;
    case GVK_OP_MAX_POOL: add_window(writer, node); break;
    default: break;
    }
}

static const char *name_op(const struct gvk_graph_node *node)
{
    switch (node->op) {
    case GVK_OP_CONVOLUTION: return "Conv";
    case GVK_OP_BATCH_NORM: return "BatchNormalization";
    case GVK_OP_CONCAT: return "Concat";
    case GVK_OP_UPSAMPLE: return "Resize";
    case GVK_OP_MAX_POOL: return "MaxPool";
    case GVK_OP_AVERAGE_POOL: return "GlobalAveragePool";
    case GVK_OP_MULTIPLY: return "Mul";
    case GVK_OP_ADD: return "Add";
    default: return NULL;
    }
}

static void write_node(struct writer *writer, const struct gvk_graph_node *node)
{
    const char *op = name_op(node);
    if (!op) {
        fprintf(stderr, "\"%s\": this operation has no ONNX form here\n", node->name);
        writer->unknown = 1;
        return;
    }
    struct text output = name_value(node->output), raw = join(node->name, "raw");
    begin_node(writer, op, node->name);
    for (uint32_t i = 0; i < node->input_count; i++)
        add_input(writer, name_value(node->inputs[i]).bytes);
    write_op(writer, node);
    end_node(writer, node->activation ? raw.bytes : output.bytes);
    if (node->activation)
        write_activation(writer, node, raw.bytes, output.bytes);
}

/* ---- the file ---- */

static void add_port(struct message *graph, enum graph_field field, const char *name, const struct gvk_shape *shape)
{
    const uint64_t sides[4] = {1, shape->channels, shape->height, shape->width};
    struct message dimensions = {0}, tensor = {0}, type = {0}, port = {0};
    for (int i = 0; i < 4; i++) {
        struct message dimension = {0};
        message_add_number(&dimension, 1, sides[i]);
        message_add_message(&dimensions, 1, &dimension);
    }
    message_add_number(&tensor, 1, ONNX_FLOAT);
    message_add_message(&tensor, 2, &dimensions);
    message_add_message(&type, 1, &tensor);
    message_add_text(&port, 1, name);
    message_add_message(&port, 2, &type);
    message_add_message(graph, field, &port);
}

int make_onnx(const struct gvk_graph *graph, uint32_t width, uint32_t height, struct message *out)
{
    struct writer writer = {0};
    struct message operators = {0};
    struct gvk_shape *shapes = gvk_allocate_array(&graph->host, graph->tensor_count, sizeof *shapes);
    *out = (struct message){0};
    if (!shapes || gvk_graph_shapes(&graph->host, graph, width, height, shapes)) {
        gvk_release(&graph->host, shapes);
        return 0;
    }
    message_add_text(&writer.graph, GRAPH_NAME, "ghostvk");
    add_constants(&writer);
    gvk_tensor input = graph->inputs[0].tensor;
    add_port(&writer.graph, GRAPH_INPUT, name_value(input).bytes, &shapes[input]);
    for (uint32_t i = 0; i < graph->node_count; i++)
        write_node(&writer, &graph->nodes[i]);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        gvk_tensor tensor = graph->outputs[i].tensor;
        begin_node(&writer, "Identity", graph->outputs[i].name);
        add_input(&writer, name_value(tensor).bytes);
        end_node(&writer, graph->outputs[i].name);
        add_port(&writer.graph, GRAPH_OUTPUT, graph->outputs[i].name, &shapes[tensor]);
    }
    gvk_release(&graph->host, shapes);
    message_add_number(&operators, 2, OPERATOR_SET);
    message_add_number(out, MODEL_IR, IR_VERSION);
    message_add_text(out, MODEL_PRODUCER, "ghostvk");
    message_add_message(out, MODEL_OPERATORS, &operators);
    message_add_message(out, MODEL_GRAPH, &writer.graph);
    return !out->failed && !writer.unknown;
}
