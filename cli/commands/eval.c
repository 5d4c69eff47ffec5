/* `ghostvk eval`: how well a model finds what is labelled in a dataset, or how well a file of results did. */
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/evaluation/find_boxes.h"
#include "cli/evaluation/labels/read_dataset.h"
#include "cli/evaluation/labels/results_file.h"
#include "cli/evaluation/measure/print.h"
#include "cli/evaluation/report/page.h"
#include "cli/files/file_plan.h"
#include "cli/files/text_lists.h"
#include "cli/host/command_line.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "commands.h"

#define OUTPUTS          2  /* --json and --report */
#define MISSING_SAID_MAX 10 /* of pictures, each by its name */

enum { OPTION_PROTOCOL = OPTION_OWN, OPTION_SET, OPTION_IMAGES, OPTION_RESULTS, OPTION_REPORT };

struct eval_request {
    struct model_choice model;
    struct search_choice search;
    struct dataset_choice dataset;
    enum protocol protocol;
    const char *results, *json, *report;
    bool quiet;
};

static bool read_threshold(const char *option, const char *value, float *out)
{
    if (!read_fraction(option, value, out))
        return false;
    if (*out <= 0)
        *out = -1; /* 0 would be the network's default */
    return true;
}

static bool read_option(void *user, int option, const char *value)
{
    struct eval_request *request = user;
    struct search_choice *search = &request->search;
    switch (option) {
    case OPTION_PROTOCOL: return read_protocol(value, &request->protocol);
    case OPTION_SET: return read_path("--set", value, &request->dataset.set);
    case OPTION_IMAGES: return read_path("--images", value, &request->dataset.images);
    case OPTION_RESULTS: return read_path("--results", value, &request->results);
    case OPTION_REPORT: return read_path("--report", value, &request->report);
    case OPTION_JSON_FILE: return read_path("--json", value, &request->json);
    case OPTION_CLASSES: return read_path("--classes", value, &request->model.classes);
    case OPTION_ANCHORS: return read_path("--anchors", value, &request->model.anchors);
    case OPTION_DEVICE: return read_device(value, &search->device);
    case OPTION_PRECISION: return read_precision(value, &search->precision);
    case OPTION_SIZE: return read_size("--size", value, &search->size);
    case OPTION_LETTERBOX:
    case OPTION_NO_LETTERBOX:
        search->letterbox = option == OPTION_LETTERBOX;
        search->letterbox_given = true;
        return true;
    case OPTION_NO_EXIF: search->ignore_orientation = true; return true;
    case OPTION_QUIET: request->quiet = search->quiet = true; return true;
    case OPTION_CONF: return read_threshold("--conf", value, &search->confidence);
    case OPTION_IOU: return read_threshold("--iou", value, &search->iou);
    default: return read_model_option(&request->model, option, value);
    }
}

/* What lives while the command runs. */
struct work {
    struct program *program;
    const struct eval_request *request;
    struct dataset dataset;
    struct model_file model;
    struct name_list names; /* of --classes, where there is no model */
    struct found_list found;
    struct metrics metrics;
    char device[256];
    size_t failed;
};

/* Folders are not looked through for this, so names decide: no JSON or page is called so. */
static bool names_part_of_dataset(const char *path)
{
    const char *dot = strrchr(base_name(path), '.');
    return image_kind_of_path(path) != IMAGE_UNKNOWN || (dot && (strcmp(dot, ".xml") == 0 || strcmp(dot, ".txt") == 0));
}

