/* The words that are made from the rows of options and commands, as the program prints them: what stands in one of
 * help, manual page and completions stands in all, in the same form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define COMMANDS_MAX 32
#define OPTIONS_MAX  96
#define NAME_SIZE    40

struct shown_option {
    char name[NAME_SIZE], value[NAME_SIZE]; /* the value's name, or empty */
    char letter;                            /* 0: none */
};

struct shown_command {
    char name[NAME_SIZE];
    char *help;
    struct shown_option options[OPTIONS_MAX];
    size_t count;
};

static struct shown_command commands[COMMANDS_MAX];
static size_t command_count;

/* "  -m, --model MODEL    text" */
static bool read_option_line(const char *line, struct shown_option *out)
{
    *out = (struct shown_option){.letter = 0};
    if (strncmp(line, "  -", 3) == 0)
        out->letter = line[3];
    else if (strncmp(line, "      --", 8) != 0)
        return false;
    if (sscanf(line + 6, "--%39[a-z0-9-]", out->name) != 1)
        return false;
    const char *behind = line + 6 + 2 + strlen(out->name);
    if (behind[0] == ' ' && behind[1] != ' ' && behind[1])
        sscanf(behind + 1, "%39s", out->value);
    return true;
}

static int read_helps(void **state)
{
    int made = make_folder(state);
    RUN("--help");
    const char *line = strstr(ran.out, "\ncommands:\n");
    assert_non_null(line);
    line += strlen("\ncommands:\n");
    char *list = strdup(line);
    for (line = list; line[0] == ' '; line += strcspn(line, "\n") + 1)
        if (line[2] != ' ') /* else a line that goes on */
            assert_int_equal(sscanf(line, " %39s", commands[command_count++].name), 1);
    free(list);
    for (size_t index = 0; index < command_count; index++) {
        struct shown_command *command = &commands[index];
        RUN("help", command->name);
        assert_done();
        command->help = strdup(ran.out);
        for (line = command->help; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != 0))
            if (read_option_line(line, &command->options[command->count]))
                assert_true(++command->count < OPTIONS_MAX);
    }
    return made;
}

static int release_helps(void **state)
{
    for (size_t index = 0; index < command_count; index++)
        free(commands[index].help);
    return remove_folder(state);
}

static void require(const char *text, const char *wanted, const struct shown_command *command, const char *where)
{
    if (!strstr(text, wanted))
        fail_msg("%s of %s lacks: %s", where, command->name, wanted);
}

static void every_command_has_a_help_of_one_form(void **state)
{
    (void)state;
    assert_in_range(command_count, 8, COMMANDS_MAX - 1);
    for (size_t index = 0; index < command_count; index++) {
        const struct shown_command *command = &commands[index];
        char begins[128];
        snprintf(begins, sizeof begins, "ghostvk %.39s ", command->name);
        if (strncmp(command->help, begins, strlen(begins)) != 0)
            fail_msg("the help of %s does not begin with its name", command->name);
        snprintf(begins, sizeof begins, "\n\nusage: ghostvk %.39s [OPTION]...", command->name);
        require(command->help, begins, command, "the help");
        require(command->help, "\ngeneral:\n", command, "the help");
        require(command->help, "\nexample", command, "the help");
        assert_in_range(command->count, 2, OPTIONS_MAX - 1);
        for (const char *line = command->help; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 99)
                fail_msg("a line of the help of %s is long: %.*s", command->name, (int)strcspn(line, "\n"), line);
        /* One option, one name and one letter. */
        for (size_t one = 0; one < command->count; one++)
            for (size_t other = 0; other < one; other++) {
                if (strcmp(command->options[one].name, command->options[other].name) == 0)
                    fail_msg("%s has --%s twice", command->name, command->options[one].name);
                if (command->options[one].letter && command->options[one].letter == command->options[other].letter)
                    fail_msg("%s has -%c twice", command->name, command->options[one].letter);
            }
    }
}

/* A letter, and whether an option takes a value, do not change from command to command. */
static void an_option_is_the_same_in_all_commands(void **state)
{
    (void)state;
    for (size_t index = 1; index < command_count; index++)
        for (size_t before = 0; before < index; before++)
            for (size_t one = 0; one < commands[index].count; one++)
                for (size_t two = 0; two < commands[before].count; two++) {
                    const struct shown_option *a = &commands[index].options[one], *b = &commands[before].options[two];
                    if (a->letter && a->letter == b->letter && strcmp(a->name, b->name) != 0)
                        fail_msg("-%c is --%s of %s and --%s of %s", a->letter, a->name, commands[index].name, b->name,
                                 commands[before].name);
                    if (strcmp(a->name, b->name) == 0 && a->letter != b->letter)
                        fail_msg("--%s has a letter in %s or %s alone", a->name, commands[index].name,
                                 commands[before].name);
                }
}

/* The part of a text between two marks; the caller frees. */
static char *cut(const char *text, const char *from, const char *to)
{
    const char *start = strstr(text, from);
    if (!start)
        fail_msg("there is no \"%s\"", from);
    const char *end = strstr(start + strlen(from), to);
    size_t length = end ? (size_t)(end - start) : strlen(start);
    char *part = malloc(length + 1);
    assert_non_null(part);
    memcpy(part, start, length);
    part[length] = 0;
    return part;
}

