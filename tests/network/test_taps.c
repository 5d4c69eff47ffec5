/* Taps: what a network holds in its middle against PyTorch, which forward hooks have read there
 * (tests/goldens/make_taps.py), within 1e-4 of each map's largest magnitude. */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ghostvk/embedding.h>

#include "runtime/kernel/forms.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/filler/filler.h"

#define TOLERANCE 1e-4
#define SIDE      64
#define BLOCKS    "backbone.model.blocks."

/* Those of make_taps.py. */
static const char *const taps[] = {
    BLOCKS "5.0.ghost1.primary_conv.1",
    BLOCKS "5.0.ghost1.cheap_operation.1",
    BLOCKS "5.0.ghost1.concat",
    BLOCKS "5.0.ghost2.primary_conv.1",
    BLOCKS "5.0.ghost2.cheap_operation.1",
    BLOCKS "5.0.ghost2.concat",
    BLOCKS "5.0.add",
    BLOCKS "3.0.ghost2.primary_conv.1",
    BLOCKS "3.0.ghost2.cheap_operation.1",
    BLOCKS "3.0.ghost2.concat",
    BLOCKS "5.0.ghost1.primary_conv.0",
    BLOCKS "5.0.bn_dw",
    BLOCKS "5.0.shortcut.3",
    BLOCKS "6.3.se.conv_reduce",
    BLOCKS "6.3.se.multiply",
    "upsample1.upsample.0.bn",
    "upsample1.upsample.1",
};
#define TAP_COUNT ((uint32_t)ARRAY_COUNT(taps))

static gvk_network *open_network(void)
{
    return open_filled_network(&(struct network_shape){.kind = NETWORK_DETECTOR, .width = 0.5, .class_count = 3});
}

/* A frame of the filled input; the stream keeps the taps. */
static gvk_stream *run_frame(gvk_model *model, const char *const *names, uint32_t count, gvk_ticket *ticket)
{
    static float input[3 * SIDE * SIDE];
    const uint64_t shape[4] = {1, 3, SIDE, SIDE};
    fill_input("input", shape, input);
    const gvk_stream_params params = {
        .size = sizeof params, .width = SIDE, .height = SIDE, .kept_tensors = names, .kept_count = count};
    const gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = input};
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(model, &params, &stream));
    assert_ok(gvk_stream_submit(stream, &picture, sizeof picture, 1, ticket));
    assert_ok(gvk_stream_wait(stream, *ticket, UINT64_MAX));
    return stream;
}

static void compare(gvk_stream *stream, gvk_ticket ticket, const struct golden *file, const char *name,
                    const char *path)
{
    gvk_array array;
    uint64_t count;
    assert_ok(gvk_stream_read(stream, ticket, name, &array));
    float *expected = golden_floats(file, name, &count);
    const gvk_array *golden = golden_array(file, name);
    assert_int_equal(array.bytes, count * sizeof(float));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(array.shape[i], golden->shape[i]);
    double error = relative_error(array.data, expected, count);
    free(expected);
    if (error > TOLERANCE)
        fail_msg("%s, %s path: off by %.3g of its largest magnitude (allowed %.0e)", name, path, error, TOLERANCE);
}

