/* `ghostvk bench --profile` and `--trace`: every dispatch of a frame, as a table and as a trace to look at. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "bench_layers.h"

#include "cli/base/text.h"

/* ---- the table --------------------------------------------------------------------------------------------------- */

static int compare_times(const void *left, const void *right)
{
    const struct bench_layer *a = *(const struct bench_layer *const *)left;
    const struct bench_layer *b = *(const struct bench_layer *const *)right;
    if (a->median_ms != b->median_ms)
        return a->median_ms < b->median_ms ? 1 : -1;
    return (a > b) - (a < b); /* as they ran */
}

/* `amount` in `ms`, as billions a second; 0 of it, or no time at all, is "-". */
static void print_rate(double amount, double ms)
{
    if (amount > 0 && ms > 0)
        printf("%9.1f", amount / (ms * 1e6));
    else
        printf("%9s", "-");
}

static void print_row(double ms, double share, uint64_t macs, uint64_t bytes)
{
    printf("%9.3f ms%7.1f %%", ms, share * 100);
    print_rate(2 * (double)macs, ms);
    print_rate((double)bytes, ms);
}

bool bench_print_layers(const struct bench *bench)
{
    const struct bench_layer **sorted = malloc((bench->layer_count ? bench->layer_count : 1) * sizeof *sorted);
    if (!sorted)
        return false;
    double total = 0;
    uint64_t macs = 0, bytes = 0;
    size_t widest = 0;
    for (uint32_t index = 0; index < bench->layer_count; index++) {
        const struct bench_layer *layer = sorted[index] = &bench->layers[index];
        size_t width = text_width(layer->timing.kernel);
        widest = width > widest ? width : widest;
        total += layer->median_ms;
        macs += layer->timing.macs;
        bytes += layer->timing.bytes;
    }
    qsort(sorted, bench->layer_count, sizeof *sorted, compare_times);
    printf("\n%12s%9s%9s%9s  ", "time", "share", "GFLOP/s", "GB/s");
    print_padded(stdout, "kernel", widest + 2);
    puts("layer");
    for (uint32_t index = 0; index < bench->layer_count; index++) {
        const struct bench_layer *layer = sorted[index];
        print_row(layer->median_ms, total > 0 ? layer->median_ms / total : 0, layer->timing.macs, layer->timing.bytes);
        fputs("  ", stdout);
        print_padded(stdout, layer->timing.kernel, widest + 2);
        print_text(stdout, layer->timing.name);
        putchar('\n');
    }
    print_row(total, 1, macs, bytes);
    fputs("  ", stdout);
    print_padded(stdout, "", widest + 2);
    printf("total of %" PRIu32 " dispatches, one after another\n", bench->layer_count);
    free(sorted);
    return true;
}

/* ---- the trace --------------------------------------------------------------------------------------------------- */

enum track { TRACK_STAGES = 1, TRACK_DISPATCHES };

static void begin_event(struct json *json, const char *name, const char *phase, enum track track)
{
    json_open_object(json, JSON_LINE);
    json_key(json, "name");
    json_quoted(json, name);
    json_key(json, "ph");
    json_quoted(json, phase);
    json_key(json, "pid");
    json_unsigned(json, 1);
    json_key(json, "tid");
    json_unsigned(json, track);
}

/* Names the process (track 0) or a track. */
static void write_name(struct json *json, const char *kind, enum track track, const char *name)
{
    begin_event(json, kind, "M", track);
    json_key(json, "args");
    json_open_object(json, JSON_LINE);
    json_key(json, "name");
    json_quoted(json, name);
    json_close(json);
    json_close(json);
}

/* Microseconds, to the nanosecond. */
static void write_microseconds(struct json *json, const char *key, double ms)
{
    json_key(json, key);
    json_double(json, round(ms * 1e6) / 1e3);
}

static void begin_span(struct json *json, const char *name, enum track track, double start_ms, double ms)
{
    begin_event(json, name, "X", track);
    write_microseconds(json, "ts", start_ms);
    write_microseconds(json, "dur", ms);
}

void bench_write_trace(const struct bench *bench, struct json *json)
{
    json_open_object(json, JSON_BLOCK);
    json_key(json, "displayTimeUnit");
    json_quoted(json, "ms");
    json_key(json, "traceEvents");
    json_open_array(json, JSON_BLOCK);
    write_name(json, "process_name", TRACK_STAGES, bench->device.name);
    write_name(json, "thread_name", TRACK_STAGES, "stages");
    write_name(json, "thread_name", TRACK_DISPATCHES, "dispatches");
    double start_ms = 0;
    for (int stage = 0; stage < BENCH_TOTAL; stage++) {
        double ms = bench->traced_ms[stage];
        if (!isfinite(ms))
            continue;
        begin_span(json, bench_stage_names[stage], TRACK_STAGES, start_ms, ms);
        json_close(json);
        start_ms += ms;
    }
    for (uint32_t index = 0; index < bench->layer_count; index++) {
        const gvk_layer_timing *timing = &bench->layers[index].timing;
        begin_span(json, timing->name, TRACK_DISPATCHES, timing->start_ms, timing->ms);
        json_key(json, "args");
        json_open_object(json, JSON_LINE);
        json_key(json, "kernel");
        json_quoted(json, timing->kernel);
        json_key(json, "macs");
        json_unsigned(json, timing->macs);
        json_key(json, "bytes");
        json_unsigned(json, timing->bytes);
        json_close(json);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}
