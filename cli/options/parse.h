/* Reads a command line by a command's row. Options and operands may stand in any order; -- ends the options; - is an
 * operand; letters may be joined, and a value may stand in the word of its letter; long names may be cut short as long
 * as one option alone begins like that. */
#ifndef GHOSTVK_CLI_OPTIONS_PARSE_H
#define GHOSTVK_CLI_OPTIONS_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "command.h"

/* What a command does with an option that was given, by the option's id. `value` is NULL where it takes none. Says what
 * is wrong with it and returns false. */
typedef bool option_reader(void *request, int option, const char *value);

struct operands {
    char **words;
    size_t count;
};

struct parsed {
    struct operands operands; /* in the line's own array, in their order */
    unsigned verbosity;       /* how often -v was given */
    bool help;                /* was asked for, and reading ended there */
};

/* The words are read, and operands moved to their beginning. `read` may be NULL for a command without options. An exit
 * code: what is wrong has been said. */
int parse_command_line(const struct command_line *line, option_reader *read, void *request, struct parsed *out);

#endif
