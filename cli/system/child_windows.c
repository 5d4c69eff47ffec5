/* See child.h. Pipes of this kind cannot be waited for together, nor with a limit: they are looked at in short turns.
 */
#include "child.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "process.h"
#include "wide.h"

#define PIECE_MAX   ((DWORD)1 << 20)
#define COMMAND_MAX 32767 /* as Windows has it */

struct child_process {
    HANDLE process;               /* NULL when it was waited for */
    int code;                     /* then */
    HANDLE input, output, errors; /* our ends, or NULL */
    struct child_listener listener;
    char line[CHILD_LINE_MAX];
    size_t line_length;
};

/* ---- all children, for an interrupt ------------------------------------------------------------------------------ */

static PVOID volatile processes[CHILD_PROCESSES_MAX];

static bool register_process(HANDLE process)
{
    for (size_t slot = 0; slot < CHILD_PROCESSES_MAX; slot++)
        if (InterlockedCompareExchangePointer(&processes[slot], process, NULL) == NULL)
            return true;
    return false;
}

static void release_process(HANDLE process)
{
    for (size_t slot = 0; slot < CHILD_PROCESSES_MAX; slot++)
        if (InterlockedCompareExchangePointer(&processes[slot], NULL, process) == process)
            return;
}

/* Waits for each, because a file that a process has open cannot be removed. */
void child_process_end_all(void)
{
    for (size_t slot = 0; slot < CHILD_PROCESSES_MAX; slot++) {
        HANDLE process = InterlockedExchangePointer(&processes[slot], NULL);
        if (process && TerminateProcess(process, 1))
            WaitForSingleObject(process, 2000);
    }
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

struct command {
    wchar_t text[COMMAND_MAX];
    size_t length;
    bool is_whole;
};

static void put(struct command *command, wchar_t character, size_t times)
{
    for (; times; times--) {
        if (command->length >= COMMAND_MAX - 1) {
            command->is_whole = false;
            return;
        }
        command->text[command->length++] = character;
    }
}

/* In quotes, as programs take their line of command apart: backslashes stand for themselves except in front of a
 * quote. */
static void put_argument(struct command *command, const wchar_t *argument)
{
    if (command->length)
        put(command, L' ', 1);
    put(command, L'"', 1);
    size_t backslashes = 0;
    for (; *argument; argument++) {
        if (*argument == L'\\') {
            backslashes++;
            continue;
        }
        put(command, L'\\', *argument == L'"' ? 2 * backslashes + 1 : backslashes);
        put(command, *argument, 1);
        backslashes = 0;
    }
    put(command, L'\\', 2 * backslashes);
    put(command, L'"', 1);
}

/* Where PATH has the program. The folders that Windows would look into by itself hold the current one. */
static bool find_program(const char *name, wchar_t path[WIDE_PATH])
{
    static wchar_t folders[COMMAND_MAX];
    wchar_t wide[WIDE_PATH];
    DWORD length = GetEnvironmentVariableW(L"PATH", folders, COMMAND_MAX);
    if (!wide_of_text(name, wide))
        return false;
    errno = ENOENT;
    if (length == 0 || length >= COMMAND_MAX)
        return false;
    length = SearchPathW(folders, wide, L".exe", WIDE_PATH, path, NULL);
    return length > 0 && length < WIDE_PATH;
}

static void close_handle(HANDLE *handle)
{
    if (*handle && *handle != INVALID_HANDLE_VALUE)
        CloseHandle(*handle);
    *handle = NULL;
}

/* The end that is the child's can be inherited. */
static bool make_pipe(HANDLE *child_end, HANDLE *our_end, bool child_reads)
{
    HANDLE read_end = NULL, write_end = NULL;
    if (!CreatePipe(&read_end, &write_end, NULL, PIECE_MAX))
        return false;
    *child_end = child_reads ? read_end : write_end;
    *our_end = child_reads ? write_end : read_end;
    return SetHandleInformation(*child_end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) != 0;
}

static bool open_nothing(HANDLE *child_end)
{
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    *child_end = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                             OPEN_EXISTING, 0, NULL);
    return *child_end != INVALID_HANDLE_VALUE;
}

static bool create(struct child_process *child, const char *const *arguments, HANDLE ends[3])
{
    static struct command command;
    static wchar_t path[WIDE_PATH], wide[WIDE_PATH];
    if (!find_program(arguments[0], path))
        return false;
    command.length = 0;
    command.is_whole = true;
    for (; *arguments; arguments++) {
        if (!wide_of_text(*arguments, wide))
            return false;
        put_argument(&command, wide);
    }
    command.text[command.length] = 0;
    errno = E2BIG;
    if (!command.is_whole)
        return false;
    STARTUPINFOW start = {.cb = sizeof start,
                          .dwFlags = STARTF_USESTDHANDLES,
                          .hStdInput = ends[0],
                          .hStdOutput = ends[1],
                          .hStdError = ends[2]};
    PROCESS_INFORMATION made;
    errno = EIO;
    if (!CreateProcessW(path, command.text, NULL, NULL, TRUE, CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP, NULL, NULL,
                        &start, &made))
        return false;
    CloseHandle(made.hThread);
    child->process = made.hProcess;
    return true;
}

/* One at a time: another child would inherit these ends, and the pipe's reader would never find its end. */
static SRWLOCK one_at_a_time = SRWLOCK_INIT;

