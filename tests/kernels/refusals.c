/* What the runtime refuses: nodes, weights, graphs, streams and pictures, each with one sentence. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

/* Any weight of any shape that is asked for: by what the name says. */
static gvk_result find_any_weight(void *user, const char *name, gvk_array *out)
{
    static const float zeros[64 * 64 * 9];
    const gvk_array *given = user;
    if (given)
        *out = *given;
    else if (strstr(name, "pointwise") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {8, 8, 1, 1}, zeros, sizeof zeros};
    else if (strstr(name, "wide") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {12, 8, 1, 1}, zeros, sizeof zeros};
    else if (strstr(name, "depthwise") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {8, 1, 3, 3}, zeros, sizeof zeros};
    else if (strstr(name, "halving") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {8, 1, 3, 3}, zeros, sizeof zeros};
    else if (strstr(name, "linear") && strstr(name, "weight"))
        *out = (gvk_array){GVK_TYPE_F32, 2, {8, 8}, zeros, sizeof zeros};
    else
        *out = (gvk_array){GVK_TYPE_F32, 1, {8}, zeros, sizeof zeros};
    return GVK_OK;
}

static void wrong_nodes_are_refused_with_a_sentence(void **state)
{
    (void)state;
    enum { INPUT = 1, WIDE = 2, ADDED = 3 }; /* 8 channels, 12, and the node itself */
    static const struct {
        const char *what;
        gvk_node node;
    } cases[] = {
        {"op none", {.op = GVK_OP_NONE, .name = "a", .inputs = {INPUT}}},
        {"unknown op", {.op = (gvk_op)GVK_OP_END, .name = "a", .inputs = {INPUT}}},
        {"an op of the rewrites", {.op = (gvk_op)GVK_OP_MAX_POOLS, .name = "a", .inputs = {INPUT}}},
        {"an op of the rewrites", {.op = (gvk_op)GVK_OP_SQUEEZE_EXCITE, .name = "a", .inputs = {INPUT}}},
        {"negative op", {.op = (gvk_op)-1, .name = "a", .inputs = {INPUT}}},
        {"no name", {.op = GVK_OP_UPSAMPLE, .inputs = {INPUT}}},
        {"empty name", {.op = GVK_OP_UPSAMPLE, .name = "", .inputs = {INPUT}}},
        {"no input", {.op = GVK_OP_UPSAMPLE, .name = "a"}},
        {"itself as input", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {ADDED}}},
        {"input out of range", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {UINT32_MAX}}},
        {"a concat of one", {.op = GVK_OP_CONCAT, .name = "a", .inputs = {INPUT}}},
        {"a sum of one", {.op = GVK_OP_ADD, .name = "a", .inputs = {INPUT}}},
        {"a sum of three", {.op = GVK_OP_ADD, .name = "a", .inputs = {INPUT, INPUT, INPUT}}},
        {"a convolution of two", {.op = GVK_OP_CONVOLUTION, .name = "pointwise", .inputs = {INPUT, INPUT}}},
        {"a sum of 8 and 12 channels", {.op = GVK_OP_ADD, .name = "a", .inputs = {INPUT, WIDE}}},
        {"a gate of 12 for 8 channels", {.op = GVK_OP_MULTIPLY, .name = "a", .inputs = {INPUT, WIDE}}},
        {"3 groups", {.op = GVK_OP_CONVOLUTION, .name = "pointwise", .inputs = {INPUT}, .groups = 3}},
        {"depthwise, more outputs",
         {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .groups = 8, .outputs = 16}},
        {"kernel 32", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .kernel = 32}},
        {"kernel 2^32 - 1", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .kernel = UINT32_MAX}},
        {"stride 5", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .stride = 5}},
        {"padding as wide as the kernel",
         {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .kernel = 3, .padding = 3}},
        {"an even max pool", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {INPUT}, .kernel = 4}},
        {"a max pool of 33", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {INPUT}, .kernel = 33}},
        {"a max pool with a stride", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {INPUT}, .kernel = 3, .stride = 2}},
        {"65537 outputs", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {INPUT}, .outputs = 65537}},
        {"an unknown activation",
         {.op = GVK_OP_ACTIVATION, .name = "a", .inputs = {INPUT}, .activation = (gvk_activation)5}},
        {"a linear layer with a kernel", {.op = GVK_OP_LINEAR, .name = "linear", .inputs = {INPUT}, .kernel = 3}},
        {"a linear layer with groups", {.op = GVK_OP_LINEAR, .name = "linear", .inputs = {INPUT}, .groups = 8}},
        {"an activation that nobody applies",
         {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {INPUT}, .activation = GVK_ACTIVATION_RELU}},
        {"a name twice", {.op = GVK_OP_UPSAMPLE, .name = "wide", .inputs = {INPUT}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gvk_graph *graph = NULL;
        assert_ok(gvk_graph_create(&quiet_host, find_any_weight, NULL, &graph));
        gvk_tensor input = gvk_graph_input(graph, "input", 8);
        gvk_tensor wide = gvk_graph_add(
            graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "wide", .inputs = {input}, .outputs = 12});
        assert_true(input == INPUT && wide == WIDE);
        reset_sentences();
        gvk_graph_output(graph, "out", gvk_graph_add(graph, &cases[i].node));
        assert_refused(gvk_graph_finish(graph), GVK_ERROR_ARGUMENT, cases[i].what);
        gvk_model *model = NULL;
        assert_result(gvk_model_create(bench.device, graph, NULL, &model), GVK_ERROR_ARGUMENT, cases[i].what, __FILE__,
                      __LINE__);
        assert_null(model);
        gvk_graph_destroy(graph);
    }
}

