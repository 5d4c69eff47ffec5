/* Whole graphs that are no GhostNet, through the runtime alone: kept tensors, and two frames in flight. */
#include "bench.h"

#include <stdlib.h>

/* Kept tensors are the named nodes' values, or refused: never something that a rewrite put in their place. */
static void a_kept_tensor_is_its_nodes_value_or_refused(void **state)
{
    (void)state;
    struct reference_graph graph;
    gvk_tensor x = reference_start(&graph, 13000, 8);
    x = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .outputs = 12});
    x = reference_add(&graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
    gvk_tensor y = reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}});
    y = reference_add(&graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {x, y}});
    gvk_tensor z = reference_add(&graph, (gvk_node){.op = GVK_OP_CONCAT, .inputs = {y, add_part(&graph, y, 4)}});
    reference_output(&graph, add_part(&graph, z, 5));
    struct way way = {.name = "kept tensors"};
    float *input = draw_input(&graph.random, (size_t)2 * 8 * 5 * 7);
    reference_evaluate(&graph, input, 2, 5, 7);
    gvk_graph *built = build_graph(&graph);
    struct trial trial = {.title = "kept tensors", .way = &way, .graph = &graph};
    assert_ok(gvk_model_create(bench.device, built, NULL, &trial.model));
    gvk_graph_destroy(built);
    static const bool readable[] = {false, true, false, true, true, true, true};
    for (uint32_t i = 0; i < graph.node_count; i++) {
        const char *kept[1] = {graph.names[i]};
        gvk_stream_params params = {.size = sizeof params, .width = 7, .height = 5, .batch = 2};
        params.kept_tensors = kept;
        params.kept_count = 1;
        reset_sentences();
        gvk_result result = gvk_stream_create(trial.model, &params, &trial.stream);
        if (!readable[i]) {
            assert_refused(result, GVK_ERROR_ARGUMENT, kept[0]);
            continue;
        }
        assert_ok(result);
        gvk_ticket ticket = 0;
        submit_batch(trial.stream, &graph, input, &ticket);
        assert_ok(gvk_stream_wait(trial.stream, ticket, UINT64_MAX));
        compare_tensor(&trial, ticket, kept[0], i + 2);
        gvk_stream_destroy(trial.stream);
        trial.stream = NULL;
    }
    gvk_model_destroy(trial.model);
    free(input);
    reference_release(&graph);
}

static gvk_tensor add_dense(struct reference_graph *graph, gvk_tensor x, uint32_t outputs, uint32_t kernel,
                            uint32_t stride, gvk_activation activation)
{
    x = reference_add(graph, (gvk_node){.op = GVK_OP_CONVOLUTION,
                                        .inputs = {x},
                                        .outputs = outputs,
                                        .kernel = kernel,
                                        .stride = stride,
                                        .padding = kernel / 2});
    reference_scale_weights(graph, x, 0.0625f);
    return reference_add(graph, (gvk_node){.op = GVK_OP_BATCH_NORM, .inputs = {x}, .activation = activation});
}

/* A small residual classifier: a stem, a block of two dense convolutions, one that halves, a linear layer. */
static void build_residual_classifier(struct reference_graph *graph)
{
    gvk_tensor x = reference_start(graph, 14000, 3);
    x = add_dense(graph, x, 10, 3, 2, GVK_ACTIVATION_RELU);
    for (int block = 0; block < 2; block++) {
        uint32_t outputs = block ? 18 : 10, stride = block ? 2 : 1;
        gvk_tensor y = add_dense(graph, x, outputs, 3, stride, GVK_ACTIVATION_RELU);
        y = add_dense(graph, y, outputs, 3, 1, GVK_ACTIVATION_NONE);
        gvk_tensor shortcut = block ? add_dense(graph, x, outputs, 1, stride, GVK_ACTIVATION_NONE) : x;
        x = reference_add(graph, (gvk_node){.op = GVK_OP_ADD, .inputs = {y, shortcut}});
        x = reference_add(graph, (gvk_node){.op = GVK_OP_ACTIVATION, .inputs = {x}, .activation = GVK_ACTIVATION_RELU});
    }
    x = reference_add(graph, (gvk_node){.op = GVK_OP_AVERAGE_POOL, .inputs = {x}});
    reference_output(graph, reference_add(graph, (gvk_node){.op = GVK_OP_LINEAR, .inputs = {x}, .outputs = 7}));
}

