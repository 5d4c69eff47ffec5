/* Convolutions and linear layers: pointwise, depthwise and dense ones of any shape, with all that a store may do. */
#include "bench.h"

/* Channels that fill so many quads, the last one perhaps in part. */
static uint32_t channels_of_quads(uint64_t *random, uint32_t quads)
{
    return quads * 4 - random_below(random, 4);
}

/* Output quads that make each tile of each form the best one, and mixes of full and partly filled blocks. */
static const uint32_t output_quads[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 16};
#define OUTPUT_QUAD_COUNT (sizeof output_quads / sizeof output_quads[0])

static void pointwise_convolutions_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 2 * OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 1000 + i, 1 + random_below(&(uint64_t){i}, 40));
        struct size size = draw_size(&graph.random, i % 4 == 3 ? 45 : 12);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)random_below(&graph.random, 2)};
        node.outputs = channels_of_quads(&graph.random, output_quads[i % OUTPUT_QUAD_COUNT]);
        node.activation = activation_of(output_quads[i % OUTPUT_QUAD_COUNT], i / OUTPUT_QUAD_COUNT);
        reference_add(&graph, node);
        prove("pointwise", &graph, size, 1);
    }
}

static void pointwise_convolutions_add_a_residual(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 2000 + i, 1 + i * 3);
        struct size size = draw_size(&graph.random, 19);
        uint32_t outputs = channels_of_quads(&graph.random, output_quads[i]);
        gvk_tensor first =
            reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = outputs, .bias = 1});
        x = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                             .inputs = {x},
                                             .outputs = outputs,
                                             .activation = GVK_ACTIVATION_RELU6});
        gvk_node add = {.op = GVK_OP_ADD, .inputs = {i % 2 ? x : first, i % 2 ? first : x}};
        reference_add(&graph, add);
        prove("pointwise, residual", &graph, size, 2);
    }
    /* A graph's input, and a tensor that another node reads too. */
    gvk_tensor x = reference_start(&graph, 2100, 10);
    gvk_tensor y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}});
    y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, y}});
    gvk_tensor z = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {y}, .bias = 1});
    reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {y, z}});
    prove("pointwise, two residuals", &graph, (struct size){2, 5, 7}, 2);
}

static void pointwise_convolutions_take_a_gate(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 3000 + i, 1 + random_below(&(uint64_t){i}, 30));
        struct size size = draw_size(&graph.random, 19);
        x = reference_add(&graph,
                          (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU6});
        x = add_squeeze_excite(&graph, x, 1 + random_below(&graph.random, 12),
                               i % 2 ? GVK_OP_LINEAR : GVK_OP_CONVOLUTION);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)(i % 3 == 0)};
        node.outputs = channels_of_quads(&graph.random, output_quads[i]);
        node.activation = activation_of(output_quads[i], 0);
        reference_add(&graph, node);
        prove("pointwise, gate", &graph, size, 4);
    }
}

static void squeeze_excite_without_a_convolution_behind_it_equals_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    /* The last: more quads than lanes share a sum; on a GPU the last two take a dispatch for each layer. */
    static const uint32_t channels[] = {1, 7, 24, 61, 300, 1100};
    for (uint32_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        gvk_tensor x = reference_start(&graph, 3500 + i, channels[i]);
        struct size size = draw_size(&graph.random, 15);
        uint32_t reduced = channels[i] > 250 ? 30 : 1;
        x = add_squeeze_excite(&graph, x, reduced + random_below(&graph.random, 70), GVK_OP_CONVOLUTION);
        if (i % 2) /* two users: the product must stay */
            reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}}));
        reference_output(&graph, x);
        /* Large ones are a dispatch more on a GPU, small ones not. */
        bool grows = channels[i] > 250 && bench.traits.type != VK_PHYSICAL_DEVICE_TYPE_CPU;
        prove("squeeze-excite", &graph, size, grows ? 0 : i % 2 ? 4 : 3);
    }
}

static void pointwise_convolutions_store_upsampled(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 4000 + i, 1 + i * 2);
        struct size size = draw_size(&graph.random, 13);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = 1};
        node.outputs = channels_of_quads(&graph.random, output_quads[i]);
        node.activation = activation_of(output_quads[i], 1);
        x = reference_add(&graph, node);
        reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}});
        prove("pointwise, upsampled", &graph, size, 1);
    }
}

