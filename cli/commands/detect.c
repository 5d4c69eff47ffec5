/* `ghostvk detect`: pictures in; a table of boxes, JSON and drawn pictures out. One stream serves all pictures. A
 * picture that fails is said and passed over; a device that fails ends the run. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/json.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/files/model_path.h"
#include "cli/files/not_finite.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/pictures/draw.h"
#include "cli/pictures/image_io.h"
#include "cli/pictures/picture_fit.h"
#include "cli/system/files.h"
#include "commands.h"
#include "detect_request.h"

#define STAGES_MAX 16

/* What lives while pictures are worked on. */
struct work {
    struct program *program;
    const struct detect_request *request;
    struct model_file model;
    gvk_device *device;
    gvk_device_info device_info;
    gvk_model *weights;
    gvk_stream *stream;
    struct letters *letters; /* of the system's fonts; NULL where there are none */
    struct picture_fit fit;  /* what pictures are asked before they are decoded */
    struct output_file json_file;
    struct json json;
    bool has_json, has_tables;
    int held; /* a pipe or device that the picture is drawn to, or -1 */
    size_t failed_count;
};

enum stage { STAGE_LOAD, STAGE_RESIZE, STAGE_NETWORK, STAGE_DECODE, STAGE_TOTAL, STAGE_COUNT };

static const char *const stage_names[STAGE_COUNT] = {"load", "resize", "network", "decode", "total"};

struct times {
    double ms[STAGE_COUNT]; /* NaN where the device has no clock */
};

/* ---- output ------------------------------------------------------------------------------------------------------ */

static const char *name_class(const struct work *work, uint32_t class_id)
{
    return class_id < work->model.info.class_count ? work->model.info.classes[class_id] : "?";
}

static void print_counts(const struct work *work, const gvk_detection *detections, uint32_t count)
{
    printf("  %u object%s", (unsigned)count, count == 1 ? "" : "s");
    const char *separator = ": ";
    for (uint32_t class_id = 0; count && class_id < work->model.info.class_count; class_id++) {
        uint32_t members = 0;
        for (uint32_t index = 0; index < count; index++)
            members += detections[index].class_id == class_id;
        if (members == 0)
            continue;
        printf("%s%u ", separator, (unsigned)members);
        print_text(stdout, name_class(work, class_id));
        separator = ", ";
    }
    putchar('\n');
}

static void print_times(const struct times *times)
{
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        fputs(stage ? ", " : "  ", stdout);
        print_ms(stdout, stage_names[stage], times->ms[stage]);
    }
    putchar('\n');
}

static void print_table(const struct work *work, const char *path, const struct image *image,
                        const gvk_detection *detections, uint32_t count, const struct times *times)
{
    putchar('\n');
    print_text(stdout, path);
    printf("  %" PRIu32 "x%" PRIu32 "\n", image->width, image->height);
    size_t widest = strlen("class");
    for (uint32_t index = 0; index < count; index++) {
        size_t width = text_width(name_class(work, detections[index].class_id));
        widest = width > widest ? width : widest;
    }
    if (count) {
        fputs("  ", stdout);
        print_padded(stdout, "class", widest);
        printf("  %5s%9s%9s%9s%9s\n", "score", "x1", "y1", "x2", "y2");
    }
    for (uint32_t index = 0; index < count; index++) {
        const gvk_detection *detection = &detections[index];
        fputs("  ", stdout);
        print_padded(stdout, name_class(work, detection->class_id), widest);
        printf("  %.3f%9.1f%9.1f%9.1f%9.1f\n", (double)detection->score, (double)detection->box[0],
               (double)detection->box[1], (double)detection->box[2], (double)detection->box[3]);
    }
    print_counts(work, detections, count);
    print_times(times);
}

static void write_detections(struct work *work, const char *path, const struct image *image,
                             const gvk_detection *detections, uint32_t count, const struct times *times)
{
    struct json *json = &work->json;
    json_open_object(json, JSON_BLOCK);
    json_key(json, "file");
    json_string(json, path);
    json_key(json, "width");
    json_unsigned(json, image->width);
    json_key(json, "height");
    json_unsigned(json, image->height);
    json_key(json, "detections");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t index = 0; index < count; index++) {
        const gvk_detection *detection = &detections[index];
        json_open_object(json, JSON_LINE);
        json_key(json, "class");
        json_string(json, name_class(work, detection->class_id));
        json_key(json, "class_id");
        json_unsigned(json, detection->class_id);
        json_key(json, "score");
        json_float(json, detection->score);
        json_key(json, "box");
        json_open_array(json, JSON_LINE);
        for (int side = 0; side < 4; side++)
            json_float(json, detection->box[side]);
        json_close(json);
        json_close(json);
    }
    json_close(json);
    json_key(json, "ms");
    json_open_object(json, JSON_LINE);
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        json_key(json, stage_names[stage]);
        json_double(json, round(times->ms[stage] * 1e3) / 1e3);
    }
    json_close(json);
    json_close(json);
}

