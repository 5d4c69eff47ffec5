/* See threads.h. */
#include "threads.h"

#include <stddef.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

_Static_assert(sizeof(SRWLOCK) == sizeof(struct mutex), "a lock is a pointer");
_Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(struct condition), "a condition is a pointer");

static _Thread_local bool is_ours;

void mutex_lock(struct mutex *mutex)
{
    AcquireSRWLockExclusive((PSRWLOCK)&mutex->lock);
}

void mutex_unlock(struct mutex *mutex)
{
    ReleaseSRWLockExclusive((PSRWLOCK)&mutex->lock);
}

void condition_wait(struct condition *condition, struct mutex *mutex)
{
    SleepConditionVariableSRW((PCONDITION_VARIABLE)&condition->variable, (PSRWLOCK)&mutex->lock, INFINITE, 0);
}

void condition_wake_all(struct condition *condition)
{
    WakeAllConditionVariable((PCONDITION_VARIABLE)&condition->variable);
}

static DWORD WINAPI run_thread(void *user)
{
    struct thread *thread = user;
    is_ours = true;
    thread->run(thread->user);
    return 0;
}

bool thread_start(struct thread *thread, void (*run)(void *user), void *user)
{
    thread->run = run;
    thread->user = user;
    thread->handle = CreateThread(NULL, 0, run_thread, thread, 0, NULL);
    return thread->handle != NULL;
}

void thread_join(struct thread *thread)
{
    if (!thread->handle)
        return;
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    thread->handle = NULL;
}

bool thread_is_ours(void)
{
    return is_ours;
}

unsigned thread_core_count(void)
{
    SYSTEM_INFO information;
    GetSystemInfo(&information);
    return information.dwNumberOfProcessors ? (unsigned)information.dwNumberOfProcessors : 1;
}
