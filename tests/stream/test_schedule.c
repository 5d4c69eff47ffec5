/* The order of commands and the memory that it takes: programs of a few commands whose best order is known. No device.
 */
#include <string.h>

#include "runtime/plan/program.h"
#include "tests/support/harness.h"

#define MIB ((uint64_t)1 << 20)

static const gvk_host *host(void)
{
    static gvk_host complete;
    complete = gvk_host_complete(NULL);
    return &complete;
}

/* A command that reads up to two blocks, whole, and writes one. */
static void add(struct gvk_program *program, const char *label, int32_t first, int32_t second, uint32_t output)
{
    struct gvk_command command = {.label = label};
    const int32_t blocks[3] = {(int32_t)output, first, second};
    for (int i = 0; i < 3; i++)
        if (blocks[i] >= 0)
            command.operands[command.operand_count++] = (struct gvk_operand){
                .memory = GVK_MEMORY_ARENA,
                .access = i ? GVK_READ : GVK_WRITE,
                .block = (uint32_t)blocks[i],
                .bytes = program->blocks[blocks[i]].bytes,
            };
    assert_ok(gvk_program_add_command(program, &command));
}

static const struct gvk_command *find(const struct gvk_program *program, const char *label)
{
    for (uint32_t i = 0; i < program->command_count; i++)
        if (!strcmp(program->commands[i].label, label))
            return &program->commands[i];
    fail_msg("no command \"%s\" in the program", label);
    return NULL;
}

/* What two stages have in common: a wide one that shrinks, and a shortcut past it that grows.
 *
 *     input 2 -> widen 8 -> shrink 2 -> join
 *     input 2 -> narrow 1 -> shortcut -> join         (MiB)
 */
static struct gvk_program *make_bottleneck(uint64_t shortcut_bytes)
{
    struct gvk_program *program = NULL;
    uint32_t input, wide, thin, narrow, shortcut, joined;
    assert_ok(gvk_program_create(host(), &program));
    assert_ok(gvk_program_add_block(program, 2 * MIB, &input));
    assert_ok(gvk_program_add_block(program, 8 * MIB, &wide));
    assert_ok(gvk_program_add_block(program, 2 * MIB, &thin));
    assert_ok(gvk_program_add_block(program, MIB, &narrow));
    assert_ok(gvk_program_add_block(program, shortcut_bytes, &shortcut));
    assert_ok(gvk_program_add_block(program, MIB, &joined));
    gvk_program_fill_before(program, input);
    gvk_program_keep_block(program, joined);
    add(program, "widen", (int32_t)input, -1, wide);
    add(program, "narrow", (int32_t)input, -1, narrow);
    add(program, "shrink", (int32_t)wide, -1, thin);
    add(program, "shortcut", (int32_t)narrow, -1, shortcut);
    add(program, "join", (int32_t)thin, (int32_t)shortcut, joined);
    program->network_end = program->command_count;
    assert_ok(gvk_program_plan(program));
    return program;
}

/* Every command comes behind those whose output it reads. */
static void check_order(const struct gvk_program *program)
{
    static const char *const pairs[][2] = {
        {"widen", "shrink"}, {"narrow", "shortcut"}, {"shrink", "join"}, {"shortcut", "join"}};
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        const struct gvk_command *before = find(program, pairs[i][0]), *after = find(program, pairs[i][1]);
        if (before >= after || before->level >= after->level)
            fail_msg("\"%s\" (level %u) has to come behind \"%s\" (level %u)", pairs[i][1], after->level, pairs[i][0],
                     before->level);
    }
}

static void a_level_is_made_two_where_that_takes_less_memory(void **state)
{
    (void)state;
    struct gvk_program *program = make_bottleneck(3 * MIB / 2);
    check_order(program);
    /* Side by side, shrink and shortcut would hold 8 + 2 + 1 + 1.5 MiB. One behind the other it is 8 + 2 + 1. */
    if (program->arena_bytes < 11 * MIB || program->arena_bytes > 11 * MIB + MIB / 4)
        fail_msg("the arena takes %.2f MiB instead of 11", (double)program->arena_bytes / (double)MIB);
    assert_true(find(program, "shrink")->level < find(program, "shortcut")->level);
    gvk_program_destroy(program);
}

static void commands_stay_side_by_side_where_it_would_save_little(void **state)
{
    (void)state;
    struct gvk_program *program = make_bottleneck(MIB / 32);
    check_order(program);
    assert_int_equal(find(program, "shrink")->level, find(program, "shortcut")->level);
    gvk_program_destroy(program);
}

/* "thin" in front of the others would save 6 of 16 MiB, and "clear" come behind it. */
static void what_runs_in_front_of_the_network_stays_there(void **state)
{
    (void)state;
    struct gvk_program *program = NULL;
    uint32_t counters, input, other_input, wide, narrow, joined;
    assert_ok(gvk_program_create(host(), &program));
    assert_ok(gvk_program_add_block(program, MIB, &counters));
    assert_ok(gvk_program_add_block(program, MIB, &input));
    assert_ok(gvk_program_add_block(program, 6 * MIB, &other_input));
    assert_ok(gvk_program_add_block(program, 8 * MIB, &wide));
    assert_ok(gvk_program_add_block(program, MIB, &narrow));
    assert_ok(gvk_program_add_block(program, MIB, &joined));
    gvk_program_fill_before(program, input);
    gvk_program_fill_before(program, other_input);
    gvk_program_keep_block(program, joined);
    gvk_program_keep_block(program, counters);
    add(program, "clear", -1, -1, counters);
    program->network_first = 1;
    add(program, "thin", (int32_t)other_input, -1, narrow);
    add(program, "widen", (int32_t)input, -1, wide);
    add(program, "join", (int32_t)wide, (int32_t)narrow, joined);
    program->network_end = program->command_count;
    assert_ok(gvk_program_plan(program));
    assert_ptr_equal(find(program, "clear"), &program->commands[0]);
    gvk_program_destroy(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_is_made_two_where_that_takes_less_memory),
        cmocka_unit_test(commands_stay_side_by_side_where_it_would_save_little),
        cmocka_unit_test(what_runs_in_front_of_the_network_stays_there),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
