/* Whole networks against PyTorch: raw maps and logits within 1e-4 of each map's largest magnitude, on the fast path and
 * on the reference path. The weights and inputs are filled by a named generator that C and Python share, and the
 * goldens were computed in double precision (tests/goldens/README.md). */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernel/forms.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/filler/filler.h"

#define TOLERANCE      1e-4
#define TOLERANCE_HALF 1e-2 /* fp16 has 11 bits, and errors of some hundred layers add up */

struct golden_case {
    const char *file;
    bool classifier;
    double width;
    uint32_t classes, input_width, input_height, batch;
};

/* Sizes, batches, class counts and widths, covered in pairs; 416x416 once. */
static const struct golden_case cases[] = {
    {"detector_w050_c3_64x64_b1.safetensors", false, 0.5, 3, 64, 64, 1},
    {"detector_w050_c80_64x64_b2.safetensors", false, 0.5, 80, 64, 64, 2},
    {"detector_w100_c3_64x64_b2.safetensors", false, 1.0, 3, 64, 64, 2},
    {"detector_w100_c20_64x64_b1.safetensors", false, 1.0, 20, 64, 64, 1},
    {"detector_w130_c20_64x64_b2.safetensors", false, 1.3, 20, 64, 64, 2},
    {"detector_w130_c80_64x64_b1.safetensors", false, 1.3, 80, 64, 64, 1},
    {"detector_w050_c20_608x320_b1.safetensors", false, 0.5, 20, 608, 320, 1},
    {"detector_w130_c3_608x320_b2.safetensors", false, 1.3, 3, 608, 320, 2},
    {"detector_w100_c80_416x416_b1.safetensors", false, 1.0, 80, 416, 416, 1},
    {"classifier_w050_c10_224x224_b2.safetensors", true, 0.5, 10, 224, 224, 2},
    {"classifier_w100_c1000_224x224_b1.safetensors", true, 1.0, 1000, 224, 224, 1},
    {"classifier_w130_c37_224x224_b1.safetensors", true, 1.3, 37, 224, 224, 1},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static gvk_network *open_network(const struct golden_case *golden)
{
    return open_filled_network(
        &(struct network_shape){.kind = golden->classifier ? NETWORK_CLASSIFIER : NETWORK_DETECTOR,
                                .width = golden->width,
                                .class_count = golden->classes});
}

static void compare_output(gvk_stream *stream, gvk_ticket ticket, const struct golden *file, const char *name,
                           const struct golden_case *golden, const char *path, double tolerance)
{
    gvk_array array;
    uint64_t count;
    assert_ok(gvk_stream_read(stream, ticket, name, &array));
    float *expected = golden_floats(file, name, &count);
    assert_int_equal(array.bytes, count * sizeof(float));
    double error = relative_error(array.data, expected, count);
    free(expected);
    if (error > tolerance)
        fail_msg("%s, %s path: %s is off by %.3g of its largest magnitude (allowed %.0e)", golden->file, path, name,
                 error, tolerance);
    print_message("             %-45s %-9s %-8s %.1e\n", golden->file, path, name, error);
}

static void run_case_in(gvk_device *device, const struct golden_case *golden, uint32_t rewrites_off, const char *path,
                        gvk_precision precision)
{
    double tolerance = precision == GVK_PRECISION_FP16 ? TOLERANCE_HALF : TOLERANCE;
    gvk_network *network = open_network(golden);
    gvk_model_params model_params = {.size = sizeof model_params, .rewrites_off = rewrites_off, .precision = precision};
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, gvk_network_graph(network), &model_params, &model));
    gvk_network_destroy(network); /* the model does not need it any more */
    gvk_stream_params stream_params = {
        .size = sizeof stream_params,
        .width = golden->input_width,
        .height = golden->input_height,
        .batch = golden->batch,
    };
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(model, &stream_params, &stream));

    const uint64_t shape[4] = {golden->batch, 3, golden->input_height, golden->input_width};
    size_t item = (size_t)(shape[1] * shape[2] * shape[3]);
    float *input = malloc(item * golden->batch * sizeof *input);
    assert_non_null(input);
    fill_input("input", shape, input);
    gvk_picture pictures[2];
    for (uint32_t i = 0; i < golden->batch; i++)
        pictures[i] = (gvk_picture){
            .size = sizeof(gvk_picture),
            .kind = GVK_PICTURE_TENSOR,
            .width = golden->input_width,
            .height = golden->input_height,
            .pixels = input + i * item,
        };
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), golden->batch, &ticket));
    free(input);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    struct golden *file = open_golden(golden->file);
    if (golden->classifier) {
        compare_output(stream, ticket, file, "logits", golden, path, tolerance);
    } else {
        compare_output(stream, ticket, file, "stride32", golden, path, tolerance);
        compare_output(stream, ticket, file, "stride16", golden, path, tolerance);
        compare_output(stream, ticket, file, "stride8", golden, path, tolerance);
    }
    close_golden(file);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static void run_case(gvk_device *device, const struct golden_case *golden, uint32_t rewrites_off, const char *path)
{
    run_case_in(device, golden, rewrites_off, path, GVK_PRECISION_FP32);
}

