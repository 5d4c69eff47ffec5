/* An evaluation as a table for a person and as JSON for a program. */
#ifndef GHOSTVK_CLI_EVALUATION_PRINT_H
#define GHOSTVK_CLI_EVALUATION_PRINT_H

#include <stdio.h>

#include "metrics.h"

/* What all outputs say beside the numbers. */
struct evaluation {
    const struct dataset *dataset;
    const struct found_list *found;
    const struct metrics *metrics;
    const char *dataset_name, *set; /* set: of VOC, else NULL */
    const char *model;              /* or the file of results */
    const char *device;             /* NULL: none was used */
    size_t missing;                 /* pictures that the model was to look at and that are not there */
    size_t failed;                  /* and that could not be read */
};

const char *protocol_name(enum protocol protocol);
/* "voc-family" or "coco"; says what is wrong. */
bool read_protocol(const char *value, enum protocol *out);

/* "72 pictures, 2 of them missing, 1 failed". */
void print_picture_counts(FILE *stream, const struct evaluation *evaluation);
void print_evaluation(FILE *stream, const struct evaluation *evaluation);
/* False when it could not be written. */
bool write_evaluation(FILE *stream, const struct evaluation *evaluation);

#endif
