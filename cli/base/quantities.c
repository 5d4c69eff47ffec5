/* See quantities.h. */
#include "quantities.h"

#include <math.h>
#include <stddef.h>
#include <time.h>

double clock_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void print_ms(FILE *stream, const char *name, double ms)
{
    if (isfinite(ms))
        fprintf(stream, "%s %.1f ms", name, ms);
    else
        fprintf(stream, "%s -", name);
}

void print_bytes(FILE *stream, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    for (; amount >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        amount /= 1024;
    fprintf(stream, "%.1f %s", amount, units[unit]);
}
