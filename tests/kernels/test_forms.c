/* Which kernels a device is given: the form by its vendor and by what it allows, and the tile by the image's size. No
 * device is needed; that the kernels compute right is shown in test_kernels.c, and that each is proven in test_proof.c.
 */
#include "tests/support/harness.h"

#include <string.h>

#include "runtime/graph/rewrite.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/tiles.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "runtime/vulkan/lanes.h"

#define NOT_SPLIT UINT32_MAX

/* A GPU that allows everything. */
static struct gvk_traits traits_of_gpu(VkPhysicalDeviceType type, uint32_t vendor_id)
{
    struct gvk_traits traits = gvk_traits_of_plain_gpu();
    traits.type = type;
    traits.vendor_id = vendor_id;
    traits.subgroup_size = 32;
    traits.min_subgroup_size = 8;
    traits.max_subgroup_size = 32;
    traits.subgroup_shuffle = traits.subgroup_broadcast = true;
    traits.subgroup_size_control = traits.full_subgroups = traits.float64 = true;
    traits.max_texels = GVK_TEXELS_OF_EVERY_TENSOR;
    traits.max_invocations = traits.max_workgroup_size_x = 1024;
    return traits;
}

static void assert_form(const struct gvk_traits *traits, enum gvk_form expected)
{
    struct gvk_policy policy;
    assert_true(gvk_policy_of(traits, GVK_PRECISION_FP32, &policy));
    enum gvk_form form = gvk_form_of(&policy);
    if (form != expected)
        fail_msg("vendor 0x%04x is given form %d, not %d", traits->vendor_id, (int)form, (int)expected);
}

static void a_vendors_gpus_are_given_its_form(void **state)
{
    (void)state;
    static const struct {
        uint32_t vendor_id;
        enum gvk_form form;
    } cases[] = {
        {GVK_VENDOR_AMD, GVK_FORM_UNIFORM},
        {GVK_VENDOR_NVIDIA, GVK_FORM_UNIFORM},
        {0x1010, GVK_FORM_UNIFORM},
        /* any other */ {GVK_VENDOR_INTEL, GVK_FORM_BROADCAST_16},
        {GVK_VENDOR_QUALCOMM, GVK_FORM_TEXELS},
        {GVK_VENDOR_ARM, GVK_FORM_UNIFORM},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, cases[i].vendor_id);
        assert_form(&traits, cases[i].form);
        traits.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
        assert_form(&traits, cases[i].form);
    }
}

static void a_gpu_that_lacks_what_its_form_needs_is_given_the_uniform_one(void **state)
{
    (void)state;
    const struct gvk_traits intel = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, GVK_VENDOR_INTEL);
    struct gvk_traits traits = intel;
    traits.subgroup_size_control = false;
    assert_form(&traits, GVK_FORM_UNIFORM);
    traits = intel;
    traits.full_subgroups = false;
    assert_form(&traits, GVK_FORM_UNIFORM);
    traits = intel;
    traits.subgroup_broadcast = false;
    assert_form(&traits, GVK_FORM_UNIFORM);
    traits = intel;
    traits.max_subgroup_size = 8;
    assert_form(&traits, GVK_FORM_UNIFORM);
    traits = intel;
    traits.min_subgroup_size = traits.max_subgroup_size = 0;
    assert_form(&traits, GVK_FORM_UNIFORM);
    traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, GVK_VENDOR_QUALCOMM);
    traits.max_texels = 65536;
    assert_form(&traits, GVK_FORM_UNIFORM);
    traits.max_texels = GVK_TEXELS_OF_EVERY_TENSOR;
    traits.texel_buffers = false;
    assert_form(&traits, GVK_FORM_UNIFORM);
}

/* As many as its cores want, where it says how many it has; what no card has is not followed. */
static void the_number_of_workgroups_is_that_of_the_cores(void **state)
{
    (void)state;
    static const struct {
        uint32_t vendor_id, cores, workgroups;
    } cases[] = {{GVK_VENDOR_NVIDIA, 132, 1584}, {GVK_VENDOR_NVIDIA, 28, 336}, {GVK_VENDOR_NVIDIA, UINT32_MAX, 12288},
                 {GVK_VENDOR_NVIDIA, 0, 256},    {GVK_VENDOR_AMD, 96, 768},    {GVK_VENDOR_AMD, 2, 16},
                 {GVK_VENDOR_AMD, 0, 256},       {GVK_VENDOR_ARM, 4, 64},      {GVK_VENDOR_ARM, 16, 256},
                 {GVK_VENDOR_INTEL, 32, 256}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, cases[i].vendor_id);
        traits.cores = cases[i].cores;
        if (gvk_wanted_workgroups(&traits) != cases[i].workgroups)
            fail_msg("vendor 0x%x with %u cores: %u workgroups, not %u", cases[i].vendor_id, cases[i].cores,
                     gvk_wanted_workgroups(&traits), cases[i].workgroups);
    }
}

