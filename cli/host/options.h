/* The options of a command line, one after the other. */
#ifndef GHOSTVK_CLI_OPTIONS_H
#define GHOSTVK_CLI_OPTIONS_H

#include <getopt.h>
#include <stddef.h>

#include "program.h"

/* Options that every command has. */
#define COMMON_SHORT_OPTIONS "hv"
#define COMMON_LONG_OPTIONS                                                                                            \
    {"help", no_argument, NULL, 'h'}, {"verbose", no_argument, NULL, 'v'},                                             \
    {                                                                                                                  \
        NULL, 0, NULL, 0                                                                                               \
    }

/* Values for long options without a letter. */
enum long_option {
    OPTION_CLASSES = 256,
    OPTION_ANCHORS,
    OPTION_DEVICE,
    OPTION_SIZE,
    OPTION_LETTERBOX,
    OPTION_NO_LETTERBOX,
    OPTION_NO_EXIF,
    OPTION_CONF,
    OPTION_IOU,
    OPTION_JSON,
    OPTION_INPUT,
    OPTION_IMAGE,
    OPTION_OUTPUT,
    OPTION_REWRITE,
    OPTION_BATCH,
    OPTION_LAYERS,
    OPTION_COMPARE,
    OPTION_RANDOM,
    OPTION_RUNS,
    OPTION_PROFILE,
    OPTION_TRACE,
    OPTION_PRECISION,
    OPTION_WEIGHTS,
    OPTION_ALLOW_UNUSED
};

/* The next option's value, -1 at the end, or '?' when it is wrong and that has been said. Counts -v itself. */
int next_option(struct program *program, int argument_count, char **arguments, const char *short_options,
                const struct option *long_options);

#endif
