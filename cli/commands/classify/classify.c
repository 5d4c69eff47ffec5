/* `ghostvk classify`: pictures in; the most likely classes of each out, as tables and files. One stream serves all
 * pictures, and the frames of videos. A picture that fails is said and passed over; a device that fails ends the run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/classes/imagenet.h"
#include "cli/commands/commands.h"
#include "cli/pipeline/frame_result.h"
#include "cli/pipeline/summary.h"
#include "cli/system/process.h"
#include "flow.h"

#define FRAMES_UNDER_WAY 2 /* so that the device has the next one when it is done with one */

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

static int open_work(struct classify_work *work)
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
    outcome = choose_classifier_cut(&request->cut, request->size.width ? request->size.width : info->input_width,
                                    request->size.height ? request->size.height : info->input_height, &work->cut);
    if (outcome != OUTCOME_DONE)
        return outcome;
    work->names = choose_names(info, request->model.classes != NULL);
    outcome = open_device(work->program, &request->device, &work->device);
    if (outcome != OUTCOME_DONE)
        return outcome;
    work->device_info.size = sizeof work->device_info;
    gvk_device_describe(work->device, &work->device_info);
    gvk_model_params weights = {
        .size = sizeof weights, .precision = request->precision, .width = work->cut.width, .height = work->cut.height};
    gvk_result result =
        gvk_model_create(work->device, gvk_network_graph(work->model.network), &weights, &work->weights);
    if (result)
        return report_failure(work->program, NULL, result);
    gvk_stream_params stream = {
        .size = sizeof stream, .width = work->cut.width, .height = work->cut.height, .frames = work->under_way};
    result = gvk_stream_create(work->weights, &stream, &work->stream);
    return result ? report_failure(work->program, NULL, result) : OUTCOME_DONE;
}

static int begin_outputs(struct classify_work *work)
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

/* Where there was more than a single picture. */
static void print_summary(const struct classify_work *work)
{
    if (work->request->quiet ||
        (!work->summary.frame_count && work->summary.picture_count + work->summary.skipped_count <= 1))
        return;
    run_summary_print(&work->summary, work->has_tables);
}

static int execute(struct program *program, const struct command_line *line)
{
    struct classify_request request = {.device.kind = GVK_DEVICE_BEST};
    struct classify_work work = {.program = program, .request = &request, .under_way = FRAMES_UNDER_WAY};
    int outcome = classify_request_read(program, line, &request);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    outcome = results_open(&request.results, &work.results);
    if (outcome == OUTCOME_DONE)
        outcome = open_work(&work);
    if (outcome == OUTCOME_DONE)
        outcome = begin_outputs(&work);
    if (outcome != OUTCOME_DONE)
        goto done;
    double start = clock_ms();
    outcome = classify_run(&work);
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
    results_close(work.results);
    gvk_stream_destroy(work.stream);
    gvk_model_destroy(work.weights);
    gvk_device_destroy(work.device);
    model_file_close(&work.model);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS,    CLASSIFIER_OPTIONS, OPTION_CLASSES, OPTION_DEVICE,
                                     OPTION_PRECISION, OPTION_SIZE,        OPTION_NO_EXIF, OPTION_JSON_FILE,
                                     OPTION_JSONL,     OPTION_CSV,         OPTION_RESUME,  OPTION_SHARD,
                                     OPTION_EVERY,     OPTION_QUIET,       OPTION_END};

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
    {.id = OPTION_NULL,
     .letter = '0',
     .name = "null",
     .text = "paths on standard input have a NUL behind each",
     .group = GROUP_INPUT},
    {.id = OPTION_THREADS,
     .name = "threads",
     .value = "N",
     .text = "threads that decode and scale pictures; default: one a core, 4 at most",
     .group = GROUP_DEVICE},
    {.id = OPTION_END},
};

const struct command classify_command = {
    .name = "classify",
    .summary = "print or save what pictures show, as a classifier sees it",
    .sentence = "names the most likely classes of JPEG, PNG, WebP, TIFF and BMP pictures, and of videos.",
    .usage = "INPUT...",
    .kind = OPERAND_PICTURES,
    .shared = shared_options,
    .own = own_options,
    .notes = "An input is what `ghostvk detect` takes. A picture is scaled, its middle of 224x224 (or --size) cut out "
             "and normalised as for "
             "ImageNet. Scores are the softmax over all classes.",
    .example = "ghostvk classify -m ghostnet.pth --top 3 --json classes.json pictures/*.jpg",
    .execute = execute,
};