/* A vendor's compilers spill what others keep in registers (docs/laboratory.md). */
static void kernels_read_as_far_ahead_as_a_vendors_registers_allow(void **state)
{
    (void)state;
    static const struct {
        uint32_t vendor_id;
        bool has_subgroups_of_16;
        uint32_t steps;
    } cases[] = {{GVK_VENDOR_NVIDIA, true, GVK_STEPS_AT_ONCE},
                 {GVK_VENDOR_AMD, true, GVK_STEPS_AHEAD},
                 {GVK_VENDOR_INTEL, true, GVK_STEPS_AHEAD},
                 {GVK_VENDOR_INTEL, false, GVK_SINGLE_STEPS},
                 {GVK_VENDOR_ARM, true, GVK_SINGLE_STEPS},
                 {GVK_VENDOR_QUALCOMM, true, GVK_SINGLE_STEPS},
                 {0x1010, true, GVK_SINGLE_STEPS}};
    const struct gvk_graph_node node = {
        .op = GVK_OP_CONVOLUTION, .kernel = 1, .stride = 1, .groups = 1, .input_channels = 64, .output_channels = 64};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, cases[i].vendor_id);
        traits.subgroup_size_control &= cases[i].has_subgroups_of_16;
        struct gvk_policy policy;
        gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy);
        uint32_t steps = gvk_kernel_of(&node)->select(&policy, &node).key.constants[GVK_CONSTANT_MODE];
        if (steps != cases[i].steps)
            fail_msg("vendor 0x%x, %s subgroups of 16: mode %u, not %u", cases[i].vendor_id,
                     cases[i].has_subgroups_of_16 ? "with" : "without", steps, cases[i].steps);
    }
}

static void nvidias_ghost_modules_are_two_dispatches(void **state)
{
    (void)state;
    static const uint32_t vendors[] = {GVK_VENDOR_AMD, GVK_VENDOR_NVIDIA};
    for (size_t i = 0; i < ARRAY_COUNT(vendors); i++) {
        struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, vendors[i]);
        struct gvk_policy policy;
        gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy);
        bool apart = gvk_rewrites_off(&policy, 0) & GVK_REWRITE_FUSE_GHOST;
        if (apart != (vendors[i] == GVK_VENDOR_NVIDIA))
            fail_msg("vendor 0x%x: ghost modules are %s", vendors[i], apart ? "two dispatches" : "one");
    }
}

/* Larger ones spill there, in every family and precision: its compiler says so (docs/laboratory.md). */
static void malis_lanes_hold_at_most_four_sums(void **state)
{
    (void)state;
    struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, GVK_VENDOR_ARM);
    struct gvk_policy policy;
    gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy);
    uint32_t in = 0, out = 0;
    for (int family = 0; family < GVK_FAMILY_COUNT; family++)
        for (int form = 0; form < GVK_FORM_COUNT; form++)
            for (uint32_t i = 0; i < gvk_tile_lists[family][form].count; i++) {
                const struct gvk_tile *tile = &gvk_tile_lists[family][form].tiles[i];
                bool is_out = gvk_tile_is_out(&policy, tile);
                if (!is_out && tile->quads * tile->pixels > 4)
                    fail_msg("family %d, form %d: Mali is given %u quads x %u pixels", family, form, tile->quads,
                             tile->pixels);
                in += !is_out;
                out += is_out;
            }
    if (!in || !out)
        fail_msg("%u tiles are for Mali and %u are not", in, out);
}

