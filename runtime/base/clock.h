/* The host's clock, for how long something took: it never goes back. */
#ifndef GVK_CLOCK_H
#define GVK_CLOCK_H

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
static inline double gvk_clock_ms(void)
{
    LARGE_INTEGER ticks, each_second;
    QueryPerformanceFrequency(&each_second);
    QueryPerformanceCounter(&ticks);
    return (double)ticks.QuadPart * 1e3 / (double)each_second.QuadPart;
}
#else
#include <time.h>
static inline double gvk_clock_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}
#endif

#endif
