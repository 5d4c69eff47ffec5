/* Threads of the program and what they wait with, alike on every system.
 *
 * A mutex or condition that is static or zeroed by its initializer needs no call to make or to end it. No thread locks
 * a mutex twice. A waiting thread may be woken without a reason, so each waits in a loop around what it waits for. */
#ifndef GHOSTVK_CLI_THREADS_H
#define GHOSTVK_CLI_THREADS_H

#include <stdbool.h>

#if defined(_WIN32)
struct mutex {
    void *lock; /* an SRWLOCK */
};
struct condition {
    void *variable; /* a CONDITION_VARIABLE */
};
struct thread {
    void *handle; /* NULL: none */
    void (*run)(void *user);
    void *user;
};
#define MUTEX_READY                                                                                                    \
    {                                                                                                                  \
        0                                                                                                              \
    }
#define CONDITION_READY                                                                                                \
    {                                                                                                                  \
        0                                                                                                              \
    }
#else
#include <pthread.h>
struct mutex {
    pthread_mutex_t lock;
};
struct condition {
    pthread_cond_t variable;
};
struct thread {
    pthread_t handle;
    bool is_started;
    void (*run)(void *user);
    void *user;
};
#define MUTEX_READY                                                                                                    \
    {                                                                                                                  \
        PTHREAD_MUTEX_INITIALIZER                                                                                      \
    }
#define CONDITION_READY                                                                                                \
    {                                                                                                                  \
        PTHREAD_COND_INITIALIZER                                                                                       \
    }
#endif

void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* Unlocks the mutex while it waits. */
void condition_wait(struct condition *condition, struct mutex *mutex);
void condition_wake_all(struct condition *condition);

/* `thread` must stay where it is until it is joined. False when the system gives no thread. */
bool thread_start(struct thread *thread, void (*run)(void *user), void *user);
/* Waits for its end. Accepts a zeroed one, and one that has been joined. */
void thread_join(struct thread *thread);
/* Whether the calling thread was made by thread_start. */
bool thread_is_ours(void);

/* How many threads run at once here, at least 1. */
unsigned thread_core_count(void);

#endif
