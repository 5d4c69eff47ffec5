/* Which model: the file that the command line names or the one that comes with the program, with the class names and
 * anchors that the command line may give instead of the file's. */
#ifndef GHOSTVK_CLI_MODEL_PATH_H
#define GHOSTVK_CLI_MODEL_PATH_H

#include <stdio.h>

#include "cli/host/program.h"
#include "cli/options/table.h"
#include "file_plan.h"

struct model_choice {
    const char *path;    /* NULL: the model that comes with the program */
    const char *classes; /* a file of names, one a line; NULL: the model's */
    const char *anchors; /* a file of 18 numbers; NULL: the model's */
    const char *weights; /* which set of weights of the file; NULL: the library chooses */
    bool allow_unused;   /* take a file with weights that the network does not need */
};

/* The shared options that every command with -m has, and their reading, which says what is wrong with a value and
 * returns false; it knows no others. */
#define MODEL_OPTIONS OPTION_MODEL, OPTION_WEIGHTS, OPTION_ALLOW_UNUSED
bool read_model_option(struct model_choice *choice, int option, const char *value);

struct model_file {
    char *path;
    gvk_network *network;
    gvk_network_info info; /* its pointers live as long as the network */
};

/* The files that opening the model reads. */
void model_choice_plan(const struct program *program, const struct model_choice *choice, struct file_plan *plan);
/* Says what is wrong. Returns the exit code; on any but OUTCOME_DONE `out` is empty. */
int model_file_open(struct program *program, const struct model_choice *choice, struct model_file *out);
/* A detector of that many classes with made-up weights, and no path. */
int model_file_generate(struct program *program, uint32_t class_count, struct model_file *out);
/* Accepts an empty one. */
void model_file_close(struct model_file *file);

/* Says that a model is given by -m where one of the operands, which are inputs, has the name of a model's file. */
int refuse_models(char *const *operands, size_t count);
/* "3 classes", "1 class". */
void print_class_count(FILE *stream, uint32_t count);
/* With -v: the tensors of the file that the network has no use for. */
void say_unused_tensors(const struct program *program, const struct model_file *file);

#endif