static void linear_layers_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 6; i++) {
        gvk_tensor x = reference_start(&graph, 4500 + i, 1 + random_below(&(uint64_t){i}, 200));
        gvk_node node = {.op = GVK_OP_LINEAR, .inputs = {x}, .outputs = 1 + random_below(&graph.random, 60)};
        node.activation = activation_of((node.outputs + 3) / 4, i);
        reference_add(&graph, node);
        prove("linear", &graph, (struct size){1 + i % 3, 1, 1}, 1);
    }
}

static void depthwise_convolutions_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 32; i++) {
        gvk_tensor x = reference_start(&graph, 5000 + i, 2 + random_below(&(uint64_t){i}, 22));
        struct size size = draw_size(&graph.random, i % 8 > 5 ? 40 : 11);
        uint32_t kernel = i % 2 ? 3 : 5, stride = 1 + i / 2 % 2;
        if (i >= 24) /* several strips, one above the other (depthwise.c) */
            size.height = stride * (33 + random_below(&graph.random, 40));
        gvk_node node = depthwise_node(&graph, x, kernel, stride, kernel / 2);
        node.bias = (int)random_below(&graph.random, 2);
        node.activation = (gvk_activation)(kernel == 3 ? i / 4 % 2 * 3 : 1 + i / 4 % 2);
        reference_add(&graph, node);
        prove("depthwise", &graph, size, 1);
    }
}

static void depthwise_convolutions_of_any_shape_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {{1, 1, 0}, {1, 2, 0}, {7, 1, 3}, {7, 2, 3}, {3, 3, 1}, {3, 1, 0},  {5, 1, 4},
                                         {4, 1, 1}, {2, 2, 0}, {5, 4, 2}, {3, 2, 2}, {9, 1, 8}, {31, 1, 15}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        gvk_tensor x = reference_start(&graph, 5500 + i, 2 + random_below(&(uint64_t){i}, 17));
        struct size size = draw_size(&graph.random, 14);
        size.height += shapes[i][0];
        size.width += shapes[i][0];
        gvk_node node = depthwise_node(&graph, x, shapes[i][0], shapes[i][1], shapes[i][2]);
        node.bias = (int)(i % 2);
        node.activation = (gvk_activation)(i % 3);
        reference_add(&graph, node);
        prove("depthwise, plain form", &graph, size, 1);
    }
}

static void ghost_tails_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 12; i++) {
        gvk_tensor x = reference_start(&graph, 6000 + i, 1 + random_below(&(uint64_t){i}, 9));
        struct size size = draw_size(&graph.random, i % 4 == 3 ? 33 : 11);
        uint32_t half = i % 6 == 5 ? 6 : 4 + 4 * random_below(&graph.random, 5), kernel = i % 2 ? 3 : 5;
        gvk_tensor residual =
            reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = 2 * half, .bias = 1});
        gvk_tensor primary = reference_add(
            &graph,
            (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = half, .activation = GVK_ACTIVATION_RELU6});
        gvk_node node = depthwise_node(&graph, primary, kernel, 1, kernel / 2);
        node.bias = (int)(i / 2 % 2);
        node.activation = kernel == 3 ? GVK_ACTIVATION_NONE : GVK_ACTIVATION_RELU;
        gvk_tensor cheap = reference_add(&graph, node);
        gvk_tensor both = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {primary, cheap}});
        reference_add(
            &graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {i % 4 < 2 ? both : residual, i % 4 < 2 ? residual : both}});
        prove("ghost tail", &graph, size, half % 4 ? 0 : 3);
    }
}

/* Gate and residual in every combination; halves that end inside a quad, or end in different activations, stay apart.
 */
static void ghost_modules_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 24; i++) {
        gvk_tensor x = reference_start(&graph, 6500 + i, 1 + random_below(&(uint64_t){i}, 40));
        struct size size = draw_size(&graph.random, i % 4 == 3 ? 45 : 17);
        uint32_t half = i % 8 == 7 ? 6 : 4 + 4 * (i / 2 % 9);
        gvk_tensor residual = reference_add(
            &graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = 2 * half, .bias = (int)(i % 2)});
        if (i % 4 < 2) {
            x = reference_add(&graph,
                              (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU6});
            x = add_squeeze_excite(&graph, x, 5, GVK_OP_CONVOLUTION);
        }
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = half, .bias = (int)(i / 2 % 2)};
        node.activation = i % 3 ? GVK_ACTIVATION_NONE : GVK_ACTIVATION_RELU6;
        gvk_tensor primary = reference_add(&graph, node);
        node = depthwise_node(&graph, primary, 3, 1, 1);
        node.bias = (int)(i / 3 % 2);
        node.activation = i % 3 ? GVK_ACTIVATION_NONE : i == 9 ? GVK_ACTIVATION_HARD_SIGMOID : GVK_ACTIVATION_RELU6;
        gvk_tensor cheap = reference_add(&graph, node);
        gvk_tensor both = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {primary, cheap}});
        if (i % 6 == 2) /* a half that others read, too */
            reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {cheap}}));
        if (i % 2)
            reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {both, residual}});
        else
            reference_output(&graph, residual);
        if (i % 2 == 0)
            reference_output(&graph, both);
        prove("ghost module", &graph, size, 0);
    }
}

