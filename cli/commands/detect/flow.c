/* See flow.h. The steps of the pipeline: which thread runs each of them, pipeline.h says. */
#include "flow.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/quantities.h"
#include "cli/files/not_finite.h"
#include "cli/pictures/image_io.h"
#include "cli/pipeline/frame_result.h"
#include "cli/pipeline/pipeline.h"
#include "cli/pipeline/progress.h"
#include "cli/system/process.h"
#include "cli/video/tracking.h"
#include "film.h"
#include "table.h"

/* A picture or frame under way. */
struct item {
    struct frame frame;
    gvk_ticket ticket;
    double submitted_ms; /* by the clock */
    double ms[RESULT_STAGES];
    double save_ms; /* for drawing and writing */
    struct found *found;
    size_t count;
    char *drawn;                       /* where it is drawn to; NULL: nowhere */
    struct image drawn_image;          /* with the boxes, where frame.image must stay as it is; else empty */
    bool is_drawn;                     /* of a picture: written; of a frame: drawn on, and to be added to its film */
    bool is_kept;                      /* its results were there before this run */
    char draw_error[FRAME_ERROR_SIZE]; /* why it is not drawn; empty: nothing went wrong */
};

struct flow {
    struct work *work;
    struct source *source;
    int outcome;           /* of the device */
    atomic_bool is_broken; /* outputs or the device: nothing more is to be named */
    /* Of naming. */
    uint32_t video;                     /* whose drawing was asked for last */
    char video_error[FRAME_ERROR_SIZE]; /* why it is not drawn */
    /* Of computing. */
    struct tracking *tracking; /* of the video `tracked`; NULL: none */
    uint32_t tracked;
    /* Of reporting. */
    struct film film;
};

static bool is_stopped(void *user)
{
    struct flow *flow = user;
    return process_is_interrupted() || atomic_load(&flow->is_broken);
}

/* ---- naming ------------------------------------------------------------------------------------------------------ */

static struct picture_result result_of(const struct item *item)
{
    struct picture_result result = frame_result(&item->frame, item->ms);
    result.found = item->found;
    result.count = item->count;
    result.image = item->frame.image.pixels ? &item->frame.image : NULL;
    return result;
}

/* A picture, or a video as a whole, whose drawing a run before has made: that is all there is to be done, unless lines
 * say more. */
static bool is_drawn_already(void *user, const char *path, const char *relative, bool is_video)
{
    const struct flow *flow = user;
    const struct detect_request *request = flow->work->request;
    const struct results_choice *choice = &request->results;
    if (!choice->resume || choice->lines || choice->yolo || choice->family || !request->output)
        return false;
    char *drawn = name_drawn(request->output, request->into_folder, path, relative, is_video);
    bool is_there = drawn && drawing_is_there(drawn);
    free(drawn);
    flow->work->summary.skipped_count += is_there;
    return is_there;
}

static void name_output(struct flow *flow, struct item *item)
{
    struct work *work = flow->work;
    const struct detect_request *request = work->request;
    const struct frame *frame = &item->frame;
    if (!request->output || frame->is_failed)
        return;
    item->drawn = name_drawn(request->output, request->into_folder, frame->path, frame->relative, frame->is_video);
    if (!item->drawn) {
        snprintf(item->draw_error, sizeof item->draw_error, "needs more memory than there is");
    } else if (!frame->is_video) {
        drawing_take(&work->drawing, item->drawn, item->draw_error, sizeof item->draw_error);
    } else if (frame->video != flow->video) { /* one file for all frames */
        flow->video = frame->video;
        flow->video_error[0] = 0;
        if (drawing_take(&work->drawing, item->drawn, flow->video_error, sizeof flow->video_error))
            drawing_prepare(&work->drawing, frame->path, item->drawn, flow->video_error, sizeof flow->video_error);
        memcpy(item->draw_error, flow->video_error, sizeof item->draw_error); /* said once */
    } else if (flow->video_error[0]) {
        free(item->drawn);
        item->drawn = NULL;
    }
}

/* Whether a run before has done it. A picture's line is written when all else of it is there, so that lines decide
 * alone where there are any. A frame may be wanted again: its video is drawn from all of them, and so are tracks. */
static bool is_done(const struct work *work, struct item *item)
{
    const struct detect_request *request = work->request;
    const struct results_choice *choice = &request->results;
    const struct picture_result result = result_of(item);
    if (!choice->resume || item->frame.is_failed)
        return false;
    bool has_lines_or_texts = choice->lines || choice->yolo || choice->family;
    item->is_kept = has_lines_or_texts && results_have(work->results, &result);
    bool is_there = item->drawn && drawing_is_there(item->drawn);
    if (is_there && item->frame.is_video) {
        free(item->drawn);
        item->drawn = NULL;
    }
    if (item->frame.is_video)
        return item->is_kept && !item->drawn && !request->track;
    if (choice->lines || !item->drawn)
        return item->is_kept;
    return is_there && (!has_lines_or_texts || item->is_kept);
}

