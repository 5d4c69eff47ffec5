/* What every command over pictures makes of a frame under way, whatever it looks for in it. */
#ifndef GHOSTVK_CLI_FRAME_RESULT_H
#define GHOSTVK_CLI_FRAME_RESULT_H

#include "cli/host/program.h"
#include "cli/results/results.h"
#include "cli/sources/frame.h"

/* What tells the frame from all others, its size, its times and its error; nothing was found in it yet. Points into the
 * frame. */
struct picture_result frame_result(const struct frame *frame, const double ms[RESULT_STAGES]);

/* The frame has failed, for this reason. */
void frame_fail(struct frame *frame, const char *reason);
/* The same where the library failed. False where the device is lost, so that no other frame may be tried. */
bool frame_take_failure(struct program *program, struct frame *frame, gvk_result result);

/* Ends the outputs once all frames were looked at. An exit code: OUTCOME_SOME_FAILED where one of `failed` frames or an
 * output was. */
int finish_results(struct program *program, struct results *results, size_t failed);

#endif
