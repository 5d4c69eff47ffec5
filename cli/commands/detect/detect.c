/* `ghostvk detect`: pictures in; a table of boxes, files of results and drawn pictures out. One stream serves all
 * pictures. A picture that fails is said and passed over; a device that fails ends the run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/pipeline/frame_result.h"
#include "cli/pipeline/summary.h"
#include "cli/system/files.h"
#include "cli/system/process.h"
#include "flow.h"
#include "request.h"

#define FRAMES_UNDER_WAY 2 /* so that the device has the next one when it is done with one */

static int open_work(struct work *work)
{
    const struct detect_request *request = work->request;
    int outcome = model_file_open(work->program, &request->model, &work->model);
    if (outcome != OUTCOME_DONE)
        return outcome;
    say_unused_tensors(work->program, &work->model);
    if (work->model.info.task != GVK_TASK_DETECTOR) {
        say("%s: it is a classifier, which `ghostvk classify` is for; detect needs a detector.", work->model.path);
        return OUTCOME_MODEL_REFUSED;
    }
    outcome = open_device(work->program, &request->device, &work->device);
    if (outcome != OUTCOME_DONE)
        return outcome;
    work->device_info.size = sizeof work->device_info;
    gvk_device_describe(work->device, &work->device_info);
    const gvk_network_info *info = &work->model.info;
    bool has_size = request->size.width != 0;
    work->fit = (struct picture_fit){.program = work->program,
                                     .device = work->device,
                                     .width = has_size ? request->size.width : info->input_width,
                                     .height = has_size ? request->size.height : info->input_height,
                                     .letterbox = request->letterbox_given ? request->letterbox : info->letterbox};
    gvk_model_params weights = {
        .size = sizeof weights, .precision = request->precision, .width = work->fit.width, .height = work->fit.height};
    gvk_result result =
        gvk_model_create(work->device, gvk_network_graph(work->model.network), &weights, &work->weights);
    if (result)
        return report_failure(work->program, NULL, result);
    gvk_stream_params stream_params = {
        .size = sizeof stream_params,
        .width = request->size.width,
        .height = request->size.height,
        .frames = work->under_way,
    };
    gvk_detector_params params = {
        .size = sizeof params,
        .stream = &stream_params,
        .confidence = request->confidence,
        .iou = request->iou,
        .unclipped = request->results.family != NULL, /* all other outputs clip them themselves */
    };
    result = gvk_detector_create(work->weights, work->model.network, &params, &work->stream);
    return result ? report_failure(work->program, NULL, result) : OUTCOME_DONE;
}

/* What is wrong with an output is said before the model takes its time. `held` is a pipe or device that the picture is
 * drawn to, open until it is written, or -1. */
static int open_outputs(struct work *work, int *held)
{
    const struct detect_request *request = work->request;
    char message[512];
    if (request->output && !request->into_folder && !output_file_try(request->output, held, message, sizeof message)) {
        say("%s: %s", request->output, message);
        return OUTCOME_SOME_FAILED;
    }
    if (request->output)
        work->drawing.letters = letters_create();
    work->has_tables = !request->quiet && !results_use_stdout(&request->results);
    return results_open(&request->results, &work->results);
}

/* Texts and drawn pictures that are gone on with belong to one program, as lines do, which are locked themselves. Who
 * names other pictures for the same folder does not resume. */
static int lock_folders(struct work *work)
{
    const struct detect_request *request = work->request;
    const struct results_choice *results = &request->results;
    const struct shard *shard = &request->source.shard;
    const char *const folders[LOCKS_MAX] = {request->into_folder ? request->output : NULL, results->yolo,
                                            results->family};
    const uint32_t part = shard->count ? shard->index : 1, parts = shard->count ? shard->count : 1;
    struct file_status places[LOCKS_MAX] = {{0}};
    char message[512];
    for (size_t index = 0; index < LOCKS_MAX && results->resume && !results->lines; index++) {
        const char *folder = folders[index];
        bool is_made = !folder || output_folder_make(&work->made[index], folder, message, sizeof message);
        bool is_new = folder && file_look(folder, &places[index]);
        for (size_t before = 0; is_new && before < index; before++)
            is_new = memcmp(places[before].place, places[index].place, sizeof places[index].place) != 0;
        if (is_made && (!is_new || run_lock_take(&work->locks[index], folder, part, parts, message, sizeof message)))
            continue;
        say("%s: %s", folder, message);
        return OUTCOME_SOME_FAILED;
    }
    return OUTCOME_DONE;
}

static int begin_outputs(struct work *work)
{
    const gvk_network_info *info = &work->model.info;
    const struct results_header header = {
        .model = work->model.path,
        .device = work->device_info.name,
        .classes = info->classes,
        .class_count = info->class_count,
    };
    int outcome = results_begin(work->results, &header);
    work->drawing.classes = info->classes;
    work->drawing.class_count = info->class_count;
    if (outcome != OUTCOME_DONE || !work->has_tables)
        return outcome;
    fputs("Device   ", stdout);
    print_text(stdout, work->device_info.name);
    fputs("\nModel    ", stdout);
    print_text(stdout, base_name(work->model.path));
    fputs(", ", stdout);
    print_class_count(stdout, info->class_count);
    printf(", %" PRIu32 "x%" PRIu32 ", %s\n", work->fit.width, work->fit.height,
           precision_name(precision_of(work->stream)));
    return OUTCOME_DONE;
}

