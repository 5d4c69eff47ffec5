/* `ghostvk selftest`: the shipped model on the shipped pictures, on the device at hand, against what PyTorch finds in
 * them. The first thing to ask for in a bug report: a driver that computes wrongly shows here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/text.h"
#include "cli/files/model_path.h"
#include "cli/files/tensor_file.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/pictures/image_io.h"
#include "commands.h"

/* What rounding alone may change, on any correct driver. */
struct tolerance {
    double score, box; /* box in pixels */
};
static const struct tolerance tolerance_fp32 = {1e-3, 0.05}, tolerance_fp16 = {2e-2, 0.5};

static const char *const pictures[] = {"smear-1", "smear-2", "smear-7"};
#define PICTURE_COUNT (sizeof pictures / sizeof *pictures)

/* How far the device's boxes of one picture are from the expected ones. */
struct deviation {
    uint32_t found, expected, unmatched;
    double score, box;
};

/* Rows of the expectation: x1, y1, x2, y2, score, class. */
static struct deviation compare_boxes(const struct tensor *expected, const gvk_detection *found, uint32_t count,
                                      const struct tolerance *allowed)
{
    struct deviation deviation = {.found = count, .expected = (uint32_t)expected->shape[0]};
    for (uint64_t row = 0; row < expected->shape[0]; row++) {
        const float *want = expected->values + row * 6;
        double nearest = INFINITY, score = 0;
        for (uint32_t index = 0; index < count; index++) {
            if (found[index].class_id != (uint32_t)want[5])
                continue;
            double distance = 0;
            for (int side = 0; side < 4; side++)
                distance = fmax(distance, fabs((double)found[index].box[side] - (double)want[side]));
            if (distance < nearest) {
                nearest = distance;
                score = fabs((double)found[index].score - (double)want[4]);
            }
        }
        bool matched = nearest <= allowed->box && score <= allowed->score;
        deviation.unmatched += !matched;
        if (isfinite(nearest)) {
            deviation.box = fmax(deviation.box, nearest);
            deviation.score = fmax(deviation.score, score);
        }
    }
    return deviation;
}

static int check_picture(struct program *program, gvk_stream *stream, const char *folder, const char *name,
                         bool letterbox, bool *agrees)
{
    char path[4096], message[512], tensor_name[64];
    struct image image = {0};
    struct tensor expected = {.name = tensor_name};
    int outcome = OUTCOME_SOME_FAILED;
    snprintf(tensor_name, sizeof tensor_name, "%s.416x416", name);
    snprintf(path, sizeof path, "%ssamples/expected.safetensors", folder);
    if (!tensor_file_read(path, &expected, message, sizeof message)) {
        say("%s: %s", path, message);
        goto done;
    }
    if (expected.rank != 2 || expected.shape[1] != 6) {
        say("%s: the tensor %s is not rows of 6 numbers", path, tensor_name);
        goto done;
    }
    snprintf(path, sizeof path, "%ssamples/%s.jpg", folder, name);
    if (!image_read(path, NULL, &image, message, sizeof message)) {
        say("%s: %s", path, message);
        goto done;
    }
    gvk_picture picture = {
        .size = sizeof picture,
        .kind = GVK_PICTURE_PIXELS,
        .format = GVK_PIXELS_RGB8,
        .width = image.width,
        .height = image.height,
        .pixels = image.pixels,
        .letterbox = letterbox,
    };
    gvk_ticket ticket = 0;
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    gvk_result result = gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (!result)
        result = gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), &count);
    if (result) {
        outcome = report_failure(program, name, result);
        goto done;
    }
    bool half = precision_of(stream) == GVK_PRECISION_FP16;
    struct deviation deviation = compare_boxes(&expected, found, count, half ? &tolerance_fp16 : &tolerance_fp32);
    *agrees = !deviation.unmatched && deviation.found == deviation.expected;
    printf("  %-8s  %3u of %3u  %12.1e  %8.1e px  %s\n", name, deviation.expected - deviation.unmatched,
           deviation.expected, deviation.score, deviation.box, *agrees ? "agrees" : "DIFFERS");
    outcome = OUTCOME_DONE;
