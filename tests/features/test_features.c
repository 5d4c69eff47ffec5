/* Numbers about maps against NumPy's, heat over a picture against Pillow's enlarging, colours, and pages by their
 * pixels (tests/goldens/make_features.py). */
#include "tests/support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/features/ghosts.h"
#include "cli/features/grid.h"
#include "cli/features/heatmap.h"

static struct golden *golden;

static struct maps maps_of(const char *name)
{
    struct maps maps;
    const gvk_array *array = golden_array(golden, name);
    assert_true(maps_create(name, (uint32_t)array->shape[0], (uint32_t)array->shape[1], (uint32_t)array->shape[2],
                            array->data, &maps));
    return maps;
}

static void statistics_are_those_of_numpy(void **state)
{
    (void)state;
    struct maps maps = maps_of("maps.one");
    uint64_t count;
    float *expected = golden_floats(golden, "maps.statistics", &count);
    assert_int_equal(count, 4 * maps.channels);
    for (uint32_t channel = 0; channel < maps.channels; channel++) {
        const struct map_statistics *got = &maps.statistics[channel];
        const float *row = expected + 4 * channel;
        const double numbers[4] = {(double)got->least, (double)got->largest, got->mean, got->deviation};
        for (int index = 0; index < 4; index++)
            if (fabs(numbers[index] - (double)row[index]) > 1e-6 * (1 + fabs((double)row[index])))
                fail_msg("channel %u, number %d: %.9g instead of %.9g", channel, index, numbers[index],
                         (double)row[index]);
    }
    free(expected);
    maps_release(&maps);
}

static void correlations_are_those_of_numpy_and_a_flat_map_has_none(void **state)
{
    (void)state;
    struct maps one = maps_of("maps.one"), other = maps_of("maps.other");
    struct ghost_module module;
    uint64_t count;
    float *expected = golden_floats(golden, "maps.correlation", &count);
    double sum = 0, least = 1, largest = -1;
    unsigned flat = 0;
    assert_true(ghost_module_create("module", &one, &other, &module));
    assert_int_equal(module.count, count);
    for (uint32_t channel = 0; channel < module.count; channel++) {
        double r = module.pairs[channel].correlation, wanted = (double)expected[channel];
        assert_int_equal(isnan(r) != 0, isnan(wanted) != 0);
        if (isnan(wanted)) {
            flat++;
            continue;
        }
        if (fabs(r - wanted) > 1e-6)
            fail_msg("channel %u: r is %.9f instead of %.9f", channel, r, wanted);
        sum += fabs(wanted);
        least = fmin(least, wanted);
        largest = fmax(largest, wanted);
    }
    assert_int_equal(flat, 1);
    assert_int_equal(module.flat_count, 1);
    assert_true(fabs(module.mean_magnitude - sum / (double)(count - 1)) < 1e-6);
    assert_true(fabs(module.least - least) < 1e-6 && fabs(module.largest - largest) < 1e-6);
    free(expected);
    ghost_module_release(&module);
}

static void halves_of_other_shapes_are_no_module(void **state)
{
    (void)state;
    const float values[8] = {0};
    struct maps one, other;
    struct ghost_module module;
    assert_true(maps_create("one", 2, 2, 2, values, &one) && maps_create("other", 2, 1, 4, values, &other));
    assert_false(ghost_module_create("module", &one, &other, &module));
    assert_null(module.pairs);
    assert_null(one.values); /* both are taken over in any case */
}

/* Lightness of CIE L*a*b*, which colours.c does not know. */
static double lightness(const uint8_t rgb[3])
{
    double linear[3];
    for (int channel = 0; channel < 3; channel++) {
        double value = rgb[channel] / 255.0;
        linear[channel] = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
    }
    double y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27;
}