static int check_outputs(const struct program *program, const struct eval_request *request)
{
    struct file_plan plan = {0};
    if (!request->results)
        model_choice_plan(program, &request->model, &plan);
    file_plan_read(&plan, request->results);
    file_plan_read(&plan, request->dataset.path);
    file_plan_write_stdout(&plan);
    const char *written[] = {request->json, request->report};
    for (size_t index = 0; index < sizeof written / sizeof *written; index++)
        if (written[index] && names_part_of_dataset(written[index]))
            return file_plan_release(&plan),
                   refuse_usage("%s %s: that is the name of an annotation or picture, which would be replaced",
                                index ? "--report" : "--json", written[index]);
    file_plan_write(&plan, "--json", request->json);
    file_plan_write(&plan, "--report", request->report);
    int outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

/* What is wrong with an output is said before the model takes its time. `held` are pipes and devices, open until they
 * are written, or -1. */
static int try_outputs(const struct eval_request *request, int held[OUTPUTS])
{
    const char *const paths[OUTPUTS] = {request->json, request->report};
    char message[512];
    for (int index = 0; index < OUTPUTS; index++) {
        if (!paths[index] || output_file_try(paths[index], &held[index], message, sizeof message))
            continue;
        say("%s: %s", paths[index], message);
        return OUTCOME_SOME_FAILED;
    }
    return OUTCOME_DONE;
}

/* The dataset in the model's classes: the truths of others do not count, as the family has it. */
static int read_dataset(struct work *work, const char *const *classes, uint32_t class_count)
{
    char message[1024];
    size_t removed = 0;
    if (!dataset_read(&work->request->dataset, &work->dataset, message, sizeof message)) {
        say("%s", message);
        return OUTCOME_SOME_FAILED;
    }
    if (work->dataset.passed_over && !work->request->quiet)
        say_kind("note: ", "%zu annotations of pictures or categories that the file does not list are passed over",
                 work->dataset.passed_over);
    if (!dataset_keep_classes(&work->dataset, classes, class_count, &removed))
        return refuse_memory();
    if (removed && work->dataset.truth_count && !work->request->quiet)
        say_kind("note: ", "%zu objects of classes that the model does not know are passed over", removed);
    if (!work->dataset.truth_count) {
        say("%s: no object is of a class that the model knows", work->request->dataset.path);
        return OUTCOME_SOME_FAILED;
    }
    return OUTCOME_DONE;
}

/* Before the model takes its time: somebody may have named the wrong folder. */
static int check_pictures(const struct work *work)
{
    const struct dataset *dataset = &work->dataset;
    size_t said = 0;
    if (dataset->missing == dataset->picture_count) {
        say("%s: not one of its pictures is there; --images names their folder", work->request->dataset.path);
        return OUTCOME_SOME_FAILED;
    }
    for (size_t index = 0; index < dataset->picture_count && said < MISSING_SAID_MAX; index++) {
        if (dataset->pictures[index].path)
            continue;
        say("%s: the picture is not there; its objects count as missed", dataset->pictures[index].name);
        said++;
    }
    if (dataset->missing > said)
        say("%zu more are not there", dataset->missing - said);
    return OUTCOME_DONE;
}

static int search_pictures(struct work *work)
{
    const struct eval_request *request = work->request;
    int outcome = model_file_open(work->program, &request->model, &work->model);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (work->model.info.task != GVK_TASK_DETECTOR) {
        say("%s: it is a classifier, and eval needs a detector.", work->model.path);
        return OUTCOME_MODEL_REFUSED;
    }
    outcome = read_dataset(work, work->model.info.classes, work->model.info.class_count);
    if (outcome == OUTCOME_DONE)
        outcome = check_pictures(work);
    if (outcome == OUTCOME_DONE)
        outcome = find_boxes(work->program, &request->search, &work->model, &work->dataset, &work->found, work->device,
                             sizeof work->device, &work->failed);
    return outcome;
}

static int read_results(struct work *work)
{
    const struct eval_request *request = work->request;
    struct results_file file;
    char message[1024];
    int outcome = request->model.classes ? read_class_names(request->model.classes, &work->names) : OUTCOME_DONE;
    if (outcome == OUTCOME_DONE)
        outcome = read_dataset(work, (const char *const *)work->names.names, work->names.count);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (!results_file_read(request->results, &work->dataset, &file, message, sizeof message)) {
        say("%s", message);
        return OUTCOME_SOME_FAILED;
    }
    work->found = file.found;
    work->failed = file.failed;
    if (request->quiet)
        return OUTCOME_DONE;
    if (file.other_pictures)
        say_kind("note: ", "%zu boxes in pictures that the dataset has not are passed over", file.other_pictures);
    if (work->dataset.missing)
        say_kind("note: ", "%zu of the pictures are not there; the page does without", work->dataset.missing);
    if (file.other_classes)
        say_kind("note: ", "%zu boxes of classes that the dataset has not are passed over", file.other_classes);
    if (file.found.count && file.lowest > 0.05)
        say_kind("note: ", "no box has a score below %.2f; average precision wants those of --conf 0.001 --iou 0.5",
                 file.lowest);
    return OUTCOME_DONE;
}

typedef bool evaluation_writer(FILE *stream, const struct evaluation *evaluation);

static int write_to(const struct work *work, const char *path, evaluation_writer *write,
                    const struct evaluation *evaluation)
{
    struct output_file file;
    char message[512];
    if (!output_file_open(&file, path, message, sizeof message)) {
        say("%s: %s", path, message);
        return OUTCOME_SOME_FAILED;
    }
    bool is_stdout = file.stream == stdout, is_whole = write(file.stream, evaluation);
    if (!is_whole && !ferror(file.stream)) {
        snprintf(message, sizeof message, "needs more memory than there is");
        output_file_abort(&file);
    } else if (output_file_commit(&file, message, sizeof message)) {
        return OUTCOME_DONE;
    }
    say("%s: %s", is_stdout ? "standard output" : path, message);
    work->program->output_failed = work->program->output_failed || is_stdout;
    return OUTCOME_SOME_FAILED;
}

static int write_outputs(struct work *work)
{
    const struct eval_request *request = work->request;
    if (!metrics_compute(&work->dataset, &work->found, request->protocol, &work->metrics))
        return refuse_memory();
    const struct evaluation evaluation = {
        .dataset = &work->dataset,
        .found = &work->found,
        .metrics = &work->metrics,
        .dataset_name = request->dataset.path,
        .set = work->dataset.kind == DATASET_VOC ? request->dataset.set ? request->dataset.set : "test" : NULL,
        .model = request->results ? request->results : work->model.path,
        .device = request->results ? NULL : work->device,
        .missing = request->results ? 0 : work->dataset.missing,
        .failed = work->failed,
    };
    int outcome = OUTCOME_DONE;
    if (!request->quiet && (!request->json || !output_is_stdout(request->json)))
        print_evaluation(stdout, &evaluation);
    if (request->json)
        outcome = write_to(work, request->json, write_evaluation, &evaluation);
    if (request->report && outcome == OUTCOME_DONE)
        outcome = write_to(work, request->report, write_page, &evaluation);
    bool is_whole = !work->failed && (request->results || !work->dataset.missing);
    return outcome == OUTCOME_DONE && !is_whole ? OUTCOME_SOME_FAILED : outcome;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct eval_request request = {
        .search = {.device.kind = GVK_DEVICE_BEST, .confidence = 0.001f, .iou = 0.5f},
    };
    struct work work = {.program = program, .request = &request};
    struct operands operands;
    int held[OUTPUTS] = {-1, -1};
    int outcome = read_command_line(program, line, read_option, &request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    if (operands.count != 1 || !operands.words[0][0])
        return refuse_usage("eval needs one dataset: a Pascal VOC folder or a COCO file");
    request.dataset.path = operands.words[0];
    request.dataset.labels_alone = request.results && !request.report;
    outcome = check_outputs(program, &request);
    if (outcome == OUTCOME_DONE)
        outcome = try_outputs(&request, held);
    if (outcome == OUTCOME_DONE)
        outcome = request.results ? read_results(&work) : search_pictures(&work);
    if (outcome == OUTCOME_DONE)
        outcome = write_outputs(&work);
    for (int index = 0; index < OUTPUTS; index++)
        if (held[index] >= 0)
            file_close(held[index]);
    metrics_release(&work.metrics);
    found_release(&work.found);
    dataset_release(&work.dataset);
    name_list_release(&work.names);
    model_file_close(&work.model);
    return outcome;
}

static const int shared_options[] = {OPTION_NO_EXIF, OPTION_JSON_FILE, MODEL_OPTIONS,    OPTION_CLASSES,
                                     OPTION_ANCHORS, OPTION_SIZE,      OPTION_LETTERBOX, OPTION_NO_LETTERBOX,
                                     OPTION_DEVICE,  OPTION_PRECISION, OPTION_QUIET,     OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_SET,
     .name = "set",
     .value = "NAME",
     .text = "of a VOC folder, the list in ImageSets/Main, or a .txt file; default: test",
     .group = GROUP_INPUT},
    {.id = OPTION_IMAGES,
     .name = "images",
     .value = "DIR",
     .text = "where the pictures are; default: looked for",
     .group = GROUP_INPUT,
     .kind = VALUE_FOLDER},
    {.id = OPTION_RESULTS,
     .name = "results",
     .value = "FILE",
     .text = "evaluate these boxes instead of a model's: JSON, JSON Lines or COCO's",
     .group = GROUP_INPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_REPORT,
     .name = "report",
     .value = "FILE",
     .text = "save one page of HTML: curves, confusion, scores, the worst misses",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_PROTOCOL,
     .name = "protocol",
     .value = "NAME",
     .text = "voc-family (as get_map) or coco (as pycocotools); default: voc-family",
     .group = GROUP_MEASURING,
     .kind = VALUE_CHOICE,
     .choices = "voc-family coco"},
    {.id = OPTION_CONF,
     .name = "conf",
     .value = "SCORE",
     .text = "take boxes of at least this score; default: 0.001",
     .group = GROUP_BOXES},
    {.id = OPTION_IOU,
     .name = "iou",
     .value = "OVERLAP",
     .text = "drop boxes that overlap a better one by more; default: 0.5",
     .group = GROUP_BOXES},
    {0},
};

const struct command eval_command = {
    .name = "eval",
    .summary = "measure average precision on labelled pictures",
    .sentence = "measures how well a model finds what is labelled: mAP, precision, recall, F1.",
    .usage = "DATASET",
    .kind = OPERAND_FILES,
    .shared = shared_options,
    .own = own_options,
    .notes = "DATASET is a Pascal VOC folder or a COCO file of instances.",
    .example = "ghostvk eval -m model.safetensors --report out.html VOCdevkit/VOC2007\n"
               "ghostvk eval --protocol coco --results boxes.jsonl instances_val2017.json",
    .execute = execute,
};
