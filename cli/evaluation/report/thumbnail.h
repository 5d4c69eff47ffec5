/* A picture of the dataset as a small JPEG in the page, with frames around what was found, missed and wrong. */
#ifndef GHOSTVK_CLI_EVALUATION_THUMBNAIL_H
#define GHOSTVK_CLI_EVALUATION_THUMBNAIL_H

#include <stdio.h>

#include "cli/evaluation/measure/print.h"

#define SHOWN_SCORE 0.5 /* boxes of at least this score are looked at */

/* Writes a data URI. False when the picture cannot be read, and then nothing is written. */
bool write_thumbnail(FILE *stream, const struct evaluation *evaluation, uint32_t picture, const unsigned char *is_met);

#endif