static void colours_get_lighter_evenly(void **state)
{
    (void)state;
    for (int map = COLOURS_OF_MAPS; map <= COLOURS_OF_HEAT; map++) {
        struct colours colours;
        colours_make((enum colour_map)map, &colours);
        double first = lightness(colours.steps[0]), last = lightness(colours.steps[COLOUR_STEPS - 1]);
        assert_true(first < 20 && last > 85);
        for (int step = 0; step < COLOUR_STEPS; step++) {
            double is = lightness(colours.steps[step]), line = first + (last - first) * step / (COLOUR_STEPS - 1);
            if (fabs(is - line) > 7) /* Oklab's lightness and this one differ by that much in blues and reds */
                fail_msg("map %d, step %d: lightness %.1f far from %.1f", map, step, is, line);
            if (step && is < lightness(colours.steps[step - 1]) - 0.3) /* 8 bits a channel */
                fail_msg("map %d gets darker at step %d", map, step);
        }
    }
    assert_int_equal(colour_step(-1, 0, 10), 0);
    assert_int_equal(colour_step(11, 0, 10), 255);
    assert_int_equal(colour_step(10.0 / 255, 0, 10), 1);
    assert_int_equal(colour_step(3, 3, 3), 0);
    assert_int_equal(colour_step(NAN, 0, 1), 0);
}

static void heat_is_enlarged_as_by_pillow(void **state)
{
    (void)state;
    static const char *const maps[HEAT_SCALES] = {"heat.stride32", "heat.stride16", "heat.stride8"};
    static const struct {
        const char *name;
        uint32_t class_id;
    } heats[] = {{"all", HEAT_ALL}, {"objectness", HEAT_PRESENCE}, {"1", 1}};
    enum { WIDTH = 40, HEIGHT = 30, INPUT_WIDTH = 96, INPUT_HEIGHT = 64, CLASSES = 2 };
    for (size_t index = 0; index < 2 * ARRAY_COUNT(heats); index++) {
        bool letterbox = index % 2 == 0;
        struct heat_cells scales[HEAT_SCALES];
        char name[64];
        uint64_t count;
        for (int scale = 0; scale < HEAT_SCALES; scale++) {
            const gvk_array *array = golden_array(golden, maps[scale]);
            const struct heat_source source = {array->data, (uint32_t)array->shape[0], (uint32_t)array->shape[1],
                                               (uint32_t)array->shape[2]};
            assert_true(heat_measure(&source, CLASSES, heats[index / 2].class_id, &scales[scale]));
        }
        const struct heat_place place = heat_place_of(WIDTH, HEIGHT, INPUT_WIDTH, INPUT_HEIGHT, letterbox);
        snprintf(name, sizeof name, "heat.%s.%s", heats[index / 2].name, letterbox ? "letterbox" : "stretch");
        float *expected = golden_floats(golden, name, &count);
        assert_int_equal(count, WIDTH * HEIGHT);
        for (uint32_t y = 0; y < HEIGHT; y++) {
            double row[WIDTH];
            assert_true(heat_row(scales, HEAT_SCALES, &place, WIDTH, HEIGHT, y, row));
            for (uint32_t x = 0; x < WIDTH; x++)
                if (fabs(row[x] - (double)expected[y * WIDTH + x]) > 1e-5)
                    fail_msg("%s at %u, %u: %.7f instead of %.7f", name, x, y, row[x], (double)expected[y * WIDTH + x]);
        }
        free(expected);
        for (int scale = 0; scale < HEAT_SCALES; scale++)
            heat_release(&scales[scale]);
    }
    const float wrong[7] = {0};
    struct heat_cells cells;
    assert_false(heat_measure(&(struct heat_source){wrong, 7, 1, 1}, CLASSES, HEAT_ALL, &cells));
}

