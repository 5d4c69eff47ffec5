/* `ghostvk watch`: reads the command line of the live window, which is in cli/watch. */
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/values.h"
#include "cli/options/parse.h"
#include "commands.h"

#ifdef GVK_WATCH

#include "cli/pictures/image_io.h"
#include "cli/watch/watch.h"

enum { OPTION_WINDOW = OPTION_OWN, OPTION_FULLSCREEN, OPTION_FRAMES, OPTION_SCREENSHOT, OPTION_LOOP, OPTION_SECONDS,
       OPTION_RAW, OPTION_NO_OVERLAY };

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
    case OPTION_NO_OVERLAY: request->hides_numbers = true; return true;
    case OPTION_RAW: return read_raw(value, request);
    default: return read_model_option(&request->model, option, value);
    }
}

static int execute(struct program *program, const struct command_line *line)
{
    static char standard_input[] = "-";
    static char *only_standard_input[] = {standard_input};
    struct watch_request request = {.device.kind = GVK_DEVICE_BEST};
    struct parsed parsed;
    int outcome = parse_command_line(line, read_option, &request, &parsed);
    if (outcome != OUTCOME_DONE || parsed.help)
        return outcome;
    program->verbosity = parsed.verbosity;
    request.operands = parsed.operands.words;
    request.operand_count = parsed.operands.count;
    if (request.has_raw && !request.operand_count) {
        request.operands = only_standard_input;
        request.operand_count = 1;
    }
    if (!request.operand_count)
        return refuse_usage("watch: a video, camera, stream, picture or folder is missing");
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
    struct parsed parsed;
    int outcome = parse_command_line(line, read_option, NULL, &parsed);
    if (outcome != OUTCOME_DONE || parsed.help)
        return outcome;
    (void)program;
    say("This build of ghostvk has no window: it was made without GLFW.");
    return OUTCOME_NO_DEVICE;
}

enum { OPTION_WINDOW = OPTION_OWN, OPTION_FULLSCREEN, OPTION_FRAMES, OPTION_SCREENSHOT, OPTION_LOOP, OPTION_SECONDS,
       OPTION_RAW, OPTION_NO_OVERLAY };

#endif
