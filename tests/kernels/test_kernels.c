/* Every kernel against plain C in double precision: random shapes and odd sizes, each form that a device may be given,
 * the rewrites on and off, and canaries in all memory that a kernel must not write or whose content it must not use.
 * Then what the runtime refuses, and a network that is no GhostNet. The tests are in kernels/, one file for each
 * subject; here is whether they made the runtime choose every kernel. */
#include "bench.h"

#include <string.h>

#include "tests/support/tile_shaders.h"

/* Forms that no way of running a graph here was given, and what they want of a device. */
static void say_which_forms_are_for_others(void)
{
    static const struct {
        enum gvk_form form;
        const char *sentence;
    } others[] = {
        {GVK_FORM_TEXELS, "kernels that read texels (Adreno's and Mali's): they want texel buffers of every tensor"},
        {GVK_FORM_BROADCAST_16, "kernels for subgroups of 16 (Intel's): they want that size to be required"},
        {GVK_FORM_MATRIX, "kernels for matrix units (AMD's and NVIDIA's): they want VK_KHR_cooperative_matrix"},
        {GVK_FORM_SHUFFLE_16, "kernels for a CPU device with 16 lanes (of lavapipe until Mesa 22)"},
        {GVK_FORM_SPREAD_16, "kernels for a CPU device with 16 lanes (of lavapipe from Mesa 23 to 25.0)"},
        {GVK_FORM_SHUFFLE_8, "kernels for a CPU device with 8 lanes (of lavapipe until Mesa 22)"},
        {GVK_FORM_SPREAD_8, "kernels for a CPU device with 8 lanes (of lavapipe from Mesa 23 to 25.0)"},
        {GVK_FORM_CHUNKS_4, "kernels for a CPU device with 4 lanes and arrays of weights (SwiftShader's)"},
        {GVK_FORM_BROADCAST_4, "kernels for a CPU device with 4 lanes and no such arrays (lavapipe's on arm64)"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!(bench.forms & 1u << others[i].form))
            say_not_here("%s", others[i].sentence);
    if (bench.fp32_only)
        say_not_here("kernels in fp16: GVK_TEST_PRECISION=fp32 leaves them out");
    if (!bench.traits.half_sums)
        say_not_here("kernels with sums in fp16: they want the feature shaderFloat16");
}

/* A bit a form that has a tile with the shader, in fp32 or in fp16; 0: it is of no tile. */
static uint32_t forms_of_shader(enum gvk_shader shader)
{
    uint32_t forms = 0;
    for (int i = 0; i < GVK_TILE_COUNT; i++)
        if (tile_has_shader(&gvk_tiles[i], shader))
            forms |= 1u << gvk_tiles[i].form;
    return forms;
}

static void every_kernel_and_tile_that_this_driver_can_run_was_chosen(void **state)
{
    (void)state;
    enum {
        LAVAPIPE_16 = 1 << GVK_FORM_SHUFFLE_16 | 1 << GVK_FORM_SPREAD_16 | 1 << GVK_FORM_SINGLE_16,
        LAVAPIPE_8 = 1 << GVK_FORM_SHUFFLE_8 | 1 << GVK_FORM_SPREAD_8 | 1 << GVK_FORM_SINGLE_8,
        EVERY_LAVAPIPE = 1 << GVK_FORM_SINGLE_16 | 1 << GVK_FORM_SINGLE_8
    };
    static const char *const around[] = {"resize", "decode", "sort", "overlap", "keep", "drop", "collect"};
    enum gvk_form form = form_of(&bench.traits);
    /* lavapipe has the lanes of the processor's vectors: 16 or 8 on x86-64, 4 on arm64. SwiftShader has 4 everywhere,
     * and arrays of weights. */
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(bench.device, &info);
    if (bench.matrices_only)
        assert_true(bench.forms & 1u << GVK_FORM_MATRIX);
    else if (info.type == VK_PHYSICAL_DEVICE_TYPE_CPU)
        assert_int_not_equal(form, GVK_FORM_UNIFORM);
    if (!bench.matrices_only && info.type == VK_PHYSICAL_DEVICE_TYPE_CPU && bench.traits.subgroup_size == 4)
        assert_int_equal(form, strstr(info.name, "SwiftShader") ? GVK_FORM_CHUNKS_4 : GVK_FORM_BROADCAST_4);
    /* The GPUs' forms run on a CPU device, too, each that it has the means for. */
    if (!bench.own_lanes_only && !bench.matrices_only)
        assert_true(bench.forms & 1u << GVK_FORM_UNIFORM);
    /* lavapipe has its version's form, and the one that every version bears. */
    if (1u << form & (LAVAPIPE_16 | LAVAPIPE_8) && !bench.matrices_only) {
        assert_true(bench.own_lanes_only || bench.forms & 1u << GVK_FORM_TEXELS);
        assert_true(bench.forms & EVERY_LAVAPIPE);
    }
    if (1u << form & LAVAPIPE_16 && !bench.matrices_only)
        assert_true(bench.forms & 1u << GVK_FORM_BROADCAST_16);
    if (bench.own_lanes_only)
        say_left_out("kernels that are the same for any number of lanes");
    if (bench.matrices_only)
        say_left_out("kernels that use no matrix units");
    uint32_t missing = 0;
    for (int i = 0; i < GVK_SHADER_COUNT; i++) {
        const char *name = gvk_shader_codes[i].name;
        uint32_t forms = forms_of_shader((enum gvk_shader)i);
        bool possible = (!forms && !bench.own_lanes_only) || (forms & bench.forms) ||
                        (forms & 1u << GVK_FORM_PLAIN && !bench.own_lanes_only);
        if (bench.matrices_only)
            possible = forms == 1u << GVK_FORM_MATRIX;
        if (strstr(name, "_half"))
            possible &= !bench.fp32_only;
        if (strstr(name, "_half_sums"))
            possible &= bench.traits.half_sums;
        bool elsewhere = false; /* before and behind the network: proved by test_resize.c and test_decode.c */
        for (size_t j = 0; j < sizeof around / sizeof around[0]; j++)
            elsewhere = elsewhere || !strncmp(name, around[j], strlen(around[j]));
        if (!possible || elsewhere || bench.seen[i])
            continue;
        print_error("no test made the runtime choose %s\n", name);
        missing++;
    }
    say_which_forms_are_for_others();
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest chosen[] = {TEST(every_kernel_and_tile_that_this_driver_can_run_was_chosen)};
    int failed = 0;
    if (!set_up_bench())
        return 1;
    failed += run_convolution_tests();
    failed += run_matrix_tests();
    if (!bench.matrices_only) {
        failed += run_plane_tests();
        failed += run_concat_tests();
    }
    failed += cmocka_run_group_tests_name("which kernels ran", chosen, NULL, NULL);
    if (!bench.matrices_only) {
        failed += run_refusal_tests();
        failed += run_network_tests();
    }
    tear_down_bench();
    return failed;
}
