/* See stage_times.h. */
#include "stage_times.h"

#include <math.h>
#include <stdio.h>

#define LEAST_MS 1e-3
#define RATIO    1.02

static const char *const names[TIMED_STAGES] = {"load", "resize", "network", "decode", "save"};

void stage_times_add(struct stage_times *times, const double ms[TIMED_STAGES])
{
    for (int stage = 0; stage < TIMED_STAGES; stage++) {
        if (!times->has_first)
            times->stages[stage].first = ms[stage];
        if (!times->has_first || !isfinite(ms[stage]))
            continue;
        double place = ms[stage] > LEAST_MS ? log(ms[stage] / LEAST_MS) / log(RATIO) : 0;
        times->stages[stage].sum += ms[stage];
        times->stages[stage].count++;
        times->stages[stage].bins[place < STAGE_BINS - 1 ? (unsigned)place : STAGE_BINS - 1]++;
    }
    times->has_first = true;
}

double stage_times_quantile(const struct stage_times *times, enum timed_stage stage, double share)
{
    uint64_t count = times->stages[stage].count, before = 0;
    uint64_t rank = (uint64_t)ceil(share * (double)count);
    for (unsigned bin = 0; count && bin < STAGE_BINS; bin++) {
        before += times->stages[stage].bins[bin];
        if (before >= rank)
            return LEAST_MS * pow(RATIO, bin + 0.5);
    }
    return NAN;
}

static void put_number(char *text, size_t size, double ms)
{
    if (isfinite(ms))
        snprintf(text, size, "%.1f", ms);
    else
        snprintf(text, size, "-");
}

void stage_times_print(const struct stage_times *times, void (*put_line)(const char *line))
{
    char line[128];
    if (!times->stages[TIMED_LOAD].count && !times->stages[TIMED_SAVE].count)
        return;
    snprintf(line, sizeof line, "%-8s%10s%10s%10s%10s", "ms", "mean", "median", "95 %", "first");
    put_line(line);
    for (int stage = 0; stage < TIMED_STAGES; stage++) {
        char numbers[4][24];
        uint64_t count = times->stages[stage].count;
        if (stage == TIMED_SAVE && !count && !isfinite(times->stages[stage].first))
            continue; /* nothing was */
        put_number(numbers[0], sizeof numbers[0], count ? times->stages[stage].sum / (double)count : NAN);
        put_number(numbers[1], sizeof numbers[1], stage_times_quantile(times, (enum timed_stage)stage, 0.5));
        put_number(numbers[2], sizeof numbers[2], stage_times_quantile(times, (enum timed_stage)stage, 0.95));
        put_number(numbers[3], sizeof numbers[3], times->stages[stage].first);
        snprintf(line, sizeof line, "%-8s%10s%10s%10s%10s", names[stage], numbers[0], numbers[1], numbers[2],
                 numbers[3]);
        put_line(line);
    }
}
