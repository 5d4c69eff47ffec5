/* `ghostvk run`: a tensor or a picture in, a network's raw outputs out, as they come from the device. For comparing
 * with other programs: no decoding, no thresholds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/values.h"
#include "cli/files/compare.h"
#include "cli/files/model_path.h"
#include "cli/files/not_finite.h"
#include "cli/files/tensor_file.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/pictures/classifier_choice.h"
#include "cli/pictures/image_io.h"
#include "cli/pictures/picture_fit.h"
#include "cli/system/files.h"
#include "commands.h"

#define OUTPUTS_MAX 4
#define BATCH_MAX   1024

enum { OPTION_INPUT = OPTION_OWN, OPTION_IMAGE, OPTION_REWRITE, OPTION_COMPARE };

struct request {
    struct model_choice model;
    struct device_choice device;
    struct size size;
    struct classifier_choice cut;
    bool letterbox, letterbox_given, ignore_orientation, compare;
    gvk_precision precision;
    uint32_t rewrites_off;
    const char *input, *image, *output;
};

/* What goes in: either a tensor or a picture, as gvk_picture wants it, one for each of the batch. */
struct source {
    struct tensor tensor;
    struct image image;
    gvk_picture *pictures;
    uint32_t batch, width, height; /* of the network's input */
};

static bool read_rewrite(const char *value, uint32_t *out)
{
    if (strcmp(value, "all") == 0)
        *out = 0;
    else if (strcmp(value, "none") == 0)
        *out = GVK_REWRITE_ALL;
    else
        refuse_usage("--rewrite %s: all or none is wanted", *value ? value : "\"\"");
    return strcmp(value, "all") == 0 || strcmp(value, "none") == 0;
}

static bool read_option(void *user, int option, const char *value)
{
    struct request *request = user;
    switch (option) {
    case OPTION_INPUT: return read_path("--input", value, &request->input);
    case OPTION_IMAGE: return read_path("--image", value, &request->image);
    case OPTION_OUTPUT: return read_path("--output", value, &request->output);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_LETTERBOX:
    case OPTION_NO_LETTERBOX:
        request->letterbox = option == OPTION_LETTERBOX;
        request->letterbox_given = true;
        return true;
    case OPTION_RESIZE:
    case OPTION_INTERPOLATION: return read_classifier_option(&request->cut, option, value);
    case OPTION_NO_EXIF: request->ignore_orientation = true; return true;
    case OPTION_COMPARE: request->compare = true; return true;
    case OPTION_REWRITE: return read_rewrite(value, &request->rewrites_off);
    case OPTION_DEVICE: return read_device(value, &request->device);
    case OPTION_PRECISION: return read_precision(value, &request->precision);
    default: return read_model_option(&request->model, option, value);
    }
}

static int check_output(const struct program *program, const struct request *request)
{
    struct file_plan plan = {0};
    if (output_is_stdout(request->output))
        return refuse_usage("--output %s: tensors are not written to standard output", request->output);
    model_choice_plan(program, &request->model, &plan);
    file_plan_read(&plan, request->input);
    file_plan_read(&plan, request->image);
    file_plan_write_stdout(&plan);
    file_plan_write(&plan, "--output", request->output);
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
    if (!request->input == !request->image)
        return refuse_usage("run needs either --input or --image");
    if (!request->output && !request->compare)
        return refuse_usage("run needs --output");
    if (request->input && request->size.width)
        return refuse_usage("--size is for --image; a tensor has its own size");
    if (request->input && request->cut.is_given)
        return refuse_usage("--resize and --interpolation are for --image; a tensor is taken as it is");
    if (request->input && request->letterbox_given)
        return refuse_usage("--letterbox and --no-letterbox are for --image; a tensor is taken as it is");
    if (request->input && request->ignore_orientation)
        return refuse_usage("--no-exif is for --image; a tensor is taken as it is");
    return request->output ? check_output(program, request) : OUTCOME_DONE;
}

