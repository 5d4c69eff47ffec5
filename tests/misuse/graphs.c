/* Wrong calls about graphs and models. */
#include "misuse.h"

#include <string.h>

static void creating_a_graph(void **state)
{
    (void)state;
    gvk_graph *graph = NULL;
    REFUSED_IN_SILENCE(gvk_graph_create(NULL, NULL, NULL, NULL));
    REFUSED(gvk_graph_create(&counting_host, find_weight, NULL, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_host host = counting_host;
        host.size = impossible_sizes[i];
        REFUSED(gvk_graph_create(&host, find_weight, NULL, &graph));
    }
    assert_null(graph);
    gvk_graph_destroy(NULL);
}

static void no_graph_at_all(void **state)
{
    (void)state;
    gvk_node node = {.size = sizeof node, .op = GVK_OP_UPSAMPLE, .name = "up", .inputs = {1}};
    assert_int_equal(gvk_graph_input(NULL, "input", 3), 0);
    assert_int_equal(gvk_graph_add(NULL, &node), 0);
    assert_int_equal(gvk_graph_add(NULL, NULL), 0);
    gvk_graph_output(NULL, "output", 1);
    assert_int_equal(gvk_graph_channels(NULL, 1), 0);
    REFUSED_IN_SILENCE(gvk_graph_finish(NULL));
    assert_int_equal(gvk_graph_channels(objects.graph, 0), 0);
    assert_int_equal(gvk_graph_channels(objects.graph, 1000), 0);
    assert_int_equal(gvk_graph_channels(objects.graph, UINT32_MAX), 0);
}

/* A graph of one input and one node, finished: the add is what is told. */
static gvk_result finish_with(const gvk_node *node)
{
    gvk_tensor input;
    gvk_graph *graph = begin_graph(&input);
    gvk_tensor added = gvk_graph_add(graph, node);
    gvk_graph_output(graph, "output", added ? added : input);
    gvk_result result = gvk_graph_finish(graph);
    gvk_graph_destroy(graph);
    if (result)
        assert_int_equal(added, 0);
    return result;
}

static const struct {
    const char *name;
    gvk_node node;
} wrong_nodes[] = {
    {"no name", {.op = GVK_OP_UPSAMPLE, .inputs = {1}}},
    {"an empty name", {.op = GVK_OP_UPSAMPLE, .name = "", .inputs = {1}}},
    {"no op", {.op = GVK_OP_NONE, .name = "a", .inputs = {1}}},
    {"an op behind the last", {.op = (gvk_op)(GVK_OP_LINEAR + 1), .name = "a", .inputs = {1}}},
    {"an op that rewrites make", {.op = (gvk_op)100, .name = "a", .inputs = {1}}},
    {"another op that rewrites make", {.op = (gvk_op)101, .name = "a", .inputs = {1}}},
    {"a third op that rewrites make", {.op = (gvk_op)102, .name = "a", .inputs = {1}}},
    {"no input", {.op = GVK_OP_UPSAMPLE, .name = "a"}},
    {"an input that is not there", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {2}}},
    {"an input far beyond", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {UINT32_MAX}}},
    {"a second input that is not there", {.op = GVK_OP_ADD, .name = "a", .inputs = {1, 7}}},
    {"a second input too many", {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {1, 1}}},
    {"three summands", {.op = GVK_OP_ADD, .name = "a", .inputs = {1, 1, 1}}},
    {"one summand", {.op = GVK_OP_ADD, .name = "a", .inputs = {1}}},
    {"no gate", {.op = GVK_OP_MULTIPLY, .name = "a", .inputs = {1}}},
    {"a concat of one", {.op = GVK_OP_CONCAT, .name = "a", .inputs = {1}}},
    {"too many outputs", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .outputs = 65537}},
    {"outputs without end", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .outputs = UINT32_MAX}},
    {"a kernel that is too large", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .kernel = 33}},
    {"a kernel without end", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .kernel = UINT32_MAX}},
    {"a pool's kernel without end", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {1}, .kernel = UINT32_MAX}},
    {"a pool's even kernel", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {1}, .kernel = 4}},
    {"a pool's stride", {.op = GVK_OP_MAX_POOL, .name = "a", .inputs = {1}, .kernel = 3, .stride = 2}},
    {"a stride that is too large", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .stride = 5}},
    {"a stride without end", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .stride = UINT32_MAX}},
    {"a padding as large as the kernel", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .padding = 1}},
    {"a padding without end", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .padding = UINT32_MAX}},
    {"groups that are not the channels", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .groups = 2}},
    {"groups without end", {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .groups = UINT32_MAX}},
    {"depthwise with other outputs",
     {.op = GVK_OP_CONVOLUTION, .name = "a", .inputs = {1}, .groups = CHANNELS, .outputs = 6}},
    {"a linear layer with a kernel", {.op = GVK_OP_LINEAR, .name = "a", .inputs = {1}, .kernel = 3}},
    {"a linear layer with a stride", {.op = GVK_OP_LINEAR, .name = "a", .inputs = {1}, .stride = 2}},
    {"a linear layer with a padding", {.op = GVK_OP_LINEAR, .name = "a", .inputs = {1}, .padding = 1}},
    {"a linear layer with groups", {.op = GVK_OP_LINEAR, .name = "a", .inputs = {1}, .groups = CHANNELS}},
    {"an activation of an upsampling",
     {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {1}, .activation = GVK_ACTIVATION_RELU}},
    {"a reserved size of one byte", {.size = 1, .op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {1}}},
};

