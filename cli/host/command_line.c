/* See command_line.h. */
#include "command_line.h"

#include "cli/options/texts/help.h"

int read_command_line(struct program *program, const struct command_line *line, option_reader *read, void *request,
                      struct operands *operands)
{
    const struct command *command = line->command;
    struct parsed parsed;
    int outcome = parse_command_line(line, read, request, &parsed);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (parsed.help) {
        print_command_help(stdout, command);
        return -1;
    }
    program->verbosity += parsed.verbosity;
    *operands = parsed.operands;
    if (command->kind == OPERAND_NONE && operands->count)
        return refuse_usage("%s takes no argument %s%s%s", command->name, operands->words[0],
                            command->instead ? "; " : "", command->instead ? command->instead : "");
    return OUTCOME_DONE;
}
