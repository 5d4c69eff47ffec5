/* `ghostvk features`: what a network makes of a picture on the way to its result: the maps of a layer, the halves of
 * its ghost modules beside each other, or where it sees something. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/text.h"
#include "cli/base/values.h"
#include "cli/features/frame.h"
#include "cli/features/ghosts.h"
#include "cli/features/grid.h"
#include "cli/features/heatmap.h"
#include "cli/features/layers.h"
#include "cli/features/report.h"
#include "cli/files/file_plan.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/pictures/image_io.h"
#include "commands.h"

#define CHANNELS_DRAWN 64  /* without --channels */
#define CHANNELS_MAX   512 /* on a page */
#define MODULES_MAX    256

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

struct request {
    struct model_choice model;
    struct device_choice device;
    gvk_precision precision;
    struct size size;
    bool letterbox, letterbox_given, ignore_orientation;
    const char *image, *output, *json, *layer, *class_name;
    bool ghosts, heatmap, list;
    bool channels_given, scale_together, scale_given, by_channel, order_given;
    uint32_t first, last;
};

/* What lives while one picture is worked on. */
struct work {
    struct program *program;
    const struct request *request;
    struct model_file model;
    struct layer_list layers;
    struct frame frame;
    struct letters *letters;
    struct output_file json_file;
    struct json json;
    bool has_json, has_text;
    char picture[512]; /* its name and size, for the pages */
};

/* ---- the command line -------------------------------------------------------------------------------------------- */

static bool read_channels(const char *value, struct request *request)
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
    struct request *request = user;
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

static int check_combination(const struct request *request)
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

static int check_files(const struct program *program, const struct request *request)
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

static int read_request(struct program *program, const struct command_line *line, struct request *request)
{
    struct operands operands;
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome == OUTCOME_DONE)
        outcome = check_combination(request);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (request->list)
        return operands.count ? refuse_usage("--list takes no picture, and %s is one", operands.words[0])
                              : OUTCOME_DONE;
    if (operands.count != 1)
        return operands.count ? refuse_usage("features takes one picture, and %s is another", operands.words[1])
                              : refuse_usage("features needs a picture");
    if (!read_path("IMAGE", operands.words[0], &request->image))
        return OUTCOME_USAGE;
    return check_files(program, request);
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static int open_json(struct work *work)
{
    char message[512];
    if (!work->request->json)
        return OUTCOME_DONE;
    if (!output_file_open(&work->json_file, work->request->json, message, sizeof message)) {
        say("%s: %s", work->request->json, message);
        return OUTCOME_SOME_FAILED;
    }
    work->has_json = true;
    work->has_text = work->json_file.stream != stdout;
    return OUTCOME_DONE;
}

static void begin_json(struct work *work)
{
    struct json *json = &work->json;
    json_start(json, work->json_file.stream);
    json_open_object(json, JSON_BLOCK);
    json_key(json, "model");
    json_string(json, work->model.path);
    json_key(json, "device");
    json_string(json, work->frame.device_info.name);
    json_key(json, "file");
    json_string(json, work->request->image);
    json_key(json, "width");
    json_unsigned(json, work->frame.image.width);
    json_key(json, "height");
    json_unsigned(json, work->frame.image.height);
}

static int finish_json(struct work *work)
{
    char message[512];
    bool to_stdout = work->json_file.stream == stdout;
    json_close(&work->json);
    bool complete = json_finish(&work->json), written = output_file_commit(&work->json_file, message, sizeof message);
    if (complete && written)
        return OUTCOME_DONE;
    if (to_stdout)
        work->program->output_failed = true;
    say("%s: %s", work->request->json, written ? "cannot be written" : message);
    return OUTCOME_SOME_FAILED;
}

/* Writes the sheet and releases it. */
static int save_sheet(struct work *work, struct sheet *sheet)
{
    char message[512];
    bool written = image_write(work->request->output, &sheet->image, message, sizeof message);
    sheet_release(sheet);
    if (!written) {
        say("%s: %s", work->request->output, message);
        return OUTCOME_SOME_FAILED;
    }
    if (work->has_text) {
        fputs("drawn to ", stdout);
        print_text(stdout, work->request->output);
        putchar('\n');
    }
    return OUTCOME_DONE;
}

static int refuse_drawing(const struct work *work, const char *message)
{
    say("%s: %s", work->request->output, message);
    return OUTCOME_SOME_FAILED;
}