static void wrong_inputs_outputs_and_weights_are_refused_with_a_sentence(void **state)
{
    (void)state;
    enum fault {
        NO_INPUT,
        NO_OUTPUT,
        NO_CHANNELS,
        MANY_CHANNELS,
        TWO_INPUTS,
        FIVE_OUTPUTS,
        OUTPUT_TWICE,
        NAMELESS,
        FAULTS
    };
    for (int fault = 0; fault < FAULTS; fault++) {
        gvk_graph *graph = NULL;
        assert_ok(gvk_graph_create(&quiet_host, find_any_weight, NULL, &graph));
        reset_sentences();
        gvk_tensor input = 0;
        if (fault != NO_INPUT)
            input = gvk_graph_input(graph, "input", fault == NO_CHANNELS ? 0 : fault == MANY_CHANNELS ? 65537 : 8);
        if (fault == TWO_INPUTS)
            gvk_graph_input(graph, "second", 8);
        gvk_tensor x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {input}});
        for (int i = 0; i < (fault == FIVE_OUTPUTS ? 5 : 1) && fault != NO_OUTPUT; i++)
            gvk_graph_output(graph, fault == NAMELESS ? NULL : (const char *const[]){"a", "b", "c", "d", "e"}[i], x);
        if (fault == OUTPUT_TWICE)
            gvk_graph_output(graph, "a", input);
        char what[32];
        snprintf(what, sizeof what, "fault %d", fault);
        assert_refused(gvk_graph_finish(graph), GVK_ERROR_ARGUMENT, what);
        gvk_graph_destroy(graph);
    }
    static const float values[64];
    static const gvk_array weights[] = {
        {GVK_TYPE_F32, 4, {8, 8, 1, 1}, values, 255},
        {GVK_TYPE_F16, 4, {8, 8, 1, 1}, values, 127},
        {GVK_TYPE_F32, 4, {8, 8, 1, 1}, NULL, 256},
        {GVK_TYPE_F32, 4, {8, 7, 1, 1}, values, 256},
        {GVK_TYPE_F32, 2, {8, 8}, values, 256},
        {GVK_TYPE_F32, 0, {0}, values, 256},
        {GVK_TYPE_F32, UINT32_MAX, {8, 8, 1, 1}, values, 256},
        {GVK_TYPE_OTHER, 4, {8, 8, 1, 1}, values, 256},
    };
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        gvk_graph *graph = NULL;
        gvk_array given = weights[i];
        assert_ok(gvk_graph_create(&quiet_host, find_any_weight, &given, &graph));
        reset_sentences();
        gvk_node node = {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {gvk_graph_input(graph, "input", 8)}};
        gvk_graph_output(graph, "out", gvk_graph_add(graph, &node));
        char what[32];
        snprintf(what, sizeof what, "weight %zu", i);
        assert_refused(gvk_graph_finish(graph), GVK_ERROR_MISMATCH, what);
        gvk_graph_destroy(graph);
    }
}

/* Graphs that finish, since a graph has no size, and must be refused as streams. */
enum misfit {
    CONCAT_SIZES,
    CONCAT_FIRST_SMALL,
    SUM_SIZES,
    RESIDUAL_SIZE,
    TAIL_SIZES,
    TAIL_RESIDUAL,
    GATE_SIZE,
    LINEAR_SIZE,
    TOO_SMALL,
    UPSAMPLES,
    MISFITS
};

