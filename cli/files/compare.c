/* Layer by layer: where a device or driver first goes wrong. */
#include "compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/text.h"
#include "cli/host/device.h"

#define TOLERANCE      1e-4
#define TOLERANCE_HALF 2e-2

/* A path over the graph with every tensor kept, and the frame that it computed. */
struct path {
    gvk_model *model;
    gvk_stream *stream;
    gvk_ticket ticket;
};

static gvk_result run_path(gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                           const gvk_stream_params *params, const gvk_picture *pictures, struct path *path)
{
    gvk_result result = path->model ? GVK_OK : gvk_model_create(device, graph, model, &path->model);
    if (!result)
        result = gvk_stream_create(path->model, params, &path->stream);
    if (!result)
        result = gvk_stream_submit(path->stream, pictures, sizeof(gvk_picture), params->batch, &path->ticket);
    return result ? result : gvk_stream_wait(path->stream, path->ticket, UINT64_MAX);
}

static void release_path(struct path *path)
{
    gvk_stream_destroy(path->stream);
    gvk_model_destroy(path->model);
}

/* The largest difference over the largest magnitude of the reference. */
static double relative_difference(const float *fast, const float *reference, uint64_t count)
{
    double largest = 0, worst = 0;
    for (uint64_t index = 0; index < count; index++) {
        largest = fmax(largest, fabs((double)reference[index]));
        worst = fmax(worst, fabs((double)fast[index] - (double)reference[index]));
    }
    return largest > 0 ? worst / largest : worst;
}

static int compare_tensor(struct program *program, struct path *fast, struct path *reference, const char *name,
                          double allowed, double *worst)
{
    gvk_array left, right;
    gvk_result result = gvk_stream_read(fast->stream, fast->ticket, name, &left);
    if (result)
        return report_failure(program, "fast path", result);
    result = gvk_stream_read(reference->stream, reference->ticket, name, &right);
    if (result)
        return report_failure(program, "reference path", result);
    uint64_t count = left.bytes / sizeof(float);
    double difference = relative_difference(left.data, right.data, count);
    *worst = fmax(*worst, difference);
    fputs("  ", stdout);
    print_padded(stdout, name, 52);
    printf("  %5" PRIu64 " x %4" PRIu64 " x %4" PRIu64 "  %8.1e%s\n", left.shape[1], left.shape[2], left.shape[3],
           difference, difference > allowed ? "  DIFFERS" : "");
    return OUTCOME_DONE;
}

int compare_paths(struct program *program, gvk_device *device, const gvk_graph *graph, gvk_precision precision,
                  const gvk_picture *pictures, uint32_t batch, uint32_t width, uint32_t height)
{
    struct path fast = {0}, reference = {0};
    const char **names = NULL;
    uint32_t count = 0;
    int outcome = OUTCOME_DONE;
    double worst = 0, allowed = TOLERANCE;
    gvk_model_params all = {
        .size = sizeof all, .precision = precision, .width = width, .height = height, .batch = batch};
    gvk_model_params none = {.size = sizeof none, .rewrites_off = GVK_REWRITE_ALL}; /* always in fp32 */
    gvk_result result = gvk_model_create(device, graph, &all, &fast.model);
    if (!result)
        result = gvk_model_tensors(fast.model, NULL, &count);
    if (result)
        goto done;
    names = calloc(count ? count : 1, sizeof *names);
    if (!names) {
        outcome = refuse_memory();
        goto done;
    }
    result = gvk_model_tensors(fast.model, names, &count);
    gvk_stream_params params = {
        .size = sizeof params,
        .width = width,
        .height = height,
        .batch = batch,
        .kept_tensors = names,
        .kept_count = count,
    };
    if (!result)
        result = run_path(device, graph, &all, &params, pictures, &fast);
    if (!result)
        result = run_path(device, graph, &none, &params, pictures, &reference);
    if (!result && precision_of(fast.stream) == GVK_PRECISION_FP16)
        allowed = TOLERANCE_HALF;
    for (uint32_t index = 0; index < count && !result && outcome == OUTCOME_DONE; index++)
        outcome = compare_tensor(program, &fast, &reference, names[index], allowed, &worst);
    if (!result && outcome == OUTCOME_DONE) {
        printf("%u tensors, worst difference %.1e of a tensor's largest magnitude (allowed %.0e)\n", count, worst,
               allowed);
        outcome = worst > allowed ? OUTCOME_SOME_FAILED : OUTCOME_DONE;
    }
done:
    if (result)
        outcome = report_failure(program, NULL, result);
    release_path(&fast);
    release_path(&reference);
    free(names);
    return outcome;
}
