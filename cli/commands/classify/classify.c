/* `ghostvk classify`: pictures in; the most likely classes of each out, as tables and files. One stream serves all
 * pictures. A picture that fails is said and passed over; a device that fails ends the run. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify_request.h"
#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/classes/imagenet.h"
#include "cli/classes/ranking.h"
#include "cli/commands/commands.h"
#include "cli/files/not_finite.h"
#include "cli/pictures/image_io.h"

#define STAGES_MAX 16

/* What lives while pictures are worked on. */
struct work {
    struct program *program;
    const struct classify_request *request;
    struct model_file model;
    const char *const *names; /* of the classes */
    struct classifier_cut cut;
    gvk_device *device;
    gvk_device_info device_info;
    gvk_model *weights;
    gvk_stream *stream;
    struct ranked_class *ranked; /* of one picture, as many as are told */
    uint32_t ranked_count;
    struct results *results;
    bool has_tables;
    size_t failed_count;
};

/* A picture on its way. */
struct item {
    const char *path;
    uint32_t width, height;
    float *planes; /* the network's input; NULL: it could not be read, or memory ran out */
    char error[512];
    double start, ms[RESULT_STAGES];
};

/* ---- output ------------------------------------------------------------------------------------------------------ */

static void print_table(const struct work *work, const struct item *item)
{
    putchar('\n');
    print_text(stdout, item->path);
    printf("  %" PRIu32 "x%" PRIu32 "\n", item->width, item->height);
    size_t widest = strlen("class");
    for (uint32_t place = 0; place < work->ranked_count; place++) {
        size_t width = text_width(work->names[work->ranked[place].class_id]);
        widest = width > widest ? width : widest;
    }
    fputs("  ", stdout);
    print_padded(stdout, "class", widest);
    puts("  score     id");
    for (uint32_t place = 0; place < work->ranked_count; place++) {
        fputs("  ", stdout);
        print_padded(stdout, work->names[work->ranked[place].class_id], widest);
        printf("  %.3f  %5" PRIu32 "\n", work->ranked[place].score, work->ranked[place].class_id);
    }
    for (int stage = 0; stage < RESULT_STAGES; stage++) {
        fputs(stage ? ", " : "  ", stdout);
        print_ms(stdout, result_stage_names[stage], item->ms[stage]);
    }
    putchar('\n');
}

static int begin_outputs(struct work *work)
{
    const gvk_network_info *info = &work->model.info;
    work->has_tables = !work->request->quiet && !results_use_stdout(&work->request->results);
    const struct results_header header = {.model = work->model.path,
                                          .device = work->device_info.name,
                                          .classes = work->names,
                                          .class_count = info->class_count,
                                          .ranks = true};
    int outcome = results_begin(work->results, &header);
    if (outcome != OUTCOME_DONE || !work->has_tables)
        return outcome;
    fputs("Device   ", stdout);
    print_text(stdout, work->device_info.name);
    fputs("\nModel    ", stdout);
    print_text(stdout, base_name(work->model.path));
    fputs(", ", stdout);
    print_class_count(stdout, info->class_count);
    printf(", %" PRIu32 "x%" PRIu32 " of %" PRIu32 ", %s\n", work->cut.width, work->cut.height, work->cut.shorter,
           precision_name(precision_of(work->stream)));
    return OUTCOME_DONE;
}

/* ---- one picture ------------------------------------------------------------------------------------------------- */

/* Scaled, cut and normalised here, because the device's resize does for detectors only. The picture itself is not kept.
 */
static void load(const struct work *work, struct item *item)
{
    struct image image = {0};
    const struct image_choice choice = {.ignore_orientation = work->request->ignore_orientation};
    item->start = clock_ms();
    for (int stage = 0; stage < RESULT_STAGES; stage++)
        item->ms[stage] = NAN;
    if (!image_read(item->path, &choice, &image, item->error, sizeof item->error))
        return;
    item->ms[RESULT_LOAD] = clock_ms() - item->start;
    item->width = image.width;
    item->height = image.height;
    const struct rgb_picture picture = {.pixels = image.pixels, .width = image.width, .height = image.height};
    item->planes = malloc((size_t)3 * work->cut.width * work->cut.height * sizeof *item->planes);
    if (!item->planes || !classifier_input(&picture, &work->cut, item->planes)) {
        free(item->planes);
        item->planes = NULL;
        snprintf(item->error, sizeof item->error, "needs more memory than there is");
    }
    item->ms[RESULT_RESIZE] = clock_ms() - item->start - item->ms[RESULT_LOAD];
    image_release(&image);
}