static gvk_graph *build_misfit(enum misfit misfit)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&quiet_host, find_any_weight, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", 8);
    gvk_node halve = {.op = GVK_OP_CONVOLUTION,
                      .name = "halving",
                      .inputs = {x},
                      .kernel = 3,
                      .stride = 2,
                      .padding = 1,
                      .groups = 8};
    gvk_tensor half =
        misfit == TOO_SMALL || misfit == UPSAMPLES || misfit == LINEAR_SIZE ? x : gvk_graph_add(graph, &halve);
    gvk_node node = {.op = GVK_OP_CONVOLUTION, .name = "pointwise", .inputs = {x}};
    gvk_tensor whole =
        misfit == TOO_SMALL || misfit == UPSAMPLES || misfit == LINEAR_SIZE ? x : gvk_graph_add(graph, &node);
    gvk_node depthwise = {
        .op = GVK_OP_CONVOLUTION, .name = "depthwise", .inputs = {whole}, .kernel = 3, .padding = 1, .groups = 8};
    gvk_node last = {.op = GVK_OP_ADD, .name = "last", .inputs = {whole, half}};
    switch (misfit) {
    case CONCAT_SIZES: last.op = GVK_OP_CONCAT; break;
    case CONCAT_FIRST_SMALL: last = (gvk_node){.op = GVK_OP_CONCAT, .name = "last", .inputs = {half, whole}}; break;
    case SUM_SIZES: last.inputs[0] = x; break;
    case RESIDUAL_SIZE: break;
    case TAIL_SIZES:
        depthwise.padding = 0;
        last = (gvk_node){.op = GVK_OP_CONCAT, .name = "last", .inputs = {whole, gvk_graph_add(graph, &depthwise)}};
        break;
    case TAIL_RESIDUAL: {
        gvk_node both = {.op = GVK_OP_CONCAT, .name = "both", .inputs = {whole, gvk_graph_add(graph, &depthwise)}};
        gvk_node halves = {.op = GVK_OP_CONCAT, .name = "halves", .inputs = {half, half}};
        last.inputs[0] = gvk_graph_add(graph, &both);
        last.inputs[1] = gvk_graph_add(graph, &halves);
        break;
    }
    case GATE_SIZE: last.op = GVK_OP_MULTIPLY; break;
    case LINEAR_SIZE: last = (gvk_node){.op = GVK_OP_LINEAR, .name = "linear", .inputs = {x}}; break;
    case TOO_SMALL:
        last = depthwise;
        last.padding = 0;
        break;
    default:
        for (int i = 0; i < 40; i++) {
            char name[16];
            snprintf(name, sizeof name, "up%d", i);
            x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_UPSAMPLE, .name = name, .inputs = {x}});
        }
        last = (gvk_node){.op = GVK_OP_UPSAMPLE, .name = "last", .inputs = {x}};
    }
    gvk_graph_output(graph, "out", gvk_graph_add(graph, &last));
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

static void tensors_that_do_not_fit_together_are_refused_whatever_is_rewritten(void **state)
{
    (void)state;
    for (int misfit = 0; misfit < MISFITS; misfit++)
        for (uint32_t off = 0; off <= GVK_REWRITE_ALL; off += GVK_REWRITE_ALL) {
            gvk_graph *graph = build_misfit((enum misfit)misfit);
            gvk_model_params model_params = {.size = sizeof model_params, .rewrites_off = off};
            gvk_model *model = NULL;
            assert_ok(gvk_model_create(bench.device, graph, &model_params, &model));
            gvk_graph_destroy(graph);
            uint32_t side = misfit == TOO_SMALL ? 2 : 6;
            gvk_stream_params params = {.size = sizeof params, .width = side, .height = side};
            gvk_stream *stream = NULL;
            char what[48];
            snprintf(what, sizeof what, "misfit %d, rewrites off 0x%02x", misfit, off);
            reset_sentences();
            assert_refused(gvk_stream_create(model, &params, &stream),
                           misfit == UPSAMPLES ? GVK_ERROR_UNSUPPORTED : GVK_ERROR_ARGUMENT, what);
            assert_null(stream);
            gvk_model_destroy(model);
        }
}

static gvk_model *create_plain_model(uint32_t channels)
{
    struct reference_graph graph;
    gvk_tensor x = reference_start(&graph, 12000, channels);
    reference_output(&graph, reference_add(&graph, (gvk_node){.op = GVK_OP_CONVOLUTION, .inputs = {x}, .bias = 1}));
    gvk_graph *built = build_graph(&graph);
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(bench.device, built, NULL, &model));
    gvk_graph_destroy(built);
    reference_release(&graph);
    return model;
}