static void nodes(void **state)
{
    (void)state;
    const gvk_node right = {.size = sizeof right, .op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {1}};
    assert_ok(finish_with(&right));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_nodes); i++)
        LINE_REFUSED(wrong_nodes[i].name, finish_with(&wrong_nodes[i].node));
    REFUSED(finish_with(NULL));
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        gvk_node op = right, activation = right;
        op.op = (gvk_op)unknown_values[i];
        activation.op = GVK_OP_ACTIVATION;
        activation.activation = (gvk_activation)unknown_values[i];
        REFUSED(finish_with(&op));
        REFUSED(finish_with(&activation));
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_node node = right;
        node.size = impossible_sizes[i];
        REFUSED(finish_with(&node));
    }
    static char long_name[4096];
    memset(long_name, 'n', sizeof long_name - 1);
    gvk_node node = {.op = GVK_OP_CONVOLUTION, .name = long_name, .inputs = {1}};
    REFUSED(finish_with(&node));
    node = (gvk_node){.op = GVK_OP_CONVOLUTION, .name = "no such weight", .inputs = {1}};
    ENDS_AS(finish_with(&node), GVK_ERROR_MISMATCH);
}

enum wrong_port {
    NO_INPUT_NAME,
    NO_CHANNELS,
    TOO_MANY_CHANNELS,
    SECOND_INPUT,
    NO_OUTPUT_NAME,
    OUTPUT_OF_NOTHING,
    OUTPUT_BEYOND,
    SAME_OUTPUT_TWICE,
    FIFTH_OUTPUT,
    NO_OUTPUT,
    NOTHING,
    SAME_NODE_TWICE,
    WRONG_PORTS
};

static const char *const wrong_port_names[WRONG_PORTS] = {"an input without a name",  "an input without channels",
                                                          "too many channels",        "a second input",
                                                          "an output without a name", "an output of no tensor",
                                                          "an output beyond",         "the same output twice",
                                                          "a fifth output",           "no output",
                                                          "an empty graph",           "the same node twice"};

