/* The running program as the library's host: where the library's sentences go, and how its failures become messages
 * and exit codes. */
#ifndef GHOSTVK_CLI_PROGRAM_H
#define GHOSTVK_CLI_PROGRAM_H

#include <stdbool.h>

#include "cli/base/message.h"
#include <ghostvk/ghostnet.h>

/* What `host.user` points at. */
struct program {
    const char *path; /* argv[0] */
    unsigned verbosity;
    bool output_failed;    /* a failure of standard output was reported already */
    bool cache_failed;     /* something could not be kept for later runs */
    bool cache_distrusted; /* what others may have written was passed over */
    char error[640];       /* the library's reason for the failure that is under way */
    gvk_host host;
};

/* Without caches. `program` must stay where it is, because the library's log calls point at it. */
void program_start(struct program *program, const char *path);

/* Says why a call of the library failed, behind "SUBJECT: " where there is one, and returns the exit code. */
int report_failure(struct program *program, const char *subject, gvk_result result);
/* The reason as report_failure would say it, without a subject; lives until the next call of the library. */
const char *failure_reason(struct program *program, gvk_result result);
int outcome_of_result(gvk_result result);
/* Ends the text on stdout; says so when it could not be written. Returns the exit code to go on with. */
int finish_stdout(struct program *program, int outcome);

#endif
