/* One line at the end of the terminal that says how far a run is: "37/120 [=====>     ] 12.3/s, 0:07 left". It is
 * plain text without colours, on standard error, drawn over at most ten times a second; messages take its place while
 * they are written (cli/base/message.h). There is one at a time. */
#ifndef GHOSTVK_CLI_PROGRESS_H
#define GHOSTVK_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing is drawn where standard error is no terminal that can overwrite a line, nor, with `uses_stdout`, where
 * standard output is a pipe, whose reader may write to the same terminal. Returns whether something is drawn. */
bool progress_begin(bool uses_stdout);
/* How many there are; 0: that is not known. */
void progress_set_total(uint64_t total);
/* So many are done, of which `skipped` were done before the run. */
void progress_show(uint64_t done, uint64_t skipped, uint64_t failed);
/* Before something is written to standard output, which matters where that is the terminal; the next progress_show
 * draws it again. */
void progress_clear(void);
void progress_end(void);
/* Leaves the line to what comes behind it. For a signal handler of a process that ends. */
void progress_abandon(void);

#endif
