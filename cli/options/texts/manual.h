/* The manual page, ghostvk(1), made from the rows of the commands. */
#ifndef GHOSTVK_CLI_MANUAL_H
#define GHOSTVK_CLI_MANUAL_H

#include <stdio.h>

#include "cli/options/command.h"

/* As roff with the macros of man(7). `commands` ends with NULL; the date is as 2026-01-31. */
void print_manual(FILE *stream, const struct command *const *commands, const char *version, const char *date);

#endif