static gvk_result finish_wrong(enum wrong_port wrong)
{
    gvk_graph *graph = NULL;
    gvk_tensor input = 0;
    const gvk_node node = {.op = GVK_OP_UPSAMPLE, .name = "a", .inputs = {1}};
    if (wrong == NO_INPUT_NAME || wrong == NO_CHANNELS || wrong == TOO_MANY_CHANNELS || wrong == NOTHING)
        assert_ok(gvk_graph_create(&counting_host, find_weight, NULL, &graph));
    else
        graph = begin_graph(&input);
    switch (wrong) {
    case NO_INPUT_NAME: assert_int_equal(gvk_graph_input(graph, NULL, 3), 0); break;
    case NO_CHANNELS: assert_int_equal(gvk_graph_input(graph, "input", 0), 0); break;
    case TOO_MANY_CHANNELS: assert_int_equal(gvk_graph_input(graph, "input", UINT32_MAX), 0); break;
    case SECOND_INPUT: assert_int_equal(gvk_graph_input(graph, "other", 3), 0); break;
    case NO_OUTPUT_NAME: gvk_graph_output(graph, NULL, input); break;
    case OUTPUT_OF_NOTHING: gvk_graph_output(graph, "output", 0); break;
    case OUTPUT_BEYOND: gvk_graph_output(graph, "output", UINT32_MAX); break;
    case SAME_OUTPUT_TWICE:
        gvk_graph_output(graph, "output", input);
        gvk_graph_output(graph, "output", input);
        break;
    case FIFTH_OUTPUT:
        for (int i = 0; i < 5; i++)
            gvk_graph_output(graph, (const char[2]){(char)('a' + i), 0}, input);
        break;
    case SAME_NODE_TWICE:
        gvk_graph_output(graph, "output", input);
        assert_true(gvk_graph_add(graph, &node) && gvk_graph_add(graph, &node));
        break;
    case NO_OUTPUT:
    case NOTHING:
    case WRONG_PORTS: break;
    }
    if (wrong != NO_OUTPUT && wrong != NOTHING)
        gvk_graph_output(graph, "last", 1);
    gvk_result result = gvk_graph_finish(graph);
    assert_int_equal(gvk_graph_finish(graph), result); /* the first error sticks */
    gvk_graph_destroy(graph);
    return result;
}

static void inputs_and_outputs(void **state)
{
    (void)state;
    for (int i = 0; i < WRONG_PORTS; i++)
        LINE_REFUSED(wrong_port_names[i], finish_wrong((enum wrong_port)i));
}

static gvk_result add_behind_the_end(int call)
{
    const gvk_node node = {.size = sizeof node, .op = GVK_OP_UPSAMPLE, .name = "late", .inputs = {1}};
    gvk_tensor added = 0;
    switch (call) {
    case 0: added = gvk_graph_add(objects.graph, &node); break;
    case 1: added = gvk_graph_add(objects.graph, NULL); break;
    case 2: added = gvk_graph_input(objects.graph, "late", 3); break;
    case 3: gvk_graph_output(objects.graph, "late", 1); break;
    }
    return added ? GVK_OK : GVK_ERROR_ARGUMENT;
}

/* Others may use the graph by now: it stays as it was. */
static void adding_to_a_finished_graph(void **state)
{
    (void)state;
    gvk_description before = {.size = sizeof before}, after = {.size = sizeof after};
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE};
    assert_ok(gvk_plan_describe(NULL, objects.graph, NULL, &params, &before));
    for (int i = 0; i < 4; i++)
        REFUSED(add_behind_the_end(i));
    assert_ok(gvk_graph_finish(objects.graph));
    assert_ok(gvk_plan_describe(NULL, objects.graph, NULL, &params, &after));
    assert_int_equal(before.layer_count, after.layer_count);
    gvk_description_release(&counting_host, &before);
    gvk_description_release(&counting_host, &after);
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(objects.device, objects.graph, NULL, &model));
    gvk_model_destroy(model);
}

/* ---- weights that a host's function gives ---- */

static const float values[OUTPUTS * CHANNELS];

static const struct {
    const char *name;
    gvk_array array;
} wrong_arrays[] = {
    {"nothing filled in", {.data = NULL}},
    {"no data", {GVK_TYPE_F32, 4, {OUTPUTS, CHANNELS, 1, 1}, NULL, sizeof values}},
    {"too few bytes", {GVK_TYPE_F32, 4, {OUTPUTS, CHANNELS, 1, 1}, values, sizeof values - 1}},
    {"no bytes", {GVK_TYPE_F16, 4, {OUTPUTS, CHANNELS, 1, 1}, values, 0}},
    {"another type", {GVK_TYPE_OTHER, 4, {OUTPUTS, CHANNELS, 1, 1}, values, sizeof values}},
    {"an unknown type", {(gvk_type)77, 4, {OUTPUTS, CHANNELS, 1, 1}, values, sizeof values}},
    {"another shape", {GVK_TYPE_F32, 4, {OUTPUTS, CHANNELS, 3, 3}, values, sizeof values}},
    {"a shape without end", {GVK_TYPE_F32, 4, {UINT64_MAX, UINT64_MAX, 1, 1}, values, sizeof values}},
    {"another rank", {GVK_TYPE_F32, 2, {OUTPUTS, CHANNELS}, values, sizeof values}},
    {"a rank without end", {GVK_TYPE_F32, UINT32_MAX, {OUTPUTS, CHANNELS, 1, 1}, values, sizeof values}},
};