/* Where there was more than a single picture. */
static void print_summary(const struct work *work)
{
    if (work->request->quiet || (work->request->is_single && !work->request->is_video))
        return;
    run_summary_print(&work->summary, work->has_tables);
}

static int execute(struct program *program, const struct command_line *line)
{
    struct detect_request request = {.device.kind = GVK_DEVICE_BEST};
    struct work work = {.program = program, .request = &request, .drawing.lock = MUTEX_READY};
    int held = -1, outcome = detect_request_read(program, line, &request);
    if (outcome != OUTCOME_DONE) {
        outcome = outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
        goto done;
    }
    work.under_way = request.is_single && !request.is_video ? 1 : FRAMES_UNDER_WAY;
    outcome = open_outputs(&work, &held);
    if (outcome == OUTCOME_DONE)
        outcome = lock_folders(&work);
    if (outcome == OUTCOME_DONE)
        outcome = open_work(&work);
    if (outcome == OUTCOME_DONE)
        outcome = begin_outputs(&work);
    if (outcome != OUTCOME_DONE)
        goto done;
    double start = clock_ms();
    outcome = detect_run(&work);
    work.summary.ms = clock_ms() - start;
    if (work.is_interrupted) {
        run_summary_say_interrupted(&work.summary);
        outcome = process_interrupted_code();
        goto done;
    }
    if (outcome == OUTCOME_DONE || outcome == OUTCOME_DEVICE_FAILED) {
        print_summary(&work);
        int finished = finish_results(program, work.results, work.summary.failed_count);
        outcome = outcome == OUTCOME_DONE ? finished : outcome;
    }
done:
    for (size_t index = 0; index < LOCKS_MAX; index++) {
        run_lock_release(&work.locks[index]);
        output_folder_unmake(&work.made[index]); /* where nothing came of it */
    }
    results_close(work.results);
    if (held >= 0)
        file_close(held);
    drawing_release(&work.drawing);
    gvk_stream_destroy(work.stream);
    gvk_model_destroy(work.weights);
    gvk_device_destroy(work.device);
    model_file_close(&work.model);
    detect_request_release(&request);
    return outcome;
}

static const int shared_options[] = {
    MODEL_OPTIONS,    OPTION_CLASSES,      OPTION_ANCHORS, OPTION_DEVICE, OPTION_PRECISION, OPTION_SIZE,
    OPTION_LETTERBOX, OPTION_NO_LETTERBOX, OPTION_NO_EXIF, OPTION_CONF,   OPTION_IOU,       OPTION_JSON_FILE,
    OPTION_OUTPUT,    OPTION_EVERY,        OPTION_SHARD,   OPTION_RESUME, OPTION_TRACK,     OPTION_JSONL,
    OPTION_CSV,       OPTION_QUIET,        OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_JSON_FILE,
     .name = "json",
     .value = "FILE",
     .text = "save the boxes; - is stdout, in place of the tables",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_OUTPUT,
     .letter = 'o',
     .name = "output",
     .value = "PATH",
     .text = "draw the boxes: to a picture or video, or into a folder (PATH/)",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = DETECT_NULL,
     .letter = '0',
     .name = "null",
     .text = "paths on standard input have a NUL behind each",
     .group = GROUP_INPUT},
    {.id = DETECT_RAW,
     .name = "raw",
     .value = "WxH[:ORDER][@RATE]",
     .text = "- is raw frames: rgb24 (as without ORDER), bgr24, nv12 or yuv420p",
     .group = GROUP_INPUT},
    {.id = DETECT_YOLO,
     .name = "yolo",
     .value = "DIR",
     .text = "a text for each picture: class, centre and sides as fractions",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FOLDER},
    {.id = DETECT_SAVE_CONFIDENCE,
     .name = "save-conf",
     .text = "put the score behind each box of --yolo",
     .group = GROUP_OUTPUT},
    {.id = DETECT_COCO,
     .name = "coco",
     .value = "FILE",
     .text = "save the boxes as COCO's results",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = DETECT_COCO_IDS,
     .name = "coco-ids",
     .value = "FILE",
     .text = "annotations with the ids of pictures and classes for --coco",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = DETECT_FAMILY,
     .name = "voc-family",
     .value = "DIR",
     .text = "a text for each picture, as the family's get_map reads it",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FOLDER},
    {.id = DETECT_CROPS,
     .name = "crop",
     .value = "DIR",
     .text = "save what is in each box as a picture",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FOLDER},
    {.id = DETECT_COUNT,
     .name = "count",
     .text = "print how many of each class there are, in place of the tables",
     .group = GROUP_OUTPUT},
    {.id = DETECT_THREADS,
     .name = "threads",
     .value = "N",
     .text = "threads that decode pictures and draw on them; default: one a core, 4 at most",
     .group = GROUP_DEVICE},
    {.id = OPTION_END},
};

const struct command detect_command = {
    .name = "detect",
    .summary = "print, draw or save the boxes in pictures and videos",
    .sentence = "finds objects in JPEG, PNG, WebP, TIFF and BMP pictures, and in videos.",
    .usage = "INPUT...",
    .kind = OPERAND_PICTURES,
    .shared = shared_options,
    .own = own_options,
    .notes = "An input is a picture, a video, a folder of those, a pattern in quotes, a stream's address, a camera "
             "such as /dev/video0, or - for a list of paths on stdin. Videos need the program ffmpeg. Defaults are the "
             "model's. Pictures are turned upright by EXIF, boxes with them.",
    .example = "ghostvk detect --conf 0.4 --json boxes.json -o out/ pictures/",
    .execute = execute,
};
