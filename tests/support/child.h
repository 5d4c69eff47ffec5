/* A program started, watched and measured: what tests run `ghostvk` with. Unlike a shell it can end
 * the program at any moment, and says how long it took and how much memory it held. */
#ifndef GVK_TEST_CHILD_H
#define GVK_TEST_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "folder.h"

struct child {
    /* What is asked for. Zero is a plain run. */
    const char *const *environment; /* "NAME=VALUE" each, on top of ours; NULL at the end */
    const char *out_path;           /* where stdout goes; NULL: into `out` */
    unsigned err_columns;           /* stderr is a terminal of so many, with TERM=xterm; 0: a pipe */
    unsigned closed;                /* standard descriptors that are closed: 1 << STDOUT_FILENO and so on */
    uint64_t file_limit;            /* RLIMIT_FSIZE; 0: none */
    int signal;                     /* 0: none */
    double signal_seconds;          /* after the start, or ... */
    const char *signal_entry;       /* ... after the current folder has an entry that starts so; NULL: the start */
    bool signal_filled;             /* ... and that is not empty */
    /* What came of it. */
    int code;            /* of the exit, or -1 */
    int ended_by;        /* a signal, or 0 */
    char *out, *err;     /* what it wrote, zero-terminated */
    double seconds;      /* from its start to its end */
    double cpu_seconds;  /* of processor time, which a busy machine does not stretch */
    uint64_t peak_bytes; /* the most memory that it held */
};

/* Runs a program to its end; it is killed after ten minutes. `arguments` without the program's name, NULL at the end.
 * The test fails when it cannot be started. */
void run_child(struct child *child, const char *program, const char *const *arguments);
void release_child(struct child *child);

/* A line of stderr that is no note, when there is exactly one and all lines start as the program's do; else NULL. */
const char *only_sentence(const struct child *child);

#endif
