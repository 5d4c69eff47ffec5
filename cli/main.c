/* The program `ghostvk`: finds the command, catches interrupts, checks that standard output was written. */
#include <stdio.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/commands/commands.h"
#include "cli/host/cache_folder.h"
#include "cli/host/lavapipe.h"
#include "cli/host/program.h"
#include "cli/system/child.h"
#include "cli/options/help.h"
#include "cli/system/process.h"

#define TEXT_(value) #value
#define TEXT(value)  TEXT_(value)
#define VERSION_TEXT TEXT(GVK_VERSION_MAJOR) "." TEXT(GVK_VERSION_MINOR) "." TEXT(GVK_VERSION_PATCH)

#define ROW(name) &name##_command,
static const struct command *const commands[] = {GHOSTVK_COMMANDS(ROW) NULL};

static void print_usage(void)
{
    fputs("usage: ghostvk COMMAND [OPTION]... [FILE]...\ncommands: ", stderr);
    for (const struct command *const *command = commands; *command; command++)
        fprintf(stderr, "%s%s", command == commands ? "" : ", ", (*command)->name);
    fputs("; `ghostvk --help` says more\n", stderr);
}

static int execute(struct program *program, int argument_count, char **arguments)
{
    if (argument_count < 2) {
        print_usage();
        return OUTCOME_USAGE;
    }
    const char *first = arguments[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_program_help(stdout, commands);
        return OUTCOME_DONE;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        fputs("ghostvk " VERSION_TEXT "\n", stdout);
        return OUTCOME_DONE;
    }
    for (const struct command *const *command = commands; *command; command++)
        if (strcmp(first, (*command)->name) == 0)
            return (*command)->execute(program, &(struct command_line){*command, argument_count - 2, arguments + 2});
    if (first[0] == '-')
        return refuse_usage("unknown option %s", first);
    return refuse_usage("unknown command %s", *first ? first : "\"\"");
}

/* Children first: one that writes a file would make it again. */
static void leave_nothing(void)
{
    child_process_end_all();
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
