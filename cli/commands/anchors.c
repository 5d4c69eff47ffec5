/* `ghostvk anchors`: the nine anchors that fit a dataset's boxes, as the file that --anchors reads. */
#include <inttypes.h>
#include <math.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/values.h"
#include "cli/evaluation/labels/read_dataset.h"
#include "cli/evaluation/measure/anchors.h"
#include "cli/files/file_plan.h"
#include "cli/host/command_line.h"
#include "commands.h"

enum { OPTION_SET = OPTION_OWN, OPTION_SEED };

struct anchors_request {
    struct dataset_choice dataset;
    struct size size;
    uint32_t seed;
    const char *output;
    bool quiet;
};

static bool read_option(void *user, int option, const char *value)
{
    struct anchors_request *request = user;
    switch (option) {
    case OPTION_SET: return read_path("--set", value, &request->dataset.set);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_SEED: return read_count("--seed", value, UINT32_MAX, &request->seed);
    case OPTION_OUTPUT: return read_path("-o", value, &request->output);
    case OPTION_QUIET: request->quiet = true; return true;
    default: return false;
    }
}

static int check_output(const struct anchors_request *request)
{
    struct file_plan plan = {0};
    file_plan_read(&plan, request->dataset.path);
    file_plan_read(&plan, request->dataset.set);
    file_plan_write(&plan, "-o", request->output);
    if (output_is_stdout(request->output))
        file_plan_write_stdout(&plan);
    int outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

static int read_sides(const struct anchors_request *request, struct side_list *sides, size_t *pictures)
{
    struct dataset dataset;
    char message[1024];
    if (!dataset_read(&request->dataset, &dataset, message, sizeof message)) {
        say("%s", message);
        return OUTCOME_SOME_FAILED;
    }
    bool is_collected = side_list_collect(&dataset, sides);
    *pictures = dataset.picture_count;
    dataset_release(&dataset);
    if (!is_collected)
        return refuse_memory();
    if (sides->without_area && !request->quiet)
        say_kind("note: ", "%zu boxes without an area are passed over", sides->without_area);
    if (sides->without_size && !request->quiet)
        say_kind("note: ", "%zu boxes in pictures whose labels do not say their size are passed over",
                 sides->without_size);
    if (sides->crowds && !request->quiet)
        say_kind("note: ", "%zu boxes around crowds are passed over", sides->crowds);
    return OUTCOME_DONE;
}

/* Whole pixels of the network's input, as anchors are usually written, and so also what is measured. */
static void round_anchors(struct sides anchors[GVK_ANCHORS], struct size size)
{
    for (size_t anchor = 0; anchor < GVK_ANCHORS; anchor++) {
        anchors[anchor].width = fmax(1, round(anchors[anchor].width * size.width)) / size.width;
        anchors[anchor].height = fmax(1, round(anchors[anchor].height * size.height)) / size.height;
    }
}

static int write_anchors(struct program *program, const struct anchors_request *request,
                         const struct sides anchors[GVK_ANCHORS])
{
    struct output_file file;
    char message[512];
    bool is_stdout = output_is_stdout(request->output);
    if (output_file_open(&file, request->output, message, sizeof message)) {
        for (size_t anchor = 0; anchor < GVK_ANCHORS; anchor++)
            fprintf(file.stream, "%s%.0f, %.0f", anchor ? ",  " : "", anchors[anchor].width * request->size.width,
                    anchors[anchor].height * request->size.height);
        fputc('\n', file.stream);
        if (output_file_commit(&file, message, sizeof message))
            return OUTCOME_DONE;
    }
    say("%s: %s", is_stdout ? "standard output" : request->output, message);
    program->output_failed = program->output_failed || is_stdout;
    return OUTCOME_SOME_FAILED;
}

static int make_anchors(struct program *program, const struct anchors_request *request, const struct side_list *sides,
                        size_t pictures)
{
    struct sides anchors[GVK_ANCHORS];
    double mean_overlap, recall;
    switch (find_anchors(sides, request->seed, anchors)) {
    case CLUSTERS_NO_MEMORY: return refuse_memory();
    case CLUSTERS_TOO_FEW_BOXES:
        say("%s: its %zu boxes have fewer than %d different shapes, too few for as many anchors", request->dataset.path,
            sides->count, GVK_ANCHORS);
        return OUTCOME_SOME_FAILED;
    case CLUSTERS_FOUND: break;
    }
    round_anchors(anchors, request->size);
    measure_anchors(sides, anchors, &mean_overlap, &recall);
    int outcome = write_anchors(program, request, anchors);
    if (outcome == OUTCOME_DONE && !request->quiet)
        say("%zu boxes in %zu pictures, input %" PRIu32 "x%" PRIu32 ": mean IoU %.4f, recall at IoU 0.5: %.4f",
            sides->count, pictures, request->size.width, request->size.height, mean_overlap, recall);
    return outcome;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct anchors_request request = {
        .dataset = {.set = "trainval", .labels_alone = true},
        .size = {.width = 416, .height = 416},
        .seed = 1,
        .output = "-",
    };
    struct side_list sides = {0};
    struct operands operands;
    size_t pictures = 0;
    int outcome = read_command_line(program, line, read_option, &request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    if (operands.count != 1 || !operands.words[0][0])
        return refuse_usage("anchors needs one dataset: a Pascal VOC folder or a COCO file");
    request.dataset.path = operands.words[0];
    outcome = check_output(&request);
    if (outcome == OUTCOME_DONE)
        outcome = read_sides(&request, &sides, &pictures);
    if (outcome == OUTCOME_DONE)
        outcome = make_anchors(program, &request, &sides, pictures);
    side_list_release(&sides);
    return outcome;
}

static const int shared_options[] = {OPTION_OUTPUT, OPTION_SIZE, OPTION_QUIET, OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_SET,
     .name = "set",
     .value = "NAME",
     .text = "of a VOC folder, the list in ImageSets/Main, or a .txt file; default: trainval",
     .group = GROUP_INPUT},
    {.id = OPTION_OUTPUT,
     .letter = 'o',
     .name = "output",
     .value = "FILE",
     .text = "the file to write; default: -, which is stdout",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_SIZE,
     .name = "size",
     .value = "WxH",
     .text = "the network's input that the anchors are for; default: 416x416",
     .group = GROUP_MODEL},
    {.id = OPTION_SEED,
     .name = "seed",
     .value = "N",
     .text = "another start, from 1; default: 1",
     .group = GROUP_MEASURING},
    {0},
};

const struct command anchors_command = {
    .name = "anchors",
    .summary = "find the anchors that fit the boxes of labels",
    .sentence = "finds the nine anchors that fit a dataset's boxes, by k-means.",
    .usage = "DATASET",
    .kind = OPERAND_FILES,
    .shared = shared_options,
    .own = own_options,
    .notes =
        "DATASET is a Pascal VOC folder or a COCO file of instances. The line that it writes is what --anchors reads.",
    .example = "ghostvk anchors -o anchors.txt VOCdevkit/VOC2007",
    .execute = execute,
};
