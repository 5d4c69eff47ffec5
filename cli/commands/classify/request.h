/* What the command line of `ghostvk classify` asks for. */
#ifndef GHOSTVK_CLI_CLASSIFY_REQUEST_H
#define GHOSTVK_CLI_CLASSIFY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/pictures/classifier_choice.h"
#include "cli/results/results.h"
#include "cli/sources/source.h"

/* Options that classify alone has. */
enum { OPTION_TOP = OPTION_OWN, OPTION_NULL, OPTION_THREADS };

struct classify_request {
    struct model_choice model;
    struct device_choice device;
    struct size size;
    gvk_precision precision;
    bool quiet;              /* no tables */
    bool ignore_orientation; /* EXIF orientations are not applied */
    uint32_t top;            /* classes to tell */
    struct classifier_choice cut;
    struct results_choice results;
    struct source_choice source;
    uint32_t threads; /* that load pictures; 0: as the machine has cores */
    struct operands pictures;
};

/* An exit code, or -1 when help was asked for and printed. */
int classify_request_read(struct program *program, const struct command_line *line, struct classify_request *request);

#endif