/* The pictures of a tensor: its planes, one after another. */
static int load_tensor(const struct request *request, struct source *source)
{
    char message[512];
    struct tensor *tensor = &source->tensor;
    *tensor = (struct tensor){.name = "input"};
    if (!tensor_file_read(request->input, tensor, message, sizeof message)) {
        bool is_picture = image_kind_of_path(request->input) != IMAGE_UNKNOWN;
        say("%s: %s%s", request->input, message, is_picture ? "; a picture is given by --image" : "");
        return OUTCOME_SOME_FAILED;
    }
    const uint64_t *shape = tensor->shape;
    if (tensor->rank != 4 || shape[1] != 3 || shape[0] > BATCH_MAX || !size_is_fit(shape[3], shape[2])) {
        say("%s: the tensor \"input\" must be N x 3 x H x W with N up to %d, and H and W multiples of 32 from 32 to "
            "4096",
            request->input, BATCH_MAX);
        return OUTCOME_SOME_FAILED;
    }
    source->batch = (uint32_t)shape[0];
    source->height = (uint32_t)shape[2];
    source->width = (uint32_t)shape[3];
    source->pictures = calloc(source->batch, sizeof *source->pictures);
    if (!source->pictures)
        return refuse_memory();
    for (uint32_t item = 0; item < source->batch; item++)
        source->pictures[item] = (gvk_picture){
            .size = sizeof *source->pictures,
            .kind = GVK_PICTURE_TENSOR,
            .width = source->width,
            .height = source->height,
            .pixels = tensor->values + (size_t)item * 3 * source->height * source->width,
        };
    return OUTCOME_DONE;
}

/* Scaled, cut and normalised here, because the device's resize does for detectors only. */
static int prepare_for_classifier(const struct request *request, struct source *source)
{
    const struct rgb_picture picture = {
        .pixels = source->image.pixels, .width = source->image.width, .height = source->image.height};
    struct classifier_cut cut;
    size_t bytes = (size_t)3 * source->width * source->height * sizeof *source->tensor.values;
    if (request->letterbox_given)
        return refuse_usage("--letterbox and --no-letterbox are for detectors; a classifier gets a picture's middle");
    int outcome = choose_classifier_cut(&request->cut, source->width, source->height, &cut);
    if (outcome != OUTCOME_DONE)
        return outcome;
    source->tensor.values = malloc(bytes);
    if (!source->tensor.values || !classifier_input(&picture, &cut, source->tensor.values))
        return refuse_memory();
    source->pictures[0] = (gvk_picture){
        .size = sizeof *source->pictures,
        .kind = GVK_PICTURE_TENSOR,
        .width = source->width,
        .height = source->height,
        .pixels = source->tensor.values,
    };
    return OUTCOME_DONE;
}

static int load_image(struct program *program, const struct request *request, const gvk_network_info *info,
                      const gvk_device *device, struct source *source)
{
    struct picture_fit fit = {
        .program = program,
        .device = device,
        .width = request->size.width ? request->size.width : info->input_width,
        .height = request->size.height ? request->size.height : info->input_height,
        .letterbox = request->letterbox_given ? request->letterbox : info->letterbox,
    };
    /* Of a classifier's picture only the cut reaches the device. */
    bool whole = info->task == GVK_TASK_DETECTOR;
    const struct image_choice choice = {
        .ignore_orientation = request->ignore_orientation, .accept = whole ? picture_fits : NULL, .user = &fit};
    char message[512];
    if (!image_read(request->image, &choice, &source->image, message, sizeof message)) {
        say("%s: %s", request->image, message);
        return OUTCOME_SOME_FAILED;
    }
    source->batch = 1;
    source->width = fit.width;
    source->height = fit.height;
    source->pictures = calloc(1, sizeof *source->pictures);
    if (!source->pictures)
        return refuse_memory();
    if (info->task == GVK_TASK_CLASSIFIER)
        return prepare_for_classifier(request, source);
    if (request->cut.is_given)
        return refuse_usage("--resize and --interpolation are for classifiers; a detector gets the whole picture");
    source->pictures[0] = (gvk_picture){
        .size = sizeof *source->pictures,
        .kind = GVK_PICTURE_PIXELS,
        .format = GVK_PIXELS_RGB8,
        .width = source->image.width,
        .height = source->image.height,
        .pixels = source->image.pixels,
        .letterbox = fit.letterbox,
    };
    return OUTCOME_DONE;
}

