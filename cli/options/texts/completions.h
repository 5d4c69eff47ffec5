/* The scripts by which shells complete ghostvk's words, made from the rows of the commands. Each takes commands that
 * end with NULL. */
#ifndef GHOSTVK_CLI_COMPLETIONS_H
#define GHOSTVK_CLI_COMPLETIONS_H

#include <stdio.h>

#include "cli/options/command.h"

void print_bash_completion(FILE *stream, const struct command *const *commands);
void print_zsh_completion(FILE *stream, const struct command *const *commands);
void print_fish_completion(FILE *stream, const struct command *const *commands);

#endif