static void write_error(struct work *work, const char *path, const char *reason)
{
    json_open_object(&work->json, JSON_BLOCK);
    json_key(&work->json, "file");
    json_string(&work->json, path);
    json_key(&work->json, "error");
    json_string(&work->json, reason);
    json_close(&work->json);
}

static void draw_picture(struct work *work, const char *path, struct image *image, const gvk_detection *detections,
                         uint32_t count)
{
    char message[512] = "needs more memory than there is";
    struct draw_box *boxes = calloc(count ? count : 1, sizeof *boxes);
    for (uint32_t index = 0; boxes && index < count; index++) {
        const gvk_detection *detection = &detections[index];
        boxes[index] = (struct draw_box){
            .x1 = detection->box[0],
            .y1 = detection->box[1],
            .x2 = detection->box[2],
            .y2 = detection->box[3],
            .score = detection->score,
            .class_id = detection->class_id,
            .label = name_class(work, detection->class_id),
        };
    }
    bool drawn =
        boxes && draw_boxes(image, boxes, count, work->letters) && image_write(path, image, message, sizeof message);
    free(boxes);
    if (!drawn) {
        say("%s: %s", path, message);
        work->failed_count++;
    } else if (work->has_tables) {
        fputs("  drawn to ", stdout);
        print_text(stdout, path);
        putchar('\n');
    }
}

/* ---- one picture ------------------------------------------------------------------------------------------------- */

static void read_timings(struct work *work, gvk_ticket ticket, struct times *times)
{
    gvk_timing stages[STAGES_MAX];
    uint32_t count = STAGES_MAX;
    for (int stage = STAGE_RESIZE; stage <= STAGE_DECODE; stage++)
        times->ms[stage] = NAN;
    if (gvk_stream_timings(work->stream, ticket, stages, sizeof(gvk_timing), &count) != GVK_OK)
        return;
    for (uint32_t index = 0; index < count && index < STAGES_MAX; index++)
        for (int stage = STAGE_RESIZE; stage <= STAGE_DECODE; stage++)
            if (strcmp(stages[index].name, stage_names[stage]) == 0)
                times->ms[stage] = stages[index].ms;
}

