/* What was found in a picture, as a table for a person. */
#ifndef GHOSTVK_CLI_DETECT_TABLE_H
#define GHOSTVK_CLI_DETECT_TABLE_H

#include "cli/results/picture_result.h"

/* To standard output. `drawn` is where it was drawn to, or NULL. */
void print_table(const struct picture_result *result, const char *const *classes, uint32_t class_count,
                 const char *drawn);

#endif
