/* fp16 in memory: what it takes, what it refuses, and that an overflow never ends as a wrong number. How near its
 * results are is shown by test_kernels.c and test_parity.c. */
#include "tests/support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/half.h"
#include "runtime/vulkan/device.h"

#define CHANNELS 8u
#define SIDE     16u

/* Two pointwise convolutions; `weights` are those of all their channels. */
struct chain {
    float first[CHANNELS * CHANNELS], second[CHANNELS * CHANNELS];
};

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    struct chain *chain = user;
    *out = (gvk_array){.type = GVK_TYPE_F32,
                       .rank = 4,
                       .shape = {CHANNELS, CHANNELS, 1, 1},
                       .data = strcmp(name, "first.weight") ? chain->second : chain->first,
                       .bytes = sizeof chain->first};
    return GVK_OK;
}

/* Each channel is multiplied by the factors, one after the other; then `activation`. */
static gvk_graph *build_chain(struct chain *chain, float first, float second, gvk_activation activation)
{
    memset(chain, 0, sizeof *chain);
    for (uint32_t i = 0; i < CHANNELS; i++) {
        chain->first[i * CHANNELS + i] = first;
        chain->second[i * CHANNELS + i] = second;
    }
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(NULL, find_weight, chain, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", CHANNELS);
    x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "first", .inputs = {x}});
    x = gvk_graph_add(graph,
                      &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "second", .inputs = {x}, .activation = activation});
    gvk_graph_output(graph, "out", x);
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

/* Runs the chain on an input of ones; *value is the first of the result. */
static gvk_result run_chain(gvk_device *device, const gvk_graph *graph, gvk_precision precision, float *value)
{
    gvk_model_params params = {.size = sizeof params, .precision = precision};
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_result result = gvk_model_create(device, graph, &params, &model);
    if (result)
        return result;
    gvk_stream_params stream_params = {.size = sizeof stream_params, .width = SIDE, .height = SIDE};
    assert_ok(gvk_stream_create(model, &stream_params, &stream));
    float input[CHANNELS * SIDE * SIDE];
    for (size_t i = 0; i < CHANNELS * SIDE * SIDE; i++)
        input[i] = 1.0f;
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = input};
    gvk_ticket ticket = 0;
    gvk_array got = {0};
    assert_ok(gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    result = gvk_stream_read(stream, ticket, "out", &got);
    if (!result)
        *value = ((const float *)got.data)[0];
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

static void halves_and_floats_become_each_other(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = gvk_float_of_half((uint16_t)bits);
        if (isnan(value))
            assert_true(isnan(gvk_float_of_half(gvk_half_of_float(value))));
        else
            assert_int_equal(gvk_half_of_float(value), bits);
    }
    static const struct {
        float value;
        uint16_t half;
    } roundings[] = {
        {65519.0f, 0x7bff},       {65520.0f, 0x7c00}, {1e30f, 0x7c00}, {-70000.0f, 0xfc00},
        {1.00048828125f, 0x3c00}, /* half way to the next: to the even one, here and below */
        {1.00146484375f, 0x3c02}, {0x1p-25f, 0},      {0x1.8p-24f, 2}, {-0x1.000002p-25f, 0x8001},
    };
    for (size_t i = 0; i < sizeof roundings / sizeof roundings[0]; i++)
        if (gvk_half_of_float(roundings[i].value) != roundings[i].half)
            fail_msg("%a became 0x%04x, not 0x%04x", (double)roundings[i].value, gvk_half_of_float(roundings[i].value),
                     roundings[i].half);
}

static void fp16_computes_what_fp32_does(void **state)
{
    struct chain chain;
    gvk_graph *graph = build_chain(&chain, 0.5f, 3.0f, GVK_ACTIVATION_RELU);
    float exact = 0, half = 0;
    assert_ok(run_chain(*state, graph, GVK_PRECISION_FP32, &exact));
    assert_ok(run_chain(*state, graph, GVK_PRECISION_FP16, &half));
    assert_true(exact == 1.5f && half == 1.5f);
    gvk_graph_destroy(graph);
}

/* The second convolution and its bound would turn an infinity into 6, or 0: a number like any other. */
static void an_overflow_ends_as_an_error_also_behind_a_bound(void **state)
{
    static const struct {
        float first, second, expected;
    } chains[] = {{30000.0f * 3, 1e-3f, 6.0f}, {-30000.0f * 3, 1e-3f, 0.0f}};
    struct chain chain;
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        /* The weights fit, their sum over two channels does not. */
        gvk_graph *graph = build_chain(&chain, chains[i].first / 2, chains[i].second, GVK_ACTIVATION_RELU6);
        for (uint32_t o = 0; o < CHANNELS; o++)
            chain.first[o * CHANNELS + (o + 1) % CHANNELS] = chains[i].first / 2;
        float value = -1;
        assert_ok(run_chain(*state, graph, GVK_PRECISION_FP32, &value));
        assert_true(value == chains[i].expected);
        assert_int_equal(run_chain(*state, graph, GVK_PRECISION_FP16, &value), GVK_ERROR_NUMBER);
        gvk_graph_destroy(graph);
    }
}

