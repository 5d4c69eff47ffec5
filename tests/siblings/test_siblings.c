/* The siblings against PyTorch: raw maps on the fast and the reference path, with the kernels of GPUs and in fp16.
 * Allowed is 1e-4 of a map's largest magnitude, which is above 2.5 times what PyTorch's own fp32 is off by. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/kernel/forms.h"
#include "siblings.h"
#include "tests/filler/filler.h"

#define TOLERANCE      1e-4
#define TOLERANCE_HALF 2e-2

static const char *const maps[] = {"stride32", "stride16", "stride8"};

struct run {
    gvk_device *device;
    const char *path;
    uint32_t rewrites_off;
    gvk_precision precision;
};

static float *make_input(uint64_t batch, uint64_t height, uint64_t width)
{
    const uint64_t shape[4] = {batch, 3, height, width};
    float *input = malloc(count_elements(shape, 4) * sizeof *input);
    assert_non_null(input);
    fill_input("input", shape, input);
    return input;
}

static void compare_maps(const char *name, const struct run *run, const struct golden *golden, gvk_stream *stream,
                         gvk_ticket ticket)
{
    double tolerance = run->precision == GVK_PRECISION_FP16 ? TOLERANCE_HALF : TOLERANCE;
    for (size_t i = 0; i < ARRAY_COUNT(maps); i++) {
        gvk_array array;
        uint64_t count;
        assert_ok(gvk_stream_read(stream, ticket, maps[i], &array));
        float *expected = golden_floats(golden, maps[i], &count);
        assert_int_equal(array.bytes, count * sizeof(float));
        double error = relative_error(array.data, expected, count);
        free(expected);
        if (error > tolerance)
            fail_msg("%s, %s path: %s is off by %.3g of its largest magnitude (allowed %.0e)", name, run->path, maps[i],
                     error, tolerance);
        print_message("             %-20s %-12s %-8s %.1e\n", name, run->path, maps[i], error);
    }
}

static void run_sibling(const char *name, const struct run *run)
{
    enum { WIDTH = 96, HEIGHT = 64, BATCH = 2 };
    struct golden *golden = open_sibling(name);
    assert_string_equal(golden_text(golden, "input_size"), "96x64");
    assert_int_equal(sibling_number(golden, "batch"), BATCH);
    struct tensor_list list = list_sibling(golden);
    gvk_network *network = open_sibling_network(&list);
    release_tensor_list(&list);
    gvk_model_params model_params = {
        .size = sizeof model_params, .rewrites_off = run->rewrites_off, .precision = run->precision};
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(run->device, gvk_network_graph(network), &model_params, &model));
    gvk_network_destroy(network);
    gvk_stream_params params = {.size = sizeof params, .width = WIDTH, .height = HEIGHT, .batch = BATCH};
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(model, &params, &stream));
    float *input = make_input(BATCH, HEIGHT, WIDTH);
    gvk_picture pictures[BATCH];
    for (uint32_t i = 0; i < BATCH; i++)
        pictures[i] = (gvk_picture){.size = sizeof(gvk_picture),
                                    .kind = GVK_PICTURE_TENSOR,
                                    .width = WIDTH,
                                    .height = HEIGHT,
                                    .pixels = input + (size_t)i * 3 * HEIGHT * WIDTH};
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof pictures[0], BATCH, &ticket));
    free(input);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    compare_maps(name, run, golden, stream, ticket);
    close_golden(golden);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static void run_all(const struct run *run)
{
    const char *name;
    for (uint32_t i = 0; (name = sibling_name(i)) != NULL; i++)
        run_sibling(name, run);
}

static void the_fast_path_equals_pytorch(void **state)
{
    assert_non_null(sibling_name(0));
    run_all(&(struct run){.device = *state, .path = "fast"});
}

static void the_reference_path_equals_pytorch(void **state)
{
    run_all(&(struct run){.device = *state, .path = "reference", .rewrites_off = GVK_REWRITE_ALL});
}

/* A rewrite a sibling, in turns: all of them on all would take minutes. */
static void without_any_one_rewrite_the_maps_are_pytorchs(void **state)
{
    uint32_t next = 0;
    for (uint32_t bit = 1; bit < GVK_REWRITE_ALL; bit <<= 1) {
        char path[32];
        snprintf(path, sizeof path, "off 0x%02x", bit);
        if (!sibling_name(next))
            next = 0;
        run_sibling(sibling_name(next++), &(struct run){.device = *state, .path = path, .rewrites_off = bit});
    }
}

static void the_kernels_of_gpus_equal_pytorch(void **state)
{
    gvk_device *device = *state;
    const struct gvk_traits given = device->traits;
    bend_to_gpu(device, GVK_VENDOR_AMD);
    run_all(&(struct run){.device = device, .path = "uniform"});
    device->traits = given;
}

static void the_maps_are_near_pytorchs_in_fp16(void **state)
{
    run_all(&(struct run){.device = *state, .path = "fp16", .precision = GVK_PRECISION_FP16});
}

int main(void)
{
    const struct CMUnitTest both_paths[] = {
        cmocka_unit_test(the_fast_path_equals_pytorch),
        cmocka_unit_test(the_reference_path_equals_pytorch),
    };
    const struct CMUnitTest tests[] = {
        both_paths[0],
        both_paths[1],
        cmocka_unit_test(without_any_one_rewrite_the_maps_are_pytorchs),
        cmocka_unit_test(the_kernels_of_gpus_equal_pytorch),
        cmocka_unit_test(the_maps_are_near_pytorchs_in_fp16),
    };
    return is_small_scope() ? cmocka_run_group_tests(both_paths, open_device_fixture, close_device_fixture)
                            : cmocka_run_group_tests(tests, open_device_fixture, close_device_fixture);
}
