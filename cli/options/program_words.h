/* The words of the program as a whole: what it is, its options before any command, and its exit codes. */
#ifndef GHOSTVK_CLI_OPTIONS_PROGRAM_WORDS_H
#define GHOSTVK_CLI_OPTIONS_PROGRAM_WORDS_H

#include "table.h"

enum program_option { PROGRAM_HELP = 1, PROGRAM_VERSION, PROGRAM_MANUAL, PROGRAM_COMPLETION };

extern const char program_sentence[]; /* behind the program's name */
extern const char program_example[];
extern const struct option_row program_options[]; /* a zero row behind them */

/* A number and its meaning, or a name and its meaning. */
struct term {
    const char *name, *text;
};
extern const struct term program_exit_codes[];  /* an empty one behind them */
extern const struct term program_environment[]; /* the variables that the program reads; an empty one behind them */

#endif
