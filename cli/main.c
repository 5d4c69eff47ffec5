/* The program `ghostvk`: finds the command, catches interrupts, checks that standard output was written. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/commands/commands.h"
#include "cli/host/cache_folder.h"
#include "cli/host/command_line.h"
#include "cli/host/lavapipe.h"
#include "cli/host/program.h"
#include "cli/options/nearest.h"
#include "cli/options/program_words.h"
#include "cli/options/texts/completions.h"
#include "cli/options/texts/help.h"
#include "cli/options/texts/manual.h"
#include "cli/options/texts/version.h"
#include "cli/pipeline/progress.h"
#include "cli/system/child.h"
#include "cli/system/files.h"
#include "cli/system/process.h"

static const struct command help_command;
#define ROW(name) &name##_command,
static const struct command *const commands[] = {GHOSTVK_COMMANDS(ROW) ROW(help) NULL};

static const struct command *find_command(const char *name)
{
    for (const struct command *const *command = commands; *command; command++)
        if (strcmp(name, (*command)->name) == 0)
            return *command;
    return NULL;
}

static int refuse_command(const char *name)
{
    const struct command *nearest = NULL;
    unsigned least = NEAREST_NEVER;
    for (const struct command *const *command = commands; *command; command++) {
        unsigned mistake = measure_mistake(name, strlen(name), (*command)->name);
        if (mistake < least) {
            least = mistake;
            nearest = *command;
        }
    }
    if (nearest)
        return refuse_usage("unknown command %s, perhaps %s is meant", name, nearest->name);
    struct file_status status;
    if (*name && file_look(name, &status))
        return refuse_usage("unknown command %s; boxes in a picture are found by `ghostvk detect %s`", name, name);
    return refuse_usage("unknown command %s", *name ? name : "\"\"");
}

static void print_usage(void)
{
    fputs("usage: ghostvk COMMAND [OPTION]... [FILE]...\ncommands: ", stderr);
    for (const struct command *const *command = commands; *command; command++)
        fprintf(stderr, "%s%s", command == commands ? "" : ", ", (*command)->name);
    fputs("; `ghostvk --help` says more\n", stderr);
}

/* `ghostvk help COMMAND` is a command whose row is here, because it looks at all rows. */
static int execute_help(struct program *program, const struct command_line *line)
{
    struct operands operands;
    int outcome = read_command_line(program, line, NULL, NULL, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* its own help was asked for */
    if (operands.count > 1)
        return refuse_usage("help explains one command, and %s is another", operands.words[1]);
    const struct command *command = operands.count ? find_command(operands.words[0]) : NULL;
    if (operands.count && !command) {
        message_set_command(NULL); /* whose help lists the commands */
        return refuse_command(operands.words[0]);
    }
    if (command)
        print_command_help(stdout, command);
    else
        print_program_help(stdout, commands);
    return OUTCOME_DONE;
}

static const struct command help_command = {
    .name = "help",
    .summary = "explain a command",
    .sentence = "explains a command, or all that there are.",
    .usage = "[COMMAND]",
    .kind = OPERAND_COMMAND,
    .example = "ghostvk help detect",
    .execute = execute_help,
};

static int execute_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        print_bash_completion(stdout, commands);
    else if (strcmp(shell, "zsh") == 0)
        print_zsh_completion(stdout, commands);
    else if (strcmp(shell, "fish") == 0)
        print_fish_completion(stdout, commands);
    else
        return refuse_usage("--completion %s: bash, zsh or fish is wanted", *shell ? shell : "\"\"");
    return OUTCOME_DONE;
}

/* The first of the words that is a command; NULL: none. */
static const char *find_command_word(char *const *words)
{
    for (; *words; words++)
        if (find_command(*words))
            return *words;
    return NULL;
}

/* An option of the program itself, before any command. */
static int execute_option(const char *word, char *const *others)
{
    bool is_long = word[1] == '-';
    const char *name = word + 1 + is_long;
    size_t length = is_long ? strcspn(name, "=") : 1;
    const struct option_row *row = program_options;
    while (row->id && !(is_long ? length == strlen(row->name) && strncmp(name, row->name, length) == 0
                                : name[0] == row->letter && !name[1]))
        row++;
    const char *value = is_long && name[length] ? name + length + 1 : row->value ? others[0] : NULL;
    const char *command = row->id ? NULL : find_command_word(others);
    if (command)
        return refuse_usage("unknown option %s; a command's own stand behind it: ghostvk %s %s", word, command, word);
    if (!row->id)
        return refuse_usage("unknown option %s", word);
    if (!row->value && value)
        return refuse_usage("option --%s takes no value", row->name);
    if (row->value && !value)
        return refuse_usage("option --%s lacks its value", row->name);
    switch (row->id) {
    case PROGRAM_HELP: print_program_help(stdout, commands); break;
    case PROGRAM_VERSION: print_version(stdout); break;
    case PROGRAM_MANUAL: print_manual(stdout, commands, program_version, program_date); break;
    case PROGRAM_COMPLETION: return execute_completion(value);
    }
    return OUTCOME_DONE;
}

static int execute(struct program *program, int argument_count, char **arguments)
{
    if (argument_count < 2) {
        print_usage();
        return OUTCOME_USAGE;
    }
    const char *first = arguments[1];
    if (first[0] == '-' && first[1])
        return execute_option(first, arguments + 2);
    const struct command *command = find_command(first);
    if (!command)
        return refuse_command(first);
    message_set_command(command->name);
    return command->execute(program, &(struct command_line){command, argument_count - 2, arguments + 2});
}

/* Children first: one that writes a file would make it again. */
static void leave_nothing(void)
{
    child_process_end_all();
    progress_abandon();
    output_file_abandon_all();
}

int main(int argument_count, char **arguments)
{
    if (!process_prepare(&argument_count, &arguments))
        return OUTCOME_SOME_FAILED;
    prepare_lavapipe(argument_count > 1 && strcmp(arguments[1], "watch") == 0);
    static struct program program; /* the library's log calls point at it as long as anything lives */
    program_start(&program, argument_count > 0 ? arguments[0] : NULL);
    program.host.cache_load = cache_folder_load;
    program.host.cache_store = cache_folder_store;
    process_leave_on_interrupt(leave_nothing);
    return finish_stdout(&program, execute(&program, argument_count, arguments));
}
