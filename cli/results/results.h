/* What was found in pictures and frames, on its way to files: one writer a format, as many at once as are asked for.
 *
 * Order of the calls: results_open, results_begin, results_add for each picture or frame in the order of the outputs,
 * results_finish; results_close at any time, which leaves no half file. One thread calls them. What goes wrong is said
 * here, once, with the file's name.
 *
 * Files for all pictures (JSON, CSV, COCO) appear whole at results_finish. JSON Lines are there line by line, so that
 * whoever follows the file, or goes on after a kill, finds what was done. Files for one picture (YOLO, voc-family,
 * crops) lie in a tree like the pictures', and two pictures that would have the same file are refused at the second.
 *
 * Memory: a few bytes for each picture that has a file of its own, nothing else that grows. */
#ifndef GHOSTVK_CLI_RESULTS_H
#define GHOSTVK_CLI_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "picture_result.h"

struct results;

/* Opens or tries every output, before anything else takes its time. An exit code; on OUTCOME_DONE the caller closes
 * `*out`. The choice's strings must outlive it. */
int results_open(const struct results_choice *choice, struct results **out);
/* Accepts NULL. What has not been finished is taken away, except for lines, which stay as far as they were written. */
void results_close(struct results *results);

/* With `resume`: whether the results of the picture or frame are there from a run before, by its path and frame: in the
 * lines, where there are any, else in the folders of texts. Such a one is not to be added. Lines with an
 * error are taken out when it opens: such pictures are tried again. */
bool results_have(const struct results *results, const struct picture_result *which);
/* How many lines a run before had written whole. */
size_t results_kept(const struct results *results);

/* Once the model and the device are known. The header's strings must outlive the results. An exit code. */
int results_begin(struct results *results, const struct results_header *header);

/* A picture with an error has a place in JSON and JSON Lines, and no file of its own. */
enum results_state results_add(struct results *results, const struct picture_result *picture);
/* False when an output could not be written. `stdout_failed` is set where that was standard output's. */
bool results_finish(struct results *results, bool *stdout_failed);

/* Whether anything is saved: else there are tables or counts at most. */
bool results_write_anything(const struct results_choice *choice);
/* Whether one of the files is standard output, or lines of counts go there: then nothing else should. */
bool results_use_stdout(const struct results_choice *choice);

#endif
