/* See flow.h. The steps of the pipeline: which thread runs each of them, pipeline.h says. */
#include "flow.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/files/not_finite.h"
#include "cli/pipeline/frame_result.h"
#include "cli/pipeline/pipeline.h"
#include "cli/pipeline/progress.h"
#include "cli/system/process.h"

/* A picture or frame under way. */
struct item {
    struct frame frame;
    uint32_t width, height; /* of the picture, which is gone when its middle is cut out */
    float *planes;          /* the network's input */
    gvk_ticket ticket;
    double submitted_ms; /* by the clock */
    double ms[RESULT_STAGES];
    struct ranked_class *ranked;
    uint32_t count;
};

struct flow {
    struct classify_work *work;
    struct source *source;
    int outcome;           /* of the device */
    atomic_bool is_broken; /* outputs or the device: nothing more is to be named */
};

static bool is_stopped(void *user)
{
    struct flow *flow = user;
    return process_is_interrupted() || atomic_load(&flow->is_broken);
}

static struct picture_result result_of(const struct item *item)
{
    struct picture_result result = frame_result(&item->frame, item->ms);
    result.width = item->width;
    result.height = item->height;
    result.ranked = item->ranked;
    result.count = item->count;
    return result;
}

static void release(struct item *item)
{
    frame_release(&item->frame);
    free(item->planes);
    free(item->ranked);
    *item = (struct item){.count = 0};
}

static void drop(void *user, void *place)
{
    (void)user;
    release(place);
}

/* ---- naming and loading ------------------------------------------------------------------------------------------ */

static bool name_next(void *user, void *place)
{
    struct flow *flow = user;
    struct item *item = place;
    for (;;) {
        if (!source_next(flow->source, &item->frame))
            return false;
        for (int stage = 0; stage < RESULT_STAGES; stage++)
            item->ms[stage] = NAN;
        const struct picture_result result = result_of(item);
        if (!results_have(flow->work->results, &result))
            return true;
        flow->work->summary.skipped_count++;
        release(item);
    }
}

struct loading {
    struct pipeline *pipeline;
    struct item *item;
    bool has_reserved;
};

/* Of a picture only the cut is kept, but it is there as a whole first; a decoder may ask twice. */
static bool accept(void *user, uint32_t width, uint32_t height, char *message, size_t message_size)
{
    struct loading *loading = user;
    (void)message, (void)message_size;
    if (!loading->has_reserved)
        pipeline_reserve(loading->pipeline, loading->item, (uint64_t)width * height * 3);
    loading->has_reserved = true;
    return true;
}

/* Scaled, cut and normalised here, because the device's resize does for detectors only. */
static void load(void *user, void *place, struct pipeline *pipeline)
{
    const struct classify_work *work = ((struct flow *)user)->work;
    struct item *item = place;
    struct loading loading = {.pipeline = pipeline, .item = item};
    const struct image_choice choice = {
        .ignore_orientation = work->request->ignore_orientation, .accept = accept, .user = &loading};
    frame_load(&item->frame, &choice);
    item->ms[RESULT_LOAD] = item->frame.load_ms;
    if (item->frame.is_failed)
        return;
    double start = clock_ms();
    struct image *image = &item->frame.image;
    const struct rgb_picture picture = {.pixels = image->pixels, .width = image->width, .height = image->height};
    item->width = image->width;
    item->height = image->height;
    item->planes = malloc((size_t)3 * work->cut.width * work->cut.height * sizeof *item->planes);
    if (!item->planes || !classifier_input(&picture, &work->cut, item->planes))
        frame_fail(&item->frame, "needs more memory than there is");
    image_release(image);
    item->ms[RESULT_RESIZE] = clock_ms() - start;
}

static void finish(void *user, void *place)
{
    (void)user, (void)place;
}

/* ---- computing --------------------------------------------------------------------------------------------------- */

static gvk_picture picture_of(const struct classify_work *work, const struct item *item)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .kind = GVK_PICTURE_TENSOR,
        .width = work->cut.width,
        .height = work->cut.height,
        .pixels = item->planes,
    };
}

/* Whether others may still be tried. */
static bool take_failure(struct flow *flow, struct item *item, gvk_result result)
{
    if (frame_take_failure(flow->work->program, &item->frame, result))
        return true;
    flow->outcome = OUTCOME_DEVICE_FAILED;
    atomic_store(&flow->is_broken, true);
    return false;
}

static enum pipeline_submitted submit(void *user, void *place)
{
    struct flow *flow = user;
    struct item *item = place;
    if (item->frame.is_failed)
        return PIPELINE_PASSED;
    const gvk_picture picture = picture_of(flow->work, item);
    item->submitted_ms = clock_ms();
    gvk_result result = gvk_stream_submit(flow->work->stream, &picture, sizeof(gvk_picture), 1, &item->ticket);
    if (result)
        return take_failure(flow, item, result) ? PIPELINE_PASSED : PIPELINE_FAILED;
    return PIPELINE_SUBMITTED;
}

