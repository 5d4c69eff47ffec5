/* What torch and safetensors write loads with the right numbers, under the names that the network asks for. */
#include <string.h>

#include "check.h"

static void a_pth_in_the_zip_format_loads_in_every_precision(void **state)
{
    (void)state;
    check_fixture("zip_fp32.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_fp16.pth", "torch zip", GVK_TYPE_F16);
    check_fixture("zip_bf16.pth", "torch zip", GVK_TYPE_BF16);
    check_fixture("zip_fp64.pth", "torch zip", GVK_TYPE_F32);
}

static void a_pth_in_the_legacy_format_loads_in_every_precision(void **state)
{
    (void)state;
    check_fixture("legacy_fp32.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("legacy_fp16.pth", "torch legacy", GVK_TYPE_F16);
    check_fixture("legacy_bf16.pth", "torch legacy", GVK_TYPE_BF16);
    check_fixture("legacy_fp64.pth", "torch legacy", GVK_TYPE_F32);
}

static void weights_load_from_beside_optimizer_state_and_settings(void **state)
{
    (void)state;
    check_fixture("zip_under_state_dict.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_under_model.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_under_net.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_under_ema.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_under_state_dict.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("zip_protocol3.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_protocol4.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_protocol5.pth", "torch zip", GVK_TYPE_F32);
}

static void the_state_dict_is_preferred_to_an_average_of_a_part_of_it(void **state)
{
    (void)state;
    check_fixture("zip_both.pth", "torch zip", GVK_TYPE_F32);
}

static void parameters_load_like_tensors(void **state)
{
    (void)state;
    check_fixture("zip_parameters.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_parameters.pth", "torch legacy", GVK_TYPE_F32);
}

static void a_state_dict_with_attributes_loads(void **state)
{
    (void)state;
    static const expectation expected[] = {{"weight", 5, 2, {2, 2}, 0}, {"bias", 2, 1, {2}, 0}};
    struct recorder log = {.sentences = 0};
    const char *name = "zip_metadata_attribute.pth";
    gvk_checkpoint *checkpoint = open_good(&log, name);
    check_tensor(name, checkpoint, &expected[0], GVK_TYPE_F32);
    check_tensor(name, checkpoint, &expected[1], GVK_TYPE_F32);
    close_good(&log, name, checkpoint);
}

static void wrappers_around_all_weights_are_stripped_from_their_names(void **state)
{
    (void)state;
    check_fixture("zip_module_prefix.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_compiled_prefix.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("prefix.safetensors", "safetensors", GVK_TYPE_OTHER);
}

static void views_of_a_storage_become_contiguous(void **state)
{
    (void)state;
    static const char *const names[] = {"zip_views.pth", "legacy_views.pth"};
    static const expectation views[] = {{"transposed", 6, 2, {5, 3}, 0}, {"channels_last", 7, 4, {2, 3, 4, 5}, 0},
                                        {"doubles", 8, 2, {3, 4}, 0},    {"whole", 9, 2, {4, 6}, 0},
                                        {"rows", 9, 2, {2, 6}, 6},       {"tied", 9, 1, {24}, 0},
                                        {"scalar", 1, 0, {0}, 0},        {"empty", 0, 2, {0, 3}, 0}};
    for (size_t f = 0; f < 2; f++) {
        struct recorder log = {.sentences = 0};
        gvk_checkpoint *checkpoint = open_good(&log, names[f]);
        for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
            check_tensor(names[f], checkpoint, &views[i], GVK_TYPE_F32);
        const gvk_checkpoint_tensor *column = gvk_checkpoint_find(checkpoint, "strided_one");
        if (!column || column->array.rank != 2 || column->array.shape[0] != 2 || column->array.shape[1] != 1)
            fail_msg("%s: strided_one is missing or misshapen", names[f]);
        for (uint64_t i = 0; column && i < 2; i++) {
            float wanted = expected_value(i * 3, 3), got = value_at(&column->array, i);
            if (got < wanted || got > wanted)
                fail_msg("%s: strided_one[%u] is %g, not %g", names[f], (unsigned)i, (double)got, (double)wanted);
        }
        /* Contiguous views share the file's bytes. */
        assert_ptr_equal(gvk_checkpoint_find(checkpoint, "whole")->array.data,
                         gvk_checkpoint_find(checkpoint, "tied")->array.data);
        close_good(&log, names[f], checkpoint);
    }
}

static void a_safetensors_file_loads_with_its_metadata(void **state)
{
    (void)state;
    struct recorder log = {.sentences = 0};
    const char *name = "plain.safetensors";
    gvk_checkpoint *checkpoint = open_good(&log, name);
    check_weights(name, checkpoint, GVK_TYPE_OTHER);
    assert_string_equal(gvk_checkpoint_format(checkpoint), "safetensors");
    assert_string_equal(gvk_checkpoint_metadata(checkpoint, "kind"), "detector");
    assert_string_equal(gvk_checkpoint_metadata(checkpoint, "classes"), "RBC\nWBC\nPlatelets");
    assert_string_equal(gvk_checkpoint_metadata(checkpoint, "note"), "\xf0\x9f\x91\xbb \xc3\xbc \"quoted\" \\ /");
    assert_null(gvk_checkpoint_metadata(checkpoint, "anchors"));
    assert_int_equal(gvk_checkpoint_count(checkpoint), WEIGHT_COUNT + 2);
    close_good(&log, name, checkpoint);
}

static void doubles_too_large_for_a_float_become_infinities(void **state)
{
    (void)state;
    static const double numbers[] = {1e300, -1e300, 0.5};
    tensor_spec spec = {"weight", "DoubleStorage", "0", 3, 0, 1, {3}, {1}};
    bytes pickle = pickle_state_dict(&spec, 1, false, NULL);
    bytes file = build_pth(&pickle, numbers, sizeof numbers);
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, file.data, file.count, "test", &checkpoint), GVK_OK);
    uint32_t bits[3];
    memcpy(bits, gvk_checkpoint_find(checkpoint, "weight")->array.data, sizeof bits);
    assert_int_equal(bits[0], 0x7f800000u);
    assert_int_equal(bits[1], 0xff800000u);
    assert_int_equal(bits[2], 0x3f000000u);
    gvk_checkpoint_destroy(checkpoint);
    drop(&pickle);
    drop(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pth_in_the_zip_format_loads_in_every_precision),
        cmocka_unit_test(a_pth_in_the_legacy_format_loads_in_every_precision),
        cmocka_unit_test(weights_load_from_beside_optimizer_state_and_settings),
        cmocka_unit_test(the_state_dict_is_preferred_to_an_average_of_a_part_of_it),
        cmocka_unit_test(parameters_load_like_tensors),
        cmocka_unit_test(a_state_dict_with_attributes_loads),
        cmocka_unit_test(wrappers_around_all_weights_are_stripped_from_their_names),
        cmocka_unit_test(views_of_a_storage_become_contiguous),
        cmocka_unit_test(a_safetensors_file_loads_with_its_metadata),
        cmocka_unit_test(doubles_too_large_for_a_float_become_infinities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