/* Those of --channels, or the first. */
static int choose_channels(const struct work *work, uint32_t count, uint32_t *first, uint32_t *last)
{
    const struct request *request = work->request;
    *first = request->channels_given ? request->first : 0;
    *last = request->channels_given ? request->last : (count < CHANNELS_DRAWN ? count : CHANNELS_DRAWN) - 1;
    if (*last >= count)
        return refuse_usage("--channels: there is no channel %" PRIu32 ", the last is %" PRIu32, *last, count - 1);
    if (*last - *first >= CHANNELS_MAX)
        return refuse_usage("--channels: a page has up to %d", CHANNELS_MAX);
    return OUTCOME_DONE;
}

/* ---- a picture through the network ------------------------------------------------------------------------------- */

static struct size size_of(const struct work *work)
{
    const gvk_network_info *info = &work->model.info;
    return work->request->size.width ? work->request->size : (struct size){info->input_width, info->input_height};
}

static int run_frame(struct work *work, const char *const *layers, uint32_t count)
{
    const struct request *request = work->request;
    const struct size size = size_of(work);
    const struct frame_choice choice = {
        .path = request->image,
        .device = request->device,
        .precision = request->precision,
        .width = size.width,
        .height = size.height,
        .letterbox = request->letterbox_given ? request->letterbox : work->model.info.letterbox,
        .ignore_orientation = request->ignore_orientation,
        .layers = layers,
        .layer_count = count,
    };
    int outcome = frame_run(work->program, &work->model, &choice, &work->frame);
    snprintf(work->picture, sizeof work->picture, "%s, %" PRIu32 "\xC3\x97%" PRIu32, base_name(request->image),
             work->frame.image.width, work->frame.image.height);
    return outcome;
}

static int show_layer(struct work *work)
{
    char message[1024];
    struct maps maps = {0};
    const struct layer *layer = layers_find(&work->layers, work->request->layer, message, sizeof message);
    if (!layer) {
        say("%s: %s", work->model.path, message);
        return OUTCOME_USAGE;
    }
    if (!layer_has_maps(layer)) {
        say("%s: %s has one value a channel, which is no map", work->model.path, layer->name);
        return OUTCOME_USAGE;
    }
    struct grid_choice choice = {
        .scale_together = work->request->scale_together, .picture = work->picture, .letters = work->letters};
    int outcome = choose_channels(work, layer->channels, &choice.first, &choice.last);
    if (outcome == OUTCOME_DONE)
        outcome = run_frame(work, &layer->name, 1);
    if (outcome == OUTCOME_DONE)
        outcome = frame_read(&work->frame, layer->name, &maps);
    if (outcome != OUTCOME_DONE)
        return outcome;
    struct sheet sheet;
    if (work->has_json) {
        begin_json(work);
        report_layer(&work->json, &maps);
        outcome = finish_json(work);
    }
    if (work->has_text)
        print_layer(stdout, &maps, !work->request->output);
    if (outcome == OUTCOME_DONE && work->request->output)
        outcome = grid_draw(&maps, &choice, &sheet, message, sizeof message) ? save_sheet(work, &sheet)
                                                                             : refuse_drawing(work, message);
    maps_release(&maps);
    return outcome;
}

/* ---- ghosts ------------------------------------------------------------------------------------------------------ */

/* All modules of the network, or the one that the command line names. */
static int choose_modules(const struct work *work, struct ghost_layers *modules, uint32_t *count)
{
    char message[1024];
    *count = layers_list_ghosts(&work->layers, modules, MODULES_MAX);
    if (*count == 0) {
        say("%s: %s has no ghost modules; --layer alone shows the maps of its layers", work->model.path,
            work->model.info.name);
        return OUTCOME_MODEL_REFUSED;
    }
    *count = *count < MODULES_MAX ? *count : MODULES_MAX;
    if (!work->request->layer)
        return OUTCOME_DONE;
    *count = 1;
    if (layers_find_ghosts(&work->layers, work->request->layer, modules, message, sizeof message))
        return OUTCOME_DONE;
    say("%s: %s", work->model.path, message);
    return OUTCOME_USAGE;
}

static int read_modules(struct work *work, const struct ghost_layers *layers, uint32_t count,
                        struct ghost_module *modules)
{
    int outcome = OUTCOME_DONE;
    for (uint32_t index = 0; index < count && outcome == OUTCOME_DONE; index++) {
        struct maps intrinsic = {0}, ghosts = {0};
        outcome = frame_read(&work->frame, layers[index].intrinsic->name, &intrinsic);
        if (outcome == OUTCOME_DONE)
            outcome = frame_read(&work->frame, layers[index].ghosts->name, &ghosts);
        if (outcome != OUTCOME_DONE)
            maps_release(&intrinsic);
        else if (!ghost_module_create(layers[index].name, &intrinsic, &ghosts, &modules[index]))
            outcome = refuse_memory();
    }
    return outcome;
}

