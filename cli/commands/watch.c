/* `ghostvk watch`: reads the command line of the live window, which is in cli/watch. */
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "commands.h"

enum {
    OPTION_WINDOW = OPTION_OWN,
    OPTION_FULLSCREEN,
    OPTION_SECONDS,
    OPTION_LOOP,
    OPTION_RAW,
    OPTION_FRAMES,
    OPTION_SCREENSHOT,
    OPTION_NO_NUMBERS
};

#ifdef GVK_WATCH

#include "cli/pictures/image_io.h"
#include "cli/watch/watch.h"

/* Sides of a window, which are any. */
static bool read_window(const char *value, struct size *out)
{
    const char *at = value;
    if (read_digits(&at, 16384, &out->width) && *at++ == 'x' && read_digits(&at, 16384, &out->height) && !*at &&
        out->width && out->height)
        return true;
    refuse_usage("--window %s: a width and height in pixels are wanted, such as 1280x720", *value ? value : "\"\"");
    return false;
}

static bool read_raw(const char *value, struct watch_request *request)
{
    char message[256];
    request->has_raw = raw_shape_read(value, &request->raw, message, sizeof message);
    if (!request->has_raw)
        refuse_usage("--raw %s: %s", *value ? value : "\"\"", message);
    return request->has_raw;
}

static bool read_screenshot(const char *value, const char **out)
{
    enum image_kind kind = image_kind_of_path(value);
    if (kind == IMAGE_PNG || kind == IMAGE_JPEG)
        return read_path("--screenshot", value, out);
    refuse_usage("--screenshot %s: a picture's name ends in .jpg, .jpeg or .png", *value ? value : "\"\"");
    return false;
}

/* 0 in gvk_detector_params is the network's default, and a negative number is zero. */
static bool read_threshold(const char *option, const char *value, float *out)
{
    if (!read_fraction(option, value, out))
        return false;
    if (*out <= 0)
        *out = -1;
    return true;
}

static bool read_option(void *user, int option, const char *value)
{
    struct watch_request *request = user;
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
    case OPTION_WINDOW: return read_window(value, &request->window);
    case OPTION_FULLSCREEN: request->fullscreen = true; return true;
    case OPTION_FRAMES: return read_count("--frames", value, UINT32_MAX, &request->frames);
    case OPTION_SECONDS: return read_count("--seconds", value, 86400, &request->seconds);
    case OPTION_SCREENSHOT: return read_screenshot(value, &request->screenshot);
    case OPTION_LOOP: request->loops = true; return true;
    case OPTION_NO_NUMBERS: request->hides_numbers = true; return true;
    case OPTION_RAW: return read_raw(value, request);
    default: return read_model_option(&request->model, option, value);
    }
}

static int execute(struct program *program, const struct command_line *line)
{
    static char standard_input[] = "-";
    static char *only_standard_input[] = {standard_input};
    struct watch_request request = {.device.kind = GVK_DEVICE_BEST};
    struct operands operands = {NULL, 0};
    int outcome = read_command_line(program, line, read_option, &request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    request.operands = operands.words;
    request.operand_count = operands.count;
    if (request.has_raw && !request.operand_count) {
        request.operands = only_standard_input;
        request.operand_count = 1;
    }
    if (!request.operand_count)
        return refuse_usage("watch needs a video, camera, stream, picture or folder");
    return watch_run(program, &request);
}

#else

static bool read_option(void *user, int option, const char *value)
{
    (void)user;
    (void)option;
    (void)value;
    return true;
}

static int execute(struct program *program, const struct command_line *line)
{
    struct operands operands = {NULL, 0};
    int outcome = read_command_line(program, line, read_option, NULL, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    say("This build of ghostvk has no window: it was made without GLFW.");
    return OUTCOME_NO_DEVICE;
}

#endif

static const int shared_options[] = {MODEL_OPTIONS,    OPTION_CLASSES,      OPTION_ANCHORS, OPTION_SIZE,
                                     OPTION_LETTERBOX, OPTION_NO_LETTERBOX, OPTION_CONF,    OPTION_IOU,
                                     OPTION_DEVICE,    OPTION_PRECISION,    OPTION_NO_EXIF, OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_RAW,
     .name = "raw",
     .value = "WxH[:ORDER][@RATE]",
     .text = "- is raw frames: rgb24 (as without ORDER), bgr24, nv12 or yuv420p",
     .group = GROUP_INPUT},
    {.id = OPTION_LOOP, .name = "loop", .text = "begin again at the end", .group = GROUP_INPUT},
    {.id = OPTION_SECONDS,
     .name = "seconds",
     .value = "N",
     .text = "show each picture for so long; default: 3",
     .group = GROUP_INPUT},
    {.id = OPTION_WINDOW,
     .name = "window",
     .value = "WxH",
     .text = "the window's size; default: the first picture's",
     .group = GROUP_OUTPUT},
    {.id = OPTION_FULLSCREEN, .name = "fullscreen", .text = "take the whole screen", .group = GROUP_OUTPUT},
    {.id = OPTION_NO_NUMBERS, .name = "no-numbers", .text = "begin without rate and times", .group = GROUP_OUTPUT},
    {.id = OPTION_FRAMES,
     .name = "frames",
     .value = "N",
     .text = "quit after N frames; what ends earlier is repeated",
     .group = GROUP_OUTPUT},
    {.id = OPTION_SCREENSHOT,
     .name = "screenshot",
     .value = "FILE",
     .text = "save what was shown last, in the end",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_END},
};

const struct command watch_command = {
    .name = "watch",
    .summary = "show a video or camera in a window, with its boxes",
    .sentence = "shows videos, cameras, streams and pictures in a window, with the boxes in them.",
    .usage = "SOURCE...",
    .kind = OPERAND_PICTURES,
    .shared = shared_options,
    .own = own_options,
    .notes = "A source is a video's file, a camera (/dev/video0, webcam:0), a stream's address, a picture or a folder. "
             "Keys: space pauses, + and - change the confidence, f the whole screen, s saves a picture of the window, "
             "h shows all keys, q quits.",
    .example = "ghostvk watch /dev/video0",
    .execute = execute,
};