bool child_process_start(struct child_process **out, const char *const *arguments, unsigned streams,
                         const struct child_listener *listener)
{
    *out = NULL;
    struct child_process *child = calloc(1, sizeof *child);
    if (!child)
        return false;
    if (listener)
        child->listener = *listener;
    HANDLE ends[3] = {NULL, NULL, NULL};
    DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT; /* or a write would wait for ever, and errors be left */
    AcquireSRWLockExclusive(&one_at_a_time);
    errno = EMFILE;
    bool started = make_pipe(&ends[2], &child->errors, false) &&
                   (streams & CHILD_INPUT ? make_pipe(&ends[0], &child->input, true) &&
                                                SetNamedPipeHandleState(child->input, &mode, NULL, NULL)
                                          : open_nothing(&ends[0])) &&
                   (streams & CHILD_OUTPUT ? make_pipe(&ends[1], &child->output, false) : open_nothing(&ends[1])) &&
                   create(child, arguments, ends);
    int reason = errno;
    for (int end = 0; end < 3; end++)
        close_handle(&ends[end]);
    ReleaseSRWLockExclusive(&one_at_a_time);
    if (started && !register_process(child->process)) {
        reason = EAGAIN;
        started = false;
    }
    if (!started) {
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

/* How many bytes there are; -1 at the end. */
static int64_t look(HANDLE pipe)
{
    DWORD waiting = 0;
    return PeekNamedPipe(pipe, NULL, 0, NULL, &waiting, NULL) ? (int64_t)waiting : -1;
}

static void take_errors(struct child_process *child)
{
    char bytes[4096];
    while (child->errors) {
        int64_t waiting = look(child->errors);
        DWORD got = 0;
        if (waiting == 0)
            return;
        if (waiting < 0 || !ReadFile(child->errors, bytes, sizeof bytes, &got, NULL) || got == 0) {
            if (child->line_length)
                give_line(child);
            close_handle(&child->errors);
            return;
        }
        for (DWORD index = 0; index < got; index++) {
            bool ends = bytes[index] == '\n' || bytes[index] == '\r' || bytes[index] == 0;
            if (ends && child->line_length)
                give_line(child);
            else if (!ends && child->line_length < CHILD_LINE_MAX - 1)
                child->line[child->line_length++] = bytes[index];
        }
    }
}

/* ---- reading, writing -------------------------------------------------------------------------------------------- */

ptrdiff_t child_process_read(struct child_process *child, void *bytes, size_t count, double seconds)
{
    double until = process_clock_ms() + seconds * 1e3;
    for (;;) {
        int64_t waiting = look(child->output);
        take_errors(child);
        if (waiting < 0)
            return 0;
        if (waiting > 0) {
            DWORD got = 0;
            if (!ReadFile(child->output, bytes, count < PIECE_MAX ? (DWORD)count : PIECE_MAX, &got, NULL)) {
                errno = EIO;
                return -1;
            }
            return (ptrdiff_t)got;
        }
        if (process_clock_ms() >= until) {
            errno = ETIMEDOUT;
            return -1;
        }
        Sleep(1);
    }
}

bool child_process_write(struct child_process *child, const void *bytes, size_t count, double seconds)
{
    const char *at = bytes;
    double until = process_clock_ms() + seconds * 1e3;
    while (count) {
        /* A pipe that does not wait takes nothing of what it has no room for. */
        DWORD done = 0, piece = count < 65536 ? (DWORD)count : 65536;
        if (!WriteFile(child->input, at, piece, &done, NULL)) {
            errno = EPIPE;
            return false;
        }
        take_errors(child);
        if (done) {
            at += done;
            count -= done;
            until = process_clock_ms() + seconds * 1e3;
        } else if (process_clock_ms() >= until) {
            errno = ETIMEDOUT;
            return false;
        } else {
            Sleep(1);
        }
    }
    return true;
}

/* What is left in the pipe stays there for the child. */
void child_process_close_input(struct child_process *child)
{
    close_handle(&child->input);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void reap(struct child_process *child)
{
    DWORD code = 255;
    WaitForSingleObject(child->process, INFINITE);
    GetExitCodeProcess(child->process, &code);
    release_process(child->process);
    close_handle(&child->process);
    child->code = code > 255 ? 255 : (int)code;
}

int child_process_wait(struct child_process *child, double seconds)
{
    char bytes[4096];
    double until = process_clock_ms() + seconds * 1e3;
    while (child->process) {
        bool ended = WaitForSingleObject(child->process, 0) == WAIT_OBJECT_0;
        DWORD got = 0;
        take_errors(child);
        while (child->output && look(child->output) > 0 && ReadFile(child->output, bytes, sizeof bytes, &got, NULL))
            ;
        if (ended) {
            reap(child);
        } else if (process_clock_ms() >= until) {
            errno = ETIMEDOUT;
            return -1;
        } else {
            Sleep(2);
        }
    }
    take_errors(child);
    return child->code;
}

void child_process_end(struct child_process *child)
{
    if (!child)
        return;
    if (child->process) {
        TerminateProcess(child->process, 1);
        reap(child);
    }
    close_handle(&child->input);
    close_handle(&child->output);
    close_handle(&child->errors);
    free(child);
}