/* What computed the outputs. */
struct frame {
    gvk_model *weights;
    gvk_stream *stream;
    gvk_ticket ticket;
    const struct source *source;
};

/* Copies, because what the stream lends lives until its next call only. */
static int read_output(struct program *program, struct frame *frame, const char *name, struct tensor *out)
{
    gvk_array array;
    gvk_result result = gvk_stream_read(frame->stream, frame->ticket, name, &array);
    if (result == GVK_ERROR_NUMBER) {
        const struct source *source = frame->source;
        explain_not_finite(program, frame->weights, source->pictures, source->batch, source->width, source->height);
    }
    if (result)
        return report_failure(program, NULL, result);
    *out = (struct tensor){.name = name, .rank = array.rank, .bytes = array.bytes};
    memcpy(out->shape, array.shape, sizeof out->shape);
    out->values = malloc(array.bytes ? (size_t)array.bytes : 1);
    if (!out->values)
        return refuse_memory();
    memcpy(out->values, array.data, (size_t)array.bytes);
    return OUTCOME_DONE;
}

static int write_outputs(struct program *program, const struct request *request, gvk_task task, struct frame *frame)
{
    static const char *const maps[] = {"stride32", "stride16", "stride8", "input"};
    static const char *const logits[] = {"logits", "input"};
    bool is_detector = task == GVK_TASK_DETECTOR;
    const char *const *names = is_detector ? maps : logits;
    size_t count = is_detector ? sizeof maps / sizeof *maps : sizeof logits / sizeof *logits;
    struct tensor outputs[OUTPUTS_MAX] = {{0}};
    char message[512];
    int outcome = OUTCOME_DONE;
    for (size_t index = 0; index < count && outcome == OUTCOME_DONE; index++)
        outcome = read_output(program, frame, names[index], &outputs[index]);
    if (outcome == OUTCOME_DONE && !tensor_file_write(request->output, outputs, count, message, sizeof message)) {
        say("%s: %s", request->output, message);
        outcome = OUTCOME_SOME_FAILED;
    }
    for (size_t index = 0; index < count && outcome == OUTCOME_DONE; index++) {
        printf("%-10s", outputs[index].name);
        for (uint32_t axis = 0; axis < outputs[index].rank; axis++)
            printf("%s%" PRIu64, axis ? " x " : "", outputs[index].shape[axis]);
        putchar('\n');
    }
    for (size_t index = 0; index < count; index++)
        tensor_release(&outputs[index]);
    return outcome;
}

