/* What a command line says of how a picture becomes a classifier's input, beside the input's size. */
#ifndef GHOSTVK_CLI_CLASSIFIER_CHOICE_H
#define GHOSTVK_CLI_CLASSIFIER_CHOICE_H

#include "classifier_input.h"
#include "cli/base/values.h"

/* All zeros: as usual. */
struct classifier_choice {
    uint32_t shorter; /* side of the scaled picture; 0: the usual one */
    enum interpolation interpolation;
    bool is_given;
};

/* The shared options that read_classifier_option reads. */
#define CLASSIFIER_OPTIONS OPTION_RESIZE, OPTION_INTERPOLATION

/* Says what is wrong with the value and returns false. */
bool read_classifier_option(struct classifier_choice *choice, int option, const char *value);
/* For a network's input of that size. An exit code: what does not fit has been said. */
int choose_classifier_cut(const struct classifier_choice *choice, uint32_t width, uint32_t height,
                          struct classifier_cut *out);

#endif
