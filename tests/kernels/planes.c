/* What works on each channel alone: batch norms, activations, pools, upsampling, sums and products. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

static void batch_norms_and_activations_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 8; i++) {
        gvk_tensor x = reference_start(&graph, 8000 + i, 1 + random_below(&(uint64_t){i}, 21));
        struct size size = draw_size(&graph.random, 17);
        gvk_op op = i < 4 ? GVK_OP_BATCH_NORM : GVK_OP_ACTIVATION;
        reference_add(&graph, (gvk_node){.op = op, .inputs = {x}, .activation = (gvk_activation)(i % 4)});
        prove(i < 4 ? "batch norm" : "activation", &graph, size, 1);
    }
    gvk_tensor x = reference_start(&graph, 8010, 9);
    x = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}});
    reference_add(&graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
    prove("batch norm, then activation", &graph, (struct size){2, 3, 5}, 1);
}

static void batch_norms_fold_into_every_convolution(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 16; i++) {
        gvk_tensor x = reference_start(&graph, 8100 + i, 2 + random_below(&(uint64_t){i}, 14));
        struct size size = i % 4 == 3 ? (struct size){2, 1, 1} : draw_size(&graph.random, 9);
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = (int)(i % 3 == 0)};
        if (i % 4 == 0) {
            node.outputs = 1 + random_below(&graph.random, 30);
        } else if (i % 4 == 1) {
            node = depthwise_node(&graph, x, 3, 1 + i / 4 % 2, 1);
        } else if (i % 4 == 2) {
            node.outputs = 1 + random_below(&graph.random, 20);
            node.kernel = 3;
            node.padding = 1;
        } else {
            node.op = GVK_OP_LINEAR;
            node.outputs = 1 + random_below(&graph.random, 20);
        }
        x = reference_add(&graph, node);
        gvk_node norm = {.op = GVK_OP_BATCH_NORM, .inputs = {x}};
        norm.activation = activation_of((reference_channels(&graph, x) + 3) / 4, i / 4);
        reference_add(&graph, norm);
        prove("convolution, batch norm", &graph, size, 1);
    }
}

static void max_pools_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t kernels[] = {1, 3, 5, 9, 13, 31};
    struct reference_graph graph;
    for (uint32_t i = 0; i < 12; i++) {
        gvk_tensor x = reference_start(&graph, 10000 + i, 1 + random_below(&(uint64_t){i}, 11));
        reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = kernels[i % 6]});
        prove("max pool", &graph, draw_size(&graph.random, 16), 1);
    }
}

static void max_pools_of_one_tensor_equal_the_reference(void **state)
{
    (void)state;
    static const struct {
        uint32_t channels, kernels[3], commands;
        bool with_input;
    } cases[] = {
        {8, {13, 9, 5}, 2, true},  /* the convolution and the pools, each in its place */
        {12, {9, 5, 0}, 2, false}, /* the pools' output is the concat */
        {4, {5, 5, 1}, 2, false},  {16, {13, 9, 5}, 2, false},
        {8, {9, 5, 3}, 2, false},  {6, {13, 9, 5}, 0, true}, /* not whole quads: each alone */
        {8, {5, 9, 13}, 0, true},                            /* rising: each alone */
    };
    struct reference_graph graph;
    uint32_t case_count = sizeof cases / sizeof cases[0];
    for (uint32_t trial = 0; trial < 3 * case_count; trial++) {
        uint32_t i = trial % case_count;
        gvk_tensor x = add_part(&graph, reference_start(&graph, 10100 + trial, 5), cases[i].channels);
        struct size size = draw_size(&graph.random, 31);
        gvk_node concat = {.op = GVK_OP_CONCAT};
        uint32_t count = 0;
        for (int j = 0; j < 3 && cases[i].kernels[j]; j++)
            concat.inputs[count++] =
                reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = cases[i].kernels[j]});
        if (cases[i].with_input)
            concat.inputs[count] = x;
        reference_add(&graph, concat);
        prove("max pools", &graph, size, cases[i].commands);
    }
}

/* The pools' outputs of a network of nothing else, one pixel of whose input is none. */
static void check_spread(const struct reference_graph *graph, const uint32_t kernels[3], uint32_t bad_y, uint32_t bad_x,
                         const float *values)
{
    uint32_t pool_channels = reference_channels(graph, graph->node_count + 1) / 3;
    for (uint32_t i = 0; i < 3 * pool_channels * graph->height * graph->width; i++) {
        uint32_t channel = i / (graph->height * graph->width), reach = kernels[channel / pool_channels] / 2;
        uint32_t y = i / graph->width % graph->height, x = i % graph->width;
        bool inside = abs((int)y - (int)bad_y) <= (int)reach && abs((int)x - (int)bad_x) <= (int)reach;
        if (isnan(values[i]) != inside)
            fail_msg("form %d, pools of %u x %u pixels, a not-a-number at y %u, x %u: the pool of %u has %g at channel "
                     "%u, y %u, x %u",
                     (int)form_of(&bench.device->traits), graph->width, graph->height, bad_y, bad_x, 2 * reach + 1,
                     (double)values[i], channel % pool_channels, y, x);
    }
}

