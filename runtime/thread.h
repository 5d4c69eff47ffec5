/* A mutex for the parts of a device that threads share. POSIX or Win32: mingw and older Android lack C11 threads. */
#ifndef GVK_THREAD_H
#define GVK_THREAD_H

#include <stdbool.h>

#if defined(_WIN32)
#include <windows.h>
typedef SRWLOCK gvk_mutex;
static inline bool gvk_mutex_create(gvk_mutex *mutex)
{
    InitializeSRWLock(mutex);
    return true;
}
static inline void gvk_mutex_destroy(gvk_mutex *mutex)
{
    (void)mutex;
}
static inline void gvk_mutex_lock(gvk_mutex *mutex)
{
    AcquireSRWLockExclusive(mutex);
}
static inline void gvk_mutex_unlock(gvk_mutex *mutex)
{
    ReleaseSRWLockExclusive(mutex);
}
#else
#include <pthread.h>
typedef pthread_mutex_t gvk_mutex;
static inline bool gvk_mutex_create(gvk_mutex *mutex)
{
    return pthread_mutex_init(mutex, NULL) == 0;
}
static inline void gvk_mutex_destroy(gvk_mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}
static inline void gvk_mutex_lock(gvk_mutex *mutex)
{
    pthread_mutex_lock(mutex);
}
static inline void gvk_mutex_unlock(gvk_mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}
#endif

#endif
