/* The two tables that the choice of kernels reads: of ops, and of the variants that the build listed. No device is
 * needed.
 */
#include "tests/support/harness.h"

#include <stdio.h>
#include <string.h>

#include "runtime/graph/ops.h"
#include "runtime/kernel/forms.h"
#include "runtime/kernel/matrices.h"
#include "runtime/op/table.h"
#include "shaders/shared.h"

static void every_op_has_a_name_and_a_kernel_that_emits(void **state)
{
    (void)state;
    for (int op = GVK_OP_NONE + 1; op < GVK_OP_END; op++) {
        const struct gvk_op_line *line = gvk_op_line_of(op);
        const struct gvk_graph_node node = {.op = op};
        if (!line || !line->name || !gvk_kernel_of(&node) || !gvk_kernel_of(&node)->emit)
            fail_msg("op %d has no name or no kernel", op);
        if (!gvk_kernel_of(&node)->count_weights != !gvk_kernel_of(&node)->pack_weights)
            fail_msg("%s: its kernel counts weights and does not pack them, or packs and does not count", line->name);
    }
}

static void an_op_that_there_is_not_and_one_of_the_rewrites_are_an_argument_error(void **state)
{
    (void)state;
    for (int op = -2; op < 130; op++) {
        bool known = op > GVK_OP_NONE && op < GVK_OP_MAX_POOLS;
        gvk_graph *graph = NULL;
        assert_ok(gvk_graph_create(NULL, NULL, NULL, &graph));
        gvk_tensor input = gvk_graph_input(graph, "input", 4);
        bool two = known && gvk_op_line_of(op)->least_inputs == 2;
        gvk_node node = {.op = (gvk_op)op, .name = "node", .inputs = {input, two ? input : 0}};
        gvk_tensor made = gvk_graph_add(graph, &node);
        gvk_graph_output(graph, "output", made ? made : input);
        gvk_result result = gvk_graph_finish(graph);
        if ((made != 0) != known || result != (known ? GVK_OK : GVK_ERROR_ARGUMENT))
            fail_msg("op %d: tensor %u, %s", op, made, gvk_result_name(result));
        gvk_graph_destroy(graph);
    }
}

static const char *name_of(const struct gvk_tile *tile)
{
    return gvk_shader_codes[tile->shaders[GVK_STORE_PLAIN]].name;
}

static void every_form_has_tiles_of_every_kernel_that_asks_for_them(void **state)
{
    (void)state;
    for (int form = 0; form < GVK_FORM_COUNT; form++)
        for (int family = 0; family < GVK_FAMILY_COUNT; family++) {
            const struct gvk_tile_list *list = &gvk_tile_lists[family][form];
            /* Ghost modules are apart on CPU devices; what is fused has no plain variant. */
            bool none = form == GVK_FORM_PLAIN && (family == GVK_FAMILY_PYRAMID || family == GVK_FAMILY_EXCITE);
            if (form == GVK_FORM_MATRIX) /* which no device has for all its kernels */
                none = family != GVK_FAMILY_POINTWISE;
            else if (family == GVK_FAMILY_GHOST)
                none = !gvk_form_is_for_gpus((enum gvk_form)form);
            if (!list->count != none)
                fail_msg("family %d has %u tiles of form %d", family, list->count, form);
            for (uint32_t i = 0; i < list->count; i++)
                if ((int)list->tiles[i].form != form || (int)list->tiles[i].family != family)
                    fail_msg("%s stands in the list of another form or family", name_of(&list->tiles[i]));
        }
}

/* The names of shaders were given for people; what C reads was taken from the defines that the shaders were compiled
 * with. */
static void a_tiles_numbers_are_those_of_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < GVK_TILE_COUNT; i++) {
        const struct gvk_tile *tile = &gvk_tiles[i];
        char part[32];
        bool blocks = tile->family == GVK_FAMILY_POINTWISE || tile->family == GVK_FAMILY_GHOST ||
                      tile->family == GVK_FAMILY_DENSE;
        snprintf(part, sizeof part, "_%ux%u", tile->quads, tile->pixels);
        if (tile->family == GVK_FAMILY_DEPTHWISE)
            snprintf(part, sizeof part, "_%us%u", tile->kernel, tile->stride);
        if ((blocks || tile->family == GVK_FAMILY_DEPTHWISE) && !strstr(name_of(tile), "_reference") &&
            !strstr(name_of(tile), part))
            fail_msg("%s says %s", name_of(tile), part);
        for (uint32_t lanes = 4; lanes <= 16; lanes *= 2) {
            static const char *const words[] = {"shuffle", "spread", "broadcast", "chunks"};
            for (size_t j = 0; j < ARRAY_COUNT(words); j++) {
                snprintf(part, sizeof part, "%s%u_", words[j], lanes);
                if (strstr(name_of(tile), part) && tile->subgroup_size != lanes)
                    fail_msg("%s says subgroups of %u", name_of(tile), tile->subgroup_size);
            }
        }
        if ((strstr(name_of(tile), "_split") != NULL) != (tile->slices > 1) && blocks)
            fail_msg("%s says %u slices", name_of(tile), tile->slices);
        if ((strstr(name_of(tile), "chunks") != NULL) != tile->chunks)
            fail_msg("%s says %s", name_of(tile), tile->chunks ? "chunks" : "no chunks");
    }
}

