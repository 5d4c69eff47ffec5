/* What a run over many pictures says in its end: how many there were, at what rate, and how long their stages took. */
#ifndef GHOSTVK_CLI_SUMMARY_H
#define GHOSTVK_CLI_SUMMARY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "stage_times.h"

struct run_summary {
    size_t picture_count, frame_count; /* that were reported, of videos the frames */
    size_t failed_count;               /* of both: what was looked for, or one of the outputs, is lacking */
    atomic_size_t skipped_count;       /* that were done before this run: counted and shown on different threads */
    double ms;                         /* of the run */
    struct stage_times times;
};

/* Behind the tables on standard output, or, without `has_tables`, where messages go. */
void run_summary_print(const struct run_summary *summary, bool has_tables);
/* Where messages go: how far the run came. */
void run_summary_say_interrupted(const struct run_summary *summary);

#endif
