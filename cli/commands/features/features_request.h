/* The command line of `ghostvk features`. */
#ifndef GHOSTVK_CLI_COMMANDS_FEATURES_REQUEST_H
#define GHOSTVK_CLI_COMMANDS_FEATURES_REQUEST_H

#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"

struct features_request {
    struct model_choice model;
    struct device_choice device;
    gvk_precision precision;
    struct size size;
    bool letterbox, letterbox_given, ignore_orientation;
    const char *image, *output, *json, *layer, *class_name;
    bool ghosts, heatmap, list;
    bool channels_given, scale_together, scale_given, by_channel, order_given;
    uint32_t first, last;
};

/* The command's rows of options (cli/options/command.h). */
extern const int features_shared_options[];
extern const struct option_row features_own_options[];

/* Reads and checks it. An exit code, or -1 when help was printed. */
int features_read_request(struct program *program, const struct command_line *line, struct features_request *request);

#endif
