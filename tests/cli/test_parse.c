/* How a command line is read by a command's row, in all the forms that one may be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/base/message.h"
#include "cli/options/nearest.h"
#include "cli/options/parse.h"

enum { OWN_FLAG = OPTION_OWN, OWN_FLAT, OWN_VALUE };

static const int shared[] = {OPTION_MODEL, OPTION_END};
static const struct option_row own[] = {
    {.id = OWN_FLAG, .letter = 'f', .name = "flag", .text = "a flag"},
    {.id = OWN_FLAT, .name = "flat-one", .text = "another"},
    {.id = OWN_VALUE, .letter = 'x', .name = "value", .value = "TEXT", .text = "takes a text"},
    {.id = OPTION_END},
};
static const struct command command = {.name = "command", .shared = shared, .own = own, .kind = OPERAND_FILES};

/* What was read, as one text: "flag value=a model=b". */
struct story {
    char text[256];
    struct parsed parsed;
    int outcome;
};

static bool read_option(void *user, int option, const char *value)
{
    struct story *story = user;
    size_t used = strlen(story->text);
    const char *name = option == OWN_FLAG       ? "flag"
                       : option == OWN_FLAT     ? "flat"
                       : option == OWN_VALUE    ? "value"
                       : option == OPTION_MODEL ? "model"
                                                : "other";
    snprintf(story->text + used, sizeof story->text - used, "%s%s%s%s", used ? " " : "", name, value ? "=" : "",
             value ? value : "");
    return !value || strcmp(value, "refused") != 0;
}

#define WORDS_MAX 8

static struct story tell(const char *const *words)
{
    static char *line[WORDS_MAX];
    struct story story = {.text = ""};
    int count = 0;
    while (count < WORDS_MAX && words[count]) {
        line[count] = (char *)(uintptr_t)words[count];
        count++;
    }
    const struct command_line asked = {&command, count, line};
    story.outcome = parse_command_line(&asked, read_option, &story, &story.parsed);
    if (story.outcome == OUTCOME_DONE && story.parsed.operands.count) {
        strcat(story.text, " :");
        for (size_t index = 0; index < story.parsed.operands.count; index++) {
            strcat(story.text, " ");
            strcat(story.text, story.parsed.operands.words[index]);
        }
    }
    return story;
}
#define TELL(...) tell((const char *const[WORDS_MAX + 1]){__VA_ARGS__})

static void the_forms_of_an_option_are_read_alike(void **state)
{
    (void)state;
    assert_string_equal(TELL("--value", "a").text, "value=a");
    assert_string_equal(TELL("--value=a").text, "value=a");
    assert_string_equal(TELL("--value=a=b").text, "value=a=b");
    assert_string_equal(TELL("--value=").text, "value=");
    assert_string_equal(TELL("--val=a").text, "value=a");
    assert_string_equal(TELL("-x", "a").text, "value=a");
    assert_string_equal(TELL("-xa").text, "value=a");
    assert_string_equal(TELL("-fxa").text, "flag value=a");
    assert_string_equal(TELL("-fx", "a").text, "flag value=a");
    assert_string_equal(TELL("-x", "-f").text, "value=-f");
    assert_string_equal(TELL("--value", "--flag").text, "value=--flag");
    assert_string_equal(TELL("-m", "b", "--flag").text, "model=b flag");
    assert_string_equal(TELL("--flat").text, "flat");
}

static void operands_may_stand_anywhere(void **state)
{
    (void)state;
    assert_string_equal(TELL("one", "--flag", "two", "-x", "a", "-").text, "flag value=a : one two -");
    assert_string_equal(TELL("--flag", "--", "--value", "-f", "--").text, "flag : --value -f --");
    assert_string_equal(TELL("", "-f").text, "flag : ");
    assert_string_equal(TELL("-m", "--", "x").text, "model=-- : x");
}

static void verbose_and_help_are_common_to_all(void **state)
{
    (void)state;
    struct story story = TELL("-vv", "--verbose", "one");
    assert_int_equal(story.parsed.verbosity, 3);
    assert_false(story.parsed.help);
    story = TELL("--flag", "-h", "--nonsense");
    assert_true(story.parsed.help);
    assert_int_equal(story.outcome, OUTCOME_DONE);
    assert_string_equal(story.text, "flag");
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[][3] = {
        {"--nonsense"}, {"-y"},       {"--value"}, {"-x"},
        {"-fx"},        {"--flag=1"}, {"--fla"},   {"--value=refused"},
        {"--=a"},       {"-f-"},      {"--flags"}, {"--flag", "-y", NULL},
        {"-flag"},      {"-model=b"}, {"-value"}, /* which have two dashes */
    };
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        struct story story = TELL(wrong[index][0], wrong[index][1]);
        if (story.outcome != OUTCOME_USAGE)
            fail_msg("%s is taken: %s", wrong[index][0], story.text);
    }
}

static void mistakes_are_measured(void **state)
{
    (void)state;
    assert_int_equal(count_changes("conf", 4, "conf"), 0);
    assert_int_equal(count_changes("cnof", 4, "conf"), 1);
    assert_int_equal(count_changes("con", 3, "conf"), 1);
    assert_int_equal(count_changes("conff", 5, "conf"), 1);
    assert_int_equal(count_changes("kitten", 6, "sitting"), 3);
    assert_int_equal(count_changes("", 0, "conf"), 4);
    assert_true(measure_mistake("devcie", 6, "device") == 1);
    assert_true(measure_mistake("confidence", 10, "conf") < NEAREST_NEVER);
    assert_int_equal(measure_mistake("nonsense", 8, "device"), NEAREST_NEVER);
    assert_int_equal(measure_mistake("", 0, "conf"), NEAREST_NEVER);
    char longest[4096];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(measure_mistake(longest, sizeof longest, "aaaa"), NEAREST_NEVER);
}

static void every_row_says_what_it_is(void **state)
{
    (void)state;
    for (int id = OPTION_END + 1; id < OPTION_SHARED_COUNT; id++) {
        const struct option_row *row = find_shared_option(id);
        if (!row || !row->name || !row->text || !*row->text)
            fail_msg("option %d has no row, name or text", id);
        if ((row->kind == VALUE_CHOICE) != (row->choices != NULL) || (row->kind != VALUE_TEXT && !row->value))
            fail_msg("the value of --%s is not told", row->name);
        if (row->text[strlen(row->text) - 1] == '.')
            fail_msg("the text of --%s ends with a full stop", row->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms_of_an_option_are_read_alike),
        cmocka_unit_test(operands_may_stand_anywhere),
        cmocka_unit_test(verbose_and_help_are_common_to_all),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(mistakes_are_measured),
        cmocka_unit_test(every_row_says_what_it_is),
    };
    return cmocka_run_group_tests_name("the reading of command lines", tests, NULL, NULL);
}
