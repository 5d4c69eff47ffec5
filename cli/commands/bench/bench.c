/* `ghostvk bench`: how fast a network runs on a device. Measures frames one by one and with several in flight, counts
 * what the stream recorded, and with --profile times every dispatch. No picture is needed, and with --random no model.
 */
#include "bench_layers.h"
#include "bench_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/quantities.h"
#include "cli/base/values.h"
#include "cli/commands/commands.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"

#define FRAMES_IN_FLIGHT 2u
#define RUNS_DEFAULT     20u
#define RUNS_MAX         10000u
#define BATCH_MAX        1024u
#define CLASSES_MAX      21840u

enum { OPTION_PROFILE = OPTION_OWN, OPTION_TRACE, OPTION_QUEUE };

struct request {
    struct model_choice model;
    struct device_choice device;
    struct size size;
    gvk_precision precision;
    uint32_t random_classes; /* 0: a model from a file */
    uint32_t batch, runs;
    const char *json, *trace;
    bool profile;
};

/* An output of this command. */
struct output {
    const char *path; /* NULL: not wanted */
    struct output_file file;
};

/* What lives while frames run. */
struct work {
    struct bench bench;
    const struct request *request;
    struct model_file model;
    gvk_device *device;
    gvk_model *weights;
    gvk_stream *stream, *profiled;
    unsigned char *pixels;
    gvk_picture *pictures;
};

/* ---- the command line -------------------------------------------------------------------------------------------- */

static bool read_option(void *user, int option, const char *value)
{
    struct request *request = user;
    switch (option) {
    case OPTION_RANDOM: return read_count("--random", value, CLASSES_MAX, &request->random_classes);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_BATCH: return read_count("--batch", value, BATCH_MAX, &request->batch);
    case OPTION_RUNS: return read_count("--runs", value, RUNS_MAX, &request->runs);
    case OPTION_DEVICE: return read_device(value, &request->device);
    case OPTION_PRECISION: return read_precision(value, &request->precision);
    case OPTION_JSON_FILE: return read_path("--json", value, &request->json);
    case OPTION_QUEUE: return read_queue(value, &request->device.queue);
    case OPTION_PROFILE: request->profile = true; return true;
    case OPTION_TRACE: return read_path("--trace", value, &request->trace);
    default: return read_model_option(&request->model, option, value);
    }
}

