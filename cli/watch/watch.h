/* The run of `ghostvk watch`: a window on a device, the network on the same one, and frames from a source. */
#ifndef GHOSTVK_CLI_WATCH_H
#define GHOSTVK_CLI_WATCH_H

#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/video/raw_frames.h"

struct watch_request {
    struct model_choice model;
    struct device_choice device;
    struct size size;   /* of the network's input; 0: the model's */
    struct size window; /* of the window; 0: the first picture's */
    gvk_precision precision;
    bool letterbox, letterbox_given;
    bool ignore_orientation;
    float confidence, iou; /* as gvk_detector_params takes them */
    struct raw_shape raw;
    bool has_raw; /* frames come raw on standard input */
    bool loops, fullscreen, hides_numbers;
    uint32_t frames;        /* ends after so many; 0: not */
    uint32_t seconds;       /* that each picture is shown for; 0: 3 */
    const char *screenshot; /* where the last frame is written to; NULL: nowhere */
    char **operands;
    size_t operand_count;
};

/* Until the person quits, the source ends or so many frames were shown. Returns the exit code. */
int watch_run(struct program *program, const struct watch_request *request);

#endif