/* What inputs -> outputs channels take at side x side pixels of `batch` pictures by this policy. */
static struct gvk_command command_of(const struct gvk_policy *policy, uint32_t inputs, uint32_t outputs, uint32_t side,
                                     uint32_t batch, uint64_t *weights)
{
    gvk_host host = gvk_host_complete(NULL);
    gvk_graph *graph = NULL;
    struct gvk_graph *copy = NULL;
    struct gvk_program *program = NULL;
    struct gvk_packing packing = {0};
    assert_ok(gvk_graph_create(&host, NULL, NULL, &graph));
    gvk_node node = {.op = GVK_OP_CONVOLUTION,
                     .name = "pointwise",
                     .inputs = {gvk_graph_input(graph, "input", inputs)},
                     .outputs = outputs};
    gvk_graph_output(graph, "output", gvk_graph_add(graph, &node));
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_graph_copy(&host, graph, &copy));
    assert_ok(gvk_rewrite_graph(copy, 0));
    assert_ok(gvk_program_create(&host, &program));
    struct gvk_builder builder = {
        .host = &host, .policy = policy, .graph = copy, .packing = &packing, .program = program};
    const gvk_stream_params size = {.size = sizeof size, .width = side, .height = side, .batch = batch};
    assert_ok(gvk_program_follow(&builder, &packing, &size));
    assert_int_equal(program->command_count, 1);
    const struct gvk_command command = program->commands[0]; /* its label is the graph's, and gone */
    *weights = packing.quads;
    gvk_packing_destroy(&host, &packing);
    gvk_program_destroy(program);
    gvk_graph_destroy(copy);
    gvk_graph_destroy(graph);
    return command;
}

static struct gvk_command command_at(const struct gvk_policy *policy, uint32_t inputs, uint32_t side, uint64_t *weights)
{
    return command_of(policy, inputs, 512, side, 1, weights);
}

static const char *tile_at(const struct gvk_traits *traits, uint32_t inputs, uint32_t side, uint64_t *weights)
{
    struct gvk_policy policy;
    assert_true(gvk_policy_of(traits, GVK_PRECISION_FP32, &policy));
    return gvk_shader_codes[command_at(&policy, inputs, side, weights).key.shader].name;
}

static void small_images_take_small_tiles_where_cores_would_idle(void **state)
{
    (void)state;
    static const struct {
        VkPhysicalDeviceType type;
        uint32_t vendor_id;
        const char *tiles[3]; /* at 13, 26 and 52 pixels a side */
    } cases[] = {
        {VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, GVK_VENDOR_AMD, {"uniform_2x1_split", "uniform_2x2", "uniform_2x4"}},
        {VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, GVK_VENDOR_AMD, {"uniform_2x4", "uniform_2x4", "uniform_2x4"}},
        {VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
         GVK_VENDOR_INTEL,
         {"broadcast16_4x1_split", "broadcast16_4x1", "broadcast16_4x2"}},
        {VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, GVK_VENDOR_QUALCOMM, {"texels_2x4", "texels_2x4", "texels_2x4"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gvk_traits traits = traits_of_gpu(cases[i].type, cases[i].vendor_id);
        uint64_t weights[3];
        for (uint32_t j = 0; j < 3; j++) {
            const char *name = tile_at(&traits, 64, 13u << j, &weights[j]);
            if (strcmp(name + strlen("pointwise_"), cases[i].tiles[j]) != 0)
                fail_msg("case %u, %u pixels a side: %s, not %s", (unsigned)i, 13u << j, name, cases[i].tiles[j]);
        }
        assert_true(weights[0] == weights[1] && weights[1] == weights[2]);
    }
}

/* A GPU with matrix units, of so many cores where it tells. */
static struct gvk_traits traits_with_matrices(uint32_t vendor_id, uint32_t cores)
{
    struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, vendor_id);
    traits.half_arithmetic = traits.half_sums = true;
    traits.matrix_side = 16;
    traits.min_subgroup_size = 32;
    traits.max_subgroup_size = vendor_id == GVK_VENDOR_AMD ? 64 : 32;
    traits.max_shared_bytes = 49152;
    traits.cores = cores;
    return traits;
}

static void matrix_units_multiply_where_there_is_enough_work_for_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t vendor_id, cores, inputs, outputs, side, batch;
        const char *tile;
    } cases[] = {
        /* 22 x 8 = 176 workgroups for 132 multiprocessors; 11 x 8 * 2 = 176 of a split tile; 3 x 8 * 2 and 43 x 1. */
        {GVK_VENDOR_NVIDIA, 132, 512, 512, 37, 1, "matrix_16x64"},
        {GVK_VENDOR_NVIDIA, 132, 512, 256, 26, 1, "matrix_8x32_split"},
        {GVK_VENDOR_NVIDIA, 132, 512, 256, 13, 1, "uniform_2x1_split"},
        {GVK_VENDOR_NVIDIA, 132, 512, 256, 13, 2, "matrix_8x32_split"},
        {GVK_VENDOR_NVIDIA, 132, 512, 256, 26, 8, "matrix_16x64"},
        /* Few channels fill no step, or no block. */
        {GVK_VENDOR_NVIDIA, 132, 60, 512, 104, 1, "uniform_2x4"},
        {GVK_VENDOR_NVIDIA, 132, 512, 28, 104, 1, "uniform_1x4"},
        /* 64 workgroups are enough where nobody tells how many multiprocessors there are. */
        {GVK_VENDOR_AMD, 0, 512, 512, 26, 1, "matrix_16x64"},
        {GVK_VENDOR_AMD, 0, 512, 512, 13, 1, "matrix_8x32_split"},
        {GVK_VENDOR_AMD, 0, 512, 64, 13, 1, "uniform_2x1_split"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct gvk_traits traits = traits_with_matrices(cases[i].vendor_id, cases[i].cores);
        struct gvk_policy policy;
        uint64_t weights;
        assert_true(gvk_policy_of(&traits, GVK_PRECISION_FP16, &policy));
        struct gvk_command command =
            command_of(&policy, cases[i].inputs, cases[i].outputs, cases[i].side, cases[i].batch, &weights);
        const char *name = gvk_shader_codes[command.key.shader].name + strlen("pointwise_");
        if (strncmp(name, cases[i].tile, strlen(cases[i].tile)) != 0 || name[strlen(cases[i].tile)] != '_')
            fail_msg("case %u: %s, not %s", (unsigned)i, name, cases[i].tile);
        uint64_t weights_without = weights; /* the same, and in the same order */
        policy.lane_work = GVK_LANE_WORK_OF_A_PIXEL;
        command_of(&policy, cases[i].inputs, cases[i].outputs, cases[i].side, cases[i].batch, &weights_without);
        assert_int_equal(weights, weights_without);
    }
}