done:
    tensor_release(&expected);
    image_release(&image);
    return outcome;
}

static int check_pictures(struct program *program, gvk_stream *stream, const struct model_file *model)
{
    char *folder = copy_folder(model->path);
    int outcome = folder ? OUTCOME_DONE : refuse_memory();
    uint32_t agreeing = 0;
    if (folder)
        printf("\n  picture     boxes found   worst score    worst box\n");
    for (size_t index = 0; index < PICTURE_COUNT && outcome == OUTCOME_DONE; index++) {
        bool agrees = false;
        outcome = check_picture(program, stream, folder, pictures[index], model->info.letterbox, &agrees);
        agreeing += agrees;
    }
    free(folder);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (agreeing == PICTURE_COUNT) {
        printf("\nAll boxes agree with PyTorch's.\n");
        return OUTCOME_DONE;
    }
    printf("\nThis device or driver computes wrongly. Please report it with this text; `ghostvk run --compare`\n"
           "names the layer.\n");
    return OUTCOME_SOME_FAILED;
}

/* What the command line chooses. */
struct request {
    struct device_choice device;
    gvk_precision precision;
};

static bool read_option(void *user, int option, const char *value)
{
    struct request *request = user;
    return option == OPTION_DEVICE ? read_device(value, &request->device) : read_precision(value, &request->precision);
}

static int execute(struct program *program, const struct command_line *line)
{
    struct model_choice choice = {0};
    struct request request = {.device.kind = GVK_DEVICE_BEST};
    struct model_file model = {0};
    gvk_device *device = NULL;
    gvk_model *weights = NULL;
    gvk_stream *stream = NULL;
    struct operands none;
    int outcome = read_command_line(program, line, read_option, &request, &none);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    outcome = model_file_open(program, &choice, &model);
    if (outcome == OUTCOME_DONE)
        outcome = open_device(program, &request.device, &device);
    if (outcome == OUTCOME_DONE) {
        gvk_device_info info = {.size = sizeof info};
        gvk_device_describe(device, &info);
        fputs("Device   ", stdout);
        print_text(stdout, info.name);
        fputs("\nDriver   ", stdout);
        print_text(stdout, info.driver);
        printf(", Vulkan %u.%u.%u\nVersion  ghostvk %d.%d.%d\n", VK_API_VERSION_MAJOR(info.api_version),
               VK_API_VERSION_MINOR(info.api_version), VK_API_VERSION_PATCH(info.api_version), GVK_VERSION_MAJOR,
               GVK_VERSION_MINOR, GVK_VERSION_PATCH);
        const gvk_model_params params = {.size = sizeof params,
                                         .precision = request.precision,
                                         .width = model.info.input_width,
                                         .height = model.info.input_height};
        gvk_result result = gvk_model_create(device, gvk_network_graph(model.network), &params, &weights);
        if (!result)
            result = gvk_detector_create(weights, model.network, NULL, &stream);
        if (!result)
            printf("Numbers  %s\n", precision_name(precision_of(stream)));
        outcome = result ? report_failure(program, NULL, result) : check_pictures(program, stream, &model);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(weights);
    gvk_device_destroy(device);
    model_file_close(&model);
    return outcome;
}

static const int shared_options[] = {OPTION_DEVICE, OPTION_PRECISION, OPTION_END};

const struct command selftest_command = {
    .name = "selftest",
    .summary = "check this device against PyTorch's boxes",
    .sentence = "compares this device's boxes in the shipped pictures with those that PyTorch finds.",
    .shared = shared_options,
    .notes = "Exit code 0: all boxes agree; 1: some do not.",
    .example = "ghostvk selftest --device 0",
    .execute = execute,
};
