/* Reads the command line of `ghostvk detect`: options, operands, and whether outputs would meet inputs. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/files/file_plan.h"
#include "cli/pictures/image_io.h"
#include "cli/sources/pattern.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"
#include "cli/video/writer.h"
#include "drawn.h"

#define THREADS_MAX 64
#define EVERY_MAX   1000000

/* 0 in gvk_detector_params is the network's default, and a negative number is zero. */
static bool read_threshold(const char *option, const char *value, float *out)
{
    if (!read_fraction(option, value, out))
        return false;
    if (*out <= 0)
        *out = -1;
    return true;
}

static bool read_shard(const char *value, struct shard *out)
{
    if (shard_read(value, out))
        return true;
    refuse_usage("--shard %s: two numbers I/N with I from 1 to N are wanted, such as 2/5 for the second of five parts",
                 *value ? value : "\"\"");
    return false;
}

static bool read_raw(struct detect_request *request, const char *value)
{
    char message[256];
    request->source.raw = &request->raw;
    if (raw_shape_read(value, &request->raw, message, sizeof message))
        return true;
    refuse_usage("--raw %s: %s", *value ? value : "\"\"", message);
    return false;
}

static bool read_option(void *user, int option, const char *value)
{
    struct detect_request *request = user;
    switch (option) {
    case OPTION_CLASSES: return read_path("--classes", value, &request->model.classes);
    case OPTION_ANCHORS: return read_path("--anchors", value, &request->model.anchors);
    case OPTION_DEVICE: return read_device(value, &request->device);
    case OPTION_PRECISION: return read_precision(value, &request->precision);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_LETTERBOX:
    case OPTION_NO_LETTERBOX:
        request->letterbox = option == OPTION_LETTERBOX;
        request->letterbox_given = true;
        return true;
    case OPTION_NO_EXIF: request->ignore_orientation = true; return true;
    case OPTION_CONF: return read_threshold("--conf", value, &request->confidence);
    case OPTION_IOU: return read_threshold("--iou", value, &request->iou);
    case OPTION_JSON_FILE: return read_path("--json", value, &request->results.json);
    case OPTION_OUTPUT: return read_path("-o", value, &request->output);
    case OPTION_JSONL: return read_path("--jsonl", value, &request->results.lines);
    case OPTION_CSV: return read_path("--csv", value, &request->results.csv);
    case OPTION_EVERY: return read_count("--every", value, EVERY_MAX, &request->source.every);
    case OPTION_TRACK: request->track = true; return true;
    case DETECT_RAW: return read_raw(request, value);
    case OPTION_RESUME: request->results.resume = true; return true;
    case DETECT_YOLO: return read_path("--yolo", value, &request->results.yolo);
    case DETECT_SAVE_CONFIDENCE: request->results.save_confidence = true; return true;
    case DETECT_COCO: return read_path("--coco", value, &request->results.coco);
    case DETECT_COCO_IDS: return read_path("--coco-ids", value, &request->results.coco_annotations);
    case DETECT_FAMILY: return read_path("--voc-family", value, &request->results.family);
    case DETECT_CROPS: return read_path("--crop", value, &request->results.crops);
    case DETECT_COUNT: request->results.count = true; return true;
    case OPTION_QUIET: request->quiet = true; return true;
    case OPTION_SHARD: return read_shard(value, &request->source.shard);
    case DETECT_NULL: request->source.list_ends_in_null = true; return true;
    case DETECT_THREADS: return read_count("--threads", value, THREADS_MAX, &request->threads);
    default: return read_model_option(&request->model, option, value);
    }
}

/* Whether the operand is one file, or at least nothing that leads to several. */
static bool is_one_file(const char *operand, const struct raw_shape *raw)
{
    struct file_status status;
    if (strcmp(operand, "-") == 0)
        return raw != NULL;
    if (file_look(operand, &status))
        return status.kind != FILE_FOLDER;
    return !pattern_is_one(operand);
}

static int check_drawn(struct detect_request *request)
{
    const char *output = request->output;
    request->into_folder = path_parts_at(output[strlen(output) - 1]) || is_folder(output);
    if (strcmp(output, "-") == 0)
        return refuse_usage("-o -: pictures are not drawn to standard output; only --json can be -");
    if (!request->into_folder && !request->is_single)
        return refuse_usage("-o %s: several pictures need a folder; %s/ creates it", output, output);
    enum image_kind kind = image_kind_of_path(output);
    if (!request->into_folder && request->is_video)
        return video_writer_takes(output)
                   ? OUTCOME_DONE
                   : refuse_usage("-o %s: a video's name ends in .mp4, .mov, .mkv, .avi, .webm or .gif, and a new "
                                  "folder's in /",
                                  output);
    if (!request->into_folder && kind != IMAGE_JPEG && kind != IMAGE_PNG)
        return refuse_usage("-o %s: a picture's name ends in .jpg, .jpeg or .png, and a new folder's in /", output);
    return OUTCOME_DONE;
}

