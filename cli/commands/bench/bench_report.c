/* The results of `ghostvk bench`: a table for a person, JSON for a program. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "bench_report.h"

#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/host/device.h"

const char *const bench_stage_names[BENCH_STAGES] = {"resize", "network", "decode", "total"};

static int compare_numbers(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Between two samples the value lies on the line between them. */
static double percentile(const double *sorted, size_t count, double part)
{
    double at = part * (double)(count - 1);
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (sorted[above] - sorted[below]) * (at - (double)below);
}

struct bench_spread bench_spread_of(double *samples, size_t count)
{
    if (!count)
        return (struct bench_spread){NAN, NAN, NAN};
    qsort(samples, count, sizeof *samples, compare_numbers);
    return (struct bench_spread){percentile(samples, count, 0.5), percentile(samples, count, 0.05),
                                 percentile(samples, count, 0.95)};
}

/* Billions of operations a second in the network, a multiply-add being two. */
static double network_gflops(const struct bench *bench)
{
    return 2 * (double)bench->stream.macs / (bench->spreads[BENCH_NETWORK].median * 1e6);
}

/* ---- for a person ------------------------------------------------------------------------------------------------ */

static void print_cell(double ms)
{
    if (isfinite(ms))
        printf("%9.1f ms", ms);
    else
        printf("%12s", "-");
}

static void print_counts(const char *label, uint32_t dispatches, uint32_t barriers, uint32_t pipelines)
{
    printf("%-12s%" PRIu32 " dispatches, %" PRIu32 " barriers, %" PRIu32 " pipelines\n", label, dispatches, barriers,
           pipelines);
}

void bench_print(const struct bench *bench)
{
    const gvk_stream_info *stream = &bench->stream;
    printf("%-12s", "Device");
    print_text(stdout, bench->device.name);
    if (bench->queue != GVK_QUEUE_BEST)
        printf(", %s queue", queue_name(bench->queue));
    printf("\n%-12s", "Model");
    print_text(stdout, bench->model_name);
    printf(", %" PRIu32 " class%s, %" PRIu32 "x%" PRIu32 ", batch %" PRIu32 ", %s\n", bench->class_count,
           bench->class_count == 1 ? "" : "es", stream->width, stream->height, stream->batch,
           precision_name(stream->precision));
    printf("%-12s%" PRIu32 " frames of a %ux%u picture, after %u to warm up\n\n", "Measured", bench->runs,
           BENCH_PICTURE_WIDTH, BENCH_PICTURE_HEIGHT, BENCH_WARM_UP);

    printf("%-9s%12s%12s%12s\n", "", "median", "5 %", "95 %");
    for (int stage = 0; stage < BENCH_STAGES; stage++) {
        const struct bench_spread *spread = &bench->spreads[stage];
        printf("%-9s", bench_stage_names[stage]);
        print_cell(spread->median);
        print_cell(spread->p5);
        print_cell(spread->p95);
        putchar('\n');
    }

    printf("\n%-12s%.2f frames a second with %" PRIu32 " at once\n", "In flight", bench->frames_per_second,
           stream->frames);
    printf("%-12s%.2f billion multiply-adds", "Work", (double)stream->macs / 1e9);
    if (isfinite(network_gflops(bench)))
        printf(", %.1f GFLOP/s in the network", network_gflops(bench));
    putchar('\n');
    print_counts("Frame", stream->frame.dispatches, stream->frame.barriers, stream->pipelines);
    print_counts("Network", stream->network.dispatches, stream->network.barriers, stream->network_pipelines);
    printf("%-12sarena ", "Memory");
    print_bytes(stdout, stream->arena_bytes);
    fputs(", weights ", stdout);
    print_bytes(stdout, stream->weight_bytes);
    putchar('\n');
}

/* ---- for a program ----------------------------------------------------------------------------------------------- */

static void write_unsigned(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_unsigned(json, value);
}

/* What is behind the given digit is noise. */
static void write_rounded(struct json *json, const char *key, double value, double steps)
{
    json_key(json, key);
    json_double(json, round(value * steps) / steps);
}

static void write_counts(struct json *json, const gvk_recorded_counts *counts, uint32_t pipelines)
{
    write_unsigned(json, "dispatches", counts->dispatches);
    write_unsigned(json, "barriers", counts->barriers);
    write_unsigned(json, "pipelines", pipelines);
}

static void write_layers(struct json *json, const struct bench *bench)
{
    json_key(json, "layers");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t index = 0; index < bench->layer_count; index++) {
        const struct bench_layer *layer = &bench->layers[index];
        json_open_object(json, JSON_LINE);
        json_key(json, "name");
        json_quoted(json, layer->timing.name);
        json_key(json, "kernel");
        json_quoted(json, layer->timing.kernel);
        write_rounded(json, "ms", layer->median_ms, 1e4);
        write_unsigned(json, "macs", layer->timing.macs);
        write_unsigned(json, "bytes", layer->timing.bytes);
        json_close(json);
    }
    json_close(json);
}

void bench_write_json(const struct bench *bench, struct json *json)
{
    const gvk_stream_info *stream = &bench->stream;
    char size[32];
    snprintf(size, sizeof size, "%" PRIu32 "x%" PRIu32, stream->width, stream->height);
    json_open_object(json, JSON_BLOCK);
    json_key(json, "device");
    json_quoted(json, bench->device.name);
    json_key(json, "driver");
    json_quoted(json, bench->device.driver);
    json_key(json, "queue");
    json_quoted(json, queue_name(bench->queue));
    json_key(json, "model");
    json_quoted(json, bench->model_name);
    write_unsigned(json, "classes", bench->class_count);
    json_key(json, "size");
    json_quoted(json, size);
    write_unsigned(json, "batch", stream->batch);
    json_key(json, "precision");
    json_quoted(json, precision_name(stream->precision));
    write_unsigned(json, "runs", bench->runs);
    json_key(json, "ms");
    json_open_object(json, JSON_BLOCK);
    for (int stage = 0; stage < BENCH_STAGES; stage++) {
        json_key(json, bench_stage_names[stage]);
        json_open_object(json, JSON_LINE);
        write_rounded(json, "median", bench->spreads[stage].median, 1e3);
        write_rounded(json, "p5", bench->spreads[stage].p5, 1e3);
        write_rounded(json, "p95", bench->spreads[stage].p95, 1e3);
        json_close(json);
    }
    json_close(json);
    write_unsigned(json, "frames_in_flight", stream->frames);
    write_rounded(json, "fps_in_flight", bench->frames_per_second, 1e3);
    write_unsigned(json, "boxes", bench->box_count);
    write_counts(json, &stream->frame, stream->pipelines);
    json_key(json, "network");
    json_open_object(json, JSON_LINE);
    write_counts(json, &stream->network, stream->network_pipelines);
    json_close(json);
    write_unsigned(json, "arena_bytes", stream->arena_bytes);
    write_unsigned(json, "weight_bytes", stream->weight_bytes);
    write_unsigned(json, "macs", stream->macs);
    write_rounded(json, "gflops", network_gflops(bench), 1e2);
    if (bench->layer_count)
        write_layers(json, bench);
    json_close(json);
}
