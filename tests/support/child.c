/* See child.h. */
#define _XOPEN_SOURCE   700 /* posix_openpt */
#define _DEFAULT_SOURCE 1   /* wait4 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 62
#define ENDLESS       600.0 /* seconds: it hangs, however busy the machine */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void limit(int resource, uint64_t bytes)
{
    struct rlimit both = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};
    if (setrlimit(resource, &both) != 0)
        _exit(97);
}

/* Both ends of a terminal of our own, as pipe gives them; what is written to it comes out as it is. */
static void make_terminal(unsigned columns, int ends[2])
{
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    struct termios settings;
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(ends[0] >= 0);
    assert_int_equal(grantpt(ends[0]) | unlockpt(ends[0]), 0);
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    assert_true(ends[1] >= 0);
    assert_int_equal(tcgetattr(ends[1], &settings), 0);
    settings.c_oflag &= ~(tcflag_t)OPOST;
    assert_int_equal(tcsetattr(ends[1], TCSANOW, &settings), 0);
    assert_int_equal(ioctl(ends[1], TIOCSWINSZ, &size), 0);
}

static void start(const struct child *child, const char *program, char **arguments, const int pipes[2][2])
{
    if (dup2(pipes[0][1], STDOUT_FILENO) < 0 || dup2(pipes[1][1], STDERR_FILENO) < 0)
        _exit(97);
    for (int i = 0; i < 4; i++)
        close(pipes[i / 2][i % 2]);
    if (child->out_path && !freopen(child->out_path, "w", stdout))
        _exit(97);
    if (child->err_columns)
        putenv((char[]){"TERM=xterm"});
    for (const char *const *one = child->environment; one && *one; one++)
        putenv((char *)(uintptr_t)*one);
    for (int descriptor = 0; descriptor < 3; descriptor++)
        if (child->closed & 1u << descriptor)
            close(descriptor);
    if (child->file_limit)
        limit(RLIMIT_FSIZE, child->file_limit);
    execv(program, arguments);
    _exit(98);
}

struct text {
    char *bytes;
    size_t count, capacity;
};

/* False at the end. */
static bool take(int descriptor, struct text *text)
{
    if (text->capacity - text->count < 4096) {
        text->capacity = 2 * text->capacity + 8192;
        text->bytes = realloc(text->bytes, text->capacity);
        assert_non_null(text->bytes);
    }
    ssize_t got = read(descriptor, text->bytes + text->count, text->capacity - text->count - 1);
    if (got > 0)
        text->count += (size_t)got;
    return got > 0 || (got < 0 && errno == EINTR);
}

/* Until both pipes are closed, which the program's end does. */
static void watch(const struct child *child, pid_t process, double started, int out, int err, struct text texts[2])
{
    struct pollfd ends[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    bool signalled = child->signal == 0, waiting = child->signal && child->signal_entry;
    double begun = started;
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        if (waiting && (child->signal_filled ? has_filled_entry : has_entry)(".", child->signal_entry)) {
            waiting = false;
            begun = now();
        }
        double due = signalled || waiting ? started + ENDLESS : begun + child->signal_seconds, left = due - now();
        if (left <= 0) {
            signalled = signalled || waiting;
            kill(process, signalled ? SIGKILL : child->signal);
            if (signalled)
                fail_msg("it did not end within ten minutes");
            signalled = true;
            continue;
        }
        /* Short moments are waited for exactly: poll counts in milliseconds. */
        int milliseconds = left < 0.002 ? 0 : waiting ? 1 : (int)(left * 1000 - 1);
        if (poll(ends, 2, milliseconds) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (ends[i].fd >= 0 && ends[i].revents && !take(ends[i].fd, &texts[i]))
                ends[i].fd = -1;
    }
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

void run_child(struct child *child, const char *program, const char *const *arguments)
{
    int pipes[2][2];
    char *list[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)program};
    for (size_t i = 0; arguments[i]; i++) {
        assert_true(i < ARGUMENTS_MAX);
        list[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    assert_int_equal(pipe(pipes[0]), 0);
    if (child->err_columns)
        make_terminal(child->err_columns, pipes[1]);
    else
        assert_int_equal(pipe(pipes[1]), 0);
    fflush(NULL);
    double started = now();
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0)
        start(child, program, list, (const int(*)[2])pipes);
    close(pipes[0][1]);
    close(pipes[1][1]);
    struct text texts[2] = {{0}};
    watch(child, process, started, pipes[0][0], pipes[1][0], texts);
    close(pipes[0][0]);
    close(pipes[1][0]);
    int status;
    struct rusage usage;
    while (wait4(process, &status, 0, &usage) < 0)
        assert_int_equal(errno, EINTR);
    child->seconds = now() - started;
    child->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    child->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    child->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    child->ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    for (int i = 0; i < 2; i++)
        texts[i].bytes[texts[i].count] = 0;
    child->out = texts[0].bytes;
    child->err = texts[1].bytes;
    if (child->code == 97 || child->code == 98)
        fail_msg("%s cannot be started", program);
}

void release_child(struct child *child)
{
    free(child->out);
    free(child->err);
    child->out = child->err = NULL;
}

const char *only_sentence(const struct child *child)
{
    static const char mine[] = "ghostvk: ", note[] = "ghostvk: note: ";
    const char *only = NULL;
    for (const char *line = child->err; *line;) {
        const char *end = strchr(line, '\n');
        if (!end || strncmp(line, mine, strlen(mine)) != 0)
            return NULL;
        if (strncmp(line, note, strlen(note)) != 0) {
            if (only)
                return NULL;
            only = line;
        }
        line = end + 1;
    }
    return only;
}
