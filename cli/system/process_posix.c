/* See process.h. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

/* ---- standard streams -------------------------------------------------------------------------------------------- */

static bool stdin_is_closed;

/* A standard stream that is closed would be the number of the next file that is opened, and what belongs to the stream
 * would be written into that file. A folder takes its place: reading and writing it fails. */
bool process_prepare(int *argument_count, char ***arguments)
{
    (void)argument_count; /* they are UTF-8 already, or bytes of whatever else the user's files are called by */
    (void)arguments;
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF)
            continue;
        if (open("/", O_RDONLY) != descriptor) /* the lowest that is free */
            return false;
        stdin_is_closed = stdin_is_closed || descriptor == STDIN_FILENO;
    }
    return true;
}

bool process_stdin_is_closed(void)
{
    return stdin_is_closed;
}

bool process_stdout_is_closed(void)
{
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    return flags < 0 || (flags & O_ACCMODE) == O_RDONLY;
}

bool process_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

bool process_stderr_is_terminal(void)
{
    return isatty(STDERR_FILENO);
}

unsigned process_stderr_columns(void)
{
    const char *kind = getenv("TERM");
    struct winsize size;
    if (!isatty(STDERR_FILENO) || !kind || !*kind || strcmp(kind, "dumb") == 0)
        return 0;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* ---- interrupts -------------------------------------------------------------------------------------------------- */

static pthread_t main_thread;
static void (*clean_up_files)(void);
static atomic_bool keeps_interrupts;
static atomic_int kept_number; /* of the signal that was kept; 0: none */

/* Leaves at once: nothing but half-written files would outlive the process. 130 is a shell's number for an interrupt.
 * Only on the thread that makes those files: it must not make another one behind our back. A driver's threads pass on
 * what they get. */
static void leave_on_signal(int number)
{
    int none = 0;
    if (number != SIGPIPE && number != SIGALRM && atomic_load(&keeps_interrupts) &&
        atomic_compare_exchange_strong(&kept_number, &none, number)) {
        alarm(PROCESS_PATIENCE); /* what is under way may never end */
        return;
    }
    if (!pthread_equal(pthread_self(), main_thread)) {
        pthread_kill(main_thread, number);
        while (number == SIGPIPE) /* or this thread would tell of a write that failed */
            pause();
        return;
    }
    clean_up_files();
    _exit(number == SIGALRM ? process_interrupted_code() : 128 + number);
}

void process_leave_on_interrupt(void (*clean_up)(void))
{
    main_thread = pthread_self();
    clean_up_files = clean_up;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGALRM};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction before, action = {.sa_handler = leave_on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        /* Who started the program with a signal ignored, as nohup does, means it. */
        if (sigaction(numbers[index], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[index], &action, NULL);
    }
    /* A file beyond the limit of its size is a write that fails, like one to a full disk, and is said like one. */
    signal(SIGXFSZ, SIG_IGN);
}

void process_keep_interrupts(bool on)
{
    atomic_store(&keeps_interrupts, on);
}

bool process_is_interrupted(void)
{
    return atomic_load(&kept_number) != 0;
}

int process_interrupted_code(void)
{
    int number = atomic_load(&kept_number);
    return 128 + (number ? number : SIGINT);
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

char *process_own_path(const char *name)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length > 0 && (size_t)length < sizeof path) {
        char *copy = malloc((size_t)length + 1);
        if (copy) {
            memcpy(copy, path, (size_t)length);
            copy[length] = 0;
        }
        return copy;
    }
    /* A name without a slash was found through PATH, and would be looked for in the current folder. */
    return strchr(name, '/') ? file_real_path(name) : NULL;
}

bool process_cache_folder(char *path, size_t size)
{
    const char *folder = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int used = -1;
    if (folder && *folder == '/')
        used = snprintf(path, size, "%s", folder);
    else if (home && *home == '/')
        used = snprintf(path, size, "%s/.cache", home);
    return used > 0 && (size_t)used < size;
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

void process_set_default(const char *variable, const char *value)
{
    setenv(variable, value, 0);
}

uint64_t process_mark(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)getpid() << 32 | (uint64_t)now.tv_nsec;
}

double process_clock_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void process_sleep_ms(unsigned ms)
{
    const struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

uint64_t process_machine_memory(void)
{
#ifdef _SC_PHYS_PAGES
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0)
        return (uint64_t)pages * (uint64_t)page;
#endif
    return 0;
}
