/* Whole output files or none: written beside their target under another name, and renamed onto it when complete.
 *
 * "-" and /dev/stdout are standard output; a device or pipe is written straight; a link is followed, so that its target
 * is replaced and the link stays. Nothing here prints: on failure `message` holds a predicate without the file's name,
 * "cannot be written: No space left on device".
 *
 * Thread-safety: different outputs may be open in several threads. */
#ifndef GHOSTVK_CLI_OUTPUT_FILE_H
#define GHOSTVK_CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define OUTPUT_FILES_OPEN_MAX 64

struct output_file {
    FILE *stream; /* write here */
    char *target; /* the regular file that appears at commit; NULL when the stream is written straight */
    char *temporary;
};

/* Whether the path is one of standard output's names. */
bool output_is_stdout(const char *path);

/* Whether an output of that name could be opened, without a trace. A pipe or device is held open in `*held` until it is
 * written, or its reader would see an end; -1: there is none. Close it. */
bool output_file_try(const char *path, int *held, char *message, size_t message_size);

/* On success ends with exactly one of commit and abort; on failure nothing is left. */
bool output_file_open(struct output_file *file, const char *path, char *message, size_t message_size);
/* The same for a file that nobody else may read, whatever the umask. A link of that name is replaced, not followed. */
bool output_file_open_private(struct output_file *file, const char *path, char *message, size_t message_size);
/* Leaves the writing to another program: closes the stream, and names the file that it is to write, which becomes the
 * target at commit. NULL where the output is written straight; then nothing has changed. */
const char *output_file_leave(struct output_file *file);
/* Every error since the opening is noticed here. After a failure the target is as before, and the file is closed. */
bool output_file_commit(struct output_file *file, char *message, size_t message_size);
/* Why a write to the stream failed at any time before, an errno, or 0 where that cannot be told: errno is long gone, so
 * a byte more is tried, in an output that is spoilt anyway. */
int output_find_reason(FILE *stream);
/* Accepts a zeroed struct and one that has ended already. */
void output_file_abort(struct output_file *file);

/* Another file that is to be gone when the process is interrupted. The path is from malloc and taken over; false when
 * too many are registered, and then it is the caller's still. */
bool output_register(char *path);
/* Frees the path, which is not removed any more. */
void output_forget(char *path);

/* Removes the temporary files of all open outputs. For a signal handler (async-signal-safe); the process should end
 * soon after, because a later commit of those outputs fails. */
void output_file_abandon_all(void);

#endif
