/* An evaluation as one page of XHTML that needs nothing else: no script, no file, no network; dark and light. */
#ifndef GHOSTVK_CLI_EVALUATION_PAGE_H
#define GHOSTVK_CLI_EVALUATION_PAGE_H

#include "cli/evaluation/measure/print.h"

/* False when memory ran out; the stream's errors are its owner's. */
bool write_page(FILE *stream, const struct evaluation *evaluation);

#endif