static int show_modules(struct work *work, const struct ghost_module *modules, uint32_t count,
                        const struct ghost_choice *choice)
{
    char message[512];
    struct sheet sheet;
    int outcome = OUTCOME_DONE;
    if (work->has_json) {
        begin_json(work);
        report_ghosts(&work->json, modules, count);
        outcome = finish_json(work);
    }
    if (work->has_text)
        print_ghost_head(stdout);
    for (uint32_t index = 0; index < count && work->has_text; index++)
        print_ghosts(stdout, &modules[index]);
    if (work->has_text && work->request->layer && !work->request->output)
        print_pairs(stdout, modules);
    if (outcome == OUTCOME_DONE && work->request->output)
        outcome = ghosts_draw(modules, choice, &sheet, message, sizeof message) ? save_sheet(work, &sheet)
                                                                                : refuse_drawing(work, message);
    return outcome;
}

static int show_ghosts(struct work *work)
{
    struct ghost_layers *layers = calloc(MODULES_MAX, sizeof *layers);
    struct ghost_module *modules = calloc(MODULES_MAX, sizeof *modules);
    const char **names = calloc(2 * (size_t)MODULES_MAX, sizeof *names);
    struct ghost_choice choice = {.by_channel = work->request->by_channel,
                                  .scale_together = work->request->scale_together,
                                  .picture = work->picture,
                                  .letters = work->letters};
    uint32_t count = 0, name_count = 0;
    int outcome = layers && modules && names ? choose_modules(work, layers, &count) : refuse_memory();
    if (outcome == OUTCOME_DONE && work->request->layer)
        outcome = choose_channels(work, layers->intrinsic->channels, &choice.first, &choice.last);
    if (outcome == OUTCOME_DONE && !layer_has_maps(layers->intrinsic)) {
        say("%s: %s has one value a channel at this size, which is no map", work->model.path, layers->name);
        outcome = OUTCOME_USAGE;
    }
    for (uint32_t index = 0; index < count && outcome == OUTCOME_DONE; index++) {
        names[name_count++] = layers[index].intrinsic->name;
        names[name_count++] = layers[index].ghosts->name;
    }
    if (outcome == OUTCOME_DONE)
        outcome = run_frame(work, names, name_count);
    if (outcome == OUTCOME_DONE)
        outcome = read_modules(work, layers, count, modules);
    if (outcome == OUTCOME_DONE)
        outcome = show_modules(work, modules, count, &choice);
    for (uint32_t index = 0; modules && index < MODULES_MAX; index++)
        ghost_module_release(&modules[index]);
    free(layers);
    free(modules);
    free(names);
    return outcome;
}

/* ---- heat -------------------------------------------------------------------------------------------------------- */

/* A class by its name or number. */
static int choose_class(const struct work *work, uint32_t *out)
{
    const gvk_network_info *info = &work->model.info;
    const char *wanted = work->request->class_name, *at = wanted;
    *out = HEAT_ALL;
    if (!wanted)
        return OUTCOME_DONE;
    for (uint32_t index = 0; index < info->class_count; index++)
        if (strcmp(info->classes[index], wanted) == 0) {
            *out = index;
            return OUTCOME_DONE;
        }
    if (strcmp(wanted, "objectness") == 0) {
        *out = HEAT_PRESENCE;
        return OUTCOME_DONE;
    }
    if (read_digits(&at, info->class_count - 1, out) && !*at)
        return OUTCOME_DONE;
    char classes[512];
    int length = 0;
    for (uint32_t index = 0; index < info->class_count && length >= 0 && (size_t)length + 80 < sizeof classes; index++)
        length += snprintf(classes + length, sizeof classes - (size_t)length, "%s%.64s", index ? ", " : "",
                           info->classes[index]);
    return refuse_usage("--class %s: the model has no such class; it has %s", *wanted ? wanted : "\"\"", classes);
}

static int measure_heat(struct work *work, uint32_t class_id, struct heat_cells *scales)
{
    static const char *const maps[HEAT_SCALES] = {"stride32", "stride16", "stride8"};
    for (int scale = 0; scale < HEAT_SCALES; scale++) {
        gvk_array array;
        gvk_result result = gvk_stream_read(work->frame.stream, work->frame.ticket, maps[scale], &array);
        if (result)
            return report_failure(work->program, work->request->image, result);
        const struct heat_source source = {array.data, (uint32_t)array.shape[1], (uint32_t)array.shape[2],
                                           (uint32_t)array.shape[3]};
        if (!heat_measure(&source, work->model.info.class_count, class_id, &scales[scale]))
            return refuse_memory();
    }
    return OUTCOME_DONE;
}