static void escape_dashes(const char *name, char *out)
{
    for (; *name; name++) {
        if (*name == '-')
            *out++ = '\\';
        *out++ = *name;
    }
    *out = 0;
}

static void the_manual_has_every_option(void **state)
{
    (void)state;
    RUN("--man");
    assert_done();
    assert_memory_equal(ran.out, ".TH GHOSTVK 1 \"20", strlen(".TH GHOSTVK 1 \"20"));
    for (size_t index = 0; index < command_count; index++) {
        const struct shown_command *command = &commands[index];
        char mark[64], wanted[128], escaped[2 * NAME_SIZE];
        snprintf(mark, sizeof mark, "\n.SS ghostvk %.39s\n", command->name);
        char *part = cut(ran.out, mark, "\n.S");
        for (size_t at = 0; at < command->count; at++) {
            escape_dashes(command->options[at].name, escaped);
            snprintf(wanted, sizeof wanted, "\\fB\\-\\-%s\\fR%s", escaped, command->options[at].value[0] ? " " : "\n");
            require(part, wanted, command, "the manual page");
        }
        free(part);
    }
    /* No line begins with a macro that is none. */
    for (const char *line = ran.out; *line; line += strcspn(line, "\n") + 1)
        if (line[0] == '\'' || (line[0] == '.' && !(line[1] >= 'A' && line[1] <= 'Z')))
            fail_msg("a line of text is taken for a macro: %.*s", (int)strcspn(line, "\n"), line);
}

static void completions_have_every_option(void **state)
{
    (void)state;
    char mark[128], wanted[160];
    RUN("--completion", "bash");
    assert_done();
    for (size_t index = 0; index < command_count; index++) {
        const struct shown_command *command = &commands[index];
        snprintf(mark, sizeof mark, "\n    %.39s)\n", command->name);
        char *part = cut(ran.out, mark, "\n    esac");
        for (size_t at = 0; at < command->count; at++) {
            snprintf(wanted, sizeof wanted, "--%s ", command->options[at].name);
            char *options = cut(part, "options='", "'\n");
            require(options, wanted, command, "bash's script");
            free(options);
            snprintf(wanted, sizeof wanted, "\n        --%s%s", command->options[at].name,
                     command->options[at].letter ? " | -" : ") ");
            if (command->options[at].value[0])
                require(part, wanted, command, "bash's script");
        }
        free(part);
    }
    RUN("--completion=zsh");
    assert_done();
    for (size_t index = 0; index < command_count; index++) {
        const struct shown_command *command = &commands[index];
        snprintf(mark, sizeof mark, "\n            %.39s)\n", command->name);
        char *part = cut(ran.out, mark, "\n                ;;");
        for (size_t at = 0; at < command->count; at++) {
            const char *value = command->options[at].value;
            snprintf(wanted, sizeof wanted, "--%s%s%s[", command->options[at].name, value[0] ? "=" : "",
                     command->options[at].letter ? "}'" : "");
            require(part, wanted, command, "zsh's script");
        }
        free(part);
    }
    RUN("--completion", "fish");
    assert_done();
    for (size_t index = 0; index < command_count; index++)
        for (size_t at = 0; at < commands[index].count; at++) {
            const struct shown_option *option = &commands[index].options[at];
            char letter[8] = "";
            if (option->letter)
                snprintf(letter, sizeof letter, " -s %c", option->letter);
            snprintf(wanted, sizeof wanted, "-n '__fish_seen_subcommand_from %.39s'%.39s -l %.39s ",
                     commands[index].name, letter, option->name);
            require(ran.out, wanted, &commands[index], "fish's script");
        }
}

/* A value is taken from the same word, and none by an option that has none; the empty one is refused by whoever reads
 * it, or else the word behind it is. */
static void every_long_option_takes_its_value_behind_an_equals_sign(void **state)
{
    (void)state;
    for (size_t index = 0; index < command_count; index++)
        for (size_t at = 0; at < commands[index].count; at++) {
            const struct shown_option *option = &commands[index].options[at];
            char word[64];
            snprintf(word, sizeof word, "--%s=", option->name);
            RUN(commands[index].name, word, "--nonsense");
            bool lacks = strstr(ran.err, "lacks its value") != NULL;
            bool takes_none = strstr(ran.err, "takes no value") != NULL;
            bool unknown = strstr(ran.err, "unknown option --nonsense") == NULL && strstr(ran.err, "unknown") != NULL;
            if (ran.code != 2 || count_of(ran.err, "\n") != 1 || lacks || unknown || takes_none == !!option->value[0])
                fail_msg("%s %s: code %d, %s", commands[index].name, word, ran.code, ran.err);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_command_has_a_help_of_one_form),
        TEST(an_option_is_the_same_in_all_commands),
        TEST(the_manual_has_every_option),
        TEST(completions_have_every_option),
        TEST(every_long_option_takes_its_value_behind_an_equals_sign),
    };
    return cmocka_run_group_tests_name("the words made from the rows", tests, read_helps, release_helps);
}
