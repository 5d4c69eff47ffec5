/* See progress.h. What is drawn is guarded by the lock of messages. */
#include "progress.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/quantities.h"
#include "cli/system/files.h"
#include "cli/system/process.h"

#define REDRAW_MS   100.0
#define LINE_MAX    200
#define BAR_MAX     40
#define BAR_MIN     8
#define STDOUT_FILE 1

static struct {
    bool is_on;
    bool shares;  /* standard output is written to the terminal, too */
    bool is_away; /* the line was cleared for that: it is drawn again at once */
    uint64_t total, done, skipped, failed;
    uint64_t first_done; /* at first_ms: the first picture, for which kernels are made, says nothing of the rate */
    double first_ms, drawn_ms;
    int drawn; /* characters of the line */
} progress;
static atomic_bool is_drawn;

static void clear(void)
{
    if (!progress.drawn)
        return;
    fprintf(stderr, "\r%*s\r", progress.drawn, "");
    fflush(stderr);
    progress.drawn = 0;
    atomic_store(&is_drawn, false);
}

static void put_time(char *text, size_t size, double seconds)
{
    uint64_t whole = seconds < 1e9 ? (uint64_t)(seconds + 0.5) : 1000000000u;
    if (whole >= 3600)
        snprintf(text, size, "%" PRIu64 ":%02u:%02u", whole / 3600, (unsigned)(whole / 60 % 60),
                 (unsigned)(whole % 60));
    else
        snprintf(text, size, "%" PRIu64 ":%02u", whole / 60, (unsigned)(whole % 60));
}

/* "[=====>    ]" with `width` characters inside. */
static void put_bar(char *text, int width, double share)
{
    int filled = (int)(share * width);
    text[0] = '[';
    for (int at = 0; at < width; at++)
        text[at + 1] = at < filled ? '=' : at == filled ? '>' : ' ';
    text[width + 1] = ']';
    text[width + 2] = 0;
}

static void draw(void *user)
{
    (void)user;
    double ms = clock_ms();
    unsigned columns = process_stderr_columns();
    if (!columns || (!progress.is_away && ms - progress.drawn_ms < REDRAW_MS))
        return;
    char count[64], bar[BAR_MAX + 3] = "", tail[96] = "", line[LINE_MAX + 1];
    uint64_t done = progress.done + progress.skipped;
    uint64_t total = progress.total >= done ? progress.total : 0; /* there are more than were counted */
    double rate = 0;
    if (progress.done > progress.first_done && ms > progress.first_ms)
        rate = (double)(progress.done - progress.first_done) * 1e3 / (ms - progress.first_ms);
    size_t used = 0;
    if (rate > 0)
        used += (size_t)snprintf(tail + used, sizeof tail - used, " %.1f/s", rate);
    if (rate > 0 && total) {
        char left[32];
        put_time(left, sizeof left, (double)(total - done) / rate);
        used += (size_t)snprintf(tail + used, sizeof tail - used, ", %s left", left);
    }
    if (progress.failed)
        snprintf(tail + used, sizeof tail - used, ", %" PRIu64 " failed", progress.failed);
    if (total)
        snprintf(count, sizeof count, "%" PRIu64 "/%" PRIu64, done, total);
    else
        snprintf(count, sizeof count, "%" PRIu64 " done", done);
    int room = (int)(columns < LINE_MAX ? columns : LINE_MAX) - 1; /* the last column would begin a new line */
    int bar_room = room - (int)strlen(count) - (int)strlen(tail) - 3;
    if (total && bar_room >= BAR_MIN)
        put_bar(bar, bar_room < BAR_MAX ? bar_room : BAR_MAX, (double)done / (double)total);
    int length = snprintf(line, sizeof line, "%s%s%s%s", count, *bar ? " " : "", bar, tail);
    length = length < room ? length : room;
    int rest = progress.drawn > length ? progress.drawn - length : 0; /* of a longer line before */
    rest = rest < room - length ? rest : room - length;
    fprintf(stderr, "\r%.*s%*s", length, line, rest, "");
    fflush(stderr);
    progress.drawn = length + rest;
    progress.drawn_ms = ms;
    progress.is_away = false;
    atomic_store(&is_drawn, true);
}

static void clear_between(void *user)
{
    (void)user;
    progress.is_away = progress.drawn != 0;
    clear();
}

bool progress_begin(bool uses_stdout)
{
    struct file_status status;
    memset(&progress, 0, sizeof progress);
    bool is_piped = uses_stdout && file_look_at_open(STDOUT_FILE, &status) && status.kind == FILE_PIPE;
    progress.shares = uses_stdout && process_stdout_is_terminal();
    progress.is_on = process_stderr_columns() > 0 && !is_piped;
    if (progress.is_on)
        message_clear_before(clear);
    return progress.is_on;
}

void progress_set_total(uint64_t total)
{
    progress.total = total;
}

void progress_show(uint64_t done, uint64_t skipped, uint64_t failed)
{
    if (!progress.is_on)
        return;
    if (done && !progress.first_done) {
        progress.first_done = done;
        progress.first_ms = clock_ms();
    }
    progress.done = done;
    progress.skipped = skipped;
    progress.failed = failed;
    message_between(draw, NULL);
}

void progress_clear(void)
{
    if (progress.is_on && progress.shares)
        message_between(clear_between, NULL);
}

void progress_end(void)
{
    if (progress.is_on)
        message_between(clear_between, NULL);
    if (progress.is_on)
        message_clear_before(NULL);
    progress.is_on = false;
}

void progress_abandon(void)
{
    if (atomic_load(&is_drawn))
        file_write_under(stderr, "\n", 1);
}