static void heat_leaves_the_size_and_adds_a_strip(void **state)
{
    (void)state;
    uint8_t pixels[50 * 20 * 3];
    float cold[1] = {0}, hot[1] = {1};
    memset(pixels, 90, sizeof pixels);
    const struct image picture = {.width = 50, .height = 20, .pixels = pixels};
    const struct heat_place place = heat_place_of(50, 20, 32, 32, false);
    struct sheet sheet;
    char message[256];
    assert_true(heat_draw(&picture, &(struct heat_cells){cold, 1, 1}, 1, &place, "nothing", NULL, &sheet, message,
                          sizeof message));
    assert_int_equal(sheet.image.width, 50);
    assert_int_equal(sheet.image.height, 20 + 36);
    for (size_t index = 0; index < sizeof pixels; index++)
        assert_int_equal(sheet.image.pixels[index], 90); /* grey stays as it is where nothing is seen */
    sheet_release(&sheet);
    assert_true(
        heat_draw(&picture, &(struct heat_cells){hot, 1, 1}, 1, &place, "all", NULL, &sheet, message, sizeof message));
    assert_true(sheet.image.pixels[0] > 200 && sheet.image.pixels[1] > 190); /* pale yellow over grey */
    sheet_release(&sheet);
}

/* ---- pages ---- */

static const uint8_t *pixel(const struct sheet *sheet, uint32_t x, uint32_t y)
{
    assert_true(x < sheet->image.width && y < sheet->image.height);
    return sheet->image.pixels + 3 * ((size_t)y * sheet->image.width + x);
}

/* The first pixel of that colour, row by row. */
static bool find_colour(const struct sheet *sheet, const uint8_t colour[3], uint32_t *x, uint32_t *y)
{
    for (*y = 0; *y < sheet->image.height; ++*y)
        for (*x = 0; *x < sheet->image.width; ++*x)
            if (memcmp(pixel(sheet, *x, *y), colour, 3) == 0 && memcmp(pixel(sheet, *x + 5, *y + 5), colour, 3) == 0)
                return true;
    return false;
}

/* Four maps of 2 x 1: the brightest colour first, then the darkest, each value a block. */
static void maps_stand_on_a_page_in_their_colours(void **state)
{
    (void)state;
    const float values[8] = {1, 0, 5, 0, 1, 0, 3, 3};
    struct maps maps;
    struct sheet sheet;
    struct colours colours;
    char message[256];
    uint32_t x, y;
    colours_make(COLOURS_OF_MAPS, &colours);
    assert_true(maps_create("a.layer", 4, 1, 2, values, &maps));
    struct grid_choice choice = {.first = 0, .last = 3, .picture = "picture.png, 8x8"};
    assert_true(grid_draw(&maps, &choice, &sheet, message, sizeof message));
    assert_true(find_colour(&sheet, colours.steps[255], &x, &y));
    assert_memory_equal(pixel(&sheet, x + 199, y + 199), colours.steps[255], 3);
    assert_memory_equal(pixel(&sheet, x + 200, y), colours.steps[0], 3);
    assert_int_equal(pixel(&sheet, 0, 0)[2], 253);
    assert_int_equal(pixel(&sheet, sheet.image.width - 1, sheet.image.height - 1)[0], 252);
    sheet_release(&sheet);

    choice.scale_together = true; /* and the largest alone is brightest */
    assert_true(grid_draw(&maps, &choice, &sheet, message, sizeof message));
    assert_true(find_colour(&sheet, colours.steps[51], &x, &y)); /* 1 of 5 */
    assert_memory_equal(pixel(&sheet, x + 200, y), colours.steps[0], 3);
    assert_true(find_colour(&sheet, colours.steps[153], &x, &y)); /* 3 of 5 */
    assert_memory_equal(pixel(&sheet, x + 200, y), colours.steps[153], 3);
    sheet_release(&sheet);
    maps_release(&maps);
}

