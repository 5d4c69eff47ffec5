/* The times of a run's stages, of any number of pictures in a fixed amount of memory: means are exact, medians and
 * percentiles are read from a logarithmic histogram and within 1 % of the time that they stand for. The first picture,
 * for which kernels are made and memory is laid out, is kept apart. */
#ifndef GHOSTVK_CLI_STAGE_TIMES_H
#define GHOSTVK_CLI_STAGE_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum timed_stage { TIMED_LOAD, TIMED_RESIZE, TIMED_NETWORK, TIMED_DECODE, TIMED_SAVE, TIMED_STAGES };

#define STAGE_BINS 1200u /* of 2 % each, from 1 us on */

struct stage_times {
    struct {
        double first, sum;
        uint64_t count;
        uint32_t bins[STAGE_BINS];
    } stages[TIMED_STAGES];
    bool has_first;
};

/* A time that is not a number is left out: of saving it says that nothing was saved. Accepts a zeroed struct. */
void stage_times_add(struct stage_times *times, const double ms[TIMED_STAGES]);
/* The time below which `share` of those behind the first are; NaN where there are none. */
double stage_times_quantile(const struct stage_times *times, enum timed_stage stage, double share);
/* A table, line by line; nothing where there was one picture at most. */
void stage_times_print(const struct stage_times *times, void (*put_line)(const char *line));

#endif
