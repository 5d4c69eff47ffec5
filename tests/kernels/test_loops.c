/* Every loop of a shader has a bound, which stands here: what it counts, and how far at most. A lane that runs for long
 * cannot be cut short by max_submit_us, and Mesa's lavapipe ends it after 65,535 turns of all its loops together,
 * without a word. So one lane of one dispatch makes at most GVK_MOST_TURNS: gvk_finish_dispatch refuses what would take
 * more, from the turns that each kernel's file states, and refuses a shader with loops for which none are stated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernel/dispatch.h"
#include "tests/device/shader_words.h"
#include "tests/support/folder.h"
#include "tests/support/harness.h"

#define CHANNEL_QUADS  16384u /* of the widest tensor: graph/build.c */
#define LARGEST_KERNEL 31u    /* graph/build.c */

/* A loop as its source writes it; the same line may come several times in a file. Loops marked [[unroll]] are none. */
static const struct loop {
    const char *file, *header;
    uint32_t most;
    const char *why;
} loops[] = {
    {"average_pool.comp", "for (uint i = gl_LocalInvocationID.x; i < width * height; i += gl_WorkGroupSize.x)",
     GVK_MOST_TURNS, "a plane's pixels over the lanes; planes.c goes by rows first where they are more"},
    {"average_pool.comp", "for (uint y = 0; y < height; y++) {", GVK_MOST_TURNS, "rows, with the next loop"},
    {"average_pool.comp", "for (uint x = 0; x < width; x++)", GVK_MOST_TURNS, "pixels of a row"},
    {"concat.comp", "for (uint i = 0; i < 4; i++) {", 4, "channels of a quad"},
    {"decode.comp", "for (uint quad = first / 4; 4 * quad < end; quad++) {", CHANNEL_QUADS / 3 + 2,
     "quads of an anchor's channels"},
    {"dense.comp", "for (uint k = 0; k < input_quads; k++, plane += width * height) {", GVK_MOST_TURNS,
     "input quads, with the kernel's taps; dense.c takes slices where they are more"},
    {"dense.comp", "for (uint ky = 0; ky < kernel; ky++) {", LARGEST_KERNEL, "rows of the kernel"},
    {"dense.comp", "for (uint kx = 0; kx < kernel; kx++) {", LARGEST_KERNEL, "its columns"},
    {"depthwise.comp", "for (uint r = 0; r < IN_Y; r++)", 12, "source rows of a tile"},
    {"depthwise_reference.comp", "for (uint ky = 0; ky < kernel; ky++) {", LARGEST_KERNEL, "rows of the kernel"},
    {"depthwise_reference.comp", "for (uint kx = 0; kx < kernel; kx++) {", LARGEST_KERNEL, "its columns"},
    {"depthwise_strips.comp", "for (uint s = 0; s < rows + AHEAD; s++) {", 64, "rows of a strip: depthwise.c"},
    {"depthwise_strips.comp", "for (uint i = 0; i < OUT_X; i++) {", 4, "columns of a strip"},
    {"detection.glsl", "while (low < high) {", 32, "a bisection"},
    {"drop.comp", "for (uint first_kept = 0; first_kept < kept; first_kept += AHEAD) {",
     32 * GVK_MOST_TILE_WORDS / GVK_SUPPRESS_AHEAD, "kept candidates of a tile, eight a turn"},
    {"excite.comp", "for (uint k = lane % slices; there && k < inputs; k += slices) {", GVK_MOST_TURNS,
     "inputs of a linear layer; rewrite.c fuses none where all of a lane's are more"},
    {"excite.comp", "for (uint first = 0; first < reduced_quads; first += gl_WorkGroupSize.x / slices) {",
     GVK_EXCITE_QUADS / 64, "outputs over the lanes"},
    {"excite.comp", "for (uint first = 0; first < channels_quads; first += gl_WorkGroupSize.x / slices) {",
     CHANNEL_QUADS / 64, "outputs over the lanes"},
    {"excite_layer.comp", "for (; k + (AT_ONCE - 1) * lanes < end; k += AT_ONCE * lanes) {", CHANNEL_QUADS / 64,
     "weights of an output quad over the lanes, four a turn"},
    {"excite_layer.comp", "for (; k < end; k += lanes)", 4, "those that are left"},
    {"excite_layer.comp", "for (uint others = lanes / 2; others >= 4; others /= 2) {", 8, "halves of the lanes"},
    {"ghost.comp", "for (; k + AHEAD <= input_quads; k += AHEAD) {", CHANNEL_QUADS / 2, "input quads, several a turn"},
    {"ghost.comp", "for (; k + AHEAD - 1 <= input_quads; k += AHEAD - 1) {", CHANNEL_QUADS / 2, "the same"},
    {"ghost.comp", "for (; k < input_quads; k++) {", CHANNEL_QUADS, "those that are left, or all"},
    {"ghost.comp", "for (uint j = 0; j < QUADS; j++) {", 4, "output quads of a tile"},
    {"ghost.comp", "for (uint at = lane; at < INNER; at += gl_WorkGroupSize.x) {",
     GVK_GHOST_INNER *GVK_GHOST_INNER / 64 + 1, "outputs of a square over the lanes"},
    {"keep.comp", "for (uint word = lane; word < words; word += lanes) {", GVK_MOST_TILE_WORDS / 64 + 1, "own words"},
    {"keep.comp", "for (uint bit = 0; bit < size; bit++)", 32, "bits of a word"},
    {"keep.comp", "for (uint block = 0; block < words; block++) {", GVK_MOST_TILE_WORDS, "words of a tile"},
    {"keep.comp", "for (uint word = lane; word < block; word += lanes) {", GVK_MOST_TILE_WORDS / 64 + 1,
     "own words before the block's"},
    {"keep.comp", "for (uint row = 0; row < 32 && better != 0; row += AHEAD) {", 32 / GVK_SUPPRESS_AHEAD,
     "rows of a block, eight a turn"},
    {"keep.comp", "for (uint row = 0; row < size; row++) {", 32, "rows of a block"},
    {"keep.comp", "for (uint word = 0; word < words; word++)", GVK_MOST_TILE_WORDS, "words of a tile"},
    {"keep.comp", "for (uint word = 0; word < words; word++) {", GVK_MOST_TILE_WORDS, "words of a tile"},
    {"keep.glsl", "for (uint rest = bits; rest != 0; rest &= rest - 1, to += 2) {", 32, "bits of a word"},
    {"keep_in_subgroup.comp", "for (uint block = 0; block < words; block++) {", GVK_MOST_TILE_WORDS, "words of a tile"},
    {"keep_in_subgroup.comp", "for (uint begin = 0; begin < 32; begin += lanes) {", 4,
     "rows of a block over the lanes"},
    {"keep_in_subgroup.comp", "for (uint word = 0; word < block; word += GVK_KEEP_AHEAD) {",
     GVK_MOST_TILE_WORDS / GVK_KEEP_AHEAD, "words of a row, six a turn"},
    {"keep_in_subgroup.comp", "for (uint row = 0; row < 32; row += 2) {", 16, "rows of a block, two a turn"},
    {"keep_in_subgroup.comp", "for (uint word = 0; word < words; word++)", GVK_MOST_TILE_WORDS, "words of a tile"},
    {"keep_in_subgroup.comp", "for (uint word = lane; word < words; word += lanes)", GVK_MOST_TILE_WORDS / 8,
     "own words"},
    {"max_pool.comp", "for (int j = top; j <= bottom; j++) {", LARGEST_KERNEL, "rows of the window"},
    {"max_pool.comp", "for (int i = left; i <= right; i++) {", LARGEST_KERNEL, "its columns"},
    {"overlap.comp", "for (uint word = 0; word <= block; word++) {", GVK_MOST_TILE_WORDS, "words of a row"},
    {"overlap.comp", "for (uint bit = 0; bit < end; bit += AHEAD) {", 32 / GVK_SUPPRESS_AHEAD,
     "candidates of a word, eight a turn"},
    {"pointwise.comp", "for (; k + HALF_SUMS <= end; k += HALF_SUMS) {", CHANNEL_QUADS / 2,
     "input quads, several a turn"},
    {"pointwise.comp", "for (; k + AHEAD <= end; k += AHEAD) {", CHANNEL_QUADS / 2, "the same"},
    {"pointwise.comp", "for (; k < end; k++) {", CHANNEL_QUADS, "those that are left, or all"},
    {"pointwise.comp", "for (uint k = begin; k < end; k++) {", CHANNEL_QUADS, "input quads"},
    {"pointwise_chunks.comp", "for (uint k = 0; k < input_quads; k++) {", CHANNEL_QUADS, "input quads"},
    {"pointwise_matrix.comp", "for (uint s = 0; s < share; s++) {", CHANNEL_QUADS / 8, "steps of eight input quads"},
    {"pointwise_matrix.comp",
     "for (uint at = subgroup * LANES + lane; at < SLICE_SUBGROUPS * SIDE * SIDE / 4; at += gl_WorkGroupSize.x) {", 16,
     "quads of a matrix a subgroup over the lanes, four times"},
    {"pointwise_reference.comp", "for (uint k = 0; k < input_quads; k++) {", CHANNEL_QUADS, "input quads"},
    {"pyramid.comp", "for (int r = -REACH; r < ROWS + REACH; r++) {", 15, "source rows of a lane's outputs"},
    {"pyramid_planes.comp", "for (uint row = 0; row < pixels; row += width) {", GVK_MOST_TURNS / 6,
     "rows, with the next loop; planes.c takes another kernel where a plane is large"},
    {"pyramid_planes.comp", "for (uint x = 0; x < width; x++)", GVK_MOST_TURNS / 6, "pixels of a row"},
    {"pyramid_planes.comp", "for (uint pass = 1; pass < 6; pass++) {", 5, "passes over the plane"},
    {"pyramid_planes.comp", "for (uint line = 0; line < lines; line++) {", GVK_MOST_TURNS / 6,
     "columns or rows, with the next loop"},
    {"pyramid_planes.comp", "for (uint i = 0; i < length; i++) {", GVK_MOST_TURNS / 6, "pixels of one"},
    {"resize_horizontal.comp", "for (uint i = 0; i < count; i++) {", GVK_MOST_TURNS,
     "taps of an output: layout.c refuses more"},
    {"resize_image.comp", "for (uint i = 0; i < count; i++) {", GVK_MOST_TURNS, "taps of an output"},
    {"resize_vertical.comp", "for (uint i = 0; i < count; i++, at += inner_width) {", GVK_MOST_TURNS,
     "taps of an output"},
    {"sort_blocks.comp", "for (uint first = begin; first < end; first += AHEAD) {", GVK_SORT_BLOCK / GVK_SUPPRESS_AHEAD,
     "keys of a block, eight a turn"},
    {"sort_merge.comp", "for (uint other = first; other < first + fan && other * run < count; other++) {", 96,
     "runs that are merged: suppression.c"},
    {"sort_merge.comp", "while (low < high) {", 32, "a bisection"},
    {"store_loops.glsl", "for (uint n = 0; n < QUADS * PIXELS; n++)", 64, "a lane's sums"},
    {"store_loops.glsl", "for (uint j = 0; j < QUADS; j++) {", 16, "output quads of a tile"},
    {"split.glsl", "for (uint others = slices / 2; others > 0; others /= 2) {", 8, "halves of a workgroup"},
    {"split.glsl", "while (2 * slices * rows <= gl_WorkGroupSize.x)", 8, "halves of a workgroup"},
};

