/* The line that says how far a run is, on a terminal of the test's own. That pipes have none the tests of the commands
 * prove, which compare what is said (test_cli_eval.c). */
#include <string.h>

#include "program.h"

#define VOC GVK_TEST_DATA_DIR "/evaluation/voc"

static const struct child on_terminal = {.err_columns = 80};

/* A terminal has it, drawn over and cleared again, without colours. */
static void assert_drawn(const char *start)
{
    assert_int_equal(ran.code, 0);
    assert_contains(ran.err, start);
    const char *last = strrchr(ran.err, '\r');
    if (!last || last[1] || strchr(ran.err, '\x1b'))
        fail_msg("the line was to be cleared in the end, and to have no escapes:\n%s", ran.err);
}

#ifdef GVK_EVALUATION
static void eval_says_how_far_it_is_at_what_rate_and_how_long_the_rest_takes(void **state)
{
    (void)state;
    struct child without_colours = on_terminal;
    without_colours.environment = (const char *const[]){"NO_COLOR=1", NULL};
    RUN_WITH(without_colours, "eval", "-m", MODEL, VOC);
    assert_drawn("\r1/4 [");
    assert_contains(ran.err, "/s, 0:0");
    assert_contains(ran.err, " left");
    assert_contains(ran.out, "4 pictures");
}

static void eval_draws_nothing_where_it_is_to_be_quiet(void **state)
{
    (void)state;
    RUN_WITH(on_terminal, "eval", "-q", "-m", MODEL, SMALL, VOC);
    assert_done();
    if (strchr(ran.err, '\r') || strchr(ran.err, '['))
        fail_msg("nothing was to be drawn:\n%s", ran.err);
    assert_string_equal(ran.out, "");
}
#endif

static void detect_draws_beside_tables_that_go_to_a_file(void **state)
{
    (void)state;
    struct child asked = on_terminal;
    asked.out_path = "tables.txt"; /* who reads a pipe may write to the same terminal */
    RUN_WITH(asked, "detect", "-m", MODEL, SMALL, SMEAR1, SMEAR2);
    assert_drawn("\r1/2 [");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef GVK_EVALUATION
        TEST(eval_says_how_far_it_is_at_what_rate_and_how_long_the_rest_takes),
        TEST(eval_draws_nothing_where_it_is_to_be_quiet),
#endif
        TEST(detect_draws_beside_tables_that_go_to_a_file),
    };
    return cmocka_run_group_tests_name("progress on a terminal", tests, make_folder, remove_folder);
}
