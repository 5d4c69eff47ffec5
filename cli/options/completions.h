/* The scripts by which shells complete ghostvk's words, made from the rows of the commands. Each takes commands that
 * end with NULL. */
#ifndef GHOSTVK_CLI_OPTIONS_COMPLETIONS_H
#define GHOSTVK_CLI_OPTIONS_COMPLETIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "command.h"

/* False where there is no such shell: bash, zsh and fish are. */
bool print_completion(FILE *stream, const char *shell, const struct command *const *commands);

void print_bash_completion(FILE *stream, const struct command *const *commands);
void print_zsh_completion(FILE *stream, const struct command *const *commands);
void print_fish_completion(FILE *stream, const struct command *const *commands);

#endif
