/* A command's words on their way to its request: what every command does first. */
#ifndef GHOSTVK_CLI_COMMAND_LINE_H
#define GHOSTVK_CLI_COMMAND_LINE_H

#include "cli/options/parse.h"
#include "program.h"

/* Reads options by `read` into `request`, and the operands. Prints the help where it is asked for. An exit code, or -1
 * when the help was printed. */
int read_command_line(struct program *program, const struct command_line *line, option_reader *read, void *request,
                      struct operands *operands);

#endif