static void a_not_a_number_reaches_every_window_that_holds_it(void **state)
{
    (void)state;
    static const uint32_t vendors[] = {0, GVK_VENDOR_AMD, GVK_VENDOR_INTEL, GVK_VENDOR_QUALCOMM};
    static const uint32_t kernels[][3] = {{13, 9, 5}, {9, 5, 3}};
    for (uint32_t trial = 0; trial < 4 * ARRAY_COUNT(vendors) * ARRAY_COUNT(kernels); trial++) {
        const uint32_t *pools = kernels[trial / ARRAY_COUNT(vendors) % ARRAY_COUNT(kernels)];
        lend_traits(vendors[trial % ARRAY_COUNT(vendors)]);
        struct reference_graph graph;
        gvk_tensor x = add_part(&graph, reference_start(&graph, 10300 + trial, 5), 8);
        gvk_node concat = {.op = GVK_OP_CONCAT};
        for (int j = 0; j < 3; j++)
            concat.inputs[j] =
                reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = pools[j]});
        reference_output(&graph, reference_add(&graph, concat));
        graph.batch = 1;
        graph.height = 1 + random_below(&graph.random, 20);
        graph.width = 1 + random_below(&graph.random, 20);
        uint32_t pixels = graph.height * graph.width, bad = random_below(&graph.random, pixels);
        float *input = draw_input(&graph.random, (size_t)5 * pixels);
        input[bad] = NAN;
        gvk_graph *built = build_graph(&graph);
        gvk_model *model = NULL;
        gvk_stream *stream = NULL;
        gvk_ticket ticket = 0;
        gvk_array out = {0};
        bool finite = true;
        gvk_stream_params params = {.size = sizeof params, .width = graph.width, .height = graph.height};
        assert_ok(gvk_model_create(bench.device, built, NULL, &model));
        assert_ok(gvk_stream_create(model, &params, &stream));
        submit_batch(stream, &graph, input, &ticket);
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        assert_ok(gvk_stream_read_any(stream, ticket, "out0", &out, &finite));
        assert_false(finite);
        check_spread(&graph, pools, bad / graph.width, bad % graph.width, out.data);
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
        gvk_graph_destroy(built);
        free(input);
        reference_release(&graph);
    }
}

static void upsample_average_multiply_and_add_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t channels = 1 + random_below(&(uint64_t){i}, 300);
        gvk_tensor x = reference_start(&graph, 11000 + i, channels);
        struct size size = draw_size(&graph.random, 13);
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}}));
        gvk_tensor average = reference_add(&graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
        reference_output(&graph, average);
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_MULTIPLY, .inputs = {x, average}}));
        gvk_tensor relu = reference_add(
            &graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, relu}}));
        prove("upsample, average pool, multiply, add", &graph, size, 5);
    }
    gvk_tensor x = reference_start(&graph, 11100, 6);
    reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, x}});
    prove("a tensor added to itself", &graph, (struct size){2, 4, 3}, 1);
    reference_output(&graph, reference_start(&graph, 11101, 7));
    prove("no node at all", &graph, (struct size){3, 5, 3}, 0);
}

/* Planes that one lane may not sum up, or go through, alone: it would make more than 16,384 turns, and lavapipe ends a
 * lane in silence after 65,535. */
static void large_planes_equal_the_reference(void **state)
{
    (void)state;
    static const struct size pools[] = {{1, 128, 127}, {1, 300, 260}, {2, 17, 1200}};
    struct reference_graph graph;
    for (size_t i = 0; i < ARRAY_COUNT(pools); i++) {
        gvk_tensor x = reference_start(&graph, 11200 + i, 3);
        reference_add(&graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
        prove("average pool of a large plane", &graph, pools[i], 0);
    }
    gvk_tensor x = reference_start(&graph, 11210, 2), parts[4] = {x};
    for (uint32_t i = 1; i < 4; i++)
        parts[i] = reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = 1 + 4 * i});
    gvk_node concat = {.op = GVK_OP_CONCAT, .inputs = {parts[3], parts[2], parts[1], x}};
    reference_add(&graph, concat);
    prove("pyramid of a large plane", &graph, (struct size){1, 60, 53}, 0);
}

int run_plane_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batch_norms_and_activations_equal_the_reference),
        TEST(batch_norms_fold_into_every_convolution),
        TEST(max_pools_equal_the_reference),
        TEST(max_pools_of_one_tensor_equal_the_reference),
        TEST(a_not_a_number_reaches_every_window_that_holds_it),
        TEST(upsample_average_multiply_and_add_equal_the_reference),
        TEST(large_planes_equal_the_reference),
    };
    return cmocka_run_group_tests_name("planes", tests, NULL, NULL);
}
