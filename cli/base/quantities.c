/* See quantities.h. */
#include "quantities.h"

#include <math.h>
#include <stddef.h>

#include "cli/system/process.h"

double clock_ms(void)
{
    return process_clock_ms();
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