static void matrix_units_are_left_alone_where_something_lacks(void **state)
{
    (void)state;
    const struct gvk_traits able = traits_with_matrices(GVK_VENDOR_NVIDIA, 0);
    for (int lack = 0; lack < 9; lack++) {
        struct gvk_traits traits = able;
        struct gvk_policy policy;
        uint64_t weights;
        switch (lack) {
        case 1: traits.matrix_side = 0; break;
        case 2: traits.subgroup_size_control = false; break;
        case 3: traits.full_subgroups = false; break;
        case 4: traits.max_shared_bytes = 15359; break;
        case 5: traits.max_invocations = 64; break;
        case 6: traits.vendor_id = GVK_VENDOR_INTEL; break;
        case 7: traits.type = VK_PHYSICAL_DEVICE_TYPE_CPU; break;
        default: break; /* 0: nothing; 8: fp16 in memory */
        }
        assert_true(gvk_policy_of(&traits, lack == 8 ? GVK_PRECISION_FP32 : GVK_PRECISION_FP16, &policy));
        const struct gvk_command command = command_of(&policy, 512, 512, 104, 1, &weights);
        bool matrices = strstr(gvk_shader_codes[command.key.shader].name, "_matrix_") != NULL;
        if (matrices != (lack == 0))
            fail_msg("lack %d: %s", lack, gvk_shader_codes[command.key.shader].name);
        if (!matrices)
            continue;
        assert_int_equal(command.key.subgroup_size, 32);
        assert_int_equal(command.key.constants[GVK_CONSTANT_LOCAL_SIZE], 128);
        assert_int_equal(command.key.constants[GVK_CONSTANT_SIDE], 16);
        assert_int_equal(command.groups[0], 169); /* 104 x 104 / 64 */
        assert_int_equal(command.groups[1], 8);
    }
}