static int show_heat(struct work *work)
{
    struct heat_cells scales[HEAT_SCALES] = {{0}};
    const struct request *request = work->request;
    const struct size size = size_of(work);
    uint32_t class_id;
    char message[512], caption[512];
    struct sheet sheet;
    if (work->model.info.task != GVK_TASK_DETECTOR) {
        say("%s: it is a classifier, and a heatmap needs a detector.", work->model.path);
        return OUTCOME_MODEL_REFUSED;
    }
    int outcome = choose_class(work, &class_id);
    if (outcome == OUTCOME_DONE)
        outcome = run_frame(work, NULL, 0);
    if (outcome == OUTCOME_DONE)
        outcome = measure_heat(work, class_id, scales);
    if (outcome != OUTCOME_DONE)
        goto done;
    const struct image *image = &work->frame.image;
    const struct heat_place place =
        heat_place_of(image->width, image->height, size.width, size.height,
                      request->letterbox_given ? request->letterbox : work->model.info.letterbox);
    const char *subject = class_id == HEAT_ALL        ? "the best class"
                          : class_id == HEAT_PRESENCE ? "objectness"
                                                      : work->model.info.classes[class_id];
    if (work->has_json) {
        begin_json(work);
        json_key(&work->json, "heat_of");
        json_string(&work->json, subject);
        report_heat(&work->json, scales, HEAT_SCALES, &place, image->width, image->height);
        outcome = finish_json(work);
    }
    snprintf(caption, sizeof caption, "%s%s", class_id == HEAT_PRESENCE ? "" : "confidence of ", subject);
    if (outcome == OUTCOME_DONE && request->output)
        outcome = heat_draw(image, scales, HEAT_SCALES, &place, caption, work->letters, &sheet, message, sizeof message)
                      ? save_sheet(work, &sheet)
                      : refuse_drawing(work, message);
done:
    for (int scale = 0; scale < HEAT_SCALES; scale++)
        heat_release(&scales[scale]);
    return outcome;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static int execute(struct program *program, const struct command_line *line)
{
    struct request request = {.device.kind = GVK_DEVICE_BEST};
    struct work work = {.program = program, .request = &request, .has_text = true};
    int outcome = read_request(program, line, &request);
    if (outcome < 0)
        return OUTCOME_DONE; /* help was asked for */
    if (outcome == OUTCOME_DONE)
        outcome = model_file_open(program, &request.model, &work.model);
    if (outcome != OUTCOME_DONE)
        return outcome;
    say_unused_tensors(program, &work.model);
    const struct size size = size_of(&work);
    outcome = layers_open(program, work.model.network, size.width, size.height, &work.layers);
    if (outcome == OUTCOME_DONE)
        outcome = open_json(&work);
    work.letters = request.output ? letters_create() : NULL;
    if (outcome == OUTCOME_DONE && request.list)
        print_layers(stdout, &work.layers);
    else if (outcome == OUTCOME_DONE)
        outcome = request.heatmap ? show_heat(&work) : request.ghosts ? show_ghosts(&work) : show_layer(&work);
    output_file_abort(&work.json_file);
    letters_destroy(work.letters);
    frame_release(&work.frame);
    layers_close(program, &work.layers);
    model_file_close(&work.model);
    return outcome;
}

static const int shared_options[] = {OPTION_NO_EXIF,   OPTION_OUTPUT,    OPTION_JSON_FILE,    MODEL_OPTIONS,
                                     OPTION_SIZE,      OPTION_LETTERBOX, OPTION_NO_LETTERBOX, OPTION_DEVICE,
                                     OPTION_PRECISION, OPTION_END};

static const struct option_row own_options[] = {
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

const struct command features_command = {
    .name = "features",
    .summary = "show what a network sees inside",
    .sentence = "draws the maps of a network's layers, ghosts beside what they were made of, and heat over a picture.",
    .usage = "(--layer NAME | --ghosts | --heatmap) IMAGE",
    .kind = OPERAND_PICTURES,
    .shared = shared_options,
    .own = own_options,
    .notes = "Layers have the names of the checkpoint; a batch norm stands for what its activation gives. r is "
             "Pearson's correlation of two maps.",
    .example = "ghostvk features --layer blocks.3.0.ghost1 -o maps.png picture.jpg\n"
               "ghostvk features --ghosts --layer blocks.1.0.ghost1 -o ghosts.png picture.jpg\n"
               "ghostvk features --heatmap --class WBC -o heat.jpg picture.jpg",
    .execute = execute,
};
