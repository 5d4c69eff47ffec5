/* The help texts, made from the rows of the commands. */
#ifndef GHOSTVK_CLI_HELP_H
#define GHOSTVK_CLI_HELP_H

#include <stdio.h>

#include "cli/options/command.h"

/* The help of one command. */
void print_command_help(FILE *stream, const struct command *command);
/* The help of the program; `commands` ends with NULL. */
void print_program_help(FILE *stream, const struct command *const *commands);

#endif