/* 169 pixels and 512 channels: ceil(169 / (lanes * pixels of a lane)) workgroups for each block. */
static void a_measured_local_size_is_kept_for_every_image_and_has_workgroups_for_it(void **state)
{
    (void)state;
    const struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, GVK_VENDOR_AMD);
    static const struct {
        uint32_t lanes, groups;
    } cases[] = {{64, 2}, {128, 1}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gvk_policy policy;
        uint64_t weights;
        assert_true(gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy));
        policy.forced_shader = GVK_SHADER_POINTWISE_UNIFORM_2X2;
        policy.forced_local_size = cases[i].lanes;
        const struct gvk_command command = command_at(&policy, 64, 13, &weights);
        if (command.key.shader != GVK_SHADER_POINTWISE_UNIFORM_2X2 || command.groups[0] != cases[i].groups ||
            command.groups[1] != 64 || command.key.constants[GVK_CONSTANT_LOCAL_SIZE] != cases[i].lanes)
            fail_msg("%u lanes: %s with %u, %u x %u workgroups", cases[i].lanes,
                     gvk_shader_codes[command.key.shader].name, command.key.constants[GVK_CONSTANT_LOCAL_SIZE],
                     command.groups[0], command.groups[1]);
    }
}

static void inputs_are_split_where_there_are_enough_and_slices_are_whole_subgroups(void **state)
{
    (void)state;
    const struct gvk_traits able = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, GVK_VENDOR_NVIDIA);
    struct gvk_traits traits = able;
    uint64_t weights;
    assert_string_equal(tile_at(&traits, 64, 13, &weights), "pointwise_uniform_2x1_split");
    assert_string_equal(tile_at(&traits, 60, 13, &weights), "pointwise_uniform_2x1");
    traits.subgroup_size = traits.max_subgroup_size = 64;
    assert_string_equal(tile_at(&traits, 64, 13, &weights), "pointwise_uniform_2x1_split");
    traits.subgroup_size = traits.max_subgroup_size = 128;
    assert_string_equal(tile_at(&traits, 64, 13, &weights), "pointwise_uniform_2x1");
    traits.subgroup_size = 0; /* unknown */
    assert_string_equal(tile_at(&traits, 64, 13, &weights), "pointwise_uniform_2x1");
    traits = able;
    traits.max_invocations = 128;
    assert_string_equal(tile_at(&traits, 64, 13, &weights), "pointwise_uniform_2x1");
}

/* A driver states one size and may run another where it has several: then that size is required of the pipeline, and
 * where that cannot be, nothing is split. */
static void split_tiles_run_with_the_size_of_subgroup_that_they_count_on(void **state)
{
    (void)state;
    static const struct {
        uint32_t size, least, most;
        bool control, full;
        uint32_t required; /* of the pipeline; NOT_SPLIT */
    } cases[] = {
        {32, 8, 32, true, true, 32},           /* Intel's */
        {64, 32, 64, true, true, 64},          /* AMD's */
        {32, 32, 32, true, true, 0},           /* NVIDIA's, Apple's */
        {32, 32, 32, false, false, 0},         /* the same without the extension being enabled */
        {16, 16, 16, true, false, 0},          /* Mali's */
        {32, 8, 32, false, true, NOT_SPLIT},   /* Intel's, imported without the feature */
        {32, 8, 32, true, false, NOT_SPLIT},   /* subgroups may be partly filled */
        {32, 0, 0, false, false, NOT_SPLIT},   /* nobody says which sizes there are */
        {32, 8, 16, true, true, NOT_SPLIT},    /* the stated one cannot be required */
        {128, 64, 128, true, true, NOT_SPLIT}, /* Adreno's: wider than a slice */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, GVK_VENDOR_NVIDIA);
        traits.subgroup_size = cases[i].size;
        traits.min_subgroup_size = cases[i].least;
        traits.max_subgroup_size = cases[i].most;
        traits.subgroup_size_control = cases[i].control;
        traits.full_subgroups = cases[i].full;
        struct gvk_policy policy;
        assert_true(gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy));
        uint64_t weights;
        const struct gvk_pipeline_key key = command_at(&policy, 64, 13, &weights).key;
        bool split = key.shader == GVK_SHADER_POINTWISE_UNIFORM_2X1_SPLIT;
        if (split != (cases[i].required != NOT_SPLIT) || key.subgroup_size != (split ? cases[i].required : 0))
            fail_msg("case %zu, %u lanes of %u to %u: %s with %u required", i, cases[i].size, cases[i].least,
                     cases[i].most, gvk_shader_codes[key.shader].name, key.subgroup_size);
    }
}