static bool met[ARRAY_COUNT(loops)];

/* The loop's header on that line, without what stands before and behind it; false: the line begins none. */
static bool find_loop(const char *line, char *header, size_t room)
{
    const char *comment = strstr(line, "//"), *begin = strstr(line, "for ("), *other = strstr(line, "while (");
    if (!begin)
        begin = other;
    if (!begin || (comment && comment < begin) || strstr(line, "[[unroll]]"))
        return false;
    snprintf(header, room, "%s", begin);
    for (size_t end = strlen(header); end && strchr(" \\\n\r", header[end - 1]); end--)
        header[end - 1] = 0;
    return true;
}

static void read_loops(const char *folder, const char *file)
{
    char path[512], line[512], header[512];
    snprintf(path, sizeof path, "%s/../shaders/%s/%s", GVK_TEST_DATA_DIR, folder, file);
    FILE *source = fopen(path, "r");
    if (!source)
        fail_msg("%s cannot be opened", path);
    for (uint32_t number = 1; fgets(line, sizeof line, source); number++) {
        if (!find_loop(line, header, sizeof header))
            continue;
        size_t i = 0;
        while (i < ARRAY_COUNT(loops) && (strcmp(loops[i].file, file) || strcmp(loops[i].header, header)))
            i++;
        if (i == ARRAY_COUNT(loops))
            fail_msg("shaders/%s/%s:%u: no bound is stated for \"%s\"", folder, file, number, header);
        met[i] = true;
    }
    fclose(source);
}

