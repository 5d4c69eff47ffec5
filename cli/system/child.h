/* Another program as a child of this one: started by its arguments, without a shell, its standard streams at our end of
 * pipes, each wait with a limit of time.
 *
 * The child reads nothing unless it is given an input. What it writes to standard error is taken away whenever one of
 * the calls below is inside, and handed on line by line. It is in a process group of its own: an interrupt from the
 * terminal reaches this program alone, which ends its children by child_process_end_all.
 *
 * Thread-safety: several children may be started and used at once; a child belongs to one thread at a time. */
#ifndef GHOSTVK_CLI_CHILD_H
#define GHOSTVK_CLI_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#define CHILD_PROCESSES_MAX 64
#define CHILD_LINE_MAX      512 /* of a line of standard error as it is handed on: what is longer is cut */

struct child_process;

enum child_streams {
    CHILD_INPUT = 1, /* it reads what child_process_write gives it */
    CHILD_OUTPUT = 2 /* child_process_read takes what it writes; else that is lost */
};

/* Takes a line of the child's standard error, without its end; NULL: nobody wants them. */
struct child_listener {
    void (*take_line)(void *user, const char *line);
    void *user;
};

/* `arguments` ends with NULL; the first is the program's name, looked for in PATH. False with the reason in errno,
 * ENOENT where there is no such program. On success the child ends with child_process_end. */
bool child_process_start(struct child_process **out, const char *const *arguments, unsigned streams,
                         const struct child_listener *listener);
/* What there is of the child's output, at least a byte; 0 at its end; -1 with errno, ETIMEDOUT when nothing came for
 * so many seconds. */
ptrdiff_t child_process_read(struct child_process *child, void *bytes, size_t count, double seconds);
/* All of it. False with errno: EPIPE when the child reads no more, ETIMEDOUT when it took nothing for so many seconds.
 */
bool child_process_write(struct child_process *child, const void *bytes, size_t count, double seconds);
/* The child finds the end of its input. */
void child_process_close_input(struct child_process *child);
/* Waits for its end and throws its output away: its exit code, 128 + a signal's number, or -1 with ETIMEDOUT. */
int child_process_wait(struct child_process *child, double seconds);
/* Kills the child when it still runs; nothing of it is left. Accepts NULL. */
void child_process_end(struct child_process *child);

/* Kills all children. For a signal handler (async-signal-safe) of a process that ends soon after. */
void child_process_end_all(void);

#endif