/* Everything behind the opened network. */
static int run_network(struct program *program, const struct request *request, const struct model_file *model,
                       struct source *source)
{
    static const char *const kept[] = {"input"};
    gvk_device *device = NULL;
    struct frame frame = {.source = source};
    int outcome = open_device(program, &request->device, &device);
    if (outcome != OUTCOME_DONE)
        goto done;
    outcome =
        request->input ? load_tensor(request, source) : load_image(program, request, &model->info, device, source);
    if (outcome == OUTCOME_DONE && request->compare)
        outcome = compare_paths(program, device, gvk_network_graph(model->network), request->precision,
                                source->pictures, source->batch, source->width, source->height);
    if (outcome != OUTCOME_DONE || !request->output)
        goto done;
    gvk_model_params model_params = {.size = sizeof model_params,
                                     .rewrites_off = request->rewrites_off,
                                     .precision = request->precision,
                                     .width = source->width,
                                     .height = source->height,
                                     .batch = source->batch};
    gvk_stream_params stream_params = {
        .size = sizeof stream_params,
        .width = source->width,
        .height = source->height,
        .batch = source->batch,
        .kept_tensors = kept,
        .kept_count = sizeof kept / sizeof *kept,
    };
    gvk_result result = gvk_model_create(device, gvk_network_graph(model->network), &model_params, &frame.weights);
    if (!result)
        result = gvk_stream_create(frame.weights, &stream_params, &frame.stream);
    if (!result)
        result = gvk_stream_submit(frame.stream, source->pictures, sizeof(gvk_picture), source->batch, &frame.ticket);
    if (!result)
        result = gvk_stream_wait(frame.stream, frame.ticket, UINT64_MAX);
    if (result)
        outcome = report_failure(program, NULL, result);
    else
        outcome = write_outputs(program, request, model->info.task, &frame);
done:
    gvk_stream_destroy(frame.stream);
    gvk_model_destroy(frame.weights);
    gvk_device_destroy(device);
    return outcome;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct request request = {.device.kind = GVK_DEVICE_BEST};
    struct model_file model = {0};
    struct source source = {0};
    char message[512];
    int held = -1; /* the output, where it is a pipe or device */
    int outcome = read_request(program, line, &request);
    if (outcome < 0)
        return OUTCOME_DONE; /* help was asked for */
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (request.output && !output_file_try(request.output, &held, message, sizeof message)) {
        say("%s: %s", request.output, message);
        return OUTCOME_SOME_FAILED;
    }
    outcome = model_file_open(program, &request.model, &model);
    if (outcome == OUTCOME_DONE) {
        say_unused_tensors(program, &model);
        outcome = run_network(program, &request, &model, &source);
    }
    if (held >= 0)
        file_close(held);
    free(source.pictures);
    tensor_release(&source.tensor);
    image_release(&source.image);
    model_file_close(&model);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS,       OPTION_OUTPUT,  OPTION_SIZE,        OPTION_LETTERBOX,
                                     OPTION_NO_LETTERBOX, OPTION_NO_EXIF, CLASSIFIER_OPTIONS, OPTION_DEVICE,
                                     OPTION_PRECISION,    OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_OUTPUT,
     .letter = 'o',
     .name = "output",
     .value = "FILE",
     .text = "gets stride32, stride16, stride8 or logits, and input",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_INPUT,
     .name = "input",
     .value = "FILE",
     .text = "a safetensors file, tensor \"input\", fp32 N x 3 x H x W",
     .group = GROUP_INPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_IMAGE,
     .name = "image",
     .value = "FILE",
     .text = "a JPEG, PNG, WebP, TIFF or BMP picture",
     .group = GROUP_INPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_REWRITE,
     .name = "rewrite",
     .value = "WHICH",
     .text = "all (the fast path) or none (node by node); default: all",
     .group = GROUP_DEVICE,
     .kind = VALUE_CHOICE,
     .choices = "all none"},
    {.id = OPTION_COMPARE,
     .name = "compare",
     .text = "print how far each layer is from its plain form",
     .group = GROUP_OUTPUT},
    {.id = OPTION_END},
};

const struct command run_command = {
    .name = "run",
    .summary = "write a network's raw outputs to a file",
    .sentence = "writes a network's raw outputs to a safetensors file.",
    .usage = "(--input FILE | --image FILE) --output FILE",
    .instead = "a picture is given by --image",
    .shared = shared_options,
    .own = own_options,
    .notes =
        "A classifier's picture is scaled, cut to 224x224 (or --size) and normalised as for ImageNet; a detector's "
        "is stretched or letterboxed.",
    .example = "ghostvk run --image picture.jpg --rewrite none --output maps.safetensors",
    .execute = execute,
};