static gvk_result find_wrong(void *user, const char *name, gvk_array *out)
{
    (void)name;
    memcpy(out, user, sizeof *out);
    return GVK_OK;
}

static gvk_result finish_with_weight(const gvk_array *array)
{
    gvk_array copy = *array;
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&counting_host, find_wrong, &copy, &graph));
    gvk_node node = {.op = GVK_OP_CONVOLUTION,
                     .name = "mix",
                     .inputs = {gvk_graph_input(graph, "input", CHANNELS)},
                     .outputs = OUTPUTS};
    gvk_graph_output(graph, "mix", gvk_graph_add(graph, &node));
    gvk_result result = gvk_graph_finish(graph);
    gvk_graph_destroy(graph);
    return result;
}

static void weights(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong_arrays); i++)
        LINE_ENDS_AS(wrong_arrays[i].name, finish_with_weight(&wrong_arrays[i].array), GVK_ERROR_MISMATCH);
}

/* ---- models ---- */

static void models(void **state)
{
    (void)state;
    gvk_model *model = NULL;
    gvk_device *device = objects.device;
    REFUSED_IN_SILENCE(gvk_model_create(NULL, objects.graph, NULL, &model));
    REFUSED_IN_SILENCE(gvk_model_create(NULL, NULL, NULL, NULL));
    REFUSED(gvk_model_create(device, NULL, NULL, &model));
    REFUSED(gvk_model_create(device, objects.graph, NULL, NULL));
    REFUSED(gvk_model_create(device, objects.unfinished, NULL, &model));
    REFUSED(gvk_model_create(device, objects.failed, NULL, &model));
    REFUSED(gvk_model_create(device, objects.without_weights, NULL, &model));
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        gvk_model_params params = {.size = sizeof params, .precision = (gvk_precision)unknown_values[i]};
        REFUSED(gvk_model_create(device, objects.graph, &params, &model));
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_model_params params = {.size = impossible_sizes[i]};
        REFUSED(gvk_model_create(device, objects.graph, &params, &model));
    }
    static const char *const nothing[] = {"nothing"}, *const unnamed[] = {NULL};
    const gvk_model_params wrong_taps[] = {{.tap_count = 1},
                                           {.tap_count = UINT32_MAX, .taps = nothing},
                                           {.tap_count = 1, .taps = nothing},
                                           {.tap_count = 1, .taps = unnamed}};
    for (size_t i = 0; i < ARRAY_COUNT(wrong_taps); i++) {
        gvk_model_params params = wrong_taps[i];
        params.size = sizeof params;
        REFUSED(gvk_model_create(device, objects.graph, &params, &model));
    }
    assert_null(model);
    gvk_model_destroy(NULL);

    const char *names[1];
    uint32_t one = 1, most = UINT32_MAX, none = 0;
    REFUSED_IN_SILENCE(gvk_model_tensors(NULL, names, &one));
    REFUSED_IN_SILENCE(gvk_model_tensors(NULL, NULL, NULL));
    REFUSED(gvk_model_tensors(objects.model, names, NULL));
    REFUSED(gvk_model_tensors(objects.model, NULL, &one));
    REFUSED(gvk_model_tensors(objects.model, NULL, &most));
    assert_ok(gvk_model_tensors(objects.model, NULL, &none));
    assert_int_equal(none, 1);
}

int run_graph_misuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating_a_graph),
        cmocka_unit_test(no_graph_at_all),
        cmocka_unit_test(nodes),
        cmocka_unit_test(inputs_and_outputs),
        cmocka_unit_test(adding_to_a_finished_graph),
        cmocka_unit_test(weights),
        cmocka_unit_test(models),
    };
    return cmocka_run_group_tests_name("misuse of graphs and models", tests, NULL, NULL);
}
