/* See summary.h. */
#include "summary.h"

#include <stdio.h>

#include "cli/base/message.h"

static void print_line(const char *line)
{
    printf("  %s\n", line);
}

static void note_line(const char *line)
{
    say_kind("note: ", "%s", line);
}

static const char *name_counted(const struct run_summary *summary, size_t count)
{
    if (summary->frame_count && summary->picture_count)
        return "pictures and frames";
    if (summary->frame_count)
        return count == 1 ? "frame" : "frames";
    return count == 1 ? "picture" : "pictures";
}

void run_summary_print(const struct run_summary *summary, bool has_tables)
{
    char skipped[64] = "", line[192];
    size_t count = summary->picture_count + summary->frame_count;
    if (summary->ms <= 0)
        return;
    size_t skipped_count = atomic_load(&summary->skipped_count);
    if (skipped_count)
        snprintf(skipped, sizeof skipped, ", %zu done before", skipped_count);
    snprintf(line, sizeof line, "%zu %s, %zu failed%s, %.1f a second", count, name_counted(summary, count),
             summary->failed_count, skipped, (double)count * 1e3 / summary->ms);
    if (has_tables)
        printf("\n%s\n", line);
    else
        note_line(line);
    stage_times_print(&summary->times, has_tables ? print_line : note_line);
}

void run_summary_say_interrupted(const struct run_summary *summary)
{
    size_t count = summary->picture_count + summary->frame_count;
    say("interrupted after %zu %s", count, name_counted(summary, count));
}
