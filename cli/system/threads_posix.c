/* See threads.h. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* which cores this process may use */
#endif

#include "threads.h"

#include <stddef.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif

static _Thread_local bool is_ours;

void mutex_lock(struct mutex *mutex)
{
    pthread_mutex_lock(&mutex->lock);
}

void mutex_unlock(struct mutex *mutex)
{
    pthread_mutex_unlock(&mutex->lock);
}

void condition_wait(struct condition *condition, struct mutex *mutex)
{
    pthread_cond_wait(&condition->variable, &mutex->lock);
}

void condition_wake_all(struct condition *condition)
{
    pthread_cond_broadcast(&condition->variable);
}

static void *run_thread(void *user)
{
    struct thread *thread = user;
    is_ours = true;
    thread->run(thread->user);
    return NULL;
}

bool thread_start(struct thread *thread, void (*run)(void *user), void *user)
{
    thread->run = run;
    thread->user = user;
    thread->is_started = pthread_create(&thread->handle, NULL, run_thread, thread) == 0;
    return thread->is_started;
}

void thread_join(struct thread *thread)
{
    if (thread->is_started)
        pthread_join(thread->handle, NULL);
    thread->is_started = false;
}

bool thread_is_ours(void)
{
    return is_ours;
}

unsigned thread_core_count(void)
{
#if defined(__linux__)
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 0)
        return (unsigned)CPU_COUNT(&cores);
#endif
#ifdef _SC_NPROCESSORS_ONLN
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count > 0)
        return (unsigned)count;
#endif
    return 1;
}
