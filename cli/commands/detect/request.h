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
#include "cli/results/picture_result.h"
#include "cli/sources/source.h"

/* The options that detect alone has. */
enum detect_option {
    DETECT_NULL = OPTION_OWN,
    DETECT_THREADS,
    DETECT_YOLO,
    DETECT_SAVE_CONFIDENCE,
    DETECT_COCO,
    DETECT_COCO_IDS,
    DETECT_FAMILY,
    DETECT_CROPS,
    DETECT_COUNT,
    DETECT_RAW
};

struct detect_request {
    struct model_choice model;
    struct device_choice device;
    struct size size;
    gvk_precision precision;
    bool letterbox, letterbox_given;
    bool ignore_orientation; /* EXIF orientations are not applied */
    float confidence, iou;   /* as gvk_detector_params takes them */
    struct results_choice results;
    bool quiet;
    uint32_t threads; /* 0: as the machine has cores */
    char **operands;
    size_t operand_count;
    struct source_choice source;
    struct raw_shape raw;        /* of frames on standard input; source.raw points here */
    bool track;                  /* boxes of videos have ids */
    bool is_single;              /* one picture's file is named, and nothing else */
    bool is_video;               /* that one is a video, a stream or a camera */
    const char *output;          /* -o: a picture or a folder; NULL: nothing is drawn */
    bool into_folder;            /* output is a folder */
    struct output_folder folder; /* that one, when it is there */
};

/* An exit code, or -1 when help was asked for and printed. The request is released in every case. */
int detect_request_read(struct program *program, const struct command_line *line, struct detect_request *request);
void detect_request_release(struct detect_request *request);

#endif