/* Returns how many shaders the folder has. */
static uint32_t read_folder(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/../shaders/%s", GVK_TEST_DATA_DIR, folder);
    char *names = list_folder(path);
    uint32_t sources = 0;
    for (char *name = names, *end; (end = strchr(name, '\n')); name = end + 1) {
        *end = 0;
        const char *ending = strrchr(name, '.');
        if (!ending || (strcmp(ending, ".comp") && strcmp(ending, ".glsl")))
            continue;
        read_loops(folder, name);
        sources++;
    }
    free(names);
    return sources;
}

static void every_loop_of_every_shader_has_a_stated_bound(void **state)
{
    (void)state;
    static const char *const folders[] = {".", "convolution", "planes", "detection", "picture"};
    uint32_t sources = 0;
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        uint32_t found = read_folder(folders[i]);
        assert_true(found > 0);
        sources += found;
    }
    assert_in_range(sources, 25, 100);
    for (size_t i = 0; i < ARRAY_COUNT(loops); i++) {
        if (!met[i])
            fail_msg("shaders/%s has no loop \"%s\" any more", loops[i].file, loops[i].header);
        if (loops[i].most > GVK_MOST_TURNS)
            fail_msg("shaders/%s: \"%s\" may make %u turns, %u are allowed", loops[i].file, loops[i].header,
                     loops[i].most, GVK_MOST_TURNS);
        print_message("             %-24s at most %5u turns: %s\n", loops[i].file, loops[i].most, loops[i].why);
    }
}

