/* Reads the command line of `ghostvk classify`. */
#include "request.h"

#include <inttypes.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/files/file_plan.h"

#define TOP_DEFAULT 5u
#define TOP_MAX     1000u
#define THREADS_MAX 64u

static bool read_shard(const char *value, struct shard *out)
{
    if (shard_read(value, out))
        return true;
    refuse_usage("--shard %s: two numbers I/N with I from 1 to N are wanted, such as 2/5 for the second of five parts",
                 *value ? value : "\"\"");
    return false;
}

static bool read_option(void *user, int option, const char *value)
{
    struct classify_request *request = user;
    switch (option) {
    case OPTION_CLASSES: return read_path("--classes", value, &request->model.classes);
    case OPTION_DEVICE: return read_device(value, &request->device);
    case OPTION_PRECISION: return read_precision(value, &request->precision);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_NO_EXIF: request->ignore_orientation = true; return true;
    case OPTION_TOP: return read_count("--top", value, TOP_MAX, &request->top);
    case OPTION_RESIZE:
    case OPTION_INTERPOLATION: return read_classifier_option(&request->cut, option, value);
    case OPTION_JSON_FILE: return read_path("--json", value, &request->results.json);
    case OPTION_JSONL: return read_path("--jsonl", value, &request->results.lines);
    case OPTION_CSV: return read_path("--csv", value, &request->results.csv);
    case OPTION_RESUME: request->results.resume = true; return true;
    case OPTION_QUIET: request->quiet = true; return true;
    case OPTION_SHARD: return read_shard(value, &request->source.shard);
    case OPTION_EVERY: return read_count("--every", value, UINT32_MAX, &request->source.every);
    case OPTION_NULL: request->source.list_ends_in_null = true; return true;
    case OPTION_THREADS: return read_count("--threads", value, THREADS_MAX, &request->threads);
    default: return read_model_option(&request->model, option, value);
    }
}

/* No output may replace an input or another output. */
static int check_outputs(const struct program *program, const struct classify_request *request)
{
    struct file_plan plan = {0};
    model_choice_plan(program, &request->model, &plan);
    for (size_t index = 0; index < request->pictures.count; index++)
        file_plan_read(&plan, request->pictures.words[index]);
    file_plan_write_stdout(&plan);
    file_plan_write(&plan, "--json", request->results.json);
    file_plan_write(&plan, "--jsonl", request->results.lines);
    file_plan_write(&plan, "--csv", request->results.csv);
    int outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

int classify_request_read(struct program *program, const struct command_line *line, struct classify_request *request)
{
    request->top = TOP_DEFAULT;
    int read = read_command_line(program, line, read_option, request, &request->pictures);
    if (read != OUTCOME_DONE)
        return read;
    if (request->pictures.count == 0)
        return refuse_usage("classify needs a picture, video or folder");
    int outcome = refuse_models(request->pictures.words, request->pictures.count);
    if (outcome != OUTCOME_DONE)
        return outcome;
    for (size_t index = 0; index < request->pictures.count; index++)
        if (!request->pictures.words[index][0])
            return refuse_usage("the path of picture %zu is empty", index + 1);
    if (!request->model.path)
        return refuse_usage(
            "classify needs a classifier, given by -m; the model that comes with ghostvk is a detector");
    if (request->results.resume && !request->results.lines)
        return refuse_usage("--resume needs --jsonl: its lines tell what is done");
    return check_outputs(program, request);
}
