/* See features_request.h. */
#include "features_request.h"

#include <string.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/files/file_plan.h"
#include "cli/pictures/image_io.h"

enum {
    OPTION_LAYER = OPTION_OWN,
    OPTION_GHOSTS,
    OPTION_HEATMAP,
    OPTION_LIST,
    OPTION_CHANNELS,
    OPTION_SCALE,
    OPTION_ORDER,
    OPTION_CLASS
};

static bool read_channels(const char *value, struct features_request *request)
{
    const char *at = value;
    bool read = read_digits(&at, UINT32_MAX - 1, &request->first);
    request->last = request->first;
    if (read && *at == '-') {
        at++;
        read = read_digits(&at, UINT32_MAX - 1, &request->last);
    }
    request->channels_given = true;
    if (read && !*at && request->first <= request->last)
        return true;
    refuse_usage("--channels %s: a channel or two with - between them are wanted, such as 0-31",
                 *value ? value : "\"\"");
    return false;
}

/* One of two words. */
static bool read_word(const char *option, const char *value, const char *no, const char *yes, bool *out, bool *given)
{
    *given = true;
    *out = strcmp(value, yes) == 0;
    if (*out || strcmp(value, no) == 0)
        return true;
    refuse_usage("%s %s: %s or %s is wanted", option, *value ? value : "\"\"", no, yes);
    return false;
}

static bool read_option(void *user, int option, const char *value)
{
    struct features_request *request = user;
    switch (option) {
    case OPTION_LAYER: request->layer = value; return true;
    case OPTION_GHOSTS: request->ghosts = true; return true;
    case OPTION_HEATMAP: request->heatmap = true; return true;
    case OPTION_LIST: request->list = true; return true;
    case OPTION_CHANNELS: return read_channels(value, request);
    case OPTION_SCALE:
        return read_word("--scale", value, "each", "all", &request->scale_together, &request->scale_given);
    case OPTION_ORDER:
        return read_word("--order", value, "correlation", "channel", &request->by_channel, &request->order_given);
    case OPTION_CLASS: request->class_name = value; return true;
    case OPTION_OUTPUT: return read_path("--output", value, &request->output);
    case OPTION_JSON_FILE: return read_path("--json", value, &request->json);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_LETTERBOX:
    case OPTION_NO_LETTERBOX:
        request->letterbox = option == OPTION_LETTERBOX;
        request->letterbox_given = true;
        return true;
    case OPTION_NO_EXIF: request->ignore_orientation = true; return true;
    case OPTION_DEVICE: return read_device(value, &request->device);
    case OPTION_PRECISION: return read_precision(value, &request->precision);
    default: return read_model_option(&request->model, option, value);
    }
}

static int check_combination(const struct features_request *request)
{
    if (request->list && (request->ghosts || request->heatmap || request->layer || request->output || request->json))
        return refuse_usage("--list goes with no other output");
    if (request->heatmap && (request->layer || request->ghosts))
        return refuse_usage("--heatmap goes with neither --layer nor --ghosts");
    if (!request->list && !request->heatmap && !request->layer && !request->ghosts)
        return refuse_usage("features needs --layer, --ghosts, --heatmap or --list");
    if (request->class_name && !request->heatmap)
        return refuse_usage("--class is for --heatmap");
    if (request->heatmap && (request->channels_given || request->scale_given))
        return refuse_usage("--channels and --scale are for the maps of a layer, and a heatmap has none");
    if (request->order_given && !request->ghosts)
        return refuse_usage("--order is for --ghosts");
    if (request->ghosts && !request->layer && request->output)
        return refuse_usage("a page has one ghost module: --layer names it");
    if (request->heatmap && !request->output && !request->json)
        return refuse_usage("--heatmap needs --output, or --json for the numbers alone");
    return OUTCOME_DONE;
}

static int check_files(const struct program *program, const struct features_request *request)
{
    struct file_plan plan = {0};
    if (request->output) {
        enum image_kind kind = image_kind_of_path(request->output);
        if (output_is_stdout(request->output))
            return refuse_usage("-o %s: pictures are not drawn to standard output; only --json can be -",
                                request->output);
        if (kind != IMAGE_JPEG && kind != IMAGE_PNG)
            return refuse_usage("-o %s: a picture's name ends in .jpg, .jpeg or .png", request->output);
    }
    model_choice_plan(program, &request->model, &plan);
    file_plan_read(&plan, request->image);
    file_plan_write_stdout(&plan);
    file_plan_write(&plan, "--output", request->output);
    file_plan_write(&plan, "--json", request->json);
    int outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

int features_read_request(struct program *program, const struct command_line *line, struct features_request *request)
{
    struct operands operands;
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome == OUTCOME_DONE)
        outcome = check_combination(request);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (request->list)
        return operands.count ? refuse_usage("--list takes no argument %s; a model is given by -m", operands.words[0])
                              : OUTCOME_DONE;
    if (operands.count != 1)
        return operands.count ? refuse_usage("features takes one picture, and %s is another", operands.words[1])
                              : refuse_usage("features needs a picture");
    if (!read_path("IMAGE", operands.words[0], &request->image))
        return OUTCOME_USAGE;
    return check_files(program, request);
}

const int features_shared_options[] = {OPTION_NO_EXIF,   OPTION_OUTPUT,    OPTION_JSON_FILE,    MODEL_OPTIONS,
                                       OPTION_SIZE,      OPTION_LETTERBOX, OPTION_NO_LETTERBOX, OPTION_DEVICE,
                                       OPTION_PRECISION, OPTION_END};

const struct option_row features_own_options[] = {
    {.id = OPTION_OUTPUT,
     .letter = 'o',
     .name = "output",
     .value = "FILE",
     .text = "the picture to draw, .png or .jpg",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_JSON_FILE,
     .name = "json",
     .value = "FILE",
     .text = "save the statistics of all maps, and correlations, as JSON; - is stdout",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_LAYER,
     .name = "layer",
     .value = "NAME",
     .text = "show this layer's maps; the end of a name is enough, and a module stands for its result",
     .group = GROUP_OUTPUT},
    {.id = OPTION_GHOSTS,
     .name = "ghosts",
     .text = "show the intrinsic maps of a ghost module beside their ghosts; without --layer a table of all modules",
     .group = GROUP_OUTPUT},
    {.id = OPTION_HEATMAP,
     .name = "heatmap",
     .text = "show over the picture where the detector sees something",
     .group = GROUP_OUTPUT},
    {.id = OPTION_LIST,
     .name = "list",
     .text = "list the layers that have maps, with their shapes; needs no picture and no device",
     .group = GROUP_OUTPUT},
    {.id = OPTION_CHANNELS,
     .name = "channels",
     .value = "A-B",
     .text = "draw these channels, up to 512; default: the first 64",
     .group = GROUP_OUTPUT},
    {.id = OPTION_SCALE,
     .name = "scale",
     .value = "HOW",
     .text = "colours for the range of each map or of all together; default: each",
     .group = GROUP_OUTPUT,
     .kind = VALUE_CHOICE,
     .choices = "each all"},
    {.id = OPTION_ORDER,
     .name = "order",
     .value = "HOW",
     .text = "of ghosts: by falling correlation or by channel; default: correlation",
     .group = GROUP_OUTPUT,
     .kind = VALUE_CHOICE,
     .choices = "correlation channel"},
    {.id = OPTION_CLASS,
     .name = "class",
     .value = "NAME",
     .text = "of a heatmap: this class alone, by name or number, or objectness; default: the best class",
     .group = GROUP_OUTPUT},
    {.id = OPTION_END},
};