/* -40000 twice is beyond fp16, all four together are 32. Where sums of a few inputs are fp16 the bound would make 0 of
 * the infinity. */
static void a_sum_on_the_way_that_overflows_is_no_number_either(void **state)
{
    static const float factors[] = {-40000.0f, -40000.0f, 40000.0f, 40032.0f};
    gvk_device *device = *state;
    struct chain chain;
    gvk_graph *graph = build_chain(&chain, 1.0f, 0.0f, GVK_ACTIVATION_RELU6);
    for (uint32_t o = 0; o < CHANNELS; o++)
        memcpy(chain.second + o * CHANNELS, factors, sizeof factors);
    float value = -1;
    assert_ok(run_chain(device, graph, GVK_PRECISION_FP32, &value));
    assert_true(value == 6.0f);
    gvk_result expected = device->traits.half_sums ? GVK_ERROR_NUMBER : GVK_OK;
    value = -1;
    assert_int_equal(run_chain(device, graph, GVK_PRECISION_FP16, &value), expected);
    assert_true(expected || value == 6.0f);
    gvk_graph_destroy(graph);
}

static void a_weight_that_is_too_large_is_refused(void **state)
{
    struct chain chain;
    gvk_graph *graph = build_chain(&chain, 70000.0f, 1.0f, GVK_ACTIVATION_NONE);
    float value = 0;
    assert_ok(run_chain(*state, graph, GVK_PRECISION_FP32, &value));
    assert_true(value == 70000.0f);
    assert_int_equal(run_chain(*state, graph, GVK_PRECISION_FP16, &value), GVK_ERROR_NUMBER);
    gvk_graph_destroy(graph);
}

static void describe(gvk_device *device, const gvk_graph *graph, gvk_precision precision, gvk_stream_info *out)
{
    gvk_model_params params = {.size = sizeof params, .precision = precision};
    gvk_stream_params stream_params = {.size = sizeof stream_params, .width = 512, .height = 512};
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_description description = {.size = sizeof description};
    assert_ok(gvk_model_create(device, graph, &params, &model));
    assert_ok(gvk_stream_create(model, &stream_params, &stream));
    gvk_stream_describe(stream, out);
    assert_ok(gvk_plan_describe(device, graph, &params, &stream_params, &description));
    assert_int_equal(description.arena_bytes, out->arena_bytes);
    assert_int_equal(description.weight_bytes, out->weight_bytes);
    gvk_description_release(NULL, &description);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static void fp16_takes_half_the_memory_and_the_plan_says_so(void **state)
{
    struct chain chain;
    gvk_graph *graph = build_chain(&chain, 1.0f, 1.0f, GVK_ACTIVATION_NONE);
    gvk_stream_info whole = {.size = sizeof whole}, half = {.size = sizeof half};
    describe(*state, graph, GVK_PRECISION_FP32, &whole);
    describe(*state, graph, GVK_PRECISION_FP16, &half);
    assert_int_equal(whole.precision, GVK_PRECISION_FP32);
    assert_int_equal(half.precision, GVK_PRECISION_FP16);
    assert_true((double)half.arena_bytes < 0.51 * (double)whole.arena_bytes);
    assert_true(half.weight_bytes < whole.weight_bytes);
    gvk_graph_destroy(graph);
}

static void auto_is_fp32_on_a_cpu_device(void **state)
{
    struct chain chain;
    gvk_graph *graph = build_chain(&chain, 1.0f, 1.0f, GVK_ACTIVATION_NONE);
    gvk_device_info info = {.size = sizeof info};
    gvk_stream_info stream = {.size = sizeof stream};
    gvk_device_describe(*state, &info);
    describe(*state, graph, GVK_PRECISION_AUTO, &stream);
    if (info.type == VK_PHYSICAL_DEVICE_TYPE_CPU)
        assert_int_equal(stream.precision, GVK_PRECISION_FP32);
    gvk_model_params unknown = {.size = sizeof unknown, .precision = (gvk_precision)7};
    gvk_model *model = NULL;
    assert_int_equal(gvk_model_create(*state, graph, &unknown, &model), GVK_ERROR_ARGUMENT);
    assert_null(model);
    gvk_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_and_floats_become_each_other),
        cmocka_unit_test(fp16_computes_what_fp32_does),
        cmocka_unit_test(an_overflow_ends_as_an_error_also_behind_a_bound),
        cmocka_unit_test(a_sum_on_the_way_that_overflows_is_no_number_either),
        cmocka_unit_test(a_weight_that_is_too_large_is_refused),
        cmocka_unit_test(fp16_takes_half_the_memory_and_the_plan_says_so),
        cmocka_unit_test(auto_is_fp32_on_a_cpu_device),
    };
    return cmocka_run_group_tests(tests, open_device_fixture, close_device_fixture);
}
