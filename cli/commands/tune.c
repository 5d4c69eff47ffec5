/* `ghostvk tune`: times the kernels that this device can run for each shape of a network's layers, and keeps the
 * fastest in the cache folder for the runs that follow. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/text.h"
#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/system/process.h"
#include "commands.h"

#define BATCH_MAX   1024u
#define ROUNDS_MAX  1000u
#define CLASSES_MAX 21840u
#define BATCHES_MAX 16u

struct request {
    struct model_choice model;
    struct device_choice device;
    struct size size;
    gvk_precision precision;
    uint32_t random_classes;                    /* 0: a model from a file */
    uint32_t batches[BATCHES_MAX], batch_count; /* tuned for one after the other */
    uint32_t runs;
};

/* What the library tells while it works. */
struct progress {
    bool to_terminal;
    uint32_t shapes, changed;
};

/* "8", or "1,8,32". */
static bool read_batches(const char *value, struct request *request)
{
    request->batch_count = 0;
    for (const char *at = value; request->batch_count < BATCHES_MAX; at++) {
        uint32_t *batch = &request->batches[request->batch_count++];
        if (!read_digits(&at, BATCH_MAX, batch) || !*batch || (*at && *at != ','))
            break;
        if (!*at)
            return true;
    }
    refuse_usage("--batch %s: a number from 1 to %u was expected, or up to %u of them with commas between",
                 *value ? value : "\"\"", BATCH_MAX, BATCHES_MAX);
    return false;
}

static bool read_option(void *user, int option, const char *value)
{
    struct request *request = user;
    switch (option) {
    case OPTION_RANDOM: return read_count("--random", value, CLASSES_MAX, &request->random_classes);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_BATCH: return read_batches(value, request);
    case OPTION_RUNS: return read_count("--runs", value, ROUNDS_MAX, &request->runs);
    case OPTION_DEVICE: return read_device(value, &request->device);
    case OPTION_PRECISION: return read_precision(value, &request->precision);
    default: return read_model_option(&request->model, option, value);
    }
}

static int read_request(struct program *program, const struct command_line *line, struct request *request)
{
    struct operands operands;
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (request->random_classes && request->model.path)
        return refuse_usage("either -m or --random says what to tune for, not both");
    return OUTCOME_DONE;
}

/* A line that is written over, for someone who watches. */
static void show_pass(void *user, uint32_t pass, uint32_t passes)
{
    const struct progress *progress = user;
    if (progress->to_terminal)
        fprintf(stderr, "\rtiming %" PRIu32 " of %" PRIu32 " sets of kernels ", pass + 1, passes);
}

static void print_kernel(void *user, const gvk_tuned_kernel *kernel)
{
    struct progress *progress = user;
    bool changed = strcmp(kernel->built_in, kernel->chosen) != 0 || kernel->built_in_lanes != kernel->chosen_lanes;
    if (progress->to_terminal && !progress->shapes)
        fprintf(stderr, "\r%40s\r", "");
    if (!progress->shapes++)
        printf("  %-52s %5s  %12s  %12s  %s\n", "layers like", "count", "built in", "tuned", "with");
    progress->changed += changed;
    fputs("  ", stdout);
    print_padded(stdout, kernel->layer, 52);
    printf(" %5" PRIu32 "  %9.3f ms  ", kernel->layers, kernel->built_in_ms);
    if (changed)
        printf("%9.3f ms  %s, %" PRIu32 " lanes\n", kernel->chosen_ms, kernel->chosen, kernel->chosen_lanes);
    else
        printf("%12s\n", "the same");
}

static int tune(struct program *program, const struct request *request, const struct model_file *model,
                gvk_device *device, uint32_t batch)
{
    struct progress progress = {.to_terminal = process_stderr_is_terminal()};
    bool sized = request->size.width != 0;
    gvk_tune_params params = {
        .size = sizeof params,
        .precision = request->precision,
        .width = sized ? request->size.width : model->info.input_width,
        .height = sized ? request->size.height : model->info.input_height,
        .batch = batch,
        .rounds = request->runs,
        .user = &progress,
        .progress = show_pass,
        .tuned = print_kernel,
    };
    printf("\nInput    %" PRIu32 "x%" PRIu32 ", batch %" PRIu32 "\n\n", params.width, params.height, batch);
    fflush(stdout);
    gvk_tune_result tuned = {.size = sizeof tuned};
    gvk_result result = gvk_tune(device, gvk_network_graph(model->network), &params, &tuned);
    if (result) {
        if (progress.to_terminal)
            fputc('\n', stderr);
        return report_failure(program, NULL, result);
    }
    printf("\nNetwork  %.1f ms with the built-in kernels, %.1f ms tuned\n", tuned.built_in_ms, tuned.tuned_ms);
    if (tuned.ghosts_unfused)
        printf("Ghost modules are faster as two dispatches than as one here.\n");
    if (!tuned.kept)
        printf("The built-in kernels are as fast, and stay.\n");
    else if (!program->cache_failed)
        printf("Kept for later runs on this device and driver.\n");
    else
        printf("This could not be kept for later runs: there is no cache folder to write to.\n");
    return OUTCOME_DONE;
}

static int tune_batches(struct program *program, const struct request *request, const struct model_file *model,
                        gvk_device *device)
{
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(device, &info);
    printf("Device   ");
    print_text(stdout, info.name);
    int outcome = OUTCOME_DONE;
    for (uint32_t i = 0; i < request->batch_count && outcome == OUTCOME_DONE; i++)
        outcome = tune(program, request, model, device, request->batches[i]);
    return outcome;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct request request = {.device.kind = GVK_DEVICE_BEST, .batches = {1}, .batch_count = 1};
    struct model_file model = {0};
    gvk_device *device = NULL;
    int outcome = read_request(program, line, &request);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    outcome = request.random_classes ? model_file_generate(program, request.random_classes, &model)
                                     : model_file_open(program, &request.model, &model);
    if (outcome == OUTCOME_DONE)
        outcome = open_device(program, &request.device, &device);
    if (outcome == OUTCOME_DONE)
        outcome = tune_batches(program, &request, &model, device);
    gvk_device_destroy(device);
    model_file_close(&model);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS, OPTION_RANDOM, OPTION_SIZE,      OPTION_BATCH,
                                     OPTION_RUNS,   OPTION_DEVICE, OPTION_PRECISION, OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_BATCH,
     .name = "batch",
     .value = "N",
     .text = "pictures in a frame, or several such numbers, as 1,8,32; default: 1",
     .group = GROUP_MODEL},
    {.id = OPTION_RUNS,
     .name = "runs",
     .value = "N",
     .text = "frames to time each kernel for; default: 5",
     .group = GROUP_MEASURING},
    {.id = OPTION_END},
};

const struct command tune_command = {
    .name = "tune",
    .summary = "find the fastest kernels and keep them",
    .sentence = "finds the fastest kernels on a device and keeps them for later.",
    .shared = shared_options,
    .instead = "a model is given by -m",
    .own = own_options,
    .notes = "What was found holds for frames of half to double as many pixels, all pictures together; other frames "
             "have the built-in kernels. Choices for several sizes and batches are kept side by side.",
    .example = "ghostvk tune -m yolov4.pth --size 608x608 --batch 1,8,32",
    .execute = execute,
};