static void wrong_streams_and_pictures_are_refused_with_a_sentence(void **state)
{
    (void)state;
    static const char *const unknown[1] = {"nobody"};
    static const gvk_stream_params wrong[] = {
        {.width = 0, .height = 8},
        {.width = 8, .height = 0},
        {.width = 65536, .height = 8},
        {.width = 8, .height = UINT32_MAX},
        {.width = 8, .height = 8, .batch = 1025},
        {.width = 8, .height = 8, .frames = 9},
        {.width = 8, .height = 8, .kept_tensors = unknown, .kept_count = 1},
        {.width = 8, .height = 8, .kept_count = 1},
        {.width = 65535, .height = 65535},
    };
    gvk_model *model = create_plain_model(8);
    gvk_stream *stream = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char what[32];
        snprintf(what, sizeof what, "stream %zu", i);
        reset_sentences();
        assert_refused(gvk_stream_create(model, &wrong[i], &stream),
                       wrong[i].width == 65535 ? GVK_ERROR_UNSUPPORTED : GVK_ERROR_ARGUMENT, what);
        assert_null(stream);
    }
    gvk_stream_params params = {.size = sizeof params, .width = 3, .height = 2}; /* batch 0 is 1 */
    assert_ok(gvk_stream_create(model, &params, &stream));
    static const float values[8 * 6];
    static const gvk_picture pictures[] = {
        {.kind = GVK_PICTURE_TENSOR, .width = 2, .height = 3, .pixels = values},
        {.kind = GVK_PICTURE_TENSOR, .width = 3, .height = 2},
        {.kind = GVK_PICTURE_PIXELS, .width = 3, .height = 2, .pixels = values}, /* eight channels are no picture */
        {.kind = (gvk_picture_kind)7, .width = 3, .height = 2, .pixels = values},
    };
    gvk_ticket ticket = 0;
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        reset_sentences();
        assert_refused(gvk_stream_submit(stream, &pictures[i], sizeof(gvk_picture), 1, &ticket), GVK_ERROR_ARGUMENT,
                       "a wrong picture");
    }
    const gvk_picture right = {.kind = GVK_PICTURE_TENSOR, .width = 3, .height = 2, .pixels = values};
    reset_sentences();
    assert_refused(gvk_stream_submit(stream, (const gvk_picture[]){right, right}, sizeof(gvk_picture), 2, &ticket),
                   GVK_ERROR_ARGUMENT, "two");
    assert_true(ticket == 0);
    assert_ok(gvk_stream_submit(stream, &right, sizeof(gvk_picture), 1, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    gvk_array array;
    reset_sentences();
    assert_refused(gvk_stream_read(stream, ticket, "nobody", &array), GVK_ERROR_ARGUMENT, "an unknown tensor");
    assert_ok(gvk_stream_read(stream, ticket, "out0", &array));
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static void what_is_too_large_for_the_device_is_refused_with_a_sentence(void **state)
{
    (void)state;
    gvk_stream_params params = {.size = sizeof params, .width = 64, .height = 64, .batch = 2};
    for (int limit = 0; limit < 2; limit++) {
        bench.device->traits = bench.traits;
        if (limit == 0)
            bench.device->traits.max_storage_bytes =
                64 * 64 * 2 * 2 * 16; /* the output; a source has slack behind it */
        else
            bench.device->traits.max_workgroup_count = 2; /* of 64 lanes of 4 pixels; 64 x 64 pixels take 16 and more */
        gvk_model *model = create_plain_model(8);
        gvk_stream *stream = NULL;
        reset_sentences();
        assert_refused(gvk_stream_create(model, &params, &stream), GVK_ERROR_UNSUPPORTED, "too large");
        assert_null(stream);
        gvk_stream_params small = {.size = sizeof small, .width = 4, .height = 4};
        assert_ok(gvk_stream_create(model, &small, &stream)); /* and the model is still of use */
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
    }
}

int run_refusal_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_nodes_are_refused_with_a_sentence),
        TEST(wrong_inputs_outputs_and_weights_are_refused_with_a_sentence),
        TEST(tensors_that_do_not_fit_together_are_refused_whatever_is_rewritten),
        TEST(wrong_streams_and_pictures_are_refused_with_a_sentence),
        TEST(what_is_too_large_for_the_device_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