static void a_tiles_workgroup_computes_what_its_shader_counts_on(void **state)
{
    (void)state;
    for (int i = 0; i < GVK_TILE_COUNT; i++) {
        const struct gvk_tile *tile = &gvk_tiles[i];
        if (tile->form == GVK_FORM_MATRIX) { /* whose pixels are a workgroup's */
            for (uint32_t side = 8; side <= 16; side += 8) {
                uint32_t subgroups = GVK_MATRIX_SUBGROUPS(tile->pixels, 4 * tile->quads, tile->slices, side);
                if (!subgroups || subgroups % tile->slices || tile->quads % 4 || tile->pixels % (2 * side) ||
                    tile->pixels > GVK_SLACK_QUADS)
                    fail_msg("%s: %u subgroups of matrices of %u", name_of(tile), subgroups, side);
                struct gvk_traits traits = gvk_traits_of_plain_gpu();
                traits.matrix_side = side;
                traits.min_subgroup_size = traits.max_subgroup_size = side == 16 ? 32 : 8;
                traits.max_invocations = traits.max_workgroup_size_x = 1024;
                traits.max_shared_bytes = 32768; /* of lavapipe; GPUs with matrix units have 48 KiB and more */
                uint32_t lanes = gvk_matrix_local_size(&traits, tile);
                if (!gvk_matrix_tile_fits(&traits, tile) || lanes != subgroups * traits.max_subgroup_size ||
                    tile->pixels * GVK_MATRIX_STEP_QUADS * tile->slices % lanes)
                    fail_msg("%s: %u lanes do not fit", name_of(tile), lanes);
            }
            assert_int_equal(tile->local_size,
                             32 * GVK_MATRIX_SUBGROUPS(tile->pixels, 4 * tile->quads, tile->slices, 16));
            continue;
        }
        if (tile->slices > 1 && tile->local_size != tile->slices * GVK_SLICE_LANES)
            fail_msg("%s: %u lanes for %u slices", name_of(tile), tile->local_size, tile->slices);
        if (tile->family == GVK_FAMILY_GHOST && tile->local_size * tile->pixels != GVK_GHOST_SIDE * GVK_GHOST_SIDE)
            fail_msg("%s: %u lanes of %u pixels are no square", name_of(tile), tile->local_size, tile->pixels);
        if (tile->subgroup_size && tile->local_size % tile->subgroup_size)
            fail_msg("%s: %u lanes are no whole subgroups of %u", name_of(tile), tile->local_size, tile->subgroup_size);
        if (tile->local_size / tile->slices * tile->pixels > GVK_SLACK_QUADS)
            fail_msg("%s: %u lanes of %u pixels read beyond the slack", name_of(tile), tile->local_size, tile->pixels);
        if ((tile->family == GVK_FAMILY_AVERAGE_POOL || tile->family == GVK_FAMILY_EXCITE) &&
            gvk_form_is_for_gpus(tile->form) && tile->local_size != GVK_SPLIT_LANES)
            fail_msg("%s: %u lanes, split.glsl counts on %u", name_of(tile), tile->local_size, GVK_SPLIT_LANES);
        for (int store = 0; store < GVK_STORE_COUNT; store++) {
            enum gvk_shader shader = tile->shaders[store];
            /* Squeeze-excite's other shader is that of its large layers. */
            size_t alike = strcspn(name_of(tile), tile->family == GVK_FAMILY_EXCITE ? "_" : "0123456789");
            if (shader != GVK_SHADER_COUNT && strncmp(gvk_shader_codes[shader].name, name_of(tile), alike) != 0)
                fail_msg("%s has the store %s", name_of(tile), gvk_shader_codes[shader].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_a_name_and_a_kernel_that_emits),
        cmocka_unit_test(an_op_that_there_is_not_and_one_of_the_rewrites_are_an_argument_error),
        cmocka_unit_test(every_form_has_tiles_of_every_kernel_that_asks_for_them),
        cmocka_unit_test(a_tiles_numbers_are_those_of_its_name),
        cmocka_unit_test(a_tiles_workgroup_computes_what_its_shader_counts_on),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