static void compare_model(gvk_device *device, uint32_t rewrites_off, const char *const *names, uint32_t count,
                          const char *path)
{
    gvk_network *network = open_network();
    const gvk_model_params params = {
        .size = sizeof params, .rewrites_off = rewrites_off, .trust_kernels = 1, .tap_count = count, .taps = names};
    gvk_model *model = NULL;
    gvk_ticket ticket = 0;
    assert_ok(gvk_model_create(device, gvk_network_graph(network), &params, &model));
    gvk_network_destroy(network);
    gvk_stream *stream = run_frame(model, names, count, &ticket);
    struct golden *file = open_golden("taps.safetensors");
    for (uint32_t i = 0; i < count; i++)
        compare(stream, ticket, file, names[i], path);
    close_golden(file);
    struct golden *whole = open_golden("detector_w050_c3_64x64_b1.safetensors");
    compare(stream, ticket, whole, "stride8", path);
    compare(stream, ticket, whole, "stride32", path);
    close_golden(whole);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static void all_taps_together_hold_what_pytorch_has(void **state)
{
    compare_model(*state, 0, taps, TAP_COUNT, "fast");
    if (is_small_scope())
        say_left_out("taps on the reference path, and on the kernels of GPUs");
    else
        compare_model(*state, GVK_REWRITE_ALL, taps, TAP_COUNT, "reference");
}

/* Alone a tap meets every rewrite around it; together one may spare the other a rewrite. */
static void a_tap_alone_holds_what_pytorch_has(void **state)
{
    static const uint32_t alone[] = {4, 10, 14};
    for (size_t i = 0; i < (is_small_scope() ? 0 : ARRAY_COUNT(alone)); i++)
        compare_model(*state, 0, &taps[alone[i]], 1, "fast, alone,");
    if (is_small_scope())
        say_left_out("taps by themselves");
}

/* A GPU has ghost modules in one dispatch each, their halves read out of it. */
static void taps_of_the_kernels_of_gpus_hold_what_pytorch_has(void **state)
{
    gvk_device *device = *state;
    const struct gvk_traits given = device->traits;
    bend_to_gpu(device, GVK_VENDOR_AMD);
    if (!is_small_scope()) {
        compare_model(device, 0, taps, TAP_COUNT, "GPU");
        compare_model(device, 0, &taps[0], 1, "GPU, alone,");
    }
    device->traits = given;
}

static bool makes(const gvk_model *model, const char *name)
{
    const char *names[1024];
    uint32_t count = ARRAY_COUNT(names);
    assert_ok(gvk_model_tensors(model, names, &count));
    assert_true(count <= ARRAY_COUNT(names));
    bool found = false;
    for (uint32_t i = 0; i < count; i++)
        found |= !strcmp(names[i], name);
    return found;
}

static void a_model_lists_its_taps_and_only_tapped_it_makes_them(void **state)
{
    gvk_network *network = open_network();
    gvk_model *plain = NULL, *tapped = NULL;
    const gvk_model_params params = {.size = sizeof params, .trust_kernels = 1, .tap_count = TAP_COUNT, .taps = taps};
    const gvk_model_params untapped = {.size = sizeof untapped, .trust_kernels = 1};
    assert_ok(gvk_model_create(*state, gvk_network_graph(network), &untapped, &plain));
    assert_ok(gvk_model_create(*state, gvk_network_graph(network), &params, &tapped));
    uint32_t removed = 0;
    for (uint32_t i = 0; i < TAP_COUNT; i++) {
        removed += !makes(plain, taps[i]);
        if (!makes(tapped, taps[i]))
            fail_msg("%s is tapped and not listed", taps[i]);
    }
    assert_true(removed > 4); /* or the taps of this test are none that a rewrite would remove */
    gvk_model_destroy(plain);
    gvk_model_destroy(tapped);
    gvk_network_destroy(network);
}

static void memory_is_foreseen_and_plans_are_described_with_taps(void **state)
{
    gvk_network *network = open_network();
    const gvk_graph *graph = gvk_network_graph(network);
    const gvk_model_params params = {.size = sizeof params, .trust_kernels = 1, .tap_count = TAP_COUNT, .taps = taps};
    const gvk_model_params untapped = {.size = sizeof untapped, .trust_kernels = 1};
    const gvk_stream_params kept = {
        .size = sizeof kept, .width = SIDE, .height = SIDE, .kept_tensors = taps, .kept_count = TAP_COUNT};
    const gvk_stream_params stream = {.size = sizeof stream, .width = SIDE, .height = SIDE};
    gvk_memory memory = {.size = sizeof memory};
    assert_ok(gvk_model_memory(*state, graph, &params, &kept, NULL, 0, &memory));
    assert_int_not_equal(gvk_model_memory(*state, graph, &untapped, &kept, NULL, 0, &memory), GVK_OK);

    gvk_description plain = {.size = sizeof plain}, tapped = {.size = sizeof tapped};
    assert_ok(gvk_plan_describe(*state, graph, NULL, &stream, &plain));
    assert_ok(gvk_plan_describe(*state, graph, &params, &stream, &tapped));
    assert_int_equal(plain.dispatches_before, tapped.dispatches_before);
    assert_true(tapped.dispatches_after > plain.dispatches_after);
    gvk_description_release(NULL, &plain);
    gvk_description_release(NULL, &tapped);
    gvk_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_taps_together_hold_what_pytorch_has),
        cmocka_unit_test(a_tap_alone_holds_what_pytorch_has),
        cmocka_unit_test(taps_of_the_kernels_of_gpus_hold_what_pytorch_has),
        cmocka_unit_test(a_model_lists_its_taps_and_only_tapped_it_makes_them),
        cmocka_unit_test(memory_is_foreseen_and_plans_are_described_with_taps),
    };
    return cmocka_run_group_tests(tests, open_device_fixture, close_device_fixture);
}
