/* A command of the program as one row: its words, its options, what runs it. cli/commands/commands.h lists the rows. */
#ifndef GHOSTVK_CLI_OPTIONS_COMMAND_H
#define GHOSTVK_CLI_OPTIONS_COMMAND_H

#include <stddef.h>

#include "table.h"

struct program;
struct command;

/* A command and the words behind it. */
struct command_line {
    const struct command *command;
    int count;
    char **words;
};

/* What the operands are, as far as a shell can complete them. */
enum operand_kind { OPERAND_NONE, OPERAND_PICTURES, OPERAND_MODEL, OPERAND_FILES, OPERAND_COMMAND };

struct command {
    const char *name;
    const char *summary;    /* one line of the list of commands, such as "list the Vulkan devices" */
    const char *sentence;   /* what it does, behind the name: "lists the Vulkan devices." */
    const char *usage;      /* behind [OPTION]..., such as "IMAGE..."; NULL: nothing */
    enum operand_kind kind; /* of the operands */
    const char *instead;    /* of OPERAND_NONE: what to give instead, such as "a model is given by -m"; NULL: nothing */
    const int *shared;      /* ids of shared options, OPTION_END behind them; NULL: none */
    /* Options of its own, and shared ones that mean something special here (the same id), a zero row behind them; NULL:
     * none. */
    const struct option_row *own;
    const char *notes;   /* a paragraph behind the options; NULL: none */
    const char *example; /* a command line or two, a newline between them */
    int (*execute)(struct program *program, const struct command_line *line); /* returns the exit code */
};

#define OPTIONS_MAX 96

struct option_list {
    const struct option_row *rows[OPTIONS_MAX];
    size_t count;
};

/* The command's options in the order of its help: by groups, shared ones before its own, and those that every command
 * has in the end. */
void list_options(const struct command *command, struct option_list *out);

#endif