static int check_outputs(const struct program *program, const struct request *request)
{
    struct file_plan plan = {0};
    if (request->trace && output_is_stdout(request->trace))
        return refuse_usage("--trace %s: a trace is not written to standard output; only --json can be -",
                            request->trace);
    if (!request->random_classes)
        model_choice_plan(program, &request->model, &plan);
    file_plan_write_stdout(&plan);
    file_plan_write(&plan, "--json", request->json);
    file_plan_write(&plan, "--trace", request->trace);
    int outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

static int read_request(struct program *program, const struct command_line *line, struct request *request)
{
    struct operands operands;
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (request->random_classes && request->model.path)
        return refuse_usage("either -m or --random says what to measure, not both");
    return check_outputs(program, request);
}

/* ---- what is measured -------------------------------------------------------------------------------------------- */

static int open_network(struct work *work)
{
    const struct request *request = work->request;
    struct bench *bench = &work->bench;
    int outcome = request->random_classes ? model_file_generate(bench->program, request->random_classes, &work->model)
                                          : model_file_open(bench->program, &request->model, &work->model);
    if (outcome != OUTCOME_DONE)
        return outcome;
    bench->model_name = work->model.path ? base_name(work->model.path) : "random";
    bench->class_count = work->model.info.class_count;
    return OUTCOME_DONE;
}

static struct size input_size(const struct work *work)
{
    const gvk_network_info *info = &work->model.info;
    return work->request->size.width ? work->request->size : (struct size){info->input_width, info->input_height};
}

static gvk_result create_stream(struct work *work, bool profile, gvk_stream **out)
{
    const struct request *request = work->request;
    const gvk_network_info *info = &work->model.info;
    const struct size size = input_size(work);
    gvk_stream_params stream_params = {.size = sizeof stream_params,
                                       .width = size.width,
                                       .height = size.height,
                                       .batch = request->batch,
                                       .frames = profile ? 1 : FRAMES_IN_FLIGHT,
                                       .profile = profile};
    gvk_detector_params params = {
        .size = sizeof params,
        .stream = &stream_params,
    };
    return info->task == GVK_TASK_DETECTOR ? gvk_detector_create(work->weights, work->model.network, &params, out)
                                           : gvk_stream_create(work->weights, &stream_params, out);
}

static int open_device_and_model(struct work *work)
{
    struct program *program = work->bench.program;
    int outcome = open_device(program, &work->request->device, &work->device);
    if (outcome != OUTCOME_DONE)
        return outcome;
    work->bench.device.size = sizeof work->bench.device;
    gvk_device_describe(work->device, &work->bench.device);
    const struct size size = input_size(work);
    gvk_model_params weights = {.size = sizeof weights,
                                .precision = work->request->precision,
                                .width = size.width,
                                .height = size.height,
                                .batch = work->request->batch};
    gvk_result result =
        gvk_model_create(work->device, gvk_network_graph(work->model.network), &weights, &work->weights);
    return result ? report_failure(program, NULL, result) : OUTCOME_DONE;
}

/* Slow waves with some noise: neither flat nor without order, as a photograph is. */
static bool make_pictures(struct work *work)
{
    uint32_t batch = work->request->batch;
    work->pixels = malloc((size_t)BENCH_PICTURE_WIDTH * BENCH_PICTURE_HEIGHT * 3);
    work->pictures = calloc(batch, sizeof *work->pictures);
    if (!work->pixels || !work->pictures)
        return false;
    uint32_t random = 1;
    unsigned char *pixel = work->pixels;
    for (uint32_t y = 0; y < BENCH_PICTURE_HEIGHT; y++) {
        for (uint32_t x = 0; x < BENCH_PICTURE_WIDTH; x++) {
            for (uint32_t channel = 0; channel < 3; channel++) {
                random = random * 1664525u + 1013904223u;
                double wave = sin((x + 40.0 * channel) * 0.03) * cos(y * 0.02);
                *pixel++ = (unsigned char)(112 + 96 * wave + (random >> 28));
            }
        }
    }
    for (uint32_t item = 0; item < batch; item++)
        work->pictures[item] = (gvk_picture){
            .size = sizeof *work->pictures,
            .kind = GVK_PICTURE_PIXELS,
            .format = GVK_PIXELS_RGB8,
            .width = BENCH_PICTURE_WIDTH,
            .height = BENCH_PICTURE_HEIGHT,
            .pixels = work->pixels,
            .letterbox = work->model.info.letterbox,
        };
    return true;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static gvk_result submit_frame(struct work *work, gvk_stream *stream, gvk_ticket *ticket)
{
    return gvk_stream_submit(stream, work->pictures, sizeof(gvk_picture), work->request->batch, ticket);
}

/* Waits, and reads what a host would read. */
static gvk_result finish_frame(struct work *work, gvk_stream *stream, gvk_ticket ticket)
{
    gvk_result result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (result)
        return result;
    gvk_array logits;
    const gvk_detection *boxes;
    return work->model.info.task == GVK_TASK_DETECTOR
               ? gvk_detector_read(stream, ticket, &boxes, sizeof(gvk_detection), &work->bench.box_count)
               : gvk_stream_read(stream, ticket, "logits", &logits);
}

static gvk_result run_frame(struct work *work, gvk_stream *stream, gvk_ticket *ticket)
{
    gvk_result result = submit_frame(work, stream, ticket);
    return result ? result : finish_frame(work, stream, *ticket);
}

static gvk_result warm_up(struct work *work, gvk_stream *stream)
{
    gvk_result result = GVK_OK;
    gvk_ticket ticket = 0;
    for (uint32_t frame = 0; frame < BENCH_WARM_UP && !result; frame++)
        result = run_frame(work, stream, &ticket);
    return result;
}

/* `samples` has room for `runs` numbers of each stage. */
static gvk_result measure_frames(struct work *work, double *samples)
{
    uint32_t runs = work->request->runs, counts[BENCH_STAGES] = {0};
    gvk_result result = warm_up(work, work->stream);
    for (uint32_t run = 0; run < runs && !result; run++) {
        gvk_ticket ticket = 0;
        double ms[BENCH_STAGES] = {0}, start = clock_ms();
        result = run_frame(work, work->stream, &ticket);
        double end = clock_ms();
        if (!result)
            result = read_stage_times(work->stream, ticket, bench_stage_names, BENCH_TOTAL, ms);
        ms[BENCH_TOTAL] = end - start;
        for (int stage = 0; stage < BENCH_STAGES && !result; stage++)
            if (isfinite(ms[stage]))
                samples[(size_t)stage * runs + counts[stage]++] = ms[stage];
    }
    for (int stage = 0; stage < BENCH_STAGES; stage++)
        work->bench.spreads[stage] = bench_spread_of(samples + (size_t)stage * runs, counts[stage]);
    return result;
}

/* As a host with a camera does it: while the device works on a frame, the next one is handed over. */
static gvk_result measure_flow(struct work *work)
{
    gvk_ticket tickets[FRAMES_IN_FLIGHT] = {0};
    uint32_t runs = work->request->runs;
    gvk_result result = GVK_OK;
    double start = clock_ms();
    for (uint32_t run = 0; run < runs + FRAMES_IN_FLIGHT && !result; run++) {
        gvk_ticket *ticket = &tickets[run % FRAMES_IN_FLIGHT];
        if (*ticket)
            result = finish_frame(work, work->stream, *ticket);
        *ticket = 0;
        if (run < runs && !result)
            result = submit_frame(work, work->stream, ticket);
    }
    work->bench.frames_per_second = runs / ((clock_ms() - start) / 1e3);
    return result;
}

static int measure(struct work *work)
{
    struct bench *bench = &work->bench;
    bench->runs = work->request->runs;
    bench->queue = work->request->device.queue;
    double *samples = calloc((size_t)bench->runs * BENCH_STAGES, sizeof *samples);
    if (!samples)
        return refuse_memory();
    gvk_result result = create_stream(work, false, &work->stream);
    if (!result)
        result = measure_frames(work, samples);
    if (!result)
        result = measure_flow(work);
    bench->stream.size = sizeof bench->stream;
    if (!result)
        gvk_stream_describe(work->stream, &bench->stream);
    free(samples);
    return result ? report_failure(bench->program, NULL, result) : OUTCOME_DONE;
}

/* ---- every dispatch ---------------------------------------------------------------------------------------------- */

/* Medians of each dispatch over the runs, and all that is known of those of the last. */
static int measure_layers(struct work *work)
{
    struct bench *bench = &work->bench;
    gvk_stream *stream = work->profiled;
    uint32_t runs = bench->runs, count = 0;
    gvk_layer_timing *timings = NULL;
    double *samples = NULL;
    gvk_ticket ticket = 0;
    int outcome = OUTCOME_DONE;
    gvk_result result = warm_up(work, stream);
    if (!result)
        result = run_frame(work, stream, &ticket);
    if (!result)
        result = gvk_stream_layer_timings(stream, ticket, NULL, sizeof(gvk_layer_timing), &count);
    if (result)
        goto done;
    if (!count) {
        say("%s has no timestamps, which --profile and --trace need.", bench->device.name);
        return OUTCOME_NO_DEVICE;
    }
    timings = calloc(count, sizeof *timings);
    samples = calloc((size_t)count * runs, sizeof *samples);
    bench->layers = calloc(count, sizeof *bench->layers);
    if (!timings || !samples || !bench->layers) {
        outcome = refuse_memory();
        goto done;
    }
    for (uint32_t run = 0; run < runs && !result; run++) {
        uint32_t filled = count;
        result = run_frame(work, stream, &ticket);
        if (!result)
            result = gvk_stream_layer_timings(stream, ticket, timings, sizeof(gvk_layer_timing), &filled);
        for (uint32_t index = 0; index < count && !result; index++)
            samples[(size_t)index * runs + run] = timings[index].ms;
    }
    if (!result)
        result = read_stage_times(stream, ticket, bench_stage_names, BENCH_TOTAL, bench->traced_ms);
    if (result)
        goto done;
    bench->layer_count = count;
    for (uint32_t index = 0; index < count; index++)
        bench->layers[index] = (struct bench_layer){
            .timing = timings[index], .median_ms = bench_spread_of(samples + (size_t)index * runs, runs).median};
done:
    free(timings);
    free(samples);
    return result ? report_failure(bench->program, NULL, result) : outcome;
}

static int profile(struct work *work)
{
    gvk_stream_destroy(work->stream); /* its memory may be needed */
    work->stream = NULL;
    gvk_result result = create_stream(work, true, &work->profiled);
    return result ? report_failure(work->bench.program, NULL, result) : measure_layers(work);
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static int open_output(struct output *output)
{
    char message[512];
    if (!output->path || output_file_open(&output->file, output->path, message, sizeof message))
        return OUTCOME_DONE;
    say("%s: %s", output->path, message);
    return OUTCOME_SOME_FAILED;
}

static int write_output(struct work *work, struct output *output,
                        void (*write)(const struct bench *bench, struct json *json))
{
    if (!output->path)
        return OUTCOME_DONE;
    char message[512];
    bool to_stdout = output->file.stream == stdout;
    struct json json;
    json_start(&json, output->file.stream);
    write(&work->bench, &json);
    bool complete = json_finish(&json), written = output_file_commit(&output->file, message, sizeof message);
    if (complete && written)
        return OUTCOME_DONE;
    say("%s: %s", to_stdout ? "standard output" : output->path,
        written ? "cannot be written: the output reported an error" : message);
    work->bench.program->output_failed = work->bench.program->output_failed || to_stdout;
    return OUTCOME_SOME_FAILED;
}

static int report(struct work *work, struct output *json, struct output *trace)
{
    int outcome = OUTCOME_DONE;
    if (!json->path || json->file.stream != stdout) {
        bench_print(&work->bench);
        if (work->request->profile && !bench_print_layers(&work->bench))
            outcome = refuse_memory();
    }
    int written = write_output(work, json, bench_write_json);
    outcome = outcome == OUTCOME_DONE ? written : outcome;
    written = write_output(work, trace, bench_write_trace);
    return outcome == OUTCOME_DONE ? written : outcome;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct request request = {.device.kind = GVK_DEVICE_BEST, .batch = 1, .runs = RUNS_DEFAULT};
    int outcome = read_request(program, line, &request);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    struct work work = {.bench = {.program = program}, .request = &request};
    struct output json = {.path = request.json}, trace = {.path = request.trace};
    outcome = open_output(&json);
    if (outcome == OUTCOME_DONE)
        outcome = open_output(&trace);
    if (outcome == OUTCOME_DONE)
        outcome = open_network(&work);
    if (outcome == OUTCOME_DONE)
        outcome = open_device_and_model(&work);
    if (outcome == OUTCOME_DONE && !make_pictures(&work))
        outcome = refuse_memory();
    if (outcome == OUTCOME_DONE)
        outcome = measure(&work);
    if (outcome == OUTCOME_DONE && (request.profile || request.trace))
        outcome = profile(&work);
    if (outcome == OUTCOME_DONE)
        outcome = report(&work, &json, &trace);
    output_file_abort(&json.file);
    output_file_abort(&trace.file);
    gvk_stream_destroy(work.stream);
    gvk_stream_destroy(work.profiled);
    gvk_model_destroy(work.weights);
    gvk_device_destroy(work.device);
    model_file_close(&work.model);
    free(work.bench.layers);
    free(work.pictures);
    free(work.pixels);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS, OPTION_RANDOM,    OPTION_SIZE,      OPTION_BATCH, OPTION_RUNS,
                                     OPTION_DEVICE, OPTION_PRECISION, OPTION_JSON_FILE, OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_QUEUE,
     .name = "queue",
     .value = "KIND",
     .text = "the device's queue: compute (for that alone), graphics or auto",
     .group = GROUP_DEVICE,
     .kind = VALUE_CHOICE,
     .choices = "compute graphics auto"},
    {.id = OPTION_PROFILE,
     .name = "profile",
     .text = "add a table by layer, the slowest first",
     .group = GROUP_MEASURING},
    {.id = OPTION_TRACE,
     .name = "trace",
     .value = "FILE",
     .text = "save a frame's dispatches for Perfetto (ui.perfetto.dev)",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_END},
};

const struct command bench_command = {
    .name = "bench",
    .summary = "measure how fast a network runs on a device",
    .sentence = "measures how fast a network runs on a device.",
    .shared = shared_options,
    .instead = "a model is given by -m",
    .own = own_options,
    .notes = "Total is the time from handing over a 640x480 picture to having its boxes.",
    .example = "ghostvk bench --random 80 --size 608x608 --json speed.json",
    .execute = execute,
};
