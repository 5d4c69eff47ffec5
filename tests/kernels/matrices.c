/* Pointwise convolutions on matrix units, whose tiles are larger than what the other tests' convolutions have: several
 * blocks of outputs and pixels, steps of inputs that fill every slice or leave some empty. */
#include "bench.h"

#include "runtime/kernel/matrices.h"

/* Channels around the edges of steps (32 inputs), slices (four of these) and blocks (32 and 64 outputs). */
static const struct {
    uint32_t inputs, outputs;
    struct size size;
} shapes[] = {
    {32, 64, {1, 8, 8}},    {33, 65, {1, 5, 13}},  {128, 32, {2, 8, 8}},  {129, 31, {1, 1, 65}},
    {160, 130, {1, 9, 15}}, {257, 96, {1, 3, 11}}, {300, 129, {3, 7, 5}}, {511, 8, {1, 11, 12}},
};

static bool has_matrices(void)
{
    if (!bench.traits.matrix_side)
        say_not_here("matrix units: VK_KHR_cooperative_matrix with fp16, sums in fp32 and a subgroup's scope");
    return bench.traits.matrix_side && !bench.fp32_only;
}

static void convolutions_of_many_channels_equal_the_reference(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 2 * ARRAY_COUNT(shapes) && has_matrices(); i++) {
        const uint32_t n = i % ARRAY_COUNT(shapes);
        gvk_tensor x = reference_start(&graph, 14000 + i, shapes[n].inputs);
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .inputs = {x},
                         .outputs = shapes[n].outputs,
                         .bias = (int)random_below(&graph.random, 2),
                         .activation = (gvk_activation)(i % 4)};
        reference_add(&graph, node);
        prove_on_matrices("many channels", &graph, shapes[n].size);
    }
}

static void what_a_store_does_is_done_to_every_block(void **state)
{
    (void)state;
    struct reference_graph graph;
    for (uint32_t i = 0; i < 6 && has_matrices(); i++) {
        gvk_tensor input = reference_start(&graph, 14100 + i, 97 + 32 * i), x = input;
        uint32_t outputs = 70 + 7 * i;
        if (i % 3 == 0)
            x = add_squeeze_excite(&graph, input, 5, GVK_OP_CONVOLUTION);
        x = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = outputs, .bias = 1});
        if (i % 3 == 1)
            reference_add(&graph, (gvk_node){.op = GVK_OP_UPSAMPLE, .inputs = {x}});
        if (i % 3 == 2) {
            gvk_tensor other =
                reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {input}, .outputs = outputs});
            reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, other}});
        }
        prove_on_matrices("gate, upsampled or residual", &graph, (struct size){1 + i % 2, 9, 11});
    }
}

int run_matrix_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(convolutions_of_many_channels_equal_the_reference),
        TEST(what_a_store_does_is_done_to_every_block),
    };
    return cmocka_run_group_tests_name("matrix units", tests, NULL, NULL);
}