static bool collect(void *user, void *place)
{
    struct flow *flow = user;
    struct classify_work *work = flow->work;
    struct item *item = place;
    gvk_array logits;
    gvk_result result = gvk_stream_wait(work->stream, item->ticket, UINT64_MAX);
    if (!result) {
        read_stage_times(work->stream, item->ticket, &result_stage_names[RESULT_NETWORK], 1, &item->ms[RESULT_NETWORK]);
        result = gvk_stream_read(work->stream, item->ticket, "logits", &logits);
    }
    if (result == GVK_ERROR_NUMBER) {
        const gvk_picture picture = picture_of(work, item);
        explain_not_finite(work->program, work->weights, &picture, 1, work->cut.width, work->cut.height);
    }
    if (result)
        return take_failure(flow, item, result);
    item->ranked = calloc(work->request->top, sizeof *item->ranked);
    if (!item->ranked)
        return take_failure(flow, item, GVK_ERROR_HOST_MEMORY);
    double start = clock_ms();
    item->count = rank_classes(logits.data, work->model.info.class_count, work->request->top, item->ranked);
    item->ms[RESULT_DECODE] = clock_ms() - start;
    item->ms[RESULT_TOTAL] = item->ms[RESULT_LOAD] + item->ms[RESULT_RESIZE] + clock_ms() - item->submitted_ms;
    return true;
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static void print_table(const struct picture_result *result, const char *const *names)
{
    putchar('\n');
    print_text(stdout, result->path);
    if (result->frame >= 0)
        printf("  frame %" PRId64, result->frame);
    printf("  %" PRIu32 "x%" PRIu32 "\n", result->width, result->height);
    size_t widest = strlen("class");
    for (size_t place = 0; place < result->count; place++) {
        size_t width = text_width(names[result->ranked[place].class_id]);
        widest = width > widest ? width : widest;
    }
    fputs("  ", stdout);
    print_padded(stdout, "class", widest);
    puts("  score     id");
    for (size_t place = 0; place < result->count; place++) {
        fputs("  ", stdout);
        print_padded(stdout, names[result->ranked[place].class_id], widest);
        printf("  %.3f  %5" PRIu32 "\n", result->ranked[place].score, result->ranked[place].class_id);
    }
    for (int stage = 0; stage < RESULT_STAGES; stage++) {
        fputs(stage ? ", " : "  ", stdout);
        print_ms(stdout, result_stage_names[stage], result->ms[stage]);
    }
    putchar('\n');
}

static bool report(void *user, void *place)
{
    struct flow *flow = user;
    struct classify_work *work = flow->work;
    struct item *item = place;
    const struct picture_result result = result_of(item);
    if (result.error)
        say("%s: %s", result.path, result.error);
    progress_clear();
    double start = clock_ms();
    enum results_state state = results_add(work->results, &result);
    if (!result.error) {
        bool is_saved = results_write_anything(&work->request->results);
        const double ms[TIMED_STAGES] = {item->ms[RESULT_LOAD], item->ms[RESULT_RESIZE], item->ms[RESULT_NETWORK],
                                         item->ms[RESULT_DECODE], is_saved ? clock_ms() - start : (double)NAN};
        stage_times_add(&work->summary.times, ms);
    }
    if (!result.error && work->has_tables) {
        print_table(&result, work->names);
        fflush(stdout); /* a picture's results are seen when they are there; a failure is noticed at the end */
    }
    work->summary.picture_count += !item->frame.is_video;
    work->summary.frame_count += item->frame.is_video;
    work->summary.failed_count += result.error || state != RESULTS_WRITTEN;
    progress_show(work->summary.picture_count + work->summary.frame_count, work->summary.skipped_count,
                  work->summary.failed_count);
    release(item);
    if (state == RESULTS_BROKEN)
        atomic_store(&flow->is_broken, true);
    return state != RESULTS_BROKEN;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

int classify_run(struct classify_work *work)
{
    const struct classify_request *request = work->request;
    struct flow flow = {.work = work, .outcome = OUTCOME_DONE};
    struct source_choice choice = request->source;
    choice.is_stopped = is_stopped;
    choice.user = &flow;
    flow.source = source_open(request->pictures.words, request->pictures.count, &choice);
    if (!flow.source)
        return refuse_memory();
    const struct pipeline_steps steps = {
        .user = &flow,
        .next = name_next,
        .load = load,
        .finish = finish,
        .submit = submit,
        .collect = collect,
        .report = report,
        .drop = drop,
    };
    const struct pipeline_size size = {
        .item_bytes = sizeof(struct item), .threads = request->threads, .under_way = work->under_way};
    process_keep_interrupts(true);
    bool uses_stdout = work->has_tables || results_use_stdout(&request->results);
    uint64_t total = request->quiet || !progress_begin(uses_stdout)
                         ? 0
                         : source_count(request->pictures.words, request->pictures.count, &choice);
    progress_set_total(total);
    enum pipeline_outcome came = pipeline_run(&steps, &size);
    progress_end();
    process_keep_interrupts(false);
    work->is_interrupted = process_is_interrupted();
    source_close(flow.source);
    return came == PIPELINE_NO_MEMORY ? refuse_memory() : flow.outcome;
}