static void ghosts_stand_beside_what_they_were_made_of(void **state)
{
    (void)state;
    /* The ghost of 0 is its opposite, that of 1 its like, that of 2 flat. */
    const float intrinsic[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, ghosts[12] = {0, 1, 1, 1, 2, 0, 0, 0, 7, 7, 7, 7};
    struct maps one, other;
    struct ghost_module module;
    struct sheet sheet;
    struct colours colours;
    char message[256];
    uint32_t x, y;
    colours_make(COLOURS_OF_MAPS, &colours);
    assert_true(maps_create("one", 3, 2, 2, intrinsic, &one) && maps_create("other", 3, 2, 2, ghosts, &other));
    assert_true(ghost_module_create("module", &one, &other, &module));
    assert_int_equal(module.flat_count, 1);
    assert_true(fabs(module.mean_magnitude - 1) < 1e-9);
    struct ghost_choice choice = {.first = 0, .last = 2, .picture = "picture.png, 8x8"};
    assert_true(ghosts_draw(&module, &choice, &sheet, message, sizeof message));
    assert_true(find_colour(&sheet, colours.steps[255], &x, &y)); /* of channel 1, whose r is 1, */
    uint32_t side = 2 * 130;                                      /* in blocks of 130 pixels */
    assert_memory_equal(pixel(&sheet, x + side + 3, y), colours.steps[255], 3);
    sheet_release(&sheet);
    choice.by_channel = true;
    assert_true(ghosts_draw(&module, &choice, &sheet, message, sizeof message));
    assert_true(find_colour(&sheet, colours.steps[255], &x, &y)); /* of channel 0 */
    assert_memory_equal(pixel(&sheet, x + side + 3, y), colours.steps[0], 3);
    sheet_release(&sheet);
    ghost_module_release(&module);
}

static void a_few_extreme_values_do_not_darken_a_map(void **state)
{
    (void)state;
    float values[1000];
    struct map_statistics numbers;
    for (int index = 0; index < 1000; index++)
        values[index] = (float)(index % 100) / 100;
    values[17] = 1000;
    values[18] = -1000;
    assert_true(measure_map(values, 1000, &numbers));
    assert_true(numbers.least == -1000 && numbers.largest == 1000);
    assert_true(numbers.low >= 0 && numbers.low < 0.02f && numbers.high > 0.97f && numbers.high < 1);
    memset(values, 0, sizeof values);
    values[3] = 2; /* nearly all are equal: then the one that is not is what there is to see */
    assert_true(measure_map(values, 1000, &numbers));
    assert_true(numbers.low == 0 && numbers.high == 2);
}

static void numbers_are_written_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } numbers[] = {{0, "0"}, {-0.0, "0"}, {1.2345, "1.23"}, {-12.5, "-12.5"}, {0.00012, "0.00012"}};
    char text[32];
    for (size_t index = 0; index < ARRAY_COUNT(numbers); index++) {
        write_number(numbers[index].value, text, sizeof text);
        assert_string_equal(text, numbers[index].text);
    }
    write_correlation(-0.004, text, sizeof text);
    assert_string_equal(text, "0.00");
    write_correlation(0.996, text, sizeof text);
    assert_string_equal(text, "1.00");
    write_correlation(NAN, text, sizeof text);
    assert_string_equal(text, "-");
    const struct font font = font_of_height(10);
    shorten_text(NULL, &font, "backbone.model.blocks.6.3.ghost1", 120, text, sizeof text);
    assert_true(measure_text(NULL, &font, text) <= 120);
    assert_non_null(strstr(text, "\xE2\x80\xA6"));
}

static int open_file(void **state)
{
    (void)state;
    golden = open_golden("features.safetensors");
    return golden == NULL;
}

static int close_file(void **state)
{
    (void)state;
    close_golden(golden);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_those_of_numpy),
        cmocka_unit_test(correlations_are_those_of_numpy_and_a_flat_map_has_none),
        cmocka_unit_test(halves_of_other_shapes_are_no_module),
        cmocka_unit_test(colours_get_lighter_evenly),
        cmocka_unit_test(heat_is_enlarged_as_by_pillow),
        cmocka_unit_test(heat_leaves_the_size_and_adds_a_strip),
        cmocka_unit_test(maps_stand_on_a_page_in_their_colours),
        cmocka_unit_test(ghosts_stand_beside_what_they_were_made_of),
        cmocka_unit_test(a_few_extreme_values_do_not_darken_a_map),
        cmocka_unit_test(numbers_are_written_short),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
