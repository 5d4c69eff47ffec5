/* See program.h. */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/output_file.h"
#include "cli/system/process.h"
#include "cli/system/threads.h"

/* Errors are kept until the failed call returns: then it is known whose they are, and they are said once. */
static void take_log(void *user, gvk_log_level level, const char *sentence)
{
    struct program *program = user;
    /* Threads of ours only ask whether a picture fits, and say themselves that it does not. */
    if (level == GVK_LOG_ERROR && thread_is_ours())
        return;
    switch (level) {
    case GVK_LOG_ERROR:
        if (program->error[0] && program->verbosity > 0)
            say_kind("info: ", "%s", program->error);
        snprintf(program->error, sizeof program->error, "%s", sentence);
        break;
    case GVK_LOG_WARNING: say_kind("note: ", "%s", sentence); break;
    case GVK_LOG_INFO:
        if (program->verbosity > 0)
            say_kind("info: ", "%s", sentence);
        break;
    case GVK_LOG_DEBUG:
        if (program->verbosity > 1)
            say_kind("debug: ", "%s", sentence);
        break;
    }
}

void program_start(struct program *program, const char *path)
{
    *program = (struct program){.path = path ? path : "ghostvk"};
    program->host = (gvk_host){.size = sizeof program->host, .user = program, .log = take_log};
}

const char *failure_reason(struct program *program, gvk_result result)
{
    if (!program->error[0])
        snprintf(program->error, sizeof program->error, "The library gave up without a reason (%s).",
                 gvk_result_name(result));
    return program->error;
}

int report_failure(struct program *program, const char *subject, gvk_result result)
{
    const char *reason = failure_reason(program, result);
    say("%s%s%s", subject ? subject : "", subject ? ": " : "", reason);
    program->error[0] = 0;
    return outcome_of_result(result);
}

int outcome_of_result(gvk_result result)
{
    switch (result) {
    case GVK_OK: return OUTCOME_DONE;
    case GVK_ERROR_ARGUMENT: return OUTCOME_USAGE;
    case GVK_ERROR_FILE:
    case GVK_ERROR_FORMAT:
    case GVK_ERROR_MISMATCH: return OUTCOME_MODEL_REFUSED;
    case GVK_ERROR_NO_DEVICE:
    case GVK_ERROR_UNSUPPORTED: return OUTCOME_NO_DEVICE; /* none that can do what was asked for */
    case GVK_NOT_READY:
    case GVK_TIMEOUT:
    case GVK_ERROR_DEVICE_LOST:
    case GVK_ERROR_DRIVER: return OUTCOME_DEVICE_FAILED;
    case GVK_ERROR_HOST_MEMORY:
    case GVK_ERROR_DEVICE_MEMORY:
    case GVK_ERROR_BUDGET: return OUTCOME_OUT_OF_MEMORY;
    case GVK_ERROR_NUMBER: return OUTCOME_SOME_FAILED;
    }
    return OUTCOME_DEVICE_FAILED;
}

int finish_stdout(struct program *program, int outcome)
{
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int reason = failed ? errno : 0;
    if ((failed || ferror(stdout)) && !program->output_failed) {
        bool is_closed = process_stdout_is_closed();
        if (!reason && !is_closed)
            reason = output_find_reason(stdout);
        say("standard output cannot be written: %s", is_closed ? "it is closed"
                                                     : reason  ? strerror(reason)
                                                               : "it reported an error");
        program->output_failed = true;
    }
    return program->output_failed && outcome == OUTCOME_DONE ? OUTCOME_SOME_FAILED : outcome;
}