/* What is in a kernel's code, whatever its source says: OpLoopMerge. */
static void a_kernel_with_loops_is_refused_unless_its_turns_are_stated_and_few(void **state)
{
    (void)state;
    const struct gvk_traits traits = gvk_traits_of_plain_gpu();
    struct gvk_policy policy;
    assert_true(gvk_policy_of(&traits, GVK_PRECISION_FP32, &policy));
    gvk_host host = gvk_host_complete(NULL);
    uint32_t with_loops = 0;
    for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++) {
        const struct gvk_shader_code *code = &gvk_shader_codes[i];
        const uint32_t *words = shader_words((enum gvk_shader)i);
        bool has_loops = false;
        for (size_t at = 5; at < code->bytes / 4; at += words[at] >> 16) {
            assert_true(words[at] >> 16); /* an instruction's length */
            has_loops = has_loops || (words[at] & 0xffff) == 246;
        }
        if (has_loops != (bool)code->has_loops)
            fail_msg("%s: the table says that it has %s", code->name, code->has_loops ? "loops" : "no loop");
        with_loops += has_loops;
        static const uint64_t turns[] = {0, 1, GVK_MOST_TURNS, GVK_MOST_TURNS + 1};
        for (size_t j = 0; j < ARRAY_COUNT(turns); j++) {
            struct gvk_program *program = NULL;
            assert_ok(gvk_program_create(&host, &program));
            struct gvk_builder builder = {.host = &host, .policy = &policy, .program = program};
            struct gvk_command command = {.kind = GVK_COMMAND_DISPATCH, .label = "a node", .turns = turns[j]};
            command.key.shader = (enum gvk_shader)i;
            bool allowed = !has_loops || (turns[j] && turns[j] <= GVK_MOST_TURNS);
            gvk_result result = gvk_finish_dispatch(&builder, &command, 1, 1, 1);
            if (result != (allowed ? GVK_OK : GVK_ERROR_UNSUPPORTED))
                fail_msg("%s with %llu turns: %s", code->name, (unsigned long long)turns[j], gvk_result_name(result));
            gvk_program_destroy(program);
        }
    }
    print_message("             %u of %u kernels have loops\n", with_loops, (unsigned)GVK_SHADER_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_of_every_shader_has_a_stated_bound),
        cmocka_unit_test(a_kernel_with_loops_is_refused_unless_its_turns_are_stated_and_few),
    };
    return cmocka_run_group_tests_name("loops", tests, NULL, NULL);
}
