/* A mutex for the parts of a device that threads share, and threads that live during a call. POSIX or Win32: mingw and
 * older Android lack C11 threads. */
#ifndef GVK_THREAD_H
#define GVK_THREAD_H

#include <stdbool.h>

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN /* or it brings sockets, and names such as send */
#endif
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
/* `run` is called with `user` on another thread; false when there can be none. */
struct gvk_thread {
    HANDLE handle;
    void (*run)(void *user);
    void *user;
};
static DWORD WINAPI gvk_thread_enter(LPVOID argument)
{
    struct gvk_thread *thread = argument;
    thread->run(thread->user);
    return 0;
}
static inline bool gvk_thread_start(struct gvk_thread *thread)
{
    thread->handle = CreateThread(NULL, 0, gvk_thread_enter, thread, 0, NULL);
    return thread->handle != NULL;
}
static inline void gvk_thread_join(struct gvk_thread *thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
}
static inline unsigned gvk_processor_count(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwNumberOfProcessors;
}
#else
#include <pthread.h>
#include <unistd.h>
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
/* `run` is called with `user` on another thread; false when there can be none. */
struct gvk_thread {
    pthread_t handle;
    void (*run)(void *user);
    void *user;
};
static inline void *gvk_thread_enter(void *argument)
{
    struct gvk_thread *thread = argument;
    thread->run(thread->user);
    return NULL;
}
static inline bool gvk_thread_start(struct gvk_thread *thread)
{
    return pthread_create(&thread->handle, NULL, gvk_thread_enter, thread) == 0;
}
static inline void gvk_thread_join(struct gvk_thread *thread)
{
    pthread_join(thread->handle, NULL);
}
static inline unsigned gvk_processor_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}
#endif

#endif
