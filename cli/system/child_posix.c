/* See child.h. */
#define _GNU_SOURCE      1 /* F_SETPIPE_SZ */
#define _DARWIN_C_SOURCE 1 /* SO_NOSIGPIPE */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define PIECE_MAX ((size_t)1 << 20)

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* then the socket is told */
#endif

extern char **environ;

struct child_process {
    pid_t process;             /* 0 when it was waited for */
    int code;                  /* then */
    int input, output, errors; /* our ends, or -1 */
    struct child_listener listener;
    char line[CHILD_LINE_MAX];
    size_t line_length;
};

/* ---- all children, for a signal handler -------------------------------------------------------------------------- */

static _Atomic(pid_t) processes[CHILD_PROCESSES_MAX];

static bool register_process(pid_t process)
{
    for (size_t slot = 0; slot < CHILD_PROCESSES_MAX; slot++) {
        pid_t none = 0;
        if (atomic_compare_exchange_strong(&processes[slot], &none, process))
            return true;
    }
    return false;
}

static void release_process(pid_t process)
{
    for (size_t slot = 0; slot < CHILD_PROCESSES_MAX; slot++) {
        pid_t expected = process;
        if (atomic_compare_exchange_strong(&processes[slot], &expected, 0))
            return;
    }
}

void child_process_end_all(void)
{
    int kept = errno;
    for (size_t slot = 0; slot < CHILD_PROCESSES_MAX; slot++) {
        pid_t process = atomic_exchange(&processes[slot], 0);
        if (process <= 0 || kill(process, SIGKILL) != 0)
            continue;
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    errno = kept;
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* A pipe's ends until a child has its own: [0] is read and [1] written. */
struct ends {
    int both[2];
};

static void close_file(int *file)
{
    int kept = errno;
    if (*file >= 0)
        close(*file);
    *file = -1;
    errno = kept;
}

static bool keep_from_children(const struct ends *ends)
{
    return fcntl(ends->both[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends->both[1], F_SETFD, FD_CLOEXEC) == 0;
}

static bool make_pipe(struct ends *ends)
{
    return pipe(ends->both) == 0 && keep_from_children(ends);
}

/* For the child's input a socket, as writing to a pipe that nobody reads would raise a signal. */
static bool make_socket(struct ends *ends)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends->both) != 0 || !keep_from_children(ends))
        return false;
#if defined(SO_NOSIGPIPE)
    int yes = 1;
    if (setsockopt(ends->both[1], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes) != 0)
        return false;
#endif
    return shutdown(ends->both[0], SHUT_WR) == 0;
}

static bool never_waits(int file)
{
    int flags = fcntl(file, F_GETFL);
    return flags >= 0 && fcntl(file, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Signals as a program expects to find them, whatever became of ours. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t defaults, blocked;
    sigemptyset(&blocked);
    sigemptyset(&defaults);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGXFSZ};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++)
        sigaddset(&defaults, numbers[index]);
    int reason = posix_spawnattr_setsigdefault(attributes, &defaults);
    reason = reason ? reason : posix_spawnattr_setsigmask(attributes, &blocked);
    reason = reason ? reason : posix_spawnattr_setpgroup(attributes, 0);
    return reason ? reason
                  : posix_spawnattr_setflags(attributes,
                                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

/* -1 stands for /dev/null. Returns what errno would be. */
static int spawn(pid_t *process, const char *const *arguments, int input, int output, int errors)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason)
        return reason;
    reason = posix_spawnattr_init(&attributes);
    if (reason) {
        posix_spawn_file_actions_destroy(&actions);
        return reason;
    }
    reason = set_signals(&attributes);
    if (!reason)
        reason = input >= 0 ? posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
                            : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!reason)
        reason = output >= 0 ? posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
                             : posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!reason)
        reason = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    if (!reason) /* which leaves the arguments as they are, whatever its type says */
        reason =
            posix_spawnp(process, arguments[0], &actions, &attributes, (char *const *)(uintptr_t)arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return reason;
}

/* Children are started one at a time: between the making of a pipe and the mark that keeps it from children, another
 * thread's child would get it too, and the pipe's reader would never find its end. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

bool child_process_start(struct child_process **out, const char *const *arguments, unsigned streams,
                         const struct child_listener *listener)
{
    *out = NULL;
    struct child_process *child = calloc(1, sizeof *child);
    if (!child)
        return false;
    *child = (struct child_process){.input = -1, .output = -1, .errors = -1};
    if (listener)
        child->listener = *listener;
    struct ends input = {{-1, -1}}, output = {{-1, -1}}, errors = {{-1, -1}};
    int reason = 0;
    pid_t process = 0;
    pthread_mutex_lock(&one_at_a_time);
    if (!make_pipe(&errors) || (streams & CHILD_INPUT && !make_socket(&input)) ||
        (streams & CHILD_OUTPUT && !make_pipe(&output)) || !never_waits(errors.both[0]) ||
        (streams & CHILD_INPUT && !never_waits(input.both[1])) ||
        (streams & CHILD_OUTPUT && !never_waits(output.both[0])))
        reason = errno;
    else
        reason = spawn(&process, arguments, input.both[0], output.both[1], errors.both[1]);
    bool registered = !reason && register_process(process);
    pthread_mutex_unlock(&one_at_a_time);
#if defined(F_SETPIPE_SZ) /* fewer and larger pieces */
    if (!reason && output.both[0] >= 0)
        fcntl(output.both[0], F_SETPIPE_SZ, (int)PIECE_MAX);