static void dense_convolutions_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {{3, 2, 1}, {3, 1, 1}, {5, 1, 2}, {7, 2, 3},
                                         {1, 2, 0}, {2, 1, 0}, {4, 3, 3}, {3, 4, 2}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < 16; i++) {
        const uint32_t *shape = shapes[i % 8];
        gvk_tensor x = reference_start(&graph, 7000 + i, i % 8 == 0 ? 3 : 1 + random_below(&(uint64_t){i}, 13));
        struct size size = draw_size(&graph.random, i % 8 == 0 ? 30 : 12);
        size.height += shape[0];
        size.width += shape[0];
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .inputs = {x},
                         .outputs = i % 2 ? channels_of_quads(&graph.random, i % 4 == 1 ? 4 : 8)
                                          : 1 + random_below(&graph.random, 40),
                         .kernel = shape[0],
                         .stride = shape[1],
                         .padding = shape[2],
                         .bias = (int)(i / 2 % 2),
                         .activation = (gvk_activation)(i / 4 % 4)};
        reference_add(&graph, node);
        prove("dense", &graph, size, 1);
    }
}

/* Layers of more inputs than a lane may go through: they are computed in slices. */
static void dense_convolutions_of_very_many_inputs_equal_the_reference(void **state)
{
    (void)state;
    static const struct {
        uint32_t channels, kernel, outputs, stride;
        struct size size;
    } cases[] = {{4096, 7, 3, 1, {1, 3, 4}}, {2300, 5, 18, 2, {2, 5, 3}}, {140, 31, 4, 1, {1, 2, 3}}};
    struct reference_graph graph;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        gvk_tensor x = reference_start(&graph, 12500 + i, cases[i].channels);
        reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                         .inputs = {x},
                                         .outputs = cases[i].outputs,
                                         .kernel = cases[i].kernel,
                                         .stride = cases[i].stride,
                                         .padding = cases[i].kernel / 2,
                                         .bias = 1,
                                         .activation = GVK_ACTIVATION_RELU});
        prove("dense, very many inputs", &graph, cases[i].size, 0);
    }
}

/* Hard-swish is a constant of the pipeline beside the formula of all activations: behind every kind of kernel that has
 * one, and behind the last slice alone where a layer is computed in slices. */