/* The detections live until the stream's next call. */
static gvk_result find_boxes(struct work *work, const struct image *image, const gvk_detection **detections,
                             uint32_t *count, struct times *times)
{
    gvk_picture picture = {
        .size = sizeof picture,
        .kind = GVK_PICTURE_PIXELS,
        .format = GVK_PIXELS_RGB8,
        .width = image->width,
        .height = image->height,
        .pixels = image->pixels,
        .letterbox = work->fit.letterbox,
    };
    gvk_ticket ticket = 0;
    gvk_result result = gvk_stream_submit(work->stream, &picture, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait(work->stream, ticket, UINT64_MAX);
    if (result)
        return result;
    read_timings(work, ticket, times);
    result = gvk_detector_read(work->stream, ticket, detections, sizeof(gvk_detection), count);
    if (result == GVK_ERROR_NUMBER)
        explain_not_finite(work->program, work->weights, &picture, 1, work->fit.width, work->fit.height);
    return result;
}

/* Returns OUTCOME_DONE also when the picture failed but others may be tried. */
static int process_picture(struct work *work, size_t index)
{
    const char *path = work->request->images[index];
    struct image image = {0};
    struct times times = {{0}};
    const gvk_detection *detections = NULL;
    uint32_t count = 0;
    int outcome = OUTCOME_DONE;
    const struct image_choice choice = {
        .ignore_orientation = work->request->ignore_orientation, .accept = picture_fits, .user = &work->fit};
    char message[512];
    double start = clock_ms();
    if (!image_read(path, &choice, &image, message, sizeof message)) {
        say("%s: %s", path, message);
        work->failed_count++;
        if (work->has_json)
            write_error(work, path, message);
        goto done;
    }
    times.ms[STAGE_LOAD] = clock_ms() - start;
    gvk_result result = find_boxes(work, &image, &detections, &count, &times);
    times.ms[STAGE_TOTAL] = clock_ms() - start;
    if (result) {
        if (work->has_json)
            write_error(work, path, failure_reason(work->program, result));
        outcome = report_failure(work->program, path, result);
        work->failed_count++;
        if (outcome != OUTCOME_DEVICE_FAILED) /* else nothing more can be expected of it */
            outcome = OUTCOME_DONE;
        goto done;
    }
    if (work->has_json)
        write_detections(work, path, &image, detections, count, &times);
    if (work->has_tables)
        print_table(work, path, &image, detections, count, &times);
    if (work->request->drawn)
        draw_picture(work, work->request->drawn[index], &image, detections, count);
    fflush(stdout); /* a picture's results are seen when they are there; a failure is noticed at the end */
done:
    image_release(&image);
    return outcome;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

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
    gvk_model_params weights = {.size = sizeof weights, .precision = request->precision};
    gvk_result result =
        gvk_model_create(work->device, gvk_network_graph(work->model.network), &weights, &work->weights);
    if (result)
        return report_failure(work->program, NULL, result);
    gvk_stream_params stream_params = {
        .size = sizeof stream_params, .width = request->size.width, .height = request->size.height};
    gvk_detector_params params = {
        .size = sizeof params,
        .stream = &stream_params,
        .confidence = request->confidence,
        .iou = request->iou,
    };
    result = gvk_detector_create(work->weights, work->model.network, &params, &work->stream);
    return result ? report_failure(work->program, NULL, result) : OUTCOME_DONE;
}

/* What is wrong with an output is said before the model takes its time. */
static int open_outputs(struct work *work)
{
    const struct detect_request *request = work->request;
    char message[512];
    if (request->output && !request->into_folder &&
        !output_file_try(request->output, &work->held, message, sizeof message)) {
        say("%s: %s", request->output, message);
        return OUTCOME_SOME_FAILED;
    }
    if (request->drawn)
        work->letters = letters_create();
    work->has_json = request->json != NULL;
    if (work->has_json && !output_file_open(&work->json_file, request->json, message, sizeof message)) {
        say("%s: %s", request->json, message);
        work->has_json = false;
        return OUTCOME_SOME_FAILED;
    }
    work->has_tables = !work->has_json || work->json_file.stream != stdout;
    return OUTCOME_DONE;
}

static void begin_outputs(struct work *work)
{
    if (work->has_json) {
        json_start(&work->json, work->json_file.stream);
        json_open_object(&work->json, JSON_BLOCK);
        json_key(&work->json, "model");
        json_string(&work->json, work->model.path);
        json_key(&work->json, "device");
        json_string(&work->json, work->device_info.name);
        json_key(&work->json, "images");
        json_open_array(&work->json, JSON_BLOCK);
    }
    if (work->has_tables) {
        const gvk_network_info *info = &work->model.info;
        fputs("Device   ", stdout);
        print_text(stdout, work->device_info.name);
        fputs("\nModel    ", stdout);
        print_text(stdout, base_name(work->model.path));
        fputs(", ", stdout);
        print_class_count(stdout, info->class_count);
        printf(", %" PRIu32 "x%" PRIu32 ", %s\n", work->fit.width, work->fit.height,
               precision_name(precision_of(work->stream)));
    }
}

static bool finish_json(struct work *work)
{
    char message[512];
    bool to_stdout = work->json_file.stream == stdout;
    json_close(&work->json);
    json_close(&work->json);
    bool complete = json_finish(&work->json), written = output_file_commit(&work->json_file, message, sizeof message);
    work->has_json = false;
    if (complete && written)
        return true;
    say("%s: %s", to_stdout ? "standard output" : work->request->json,
        written ? "cannot be written: the output reported an error" : message);
    work->program->output_failed = work->program->output_failed || to_stdout;
    return false;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct detect_request request = {.device.kind = GVK_DEVICE_BEST};
    struct work work = {.program = program, .request = &request, .held = -1};
    int outcome = detect_request_read(program, line, &request);
    if (outcome != OUTCOME_DONE) {
        outcome = outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
        goto done;
    }
    outcome = open_outputs(&work);
    if (outcome == OUTCOME_DONE)
        outcome = open_work(&work);
    if (outcome != OUTCOME_DONE)
        goto done;
    begin_outputs(&work);
    for (size_t index = 0; index < request.image_count && outcome == OUTCOME_DONE; index++)
        outcome = process_picture(&work, index);
    if (work.has_json && !finish_json(&work))
        work.failed_count++;
    if (outcome == OUTCOME_DONE && work.failed_count)
        outcome = OUTCOME_SOME_FAILED;
done:
    output_file_abort(&work.json_file);
    if (work.held >= 0)
        file_close(work.held);
    letters_destroy(work.letters);
    gvk_stream_destroy(work.stream);
    gvk_model_destroy(work.weights);
    gvk_device_destroy(work.device);
    model_file_close(&work.model);
    detect_request_release(&request);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS,    OPTION_CLASSES, OPTION_ANCHORS,   OPTION_DEVICE,
                                     OPTION_PRECISION, OPTION_SIZE,    OPTION_LETTERBOX, OPTION_NO_LETTERBOX,
                                     OPTION_NO_EXIF,   OPTION_CONF,    OPTION_IOU,       OPTION_JSON_FILE,
                                     OPTION_OUTPUT,    OPTION_END};

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
     .text = "draw the boxes: to a picture, or into a folder (PATH/)",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_END},
};

const struct command detect_command = {
    .name = "detect",
    .summary = "print, draw or save the boxes in pictures",
    .sentence = "finds objects in JPEG, PNG, WebP, TIFF and BMP pictures.",
    .usage = "IMAGE...",
    .kind = OPERAND_PICTURES,
    .shared = shared_options,
    .own = own_options,
    .notes = "Defaults are the model's. Pictures are turned upright by EXIF, boxes with them.",
    .example = "ghostvk detect --conf 0.4 --json boxes.json -o out/ pictures/*.jpg",
    .execute = execute,
};