/* GVK_TEST_SCOPE=small leaves the large inputs to the run without it: what an import, another width of the subgroups or
 * a minimal device changes shows on the small ones. */
static bool in_scope(const struct golden_case *golden)
{
    return !is_small_scope() || golden->input_width <= 64 || (golden->classifier && golden->classes < 1000);
}

static void say_what_is_left_out(void)
{
    for (size_t i = 0; i < CASE_COUNT; i++)
        if (!in_scope(&cases[i]))
            say_left_out("%s", cases[i].file);
    if (is_small_scope())
        say_left_out("the kernels of GPUs and fp16 on all networks but the first");
}

static void the_fast_path_equals_pytorch(void **state)
{
    say_what_is_left_out();
    for (size_t i = 0; i < CASE_COUNT; i++)
        if (in_scope(&cases[i]))
            run_case(*state, &cases[i], 0, "fast");
}

static void the_reference_path_equals_pytorch(void **state)
{
    for (size_t i = 0; i < CASE_COUNT; i++)
        if (in_scope(&cases[i]))
            run_case(*state, &cases[i], GVK_REWRITE_ALL, "reference");
}

static void each_rewrite_alone_changes_no_result(void **state)
{
    const struct golden_case *smallest = &cases[0];
    for (uint32_t bit = 1; bit < GVK_REWRITE_ALL; bit <<= 1) {
        char path[32];
        snprintf(path, sizeof path, "off 0x%02x", bit);
        run_case(*state, smallest, bit, path);
        snprintf(path, sizeof path, "only 0x%02x", bit);
        run_case(*state, smallest, GVK_REWRITE_ALL & ~bit, path);
    }
}

/* The whole network as a GPU of each vendor is given it, its ghost modules in one dispatch each. */
static void the_kernels_of_gpus_equal_pytorch(void **state)
{
    static const struct {
        uint32_t vendor_id;
        const char *path;
    } gpus[] = {{GVK_VENDOR_AMD, "uniform"}, {GVK_VENDOR_INTEL, "broadcast"}, {GVK_VENDOR_QUALCOMM, "texels"}};
    gvk_device *device = *state;
    const struct gvk_traits given = device->traits;
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++) {
        device->traits.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
        device->traits.vendor_id = gpus[i].vendor_id;
        struct gvk_policy policy;
        assert_true(gvk_policy_of(&device->traits, GVK_PRECISION_FP32, &policy));
        bool is_seen = i > 0 && gvk_form_of(&policy) == GVK_FORM_UNIFORM;
        if (is_seen)
            say_not_here("networks with the %s kernels: the device has no means for them", gpus[i].path);
        for (size_t j = 0; j < (is_small_scope() ? 1 : CASE_COUNT) && !is_seen; j++)
            if (cases[j].input_width <= 64 || (cases[j].classifier && cases[j].classes == 10))
                run_case(device, &cases[j], 0, gpus[i].path);
        device->traits = given;
    }
}

/* Every width, and a classifier: in the small, since CPU devices run the kernels of GPUs here. Of them one detector
 * where the scope is small. */
static void both_paths_are_near_pytorch_in_fp16(void **state)
{
    gvk_device *device = *state;
    bool half_sums = device->traits.half_sums;
    if (!half_sums)
        say_not_here("networks with sums in fp16: they want the feature shaderFloat16");
    for (size_t i = 0; i < (is_small_scope() ? 1 : CASE_COUNT); i++) {
        if (cases[i].input_width > 64 && !(cases[i].classifier && cases[i].classes == 10))
            continue;
        run_case_in(device, &cases[i], 0, half_sums ? "fp16 sums" : "fp16", GVK_PRECISION_FP16);
        device->traits.half_sums = false;
        if (half_sums)
            run_case_in(device, &cases[i], 0, "fp16", GVK_PRECISION_FP16);
        device->traits.half_sums = half_sums;
        run_case_in(device, &cases[i], GVK_REWRITE_ALL, "fp16 ref", GVK_PRECISION_FP16);
    }
}

/* Under the fault layer's limits the runs above prove nothing unless the limits are in force. */
static void the_device_is_as_poor_as_the_environment_says(void **state)
{
    const char *limits = getenv("GHOSTVK_FAULTS_LIMITS");
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(*state, &info);
    if (limits && strstr(limits, "api=1.1"))
        assert_true(info.api_version < VK_API_VERSION_1_2);
    if (limits && strstr(limits, "subgroup=unknown"))
        assert_int_equal(info.subgroup_size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_is_as_poor_as_the_environment_says),
        cmocka_unit_test(the_fast_path_equals_pytorch),
        cmocka_unit_test(the_reference_path_equals_pytorch),
        cmocka_unit_test(each_rewrite_alone_changes_no_result),
        cmocka_unit_test(the_kernels_of_gpus_equal_pytorch),
        cmocka_unit_test(both_paths_are_near_pytorch_in_fp16),
    };
    return cmocka_run_group_tests(tests, open_device_fixture, close_device_fixture);
}