#endif
    close_file(&input.both[0]);
    close_file(&output.both[1]);
    close_file(&errors.both[1]);
    child->process = process;
    child->input = input.both[1];
    child->output = output.both[0];
    child->errors = errors.both[0];
    if (reason) {
        child->process = 0;
    } else if (!registered) { /* nobody would end it */
        reason = EAGAIN;
    }
    if (reason) {
        child_process_end(child);
        errno = reason;
        return false;
    }
    *out = child;
    return true;
}

/* ---- standard error ---------------------------------------------------------------------------------------------- */

static void give_line(struct child_process *child)
{
    child->line[child->line_length] = 0;
    child->line_length = 0;
    if (child->listener.take_line)
        child->listener.take_line(child->listener.user, child->line);
}

/* What is there, without waiting. False at its end. */
static bool take_errors(struct child_process *child)
{
    char bytes[4096];
    for (;;) {
        ssize_t got = child->errors >= 0 ? read(child->errors, bytes, sizeof bytes) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (got <= 0) {
            if (child->line_length)
                give_line(child);
            close_file(&child->errors);
            return false;
        }
        for (ssize_t index = 0; index < got; index++) {
            bool ends = bytes[index] == '\n' || bytes[index] == '\r' || bytes[index] == 0;
            if (ends && child->line_length)
                give_line(child);
            else if (!ends && child->line_length < CHILD_LINE_MAX - 1)
                child->line[child->line_length++] = bytes[index];
        }
    }
}

/* ---- reading, writing -------------------------------------------------------------------------------------------- */

/* Waits until something can be done with `file`, and takes errors meanwhile. False with errno. */
static bool wait_for(struct child_process *child, int file, short events, double until)
{
    for (;;) {
        double left = until - process_clock_ms();
        struct pollfd both[2] = {{.fd = file, .events = events}, {.fd = child->errors, .events = POLLIN}};
        int ready = poll(both, 2, left <= 0 ? 0 : left > 60e3 ? 60000 : (int)left + 1);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && both[1].revents)
            take_errors(child);
        if (ready > 0 && both[0].revents)
            return true;
        if (left <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

ptrdiff_t child_process_read(struct child_process *child, void *bytes, size_t count, double seconds)
{
    double until = process_clock_ms() + seconds * 1e3;
    for (;;) {
        ssize_t got = read(child->output, bytes, count < PIECE_MAX ? count : PIECE_MAX);
        if (got < 0 && errno == EINTR)
            continue;
        if (got >= 0) {
            take_errors(child); /* what was written in front of these bytes is there by now */
            return got;
        }
        if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for(child, child->output, POLLIN, until))
            return -1;
    }
}

bool child_process_write(struct child_process *child, const void *bytes, size_t count, double seconds)
{
    const char *at = bytes;
    double until = process_clock_ms() + seconds * 1e3;
    while (count) {
        ssize_t put = send(child->input, at, count < PIECE_MAX ? count : PIECE_MAX, MSG_NOSIGNAL);
        if (put > 0) {
            at += put;
            count -= (size_t)put;
            until = process_clock_ms() + seconds * 1e3;
        } else if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!wait_for(child, child->input, POLLOUT, until))
                return false;
        } else if (put < 0 && errno == ECONNRESET) {
            errno = EPIPE;
            return false;
        } else if (put < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

void child_process_close_input(struct child_process *child)
{
    close_file(&child->input);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void throw_output_away(struct child_process *child)
{
    char bytes[4096];
    while (child->output >= 0) {
        ssize_t got = read(child->output, bytes, sizeof bytes);
        if (got == 0)
            close_file(&child->output);
        else if (got < 0 && errno != EINTR)
            return;
    }
}

/* The number is given back before the child is waited for: afterwards it may be another process's. */
static void reap(struct child_process *child)
{
    int status = 0;
    release_process(child->process);
    pid_t ended;
    while ((ended = waitpid(child->process, &status, 0)) < 0 && errno == EINTR)
        ;
    child->code = ended < 0             ? 255
                  : WIFEXITED(status)   ? WEXITSTATUS(status)
                  : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                        : 255;
    child->process = 0;
}

int child_process_wait(struct child_process *child, double seconds)
{
    double until = process_clock_ms() + seconds * 1e3;
    while (child->process) {
        siginfo_t what;
        what.si_pid = 0;
        int looked = waitid(P_PID, (id_t)child->process, &what, WEXITED | WNOHANG | WNOWAIT);
        take_errors(child);
        throw_output_away(child);
        if ((looked == 0 && what.si_pid == child->process) || (looked < 0 && errno == ECHILD)) {
            reap(child);
        } else if (process_clock_ms() >= until) {
            errno = ETIMEDOUT;
            return -1;
        } else {
            struct timespec pause = {.tv_nsec = 2000000};
            nanosleep(&pause, NULL);
        }
    }
    take_errors(child);
    return child->code;
}

void child_process_end(struct child_process *child)
{
    if (!child)
        return;
    int kept = errno;
    if (child->process) {
        kill(child->process, SIGKILL);
        reap(child);
    }
    close_file(&child->input);
    close_file(&child->output);
    close_file(&child->errors);
    free(child);
    errno = kept;
}
