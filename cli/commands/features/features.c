/* `ghostvk features`: what a network makes of a picture on the way to its result: the maps of a layer, the halves of
 * its ghost modules beside each other, or where it sees something. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/text.h"
#include "cli/commands/commands.h"
#include "cli/features/ghosts.h"
#include "cli/features/grid.h"
#include "cli/features/heatmap.h"
#include "cli/features/layers.h"
#include "cli/features/report.h"
#include "cli/features/tapped_frame.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "features_request.h"

#define CHANNELS_DRAWN 64  /* without --channels */
#define CHANNELS_MAX   512 /* on a page */
#define MODULES_MAX    256

/* What lives while one picture is worked on. */
struct work {
    struct program *program;
    const struct features_request *request;
    struct model_file model;
    struct layer_list layers;
    struct tapped_frame frame;
    struct letters *letters;
    struct output_file json_file;
    struct json json;
    bool has_json, has_text;
    char picture[512]; /* its name and size, for the pages */
};

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
    json_quoted(json, work->model.path);
    json_key(json, "device");
    json_quoted(json, work->frame.device_info.name);
    json_key(json, "file");
    json_quoted(json, work->request->image);
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
    say("%s: %s", to_stdout ? "standard output" : work->request->json,
        written ? "needs more memory than there is" : message);
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
    const struct features_request *request = work->request;
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
    const struct features_request *request = work->request;
    const struct size size = size_of(work);
    const struct tapped_frame_choice choice = {
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
    int outcome = tapped_frame_run(work->program, &work->model, &choice, &work->frame);
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
        outcome = tapped_frame_read(&work->frame, layer->name, &maps);
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
        outcome = tapped_frame_read(&work->frame, layers[index].intrinsic->name, &intrinsic);
        if (outcome == OUTCOME_DONE)
            outcome = tapped_frame_read(&work->frame, layers[index].ghosts->name, &ghosts);
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
    const struct features_request *request = work->request;
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
        json_quoted(&work->json, subject);
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
    struct features_request request = {.device.kind = GVK_DEVICE_BEST};
    struct work work = {.program = program, .request = &request, .has_text = true};
    char message[512];
    int held = -1; /* the output, where it is a pipe or device */
    int outcome = features_read_request(program, line, &request);
    if (outcome < 0)
        return OUTCOME_DONE; /* help was asked for */
    if (outcome == OUTCOME_DONE && request.output && !output_file_try(request.output, &held, message, sizeof message)) {
        say("%s: %s", request.output, message); /* before the model takes its time */
        return OUTCOME_SOME_FAILED;
    }
    if (outcome == OUTCOME_DONE)
        outcome = model_file_open(program, &request.model, &work.model);
    if (outcome != OUTCOME_DONE)
        goto done;
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
done:
    if (held >= 0)
        file_close(held);
    output_file_abort(&work.json_file);
    letters_destroy(work.letters);
    tapped_frame_release(&work.frame);
    layers_close(program, &work.layers);
    model_file_close(&work.model);
    return outcome;
}

const struct command features_command = {
    .name = "features",
    .summary = "show what a network sees inside",
    .sentence = "draws the maps of a network's layers, ghosts beside what they were made of, and heat over a picture.",
    .usage = "(--layer NAME | --ghosts | --heatmap) IMAGE",
    .kind = OPERAND_PICTURES,
    .shared = features_shared_options,
    .own = features_own_options,
    .notes = "Layers have the names of the checkpoint; a batch norm stands for what its activation gives. r is "
             "Pearson's correlation of two maps.",
    .example = "ghostvk features --layer blocks.3.0.ghost1 -o maps.png picture.jpg\n"
               "ghostvk features --ghosts --layer blocks.1.0.ghost1 -o ghosts.png picture.jpg\n"
               "ghostvk features --heatmap --class WBC -o heat.jpg picture.jpg",
    .execute = execute,
};