/* A folder that is looked through is no place for outputs; in one below it they are passed over. */
static int check_folder(const struct detect_request *request, const char *option, const char *folder)
{
    struct file_status output, input;
    if (!folder || !file_look(folder, &output))
        return OUTCOME_DONE;
    for (size_t index = 0; index < request->operand_count; index++) {
        const char *operand = request->operands[index];
        if (file_look(operand, &input) && input.kind == FILE_FOLDER &&
            memcmp(input.place, output.place, sizeof input.place) == 0)
            return refuse_usage("%s %s: the output is one of the inputs", option, folder);
    }
    return OUTCOME_DONE;
}

/* No output may replace an input or another output, as far as operands say what there will be. */
static int plan_files(const struct program *program, const struct detect_request *request)
{
    struct file_plan plan = {0};
    char **drawn = request->output ? calloc(request->operand_count, sizeof *drawn) : NULL;
    int outcome = request->output && !drawn ? refuse_memory() : OUTCOME_DONE;
    model_choice_plan(program, &request->model, &plan);
    for (size_t index = 0; index < request->operand_count; index++)
        file_plan_read(&plan, request->operands[index]);
    file_plan_write_stdout(&plan);
    for (size_t index = 0; drawn && index < request->operand_count; index++) {
        const char *operand = request->operands[index];
        if (!is_one_file(operand, request->source.raw) || !shard_takes(&request->source.shard, base_name(operand)))
            continue;
        if (strstr(operand, "://") || strcmp(operand, "-") == 0)
            continue;
        drawn[index] = name_drawn(request->output, request->into_folder, operand, base_name(operand),
                                  source_is_video(operand, request->source.raw));
        if (!drawn[index])
            outcome = refuse_memory();
        file_plan_write(&plan, "-o", drawn[index]);
    }
    file_plan_read(&plan, request->results.coco_annotations);
    file_plan_write(&plan, "--json", request->results.json);
    file_plan_write(&plan, "--jsonl", request->results.lines);
    file_plan_write(&plan, "--csv", request->results.csv);
    file_plan_write(&plan, "--coco", request->results.coco);
    if (outcome == OUTCOME_DONE)
        outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    for (size_t index = 0; drawn && index < request->operand_count; index++)
        free(drawn[index]);
    free(drawn);
    return outcome;
}

static int check_operands(struct detect_request *request)
{
    if (request->operand_count == 0)
        return refuse_usage("detect needs a picture, video or folder");
    int outcome = refuse_models(request->operands, request->operand_count);
    if (outcome != OUTCOME_DONE)
        return outcome;
    for (size_t index = 0; index < request->operand_count; index++)
        if (!request->operands[index][0])
            return refuse_usage("the path of picture %zu is empty", index + 1);
    bool has_stdin = false;
    for (size_t index = 0; index < request->operand_count; index++)
        has_stdin = has_stdin || strcmp(request->operands[index], "-") == 0;
    if (request->source.raw && !has_stdin)
        return refuse_usage("--raw: it is for frames on standard input, and no input is -");
    if (request->source.list_ends_in_null && !has_stdin)
        return refuse_usage("-0: it is for a list on standard input, and no input is -");
    const struct results_choice *results = &request->results;
    if (results->coco_annotations && !results->coco)
        return refuse_usage("--coco-ids: it is for --coco");
    if (results->save_confidence && !results->yolo)
        return refuse_usage("--save-conf: it is for --yolo");
    if (results->resume && !results->lines && !results->yolo && !results->family && !request->output)
        return refuse_usage("--resume needs an output to go on with: --jsonl, --yolo, --voc-family or -o");
    request->is_single = request->operand_count == 1 && is_one_file(request->operands[0], request->source.raw);
    request->is_video = request->is_single && source_is_video(request->operands[0], request->source.raw);
    return OUTCOME_DONE;
}

int detect_request_read(struct program *program, const struct command_line *line, struct detect_request *request)
{
    struct operands operands;
    char message[512];
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome;
    request->operands = operands.words;
    request->operand_count = operands.count;
    outcome = check_operands(request);
    if (outcome == OUTCOME_DONE && request->output)
        outcome = check_drawn(request);
    if (outcome == OUTCOME_DONE)
        outcome = check_folder(request, "-o", request->into_folder ? request->output : NULL);
    if (outcome == OUTCOME_DONE)
        outcome = check_folder(request, "--crop", request->results.crops);
    if (outcome != OUTCOME_DONE)
        return outcome;
    /* The folder is made first, so that all places can be told. */
    if (request->into_folder && !output_folder_make(&request->folder, request->output, message, sizeof message)) {
        say("%s: %s", request->output, message);
        return OUTCOME_SOME_FAILED;
    }
    request->source.left_out[0] = request->into_folder ? request->output : NULL;
    request->source.left_out[1] = request->results.crops;
    return plan_files(program, request);
}

void detect_request_release(struct detect_request *request)
{
    output_folder_unmake(&request->folder);
}