static void release(struct item *item)
{
    frame_release(&item->frame);
    free(item->found);
    free(item->drawn);
    image_release(&item->drawn_image);
    *item = (struct item){0};
}

static bool name_next(void *user, void *place)
{
    struct flow *flow = user;
    struct item *item = place;
    while (source_next(flow->source, &item->frame)) {
        for (int stage = 0; stage < RESULT_STAGES; stage++)
            item->ms[stage] = NAN;
        name_output(flow, item);
        if (!is_done(flow->work, item))
            return true;
        flow->work->summary.skipped_count++;
        release(item);
    }
    return false;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

struct loading {
    struct work *work;
    struct pipeline *pipeline;
    struct item *item;
    bool has_reserved;
};

/* Pixels are kept until they are drawn on; a decoder may ask twice. */
static bool accept(void *user, uint32_t width, uint32_t height, char *message, size_t message_size)
{
    struct loading *loading = user;
    if (!picture_fits(&loading->work->fit, width, height, message, message_size))
        return false;
    if (!loading->has_reserved)
        pipeline_reserve(loading->pipeline, loading->item, (uint64_t)width * height * 3);
    loading->has_reserved = true;
    return true;
}

static void load(void *user, void *place, struct pipeline *pipeline)
{
    struct flow *flow = user;
    struct item *item = place;
    struct loading loading = {.work = flow->work, .pipeline = pipeline, .item = item};
    const struct image_choice choice = {
        .ignore_orientation = flow->work->request->ignore_orientation, .accept = accept, .user = &loading};
    if (item->frame.image.pixels)
        pipeline_reserve(pipeline, item, (uint64_t)item->frame.image.width * item->frame.image.height * 3);
    frame_load(&item->frame, &choice);
    item->ms[RESULT_LOAD] = item->frame.load_ms;
}

/* ---- computing --------------------------------------------------------------------------------------------------- */

static gvk_picture picture_of(const struct work *work, const struct item *item)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .kind = GVK_PICTURE_PIXELS,
        .format = GVK_PIXELS_RGB8,
        .width = item->frame.image.width,
        .height = item->frame.image.height,
        .pixels = item->frame.image.pixels,
        .letterbox = work->fit.letterbox,
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

/* Frames come in order here. Objects are followed by what of them is in the frame, whatever else is written. False when
 * nothing more can be computed. */
static bool follow(struct flow *flow, struct item *item)
{
    const struct frame *frame = &item->frame;
    uint32_t count = (uint32_t)item->count;
    if (!flow->tracking) {
        const struct video_info *info = &frame->info;
        flow->tracking = tracking_create((double)info->rate_denominator / info->rate_numerator);
        flow->tracked = frame->video;
    }
    if (flow->tracked != frame->video)
        tracking_reset(flow->tracking);
    flow->tracked = frame->video;
    uint64_t *ids = calloc(count ? count : 1, sizeof *ids);
    gvk_detection *boxes = calloc(count ? count : 1, sizeof *boxes);
    if (!flow->tracking || !ids || !boxes) {
        free(ids);
        free(boxes);
        return take_failure(flow, item, GVK_ERROR_HOST_MEMORY);
    }
    for (uint32_t index = 0; index < count; index++) {
        boxes[index] = item->found[index].box;
        box_clip(&item->found[index].box, frame->image.width, frame->image.height, boxes[index].box);
    }
    if (tracking_update(flow->tracking, boxes, count, frame->seconds, ids) == GVK_OK)
        for (uint32_t index = 0; index < count; index++)
            item->found[index].track = ids[index];
    free(ids);
    free(boxes);
    return true;
}

static bool collect(void *user, void *place)
{
    struct flow *flow = user;
    struct work *work = flow->work;
    struct item *item = place;
    const gvk_detection *boxes = NULL;
    uint32_t count = 0;
    gvk_result result = gvk_stream_wait(work->stream, item->ticket, UINT64_MAX);
    if (!result) {
        read_stage_times(work->stream, item->ticket, &result_stage_names[RESULT_RESIZE],
                         RESULT_DECODE - RESULT_RESIZE + 1, &item->ms[RESULT_RESIZE]);
        result = gvk_detector_read(work->stream, item->ticket, &boxes, sizeof(gvk_detection), &count);
    }
    if (result == GVK_ERROR_NUMBER) {
        const gvk_picture picture = picture_of(work, item);
        explain_not_finite(work->program, work->weights, &picture, 1, work->fit.width, work->fit.height);
    }
    if (result)
        return take_failure(flow, item, result);
    item->ms[RESULT_TOTAL] = item->ms[RESULT_LOAD] + clock_ms() - item->submitted_ms;
    item->found = calloc(count ? count : 1, sizeof *item->found);
    if (!item->found)
        return take_failure(flow, item, GVK_ERROR_HOST_MEMORY);
    for (uint32_t index = 0; index < count; index++)
        item->found[index].box = boxes[index];
    item->count = count;
    return !work->request->track || !item->frame.is_video || follow(flow, item);
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

/* Crops are cut later, from the picture without anything drawn on it. */
static void finish(void *user, void *place)
{
    struct flow *flow = user;
    struct drawing *drawing = &flow->work->drawing;
    struct item *item = place;
    struct image *image = &item->frame.image;
    char *message = item->draw_error;
    const size_t size = sizeof item->draw_error;
    if (item->frame.is_failed || !item->drawn || item->draw_error[0])
        return;
    double start = clock_ms();
    if (flow->work->request->results.crops) {
        if (!image_create(image->width, image->height, &item->drawn_image, message, size))
            return;
        memcpy(item->drawn_image.pixels, image->pixels, (size_t)image->width * image->height * 3);
        image = &item->drawn_image;
    }
    item->is_drawn = drawing_boxes(drawing, image, item->found, item->count, message, size);
    if (!item->frame.is_video) {
        item->is_drawn = item->is_drawn && drawing_prepare(drawing, item->frame.path, item->drawn, message, size) &&
                         image_write(item->drawn, image, message, size);
        image_release(&item->drawn_image);
    }
    item->save_ms = clock_ms() - start;
}

static void drop(void *user, void *place)
{
    (void)user;
    release(place);
}

/* A lone video says itself how many frames it has. */
static void show_progress(const struct work *work, const struct frame *frame)
{
    if (work->request->is_single && frame->is_video)
        progress_set_total(frame->info.frame_count);
    progress_show(work->summary.picture_count + work->summary.frame_count, work->summary.skipped_count,
                  work->summary.failed_count);
}

static bool report(void *user, void *place)
{
    struct flow *flow = user;
    struct work *work = flow->work;
    struct item *item = place;
    const struct frame *frame = &item->frame;
    const struct picture_result result = result_of(item);
    bool has_failed = result.error || item->draw_error[0];
    if (result.error && frame->is_video && frame->video)
        say("%s, frame %" PRIu64 ": %s", result.path, frame->number, result.error);
    else if (result.error)
        say("%s: %s", result.path, result.error);
    if (item->drawn && item->draw_error[0])
        say("%s: %s", item->drawn, item->draw_error);
    double start = clock_ms();
    if (frame->is_video && item->is_drawn)
        has_failed =
            !film_add(&flow->film, frame, item->drawn_image.pixels ? &item->drawn_image : &frame->image, item->drawn) ||
            has_failed;
    progress_clear();
    enum results_state state = item->is_kept ? RESULTS_WRITTEN : results_add(work->results, &result);
    item->save_ms += clock_ms() - start;
    if (!result.error) {
        bool is_saved = work->request->output || results_write_anything(&work->request->results);
        const double ms[TIMED_STAGES] = {item->ms[RESULT_LOAD], item->ms[RESULT_RESIZE], item->ms[RESULT_NETWORK],
                                         item->ms[RESULT_DECODE], is_saved ? item->save_ms : (double)NAN};
        stage_times_add(&work->summary.times, ms);
    }
    if (!result.error && work->has_tables) {
        print_table(&result, work->model.info.classes, work->model.info.class_count,
                    item->is_drawn && !frame->is_video ? item->drawn : NULL);
        fflush(stdout); /* a picture's results are seen when they are there; a failure is noticed at the end */
    }
    work->summary.picture_count += !frame->is_video;
    work->summary.frame_count += frame->is_video;
    work->summary.failed_count += has_failed || state != RESULTS_WRITTEN;
    show_progress(work, frame);
    release(item);
    if (state == RESULTS_BROKEN)
        atomic_store(&flow->is_broken, true);
    return state != RESULTS_BROKEN;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

int detect_run(struct work *work)
{
    const struct detect_request *request = work->request;
    struct flow flow = {.work = work, .outcome = OUTCOME_DONE};
    struct source_choice choice = request->source;
    choice.is_stopped = is_stopped;
    choice.is_done = is_drawn_already;
    choice.image = (struct image_choice){
        .ignore_orientation = request->ignore_orientation, .accept = picture_fits, .user = &work->fit};
    choice.user = &flow;
    flow.source = source_open(request->operands, request->operand_count, &choice);
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
        .item_bytes = sizeof(struct item),
        .threads = request->is_single ? 1 : request->threads,
        .under_way = work->under_way,
    };
    process_keep_interrupts(true);
    bool uses_stdout = work->has_tables || results_use_stdout(&request->results);
    if (!request->quiet && (!request->is_single || request->is_video) && progress_begin(uses_stdout))
        progress_set_total(source_count(request->operands, request->operand_count, &choice));
    enum pipeline_outcome came = pipeline_run(&steps, &size);
    progress_end();
    process_keep_interrupts(false);
    work->is_interrupted = process_is_interrupted();
    if (work->is_interrupted || flow.outcome != OUTCOME_DONE || atomic_load(&flow.is_broken))
        film_abort(&flow.film);
    else if (!film_finish(&flow.film))
        work->summary.failed_count++;
    tracking_destroy(flow.tracking);
    source_close(flow.source);
    return came == PIPELINE_NO_MEMORY ? refuse_memory() : flow.outcome;
}