static void on_a_cpu_device_the_images_size_does_not_matter(void **state)
{
    (void)state;
    struct gvk_traits traits = traits_of_gpu(VK_PHYSICAL_DEVICE_TYPE_CPU, 0x10005);
    uint64_t weights;
    traits.subgroup_size = traits.min_subgroup_size = traits.max_subgroup_size = 8;
    for (uint32_t side = 1; side < 200; side = 2 * side + 1)
        assert_string_equal(tile_at(&traits, 64, side, &weights), "pointwise_single8_8x4");
    traits.stores_doubles = true;
    for (uint32_t side = 1; side < 200; side = 2 * side + 1)
        assert_string_equal(tile_at(&traits, 64, side, &weights), "pointwise_spread8_8x4");
    traits.shuffles_well = true;
    for (uint32_t side = 1; side < 200; side = 2 * side + 1)
        assert_string_equal(tile_at(&traits, 64, side, &weights), "pointwise_shuffle8_8x4");
    traits.subgroup_size_control = false; /* the form that GPUs have too */
    for (uint32_t side = 1; side < 200; side = 2 * side + 1)
        assert_string_equal(tile_at(&traits, 64, side, &weights), "pointwise_uniform_2x4");
}

/* Mesa's versions were measured: 22.3.6 (Debian 12), 25.0.7 (Debian 13) and 26.2.6, which 16 doubles crash. */
static void lavapipe_shuffles_until_mesa_22_and_stores_doubles_until_25_0(void **state)
{
    (void)state;
    static const struct {
        VkDriverId driver;
        const char *info;
        bool shuffles, doubles;
    } cases[] = {
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 22.3.6 (LLVM 15.0.6)", true, true},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 21.2.0", true, true},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 22.0.0-devel (git-0123456789)", true, true},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 23.0.0 (LLVM 15.0.7)", false, true},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 25.0.7-2+deb13u1 (LLVM 19.1.7)", false, true},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 25.1.0 (LLVM 20.1.0)", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 26.2.6-1 (LLVM 22.1.8)", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 100.0.0", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa ", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 22", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 22.", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa .22", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa -1.2", false, false},
        {VK_DRIVER_ID_MESA_LLVMPIPE, "22.3.6", false, false},
        {VK_DRIVER_ID_GOOGLE_SWIFTSHADER, "Mesa 22.3.6", false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (gvk_driver_shuffles_well(cases[i].driver, cases[i].info) != cases[i].shuffles)
            fail_msg("driver %d, \"%s\": should%s shuffle", (int)cases[i].driver, cases[i].info,
                     cases[i].shuffles ? "" : " not");
        else if (gvk_driver_stores_doubles(cases[i].driver, cases[i].info) != cases[i].doubles)
            fail_msg("driver %d, \"%s\": should%s store doubles", (int)cases[i].driver, cases[i].info,
                     cases[i].doubles ? "" : " not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vendors_gpus_are_given_its_form),
        cmocka_unit_test(the_number_of_workgroups_is_that_of_the_cores),
        cmocka_unit_test(kernels_read_as_far_ahead_as_a_vendors_registers_allow),
        cmocka_unit_test(nvidias_ghost_modules_are_two_dispatches),
        cmocka_unit_test(malis_lanes_hold_at_most_four_sums),
        cmocka_unit_test(a_gpu_that_lacks_what_its_form_needs_is_given_the_uniform_one),
        cmocka_unit_test(lavapipe_shuffles_until_mesa_22_and_stores_doubles_until_25_0),
        cmocka_unit_test(small_images_take_small_tiles_where_cores_would_idle),
        cmocka_unit_test(a_measured_local_size_is_kept_for_every_image_and_has_workgroups_for_it),
        cmocka_unit_test(matrix_units_multiply_where_there_is_enough_work_for_them),
        cmocka_unit_test(matrix_units_are_left_alone_where_something_lacks),
        cmocka_unit_test(inputs_are_split_where_there_are_enough_and_slices_are_whole_subgroups),
        cmocka_unit_test(split_tiles_run_with_the_size_of_subgroup_that_they_count_on),
        cmocka_unit_test(on_a_cpu_device_the_images_size_does_not_matter),
    };
    return cmocka_run_group_tests_name("forms", tests, NULL, NULL);
}