static void assert_logits(gvk_stream *stream, gvk_ticket ticket, const float *expected)
{
    gvk_array got = {0};
    assert_ok(gvk_stream_read(stream, ticket, "out0", &got));
    assert_int_equal(got.bytes, 2 * 7 * sizeof(float));
    double error = relative_error(got.data, expected, 2 * 7);
    if (error > 1e-5)
        fail_msg("ticket %u: the logits are off by %.3g of the largest", (unsigned)ticket, error);
}

static void a_graph_that_is_not_ghostnet_runs_through_the_runtime_alone_with_two_frames_in_flight(void **state)
{
    (void)state;
    enum { FRAMES = 5, HEIGHT = 21, WIDTH = 19, VALUES = 2 * 3 * HEIGHT * WIDTH };
    struct reference_graph graph;
    build_residual_classifier(&graph);
    float *inputs[FRAMES], expected[FRAMES][2 * 7];
    for (int i = 0; i < FRAMES; i++) {
        inputs[i] = draw_input(&graph.random, VALUES);
        reference_evaluate(&graph, inputs[i], 2, HEIGHT, WIDTH);
        for (int j = 0; j < 2 * 7; j++)
            expected[i][j] = (float)graph.tensors[graph.outputs[0]].values[j];
    }
    for (uint32_t off = 0; off <= GVK_REWRITE_ALL; off += GVK_REWRITE_ALL) {
        gvk_graph *built = build_graph(&graph);
        gvk_model_params model_params = {.size = sizeof model_params, .rewrites_off = off};
        gvk_model *model = NULL;
        assert_ok(gvk_model_create(bench.device, built, &model_params, &model));
        gvk_graph_destroy(built);
        gvk_stream_params params = {.size = sizeof params, .width = WIDTH, .height = HEIGHT, .batch = 2, .frames = 2};
        gvk_stream *stream = NULL;
        assert_ok(gvk_stream_create(model, &params, &stream));
        gvk_ticket tickets[FRAMES] = {0};
        submit_batch(stream, &graph, inputs[0], &tickets[0]);
        for (int i = 1; i < FRAMES; i++) { /* frame i - 1 is read while frame i is on the device */
            submit_batch(stream, &graph, inputs[i], &tickets[i]);
            assert_true(tickets[i] > tickets[i - 1]);
            assert_ok(gvk_stream_wait(stream, tickets[i - 1], UINT64_MAX));
            assert_logits(stream, tickets[i - 1], expected[i - 1]);
            if (i < 2)
                continue;
            gvk_array array;
            reset_sentences();
            assert_refused(gvk_stream_wait(stream, tickets[i - 2], 0), GVK_ERROR_ARGUMENT, "an old ticket, waited for");
            reset_sentences();
            assert_refused(gvk_stream_read(stream, tickets[i - 2], "out0", &array), GVK_ERROR_ARGUMENT,
                           "an old ticket");
        }
        assert_ok(gvk_stream_wait(stream, tickets[FRAMES - 1], UINT64_MAX));
        assert_logits(stream, tickets[FRAMES - 1], expected[FRAMES - 1]);
        assert_logits(stream, tickets[FRAMES - 2], expected[FRAMES - 2]); /* still there */
        reset_sentences();
        assert_refused(gvk_stream_wait(stream, tickets[FRAMES - 1] + 1, 0), GVK_ERROR_ARGUMENT,
                       "a ticket of the future");
        reset_sentences();
        assert_refused(gvk_stream_wait(stream, 0, 0), GVK_ERROR_ARGUMENT, "no ticket");
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
    }
    for (int i = 0; i < FRAMES; i++)
        free(inputs[i]);
    reference_release(&graph);
}

int run_network_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kept_tensor_is_its_nodes_value_or_refused),
        TEST(a_graph_that_is_not_ghostnet_runs_through_the_runtime_alone_with_two_frames_in_flight),
    };
    return cmocka_run_group_tests_name("a network that is no GhostNet", tests, NULL, NULL);
}