static void hard_swish_stands_behind_every_kernel(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < OUTPUT_QUAD_COUNT; i++) {
        gvk_tensor x = reference_start(&graph, 13000 + i, 1 + random_below(&(uint64_t){i}, 30));
        struct size size = draw_size(&graph.random, 12);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = 1, .activation = GVK_ACTIVATION_HARD_SWISH};
        node.outputs = channels_of_quads(&graph.random, output_quads[i]);
        reference_add(&graph, node);
        prove("pointwise, hard-swish", &graph, size, 1);
    }
    for (uint32_t i = 0; i < 6; i++) { /* 3 and 5, stride 1 and 2, and kernels that only the plain form has */
        uint32_t kernel = i < 4 ? 3 + 2 * (i % 2) : 7, stride = 1 + i / 2 % 2;
        gvk_tensor x = reference_start(&graph, 13100 + i, 2 + random_below(&(uint64_t){i}, 17));
        struct size size = draw_size(&graph.random, 14);
        gvk_node node = depthwise_node(&graph, x, kernel, stride, kernel / 2);
        node.activation = GVK_ACTIVATION_HARD_SWISH;
        reference_add(&graph, node);
        prove("depthwise, hard-swish", &graph, size, 1);
    }
    for (uint32_t i = 0; i < 4; i++) { /* the last one in slices */
        gvk_tensor x = reference_start(&graph, 13200 + i, i < 3 ? 3 + 4 * i : 4096);
        struct size size = i < 3 ? draw_size(&graph.random, 14) : (struct size){1, 3, 4};
        reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                         .inputs = {x},
                                         .outputs = i < 3 ? 16 - 5 * i : 3,
                                         .kernel = i < 3 ? 3 : 7,
                                         .stride = i < 3 ? 2 : 1,
                                         .padding = i < 3 ? 1 : 3,
                                         .bias = 1,
                                         .activation = GVK_ACTIVATION_HARD_SWISH});
        prove("dense, hard-swish", &graph, size, i < 3);
    }
    for (uint32_t i = 0; i < 2; i++) { /* what is fused behind other activations stays a node of its own */
        gvk_tensor input = reference_start(&graph, 13250 + i, 8);
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .inputs = {input},
                         .outputs = 8,
                         .bias = 1,
                         .activation = GVK_ACTIVATION_HARD_SWISH};
        gvk_tensor y = reference_add(&graph, node);
        if (i)
            reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {y, input}});
        else
            reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {y}});
        prove(i ? "hard-swish, residual" : "hard-swish, upsampled", &graph, (struct size){2, 5, 7}, 2);
    }
    for (uint32_t i = 0; i < 2; i++) { /* a ghost module, and one with the input added */
        gvk_tensor input = reference_start(&graph, 13270 + i, 16);
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .inputs = {input},
                         .outputs = 8,
                         .bias = 1,
                         .activation = GVK_ACTIVATION_HARD_SWISH};
        gvk_tensor first = reference_add(&graph, node);
        node = depthwise_node(&graph, first, 3, 1, 1);
        node.activation = GVK_ACTIVATION_HARD_SWISH;
        gvk_tensor second = reference_add(&graph, node);
        gvk_tensor both = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {first, second}});
        if (i)
            reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {both, input}});
        prove("ghost module, hard-swish", &graph, (struct size){1, 6, 9}, 0);
    }
    gvk_tensor x = reference_start(&graph, 13300, 70);
    reference_add(
        &graph, (gvk_node){.op = GVK_OP_LINEAR, .inputs = {x}, .outputs = 33, .activation = GVK_ACTIVATION_HARD_SWISH});
    prove("linear, hard-swish", &graph, (struct size){2, 1, 1}, 1);
    for (uint32_t i = 0; i < 4;
         i++) { /* the product ends in the activation, and the gate stays out of the next reads */
        x = reference_start(&graph, 13350 + i, 3 + 5 * i);
        struct size size = draw_size(&graph.random, 12);
        x = add_squeeze_excite(&graph, x, 6, i % 2 ? GVK_OP_LINEAR : GVK_OP_CONVOLUTION);
        x = reference_add(&graph, (gvk_node){.op = GVK_OP_ACTIVATION,
                                             .inputs = {x},
                                             .activation = i < 2 ? GVK_ACTIVATION_HARD_SWISH : GVK_ACTIVATION_RELU});
        reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = 11});
        prove("squeeze-excite, activation, pointwise", &graph, size, 4);
    }
    for (uint32_t i = 0; i < 2; i++) {
        gvk_op op = i ? GVK_OP_ACTIVATION : GVK_OP_BATCH_NORM;
        x = reference_start(&graph, 13400 + i, 9);
        reference_add(&graph, (gvk_node){.op = op, .inputs = {x}, .activation = GVK_ACTIVATION_HARD_SWISH});
        prove("plane by plane, hard-swish", &graph, (struct size){2, 3, 5}, 1);
    }
}

int run_convolution_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pointwise_convolutions_equal_the_reference),
        TEST(hard_swish_stands_behind_every_kernel),
        TEST(pointwise_convolutions_add_a_residual),
        TEST(pointwise_convolutions_take_a_gate),
        TEST(squeeze_excite_without_a_convolution_behind_it_equals_the_reference),
        TEST(pointwise_convolutions_store_upsampled),
        TEST(linear_layers_equal_the_reference),
        TEST(depthwise_convolutions_equal_the_reference),
        TEST(depthwise_convolutions_of_any_shape_equal_the_reference),
        TEST(ghost_tails_equal_the_reference),
        TEST(ghost_modules_equal_the_reference),
        TEST(dense_convolutions_equal_the_reference),
        TEST(dense_convolutions_of_very_many_inputs_equal_the_reference),
    };
    return cmocka_run_group_tests_name("convolutions", tests, NULL, NULL);
}
