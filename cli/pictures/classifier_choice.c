/* See classifier_choice.h. */
#include "classifier_choice.h"

#include <inttypes.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/options/table.h"

#define SHORTER_MAX 16384u

static bool read_interpolation(const char *value, enum interpolation *out)
{
    bool is_bicubic = strcmp(value, "bicubic") == 0;
    *out = is_bicubic ? INTERPOLATION_BICUBIC : INTERPOLATION_BILINEAR;
    if (is_bicubic || strcmp(value, "bilinear") == 0)
        return true;
    refuse_usage("--interpolation %s: bilinear or bicubic is wanted", *value ? value : "\"\"");
    return false;
}

bool read_classifier_option(struct classifier_choice *choice, int option, const char *value)
{
    choice->is_given = true;
    if (option == OPTION_RESIZE)
        return read_count("--resize", value, SHORTER_MAX, &choice->shorter);
    return read_interpolation(value, &choice->interpolation);
}

int choose_classifier_cut(const struct classifier_choice *choice, uint32_t width, uint32_t height,
                          struct classifier_cut *out)
{
    uint32_t larger = width > height ? width : height;
    *out =
        (struct classifier_cut){.width = width,
                                .height = height,
                                .shorter = choice->shorter ? choice->shorter : classifier_shorter_side(width, height),
                                .interpolation = choice->interpolation};
    if (out->shorter >= larger)
        return OUTCOME_DONE;
    return refuse_usage("--resize %" PRIu32 ": of the scaled picture %" PRIu32 "x%" PRIu32
                        " are cut out, so its shorter side must have %" PRIu32 " at least",
                        out->shorter, width, height, larger);
}
