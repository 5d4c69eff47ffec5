/* See process.h. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <shellapi.h>

#include "wide.h"

#define INTERRUPTED 130 /* as elsewhere: 128 and SIGINT's number */

/* ---- standard streams, arguments --------------------------------------------------------------------------------- */

static bool stdin_is_closed, stdout_is_closed;

static bool is_open(int file)
{
    intptr_t handle = _get_osfhandle(file);
    return handle != -1 && handle != -2; /* -2: there is none for this program */
}

/* In UTF-8; what was there before stays with who made it. They live as long as the program. */
static bool take_arguments(int *argument_count, char ***arguments)
{
    int count = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **taken = wide ? calloc((size_t)count + 1, sizeof *taken) : NULL;
    bool whole = taken != NULL;
    for (int index = 0; whole && index < count; index++)
        whole = (taken[index] = text_of_wide(wide[index])) != NULL;
    LocalFree(wide);
    if (!whole)
        return false;
    *argument_count = count;
    *arguments = taken;
    return true;
}

bool process_prepare(int *argument_count, char ***arguments)
{
    /* A number without a file behind it would go to the next that is opened. "NUL" takes what is written and loses it,
     * so that process_stdout_is_closed has to remember. */
    for (int file = 0; file <= 2; file++) {
        if (is_open(file))
            continue;
        int filler = _wopen(L"NUL", file ? _O_WRONLY | _O_BINARY : _O_RDONLY | _O_BINARY);
        if (filler < 0 || (filler != file && _dup2(filler, file) != 0))
            return false;
        if (filler != file)
            _close(filler);
        stdin_is_closed = stdin_is_closed || file == 0;
        stdout_is_closed = stdout_is_closed || file == 1;
    }
    /* Bytes as they are, and a console that reads them as UTF-8. */
    if (_setmode(1, _O_BINARY) < 0 || _setmode(2, _O_BINARY) < 0)
        return false;
    SetConsoleOutputCP(CP_UTF8);
    return take_arguments(argument_count, arguments);
}

bool process_stdin_is_closed(void)
{
    return stdin_is_closed;
}

bool process_stdout_is_closed(void)
{
    return stdout_is_closed;
}

bool process_stdout_is_terminal(void)
{
    return _isatty(1) != 0;
}

bool process_stderr_is_terminal(void)
{
    return _isatty(2) != 0;
}

unsigned process_stderr_columns(void)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    const char *kind = getenv("TERM");
    if (!_isatty(2) || (kind && strcmp(kind, "dumb") == 0))
        return 0;
    if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &info) || info.dwSize.X <= 0)
        return 80;
    return (unsigned)info.dwSize.X;
}

/* ---- interrupts -------------------------------------------------------------------------------------------------- */

static HANDLE main_thread;
static void (*clean_up_files)(void);
static atomic_bool keeps_interrupts, is_interrupted;

/* On a thread that Windows makes for it. The main thread is stopped first, so that it makes no further file, wherever
 * it stands: it may hold locks, and nothing here takes any. */
static BOOL WINAPI leave_on_event(DWORD event)
{
    CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
    bool first = false, can_wait = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
    if (can_wait && atomic_load(&keeps_interrupts) && atomic_compare_exchange_strong(&is_interrupted, &first, true))
        Sleep(PROCESS_PATIENCE * 1000); /* what is under way may never end */
    SuspendThread(main_thread);
    GetThreadContext(main_thread, &context); /* which waits until it has stopped */
    clean_up_files();
    TerminateProcess(GetCurrentProcess(), INTERRUPTED);
    return TRUE;
}

void process_leave_on_interrupt(void (*clean_up)(void))
{
    HANDLE process = GetCurrentProcess();
    clean_up_files = clean_up;
    if (DuplicateHandle(process, GetCurrentThread(), process, &main_thread, 0, FALSE, DUPLICATE_SAME_ACCESS))
        SetConsoleCtrlHandler(leave_on_event, TRUE);
}

void process_keep_interrupts(bool on)
{
    atomic_store(&keeps_interrupts, on);
}

bool process_is_interrupted(void)
{
    return atomic_load(&is_interrupted);
}

int process_interrupted_code(void)
{
    return INTERRUPTED;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

char *process_own_path(const char *name)
{
    wchar_t wide[WIDE_PATH];
    DWORD length = GetModuleFileNameW(NULL, wide, WIDE_PATH);
    (void)name;
    return length > 0 && length < WIDE_PATH ? text_of_wide(wide) : NULL;
}

bool process_cache_folder(char *path, size_t size)
{
    wchar_t wide[WIDE_PATH];
    DWORD length = GetEnvironmentVariableW(L"LOCALAPPDATA", wide, WIDE_PATH);
    char *folder = length > 0 && length < WIDE_PATH ? text_of_wide(wide) : NULL;
    int used = folder ? snprintf(path, size, "%s", folder) : -1;
    free(folder);
    return used > 0 && (size_t)used < size;
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

void process_set_default(const char *variable, const char *value)
{
    if (!getenv(variable))
        _putenv_s(variable, value);
}

uint64_t process_mark(void)
{
    LARGE_INTEGER ticks = {.QuadPart = 0};
    QueryPerformanceCounter(&ticks);
    return (uint64_t)GetCurrentProcessId() << 32 | ticks.LowPart;
}

double process_clock_ms(void)
{
    LARGE_INTEGER ticks, rate;
    if (!QueryPerformanceCounter(&ticks) || !QueryPerformanceFrequency(&rate) || rate.QuadPart <= 0)
        return 0;
    return (double)ticks.QuadPart * 1e3 / (double)rate.QuadPart;
}

void process_sleep_ms(unsigned ms)
{
    Sleep(ms);
}

uint64_t process_machine_memory(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    return GlobalMemoryStatusEx(&status) ? status.ullTotalPhys : 0;
}
