/* Reads the command line of `ghostvk detect`: options, pictures, and which file each picture is drawn to. */
#include "detect_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/files/file_plan.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"

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
    struct detect_request *request = user;
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
    case OPTION_JSON_FILE: return read_path("--json", value, &request->json);
    case OPTION_OUTPUT: return read_path("-o", value, &request->output);
    default: return read_model_option(&request->model, option, value);
    }
}

/* What the file is by its first bytes, where its name does not say it. A pipe must not make us wait. */
static enum image_kind kind_of_file(const char *path)
{
    enum image_kind kind = image_kind_of_path(path);
    int file = kind == IMAGE_UNKNOWN ? file_open(path) : -1;
    if (file < 0)
        return kind;
    struct file_status status;
    uint8_t start[32];
    bool is_file = file_look_at_open(file, &status) && status.kind == FILE_REGULAR;
    ptrdiff_t got = is_file ? file_read(file, start, sizeof start) : 0;
    file_close(file);
    return got > 0 ? image_kind_of_bytes(start, (size_t)got) : kind;
}

/* The picture's own name in the output folder, ending in .png for kinds that lose nothing, else in .jpg. NULL when
 * memory ran out. */
static char *name_drawn(const char *folder, const char *image)
{
    const char *name = base_name(image), *dot = strrchr(name, '.');
    size_t stem = image_kind_of_path(image) != IMAGE_UNKNOWN && dot ? (size_t)(dot - name) : strlen(name);
    enum image_kind kind = kind_of_file(image);
    bool is_png = kind == IMAGE_PNG || kind == IMAGE_BMP || kind == IMAGE_TIFF;
    size_t folder_length = strlen(folder), size = folder_length + 1 + stem + sizeof ".png";
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%.*s%s", folder, path_parts_at(folder[folder_length - 1]) ? "" : "/", (int)stem, name,
                 is_png ? ".png" : ".jpg");
    return path;
}

static int name_all_drawn(struct detect_request *request)
{
    const char *output = request->output;
    request->into_folder = path_parts_at(output[strlen(output) - 1]) || is_folder(output);
    if (strcmp(output, "-") == 0)
        return refuse_usage("-o -: pictures are not drawn to standard output; only --json can be -");
    if (!request->into_folder && request->image_count > 1)
        return refuse_usage("-o %s: several pictures need a folder; %s/ creates it", output, output);
    enum image_kind kind = image_kind_of_path(output);
    if (!request->into_folder && kind != IMAGE_JPEG && kind != IMAGE_PNG)
        return refuse_usage("-o %s: a picture's name ends in .jpg, .jpeg or .png, and a new folder's in /", output);
    request->drawn = calloc(request->image_count, sizeof *request->drawn);
    if (!request->drawn)
        return refuse_memory();
    for (size_t index = 0; index < request->image_count; index++) {
        if (request->into_folder) {
            request->drawn[index] = name_drawn(output, request->images[index]);
        } else if ((request->drawn[index] = malloc(strlen(output) + 1)) != NULL) {
            memcpy(request->drawn[index], output, strlen(output) + 1);
        }
        if (!request->drawn[index])
            return refuse_memory();
    }
    return OUTCOME_DONE;
}

/* No output may replace an input or another output. The folder is made first, so that all places can be told. */
static int check_outputs(const struct program *program, struct detect_request *request)
{
    struct file_plan plan = {0};
    char message[512];
    if (request->into_folder && !output_folder_make(&request->folder, request->output, message, sizeof message)) {
        say("%s: %s", request->output, message);
        return OUTCOME_SOME_FAILED;
    }
    model_choice_plan(program, &request->model, &plan);
    for (size_t index = 0; index < request->image_count; index++)
        file_plan_read(&plan, request->images[index]);
    file_plan_write_stdout(&plan);
    for (size_t index = 0; request->drawn && index < request->image_count; index++)
        file_plan_write(&plan, "-o", request->drawn[index]);
    file_plan_write(&plan, "--json", request->json);
    int outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

int detect_request_read(struct program *program, const struct command_line *line, struct detect_request *request)
{
    struct operands operands;
    int read = read_command_line(program, line, read_option, request, &operands);
    if (read != OUTCOME_DONE)
        return read;
    request->images = operands.words;
    request->image_count = operands.count;
    if (request->image_count == 0)
        return refuse_usage("detect needs a picture");
    for (size_t index = 0; index < request->image_count; index++)
        if (!request->images[index][0])
            return refuse_usage("the path of picture %zu is empty", index + 1);
    if (request->output) {
        int outcome = name_all_drawn(request);
        if (outcome != OUTCOME_DONE)
            return outcome;
    }
    return check_outputs(program, request);
}

void detect_request_release(struct detect_request *request)
{
    for (size_t index = 0; request->drawn && index < request->image_count; index++)
        free(request->drawn[index]);
    free(request->drawn);
    request->drawn = NULL;
    output_folder_unmake(&request->folder);
}
