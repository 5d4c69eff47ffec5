/* Concats: parts that are written in place, parts that are copied, and every kernel as the one that writes. */
#include "bench.h"

static void concats_equal_the_reference(void **state)
{
    (void)state;
    static const uint32_t parts[][4] = {{4, 8, 0, 0},  {4, 3, 0, 0}, {3, 4, 0, 0}, {1, 1, 1, 1},
                                        {8, 4, 12, 4}, {8, 5, 4, 0}, {5, 3, 8, 2}, {16, 1, 0, 0},
                                        {7, 13, 0, 0}, {4, 6, 6, 4}, {2, 2, 4, 4}, {9, 4, 3, 0}};
    struct reference_graph graph;
    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        gvk_tensor x = reference_start(&graph, 9000 + i, 1 + i);
        struct size size = draw_size(&graph.random, 12);
        gvk_node concat = {.op = GVK_OP_CONCAT};
        for (int j = 0; j < 4 && parts[i][j]; j++)
            concat.inputs[j] = add_part(&graph, x, parts[i][j]);
        gvk_tensor all = reference_add(&graph, concat);
        if (i % 2) { /* something that reads all channels, padding among them, and a part alone */
            reference_output(&graph, add_part(&graph, all, 5));
            reference_output(&graph, concat.inputs[1]);
            reference_output(&graph, add_part(&graph, concat.inputs[0], 6));
        } else {
            reference_output(&graph, all);
        }
        prove("concat", &graph, size, 0);
    }
}

static void concats_of_concats_inputs_and_twice_the_same_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 12; i++) {
        bool quads = i % 2; /* parts that can all be placed, or any */
        gvk_tensor x = reference_start(&graph, 9500 + i, quads ? 8 : 1 + i);
        struct size size = draw_size(&graph.random, 10);
        uint32_t channels[3];
        for (int j = 0; j < 3; j++)
            channels[j] = quads ? 4 + 4 * random_below(&graph.random, 3) : 1 + random_below(&graph.random, 12);
        gvk_tensor a = add_part(&graph, x, channels[0]), b = add_part(&graph, x, channels[1]);
        gvk_tensor inner = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {a, i % 3 ? b : a}});
        gvk_tensor c = add_part(&graph, x, channels[2]);
        gvk_node outer = {.op = GVK_OP_CONCAT, .inputs = {inner, c, i % 4 == 3 ? x : 0}};
        if (i % 4 > 1) {
            outer.inputs[0] = c;
            outer.inputs[1] = inner;
        }
        outer.inputs[3] = outer.inputs[2] && i % 3 == 2 ? a : 0;
        gvk_tensor all = reference_add(&graph, outer);
        reference_output(&graph, all);
        /* A second concat of a part that the first one has placed. */
        reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {b, a}}));
        reference_output(&graph, add_part(&graph, inner, 7));
        prove("concat of concats", &graph, size, 0);
    }
}

static void every_kernel_writes_into_a_concat(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 9; i++) {
        gvk_tensor x = reference_start(&graph, 9700 + i, 8);
        struct size size = draw_size(&graph.random, 9);
        gvk_tensor y = x;
        switch (i) {
        case 0: y = reference_add(&graph, depthwise_node(&graph, x, 3, 1, 1)); break;
        case 1:
            y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .kernel = 3, .padding = 1});
            break;
        case 2: y = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}}); break;
        case 3: y = reference_add(&graph, (gvk_node){.op = GVK_OP_MAX_POOL, .inputs = {x}, .kernel = 5}); break;
        case 4: y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, x}}); break;
        case 5: y = add_squeeze_excite(&graph, x, 3, GVK_OP_CONVOLUTION); break;
        case 6:
            size.height = size.width = 1;
            y = reference_add(&graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
            break;
        case 7: y = reference_add(&graph, depthwise_node(&graph, x, 7, 1, 3)); break;
        default: y = reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}}); break;
        }
        gvk_tensor z =
            i < 8 ? x : reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {add_part(&graph, x, 4)}});
        reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {z, y, i % 2 ? z : 0}});
        prove("placed part", &graph, size, 0);
    }
}

int run_concat_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(concats_equal_the_reference),
        TEST(concats_of_concats_inputs_and_twice_the_same_equal_the_reference),
        TEST(every_kernel_writes_into_a_concat),
    };
    return cmocka_run_group_tests_name("concats", tests, NULL, NULL);
}