static double read_network_ms(const struct work *work, gvk_ticket ticket)
{
    gvk_timing stages[STAGES_MAX];
    uint32_t count = STAGES_MAX;
    if (gvk_stream_timings(work->stream, ticket, stages, sizeof(gvk_timing), &count) == GVK_OK)
        for (uint32_t index = 0; index < count && index < STAGES_MAX; index++)
            if (strcmp(stages[index].name, "network") == 0)
                return stages[index].ms;
    return NAN;
}

static gvk_result find_classes(struct work *work, struct item *item)
{
    gvk_picture picture = {
        .size = sizeof picture,
        .kind = GVK_PICTURE_TENSOR,
        .width = work->cut.width,
        .height = work->cut.height,
        .pixels = item->planes,
    };
    gvk_array logits;
    gvk_ticket ticket = 0;
    gvk_result result = gvk_stream_submit(work->stream, &picture, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait(work->stream, ticket, UINT64_MAX);
    if (result)
        return result;
    item->ms[RESULT_NETWORK] = read_network_ms(work, ticket);
    double start = clock_ms();
    result = gvk_stream_read(work->stream, ticket, "logits", &logits);
    if (result == GVK_ERROR_NUMBER)
        explain_not_finite(work->program, work->weights, &picture, 1, work->cut.width, work->cut.height);
    if (result)
        return result;
    work->ranked_count = rank_classes(logits.data, work->model.info.class_count, work->request->top, work->ranked);
    item->ms[RESULT_DECODE] = clock_ms() - start;
    return GVK_OK;
}

static bool report(struct work *work, const struct item *item, const char *error)
{
    const struct picture_result result = {.path = item->path,
                                          .frame = -1,
                                          .time = NAN,
                                          .width = item->width,
                                          .height = item->height,
                                          .ranked = work->ranked,
                                          .count = work->ranked_count,
                                          .ms = {item->ms[RESULT_LOAD], item->ms[RESULT_RESIZE],
                                                 item->ms[RESULT_NETWORK], item->ms[RESULT_DECODE],
                                                 item->ms[RESULT_TOTAL]},
                                          .error = error};
    work->failed_count += error != NULL;
    enum results_state state = results_add(work->results, &result);
    work->failed_count += !error && state == RESULTS_LACKING;
    if (!error && work->has_tables)
        print_table(work, item);
    fflush(stdout); /* a picture's results are seen when they are there; a failure is noticed at the end */
    return state != RESULTS_BROKEN;
}

/* Returns OUTCOME_DONE also when the picture failed but others may be tried. */
static int process_picture(struct work *work, const char *path)
{
    struct item item = {.path = path};
    int outcome = OUTCOME_DONE;
    bool is_kept;
    if (results_have(work->results, &(struct picture_result){.path = path, .frame = -1}))
        return OUTCOME_DONE;
    load(work, &item);
    if (!item.planes) {
        say("%s: %s", path, item.error);
        is_kept = report(work, &item, item.error);
    } else {
        gvk_result result = find_classes(work, &item);
        item.ms[RESULT_TOTAL] = clock_ms() - item.start;
        if (result) {
            snprintf(item.error, sizeof item.error, "%s", failure_reason(work->program, result));
            outcome = report_failure(work->program, path, result);
            outcome = outcome == OUTCOME_DEVICE_FAILED ? outcome : OUTCOME_DONE; /* else others may be tried */
        }
        is_kept = report(work, &item, result ? item.error : NULL);
    }
    free(item.planes);
    return outcome == OUTCOME_DONE && !is_kept ? OUTCOME_SOME_FAILED : outcome;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

/* A file without names has numbers; those of a thousand classes are ImageNet's. */
static const char *const *choose_names(const gvk_network_info *info, bool is_given)
{
    if (is_given || info->class_count != IMAGENET_CLASSES)
        return info->classes;
    for (uint32_t index = 0; index < info->class_count; index++) {
        char number[16];
        snprintf(number, sizeof number, "%" PRIu32, index);
        if (strcmp(info->classes[index], number) != 0)
            return info->classes;
    }
    return imagenet_classes;
}

static int open_work(struct work *work)
{
    const struct classify_request *request = work->request;
    int outcome = model_file_open(work->program, &request->model, &work->model);
    if (outcome != OUTCOME_DONE)
        return outcome;
    const gvk_network_info *info = &work->model.info;
    say_unused_tensors(work->program, &work->model);
    if (info->task != GVK_TASK_CLASSIFIER) {
        say("%s: it is a detector (%s), which `ghostvk detect` is for; classify needs a classifier.", work->model.path,
            info->name);
        return OUTCOME_MODEL_REFUSED;
    }
    outcome = classify_request_cut(request, info, &work->cut);
    if (outcome != OUTCOME_DONE)
        return outcome;
    work->names = choose_names(info, request->model.classes != NULL);
    work->ranked = calloc(request->top, sizeof *work->ranked);
    if (!work->ranked)
        return refuse_memory();
    outcome = open_device(work->program, &request->device, &work->device);
    if (outcome != OUTCOME_DONE)
        return outcome;
    work->device_info.size = sizeof work->device_info;
    gvk_device_describe(work->device, &work->device_info);
    gvk_model_params weights = {.size = sizeof weights, .precision = request->precision};
    gvk_result result =
        gvk_model_create(work->device, gvk_network_graph(work->model.network), &weights, &work->weights);
    if (result)
        return report_failure(work->program, NULL, result);
    gvk_stream_params stream = {.size = sizeof stream, .width = work->cut.width, .height = work->cut.height};
    result = gvk_stream_create(work->weights, &stream, &work->stream);
    return result ? report_failure(work->program, NULL, result) : OUTCOME_DONE;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct classify_request request = {.device.kind = GVK_DEVICE_BEST};
    struct work work = {.program = program, .request = &request};
    bool stdout_failed = false;
    int outcome = classify_request_read(program, line, &request);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    outcome = results_open(&request.results, &work.results);
    if (outcome == OUTCOME_DONE)
        outcome = open_work(&work);
    if (outcome != OUTCOME_DONE)
        goto done;
    outcome = begin_outputs(&work);
    for (size_t index = 0; index < request.pictures.count && outcome == OUTCOME_DONE; index++)
        outcome = process_picture(&work, request.pictures.words[index]);
    if (!results_finish(work.results, &stdout_failed))
        work.failed_count++;
    program->output_failed = program->output_failed || stdout_failed;
    if (outcome == OUTCOME_DONE && work.failed_count)
        outcome = OUTCOME_SOME_FAILED;
done:
    results_close(work.results);
    free(work.ranked);
    gvk_stream_destroy(work.stream);
    gvk_model_destroy(work.weights);
    gvk_device_destroy(work.device);
    model_file_close(&work.model);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS, OPTION_CLASSES, OPTION_DEVICE,    OPTION_PRECISION,
                                     OPTION_SIZE,   OPTION_NO_EXIF, OPTION_JSON_FILE, OPTION_JSONL,
                                     OPTION_CSV,    OPTION_RESUME,  OPTION_QUIET,     OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_JSON_FILE,
     .name = "json",
     .value = "FILE",
     .text = "save the classes; - is stdout, in place of the tables",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_MODEL,
     .letter = 'm',
     .name = "model",
     .value = "MODEL",
     .text = "a classifier: .safetensors or .pth file",
     .group = GROUP_MODEL,
     .kind = VALUE_FILE},
    {.id = OPTION_CLASSES,
     .name = "classes",
     .value = "FILE",
     .text = "class names, one a line; default: the model's, and of 1000 without names ImageNet's",
     .group = GROUP_MODEL,
     .kind = VALUE_FILE},
    {.id = OPTION_TOP,
     .name = "top",
     .value = "K",
     .text = "tell the K most likely classes; default: 5",
     .group = GROUP_OUTPUT},
    {.id = OPTION_RESIZE,
     .name = "resize",
     .value = "SIDE",
     .text = "scale the shorter side to so much before the middle is cut out; default: the input's larger side / 0.875",
     .group = GROUP_INPUT},
    {.id = OPTION_INTERPOLATION,
     .name = "interpolation",
     .value = "KIND",
     .text = "bilinear, as GhostNet's authors scale, or bicubic, as timm; default: bilinear",
     .group = GROUP_INPUT,
     .kind = VALUE_CHOICE,
     .choices = "bilinear bicubic"},
    {.id = OPTION_END},
};

const struct command classify_command = {
    .name = "classify",
    .summary = "print or save what pictures show, as a classifier sees it",
    .sentence = "names the most likely classes of JPEG, PNG, WebP, TIFF and BMP pictures.",
    .usage = "IMAGE...",
    .kind = OPERAND_PICTURES,
    .shared = shared_options,
    .own = own_options,
    .notes = "A picture is scaled, its middle of 224x224 (or --size) cut out and normalised as for "
             "ImageNet. Scores are the softmax over all classes.",
    .example = "ghostvk classify -m ghostnet.pth --top 3 --json classes.json pictures/*.jpg",
    .execute = execute,
};
