/* See frame_result.h. */
#include "frame_result.h"

#include <stdio.h>
#include <string.h>

struct picture_result frame_result(const struct frame *frame, const double ms[RESULT_STAGES])
{
    struct picture_result result = {
        .path = frame->path ? frame->path : "",
        .relative = frame->relative,
        .frame = frame->is_video ? (int64_t)frame->number : -1,
        .time = frame->seconds,
        .width = frame->image.width,
        .height = frame->image.height,
        .error = frame->is_failed ? frame->error : NULL,
    };
    memcpy(result.ms, ms, sizeof result.ms);
    return result;
}

void frame_fail(struct frame *frame, const char *reason)
{
    frame->is_failed = true;
    snprintf(frame->error, sizeof frame->error, "%s", reason);
}

bool frame_take_failure(struct program *program, struct frame *frame, gvk_result result)
{
    frame_fail(frame, failure_reason(program, result));
    program->error[0] = 0;
    return outcome_of_result(result) != OUTCOME_DEVICE_FAILED;
}

int finish_results(struct program *program, struct results *results, size_t failed)
{
    bool stdout_failed = false, is_whole = results_finish(results, &stdout_failed);
    program->output_failed = program->output_failed || stdout_failed;
    return is_whole && failed == 0 ? OUTCOME_DONE : OUTCOME_SOME_FAILED;
}
