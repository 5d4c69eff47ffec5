/* A classifier's input against Pillow and PyTorch: every byte of the cut, every number of the normalised planes. */
#include "tests/support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pictures/classifier_input.h"

static struct golden *golden;

static const gvk_array *find(const char *name, unsigned index)
{
    char tensor[64];
    snprintf(tensor, sizeof tensor, "case%02u.%s", index, name);
    return golden_array(golden, tensor);
}

/* NULL where the case has none. */
static const char *find_text(const char *name, unsigned index)
{
    char key[64];
    snprintf(key, sizeof key, "case%02u.%s", index, name);
    return golden_text(golden, key);
}

static void a_picture_is_scaled_cut_and_normalised_as_by_torchvision(void **state)
{
    (void)state;
    unsigned count = (unsigned)strtoul(golden_text(golden, "case_count"), NULL, 10);
    assert_true(count > 10);
    unsigned cubics = 0;
    uint64_t number_count;
    float *numbers = golden_floats(golden, "normalised", &number_count);
    assert_int_equal(number_count, 3 * 256);
    for (unsigned index = 0; index < count; index++) {
        const gvk_array *source = find("source", index), *expected = find("expected", index);
        struct rgb_picture picture = {
            .pixels = source->data, .width = (uint32_t)source->shape[1], .height = (uint32_t)source->shape[0]};
        uint32_t width = (uint32_t)expected->shape[1], height = (uint32_t)expected->shape[0];
        const char *shorter = find_text("shorter", index);
        bool cubic = !strcmp(find_text("interpolation", index), "bicubic");
        struct classifier_cut cut = {.width = width,
                                     .height = height,
                                     .shorter = shorter ? (uint32_t)strtoul(shorter, NULL, 10)
                                                        : classifier_shorter_side(width, height),
                                     .interpolation = cubic ? INTERPOLATION_BICUBIC : INTERPOLATION_BILINEAR};
        cubics += cubic;
        float *planes = malloc((size_t)3 * width * height * sizeof *planes);
        assert_non_null(planes);
        assert_true(classifier_input(&picture, &cut, planes));
        const uint8_t *bytes = expected->data;
        for (uint32_t y = 0; y < height; y++)
            for (uint32_t x = 0; x < width; x++)
                for (uint32_t channel = 0; channel < 3; channel++) {
                    float got = planes[((size_t)channel * height + y) * width + x];
                    float wanted = numbers[channel * 256 + bytes[((size_t)y * width + x) * 3 + channel]];
                    if (memcmp(&got, &wanted, sizeof got) != 0)
                        fail_msg("case %u, %s, %ux%u to %ux%u, pixel %u, %u, channel %u: %.9g instead of %.9g", index,
                                 cubic ? "bicubic" : "bilinear", picture.width, picture.height, width, height, x, y,
                                 channel, (double)got, (double)wanted);
                }
        free(planes);
    }
    free(numbers);
    assert_true(cubics >= 10);
}

/* Scaled as a whole it would take gigabytes; only the cut is computed. */
static void a_line_of_pixels_takes_no_more_than_the_cut(void **state)
{
    enum { LENGTH = 65535 };
    (void)state;
    static uint8_t line[3 * LENGTH];
    static float planes[3 * 224 * 224];
    for (uint32_t i = 0; i < sizeof line; i++)
        line[i] = (uint8_t)(i / 3 % 251);
    static const enum interpolation interpolations[] = {INTERPOLATION_BILINEAR, INTERPOLATION_BICUBIC};
    for (size_t i = 0; i < sizeof interpolations / sizeof *interpolations; i++) {
        struct classifier_cut cut = {.width = 224, .height = 224, .shorter = 256, .interpolation = interpolations[i]};
        struct rgb_picture picture = {.pixels = line, .width = LENGTH, .height = 1};
        assert_true(classifier_input(&picture, &cut, planes));
        picture = (struct rgb_picture){.pixels = line, .width = 1, .height = LENGTH};
        assert_true(classifier_input(&picture, &cut, planes));
    }
    for (uint32_t i = 0; i < 3 * 224 * 224; i++)
        assert_true(isfinite(planes[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_scaled_cut_and_normalised_as_by_torchvision),
        cmocka_unit_test(a_line_of_pixels_takes_no_more_than_the_cut),
    };
    golden = open_golden("classifier_input.safetensors");
    int failed = cmocka_run_group_tests_name("a classifier's input", tests, NULL, NULL);
    close_golden(golden);
    return failed;
}
