/* What the command line of `ghostvk detect` asks for. */
#ifndef GHOSTVK_CLI_DETECT_REQUEST_H
#define GHOSTVK_CLI_DETECT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/files/output_folder.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/host/program.h"

struct detect_request {
    struct model_choice model;
    struct device_choice device;
    struct size size;
    gvk_precision precision;
    bool letterbox, letterbox_given;
    bool ignore_orientation; /* EXIF orientations are not applied */
    float confidence, iou;   /* as gvk_detector_params takes them */
    const char *json, *output;
    char **images;
    size_t image_count;
    bool into_folder;            /* output is a folder */
    struct output_folder folder; /* that one, when it is there */
    char **drawn;                /* for each image the path to draw to; NULL without output */
};

/* An exit code, or -1 when help was asked for and printed. The request is released in every case. */
int detect_request_read(struct program *program, const struct command_line *line, struct detect_request *request);
void detect_request_release(struct detect_request *request);

#endif
