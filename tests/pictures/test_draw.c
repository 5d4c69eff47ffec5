/* Drawing: frames where the boxes are, labels inside the picture, and no write outside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pictures/draw.h"
#include "cli/pictures/font.h"

static char message[256];

static struct image make_grey(uint32_t width, uint32_t height)
{
    struct image image;
    assert_true(image_create(width, height, &image, message, sizeof message));
    memset(image.pixels, 128, (size_t)width * height * 3);
    return image;
}

static const uint8_t *pixel_at(const struct image *image, uint32_t x, uint32_t y)
{
    return image->pixels + 3 * ((size_t)y * image->width + x);
}

static bool is_grey(const struct image *image, uint32_t x, uint32_t y)
{
    return memcmp(pixel_at(image, x, y), "\x80\x80\x80", 3) == 0;
}

static size_t count_changed(const struct image *image)
{
    size_t changed = 0;
    for (uint32_t y = 0; y < image->height; y++)
        for (uint32_t x = 0; x < image->width; x++)
            changed += !is_grey(image, x, y);
    return changed;
}

static void a_frame_runs_along_the_edges_of_its_box(void **state)
{
    (void)state;
    struct image image = make_grey(200, 150);
    const struct draw_box box = {60, 50, 140, 120, 0.9f, 3, "cat"};
    assert_true(draw_boxes(&image, &box, 1, NULL));
    const uint8_t *colour = pixel_at(&image, 60, 80);
    assert_memory_equal(colour, pixel_at(&image, 139, 80), 3);
    assert_memory_equal(colour, pixel_at(&image, 100, 119), 3);
    assert_memory_equal(colour, pixel_at(&image, 100, 50), 3);
    assert_true(is_grey(&image, 100, 80)); /* what is inside stays visible */
    assert_true(is_grey(&image, 55, 80));
    assert_true(is_grey(&image, 146, 80));
    assert_true(is_grey(&image, 100, 126));
    assert_false(is_grey(&image, 62, 45)); /* the plate */
    image_release(&image);
}

static void classes_differ_in_colour_and_a_class_keeps_its_own(void **state)
{
    (void)state;
    uint8_t colours[20][3];
    for (uint32_t class_id = 0; class_id < 20; class_id++) {
        struct image image = make_grey(100, 100);
        const struct draw_box box = {20, 40, 80, 90, 0.5f, class_id, NULL};
        assert_true(draw_boxes(&image, &box, 1, NULL));
        memcpy(colours[class_id], pixel_at(&image, 20, 80), 3);
        image_release(&image);
        for (uint32_t other = 0; other < class_id; other++)
            assert_memory_not_equal(colours[class_id], colours[other], 3);
    }
    struct image image = make_grey(100, 100);
    const struct draw_box box = {20, 40, 80, 90, 0.5f, UINT32_MAX - UINT32_MAX % 20 - 13, NULL};
    assert_true(draw_boxes(&image, &box, 1, NULL));
    assert_memory_equal(pixel_at(&image, 20, 80), colours[(UINT32_MAX - UINT32_MAX % 20 - 13) % 20], 3);
    image_release(&image);
}

static void the_surest_detection_is_in_front(void **state)
{
    (void)state;
    struct image one = make_grey(200, 150), both = make_grey(200, 150);
    const struct draw_box boxes[] = {{40, 60, 120, 120, 0.9f, 0, "front"}, {40, 60, 120, 120, 0.4f, 1, "back"}};
    assert_true(draw_boxes(&one, &boxes[0], 1, NULL));
    assert_true(draw_boxes(&both, boxes, 2, NULL));
    assert_memory_equal(pixel_at(&one, 40, 100), pixel_at(&both, 40, 100), 3);
    for (uint32_t x = 40; x < 70; x++) /* its label, too */
        assert_memory_equal(pixel_at(&one, x, 50), pixel_at(&both, x, 50), 3);
    image_release(&one);
    image_release(&both);
}

static void the_order_of_the_input_does_not_change_the_picture(void **state)
{
    (void)state;
    struct image one = make_grey(200, 150), other = make_grey(200, 150);
    const struct draw_box forward[] = {
        {10, 20, 90, 90, 0.3f, 0, "a"}, {30, 30, 120, 100, 0.6f, 1, "b"}, {50, 40, 150, 140, 0.5f, 2, "c"}};
    const struct draw_box backward[] = {forward[2], forward[1], forward[0]};
    assert_true(draw_boxes(&one, forward, 3, NULL));
    assert_true(draw_boxes(&other, backward, 3, NULL));
    assert_memory_equal(one.pixels, other.pixels, 200 * 150 * 3);
    image_release(&one);
    image_release(&other);
}

static void a_label_without_room_above_goes_inside(void **state)
{
    (void)state;
    struct image image = make_grey(200, 150);
    const struct draw_box box = {20, 0, 150, 140, 0.75f, 0, "cat"};
    assert_true(draw_boxes(&image, &box, 1, NULL));
    assert_false(is_grey(&image, 26, 10));
    assert_true(is_grey(&image, 80, 100));
    image_release(&image);
}

static void a_label_at_the_right_edge_moves_to_the_left(void **state)
{
    (void)state;
    struct image image = make_grey(200, 150);
    const struct draw_box box = {190, 80, 200, 140, 0.75f, 0, "a long name"};
    assert_true(draw_boxes(&image, &box, 1, NULL));
    assert_false(is_grey(&image, 150, 72));
    image_release(&image);
}

static void boxes_that_make_no_sense_change_nothing(void **state)
{
    (void)state;
    struct image image = make_grey(60, 40);
    const struct draw_box boxes[] = {
        {NAN, 0, 10, 10, 0.5f, 0, "x"},         {0, 0, INFINITY, 10, 0.5f, 0, "x"}, {0, 0, 10, 10, NAN, 0, "x"},
        {-500, -500, -400, -400, 0.5f, 0, "x"}, {1000, 0, 2000, 20, 0.5f, 0, "x"},  {0, 900, 20, 1000, 0.5f, 0, "x"},
    };
    assert_true(draw_boxes(&image, boxes, sizeof boxes / sizeof *boxes, NULL));
    assert_int_equal(count_changed(&image), 0);
    assert_true(draw_boxes(&image, NULL, 0, NULL));
    image_release(&image);
}

/* Sizes from one pixel on, boxes far beyond the picture, labels longer than it: a sanitizer watches. */
static void nothing_is_written_outside_the_picture(void **state)
{
    (void)state;
    char endless[5000];
    memset(endless, 'W', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    const struct draw_box boxes[] = {
        {-1e30f, -1e30f, 1e30f, 1e30f, 1, 0, endless},
        {5, 5, 5, 5, 0.5f, 1, "point"},
        {9, 9, 2, 2, 7, 2, "turned"},
        {-3, -3, 4, 4, -1, 3, "\xFF\xC3"},
        {0, 0, 1, 1, 0.3f, 4, "\xE7\x8C\xAB\n\t\x01"},
        {1, 1, 3, 3, 0.2f, 5, ""},
        {1, 1, 3, 3, 0.2f, 5, "na\xC3\xAFve \xC3\x85\xC3\x98\xC3\x9F\xC3\xBF \xE2\x82\xAC"},
    };
    static const uint32_t sides[] = {1, 2, 7, 16, 40, 333, 2500};
    for (size_t width = 0; width < 7; width++) {
        for (size_t height = 0; height < 7; height++) {
            struct image image = make_grey(sides[width], sides[height]);
            assert_true(draw_boxes(&image, boxes, sizeof boxes / sizeof *boxes, NULL));
            image_release(&image);
        }
    }
}

static void thousands_of_boxes_are_drawn(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct draw_box *boxes = calloc(COUNT, sizeof *boxes);
    assert_non_null(boxes);
    for (uint32_t index = 0; index < COUNT; index++) {
        float x = (float)(index * 37 % 600), y = (float)(index * 91 % 450);
        boxes[index] = (struct draw_box){x, y, x + 30, y + 30, (float)(index % 100) / 100, index % 7, "thing"};
    }
    struct image image = make_grey(640, 480);
    assert_true(draw_boxes(&image, boxes, COUNT, NULL));
    assert_true(count_changed(&image) > 640 * 480 / 2);
    image_release(&image);
    free(boxes);
}

static bool draws_ink(const struct font *font, const char *text, uint64_t *shape)
{
    enum { WIDTH = 64, HEIGHT = 48 };
    uint8_t coverage[WIDTH * HEIGHT] = {0};
    struct font_mask mask = {coverage, WIDTH, HEIGHT};
    font_draw(font, text, 4, 34, &mask);
    bool ink = false;
    *shape = UINT64_C(0xCBF29CE484222325);
    for (size_t index = 0; index < sizeof coverage; index++) {
        ink = ink || coverage[index] > 200;
        *shape = (*shape ^ coverage[index]) * UINT64_C(0x100000001B3);
    }
    for (size_t x = 0; x < WIDTH; x++) /* the margin stays free: accents and descenders fit */
        ink = ink && coverage[x] == 0 && coverage[(HEIGHT - 1) * WIDTH + x] == 0;
    return ink;
}

static void every_printable_character_has_a_shape_of_its_own(void **state)
{
    (void)state;
    const struct font font = font_of_height(20);
    uint64_t shapes[256] = {0}, box;
    assert_true(draws_ink(&font, "\xE7\x8C\xAB", &box));
    for (unsigned code = 0x21; code <= 0xFF; code++) {
        bool is_letter = (code < 0x7F || code >= 0xC0);
        if (!is_letter)
            continue;
        char text[3] = {(char)code, 0, 0};
        if (code >= 0x80) {
            text[0] = (char)(0xC0 | code >> 6);
            text[1] = (char)(0x80 | (code & 0x3F));
        }
        if (!draws_ink(&font, text, &shapes[code]) || shapes[code] == box)
            fail_msg("character %#x is not drawn", code);
        for (unsigned other = 0x21; other < code; other++)
            if (shapes[other] == shapes[code])
                fail_msg("characters %#x and %#x look the same", other, code);
    }
}

static void text_is_as_wide_as_measured(void **state)
{
    (void)state;
    static const int heights[] = {4, 9, 10, 13, 27, 66};
    for (size_t index = 0; index < sizeof heights / sizeof *heights; index++) {
        const struct font font = font_of_height(heights[index]);
        const char *text = "HAMBURG 0.87 H";
        int width = font_measure(&font, text), right = 0, left = 2000;
        struct font_mask mask = {calloc(2000, 100), 2000, 100};
        assert_non_null(mask.coverage);
        font_draw(&font, text, 10, 80, &mask);
        for (int x = 0; x < 2000; x++) {
            for (int y = 0; y < 100; y++) {
                if (mask.coverage[y * 2000 + x] > 100) {
                    right = x;
                    left = x < left ? x : left;
                }
            }
        }
        assert_in_range(left, 10, 11);
        assert_in_range(right + 2, 10 + width, 10 + width + 2);
        free(mask.coverage);
    }
    const struct font font = font_of_height(10);
    assert_int_equal(font_measure(&font, ""), 0);
}

/* The ink of a text in the system's fonts, as a shape; the text keeps to what was measured and to the mask's middle. */
static uint64_t shape_of(struct letters *letters, const char *text)
{
    enum { WIDTH = 600, HEIGHT = 100, LEFT = 40, BASELINE = 60 };
    static uint8_t coverage[WIDTH * HEIGHT];
    struct font_mask mask = {coverage, WIDTH, HEIGHT};
    memset(coverage, 0, sizeof coverage);
    letters_draw(letters, text, LEFT, BASELINE, &mask);
    int width = letters_measure(letters, text);
    uint64_t shape = UINT64_C(0xCBF29CE484222325);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t ink = coverage[y * WIDTH + x];
            shape = (shape ^ ink) * UINT64_C(0x100000001B3);
            if (ink && (x < LEFT - 20 || x > LEFT + width || y < 10 || y > BASELINE + 20))
                fail_msg("\"%s\", %d pixels wide, has ink at %d, %d", text, width, x, y);
        }
    return shape;
}

static void names_in_other_scripts_are_drawn_in_the_systems_fonts(void **state)
{
    (void)state;
    /* Cyrillic and Greek, which every font family for screens has. */
    static const char *const names[] = {"\xD0\x96", "\xD0\xA9", "\xCE\xA9", "\xCE\xA8", "\xD0\xB6", "H", "g"};
    enum { COUNT = sizeof names / sizeof *names };
    struct letters *letters = letters_create();
    if (!letters_start(letters, 20)) {
        letters_destroy(letters);
        skip();
    }
    uint64_t shapes[COUNT];
    for (size_t index = 0; index < COUNT; index++) {
        shapes[index] = shape_of(letters, names[index]);
        for (size_t other = 0; other < index; other++)
            if (shapes[index] == shapes[other])
                fail_msg("\"%s\" and \"%s\" look the same", names[other], names[index]);
    }
    assert_true(letters_start(letters, 10)); /* another size, and the first again */
    assert_true(shape_of(letters, names[0]) != shapes[0]);
    assert_true(letters_start(letters, 20));
    assert_true(shape_of(letters, names[0]) == shapes[0]);
    letters_destroy(letters);
}

/* Capitals stand on the same line and are as high as the built-in font's. */
static void the_systems_letters_fit_the_plate(void **state)
{
    (void)state;
    struct letters *letters = letters_create();
    for (int height = 9; height <= 60; height += 17) {
        if (!letters_start(letters, height)) {
            letters_destroy(letters);
            skip();
        }
        enum { SIDE = 200, BASELINE = 150 };
        static uint8_t coverage[SIDE * SIDE];
        struct font_mask mask = {coverage, SIDE, SIDE};
        memset(coverage, 0, sizeof coverage);
        letters_draw(letters, "H", 20, BASELINE, &mask);
        int top = SIDE, bottom = 0;
        for (int pixel = 0; pixel < SIDE * SIDE; pixel++)
            if (coverage[pixel] > 128) {
                top = pixel / SIDE < top ? pixel / SIDE : top;
                bottom = pixel / SIDE;
            }
        assert_int_equal(bottom, BASELINE);
        assert_in_range(bottom - top + 1, height - 1, height + 2);
    }
    letters_destroy(letters);
}

static void labels_that_the_own_font_covers_stay_as_they_are(void **state)
{
    (void)state;
    struct letters *letters = letters_create();
    struct image own = make_grey(300, 200), other = make_grey(300, 200);
    const struct draw_box box = {40, 60, 200, 150, 0.87f, 2, "Z\xC3\xBCrich WBC"};
    assert_true(draw_boxes(&own, &box, 1, NULL));
    assert_true(draw_boxes(&other, &box, 1, letters));
    assert_memory_equal(own.pixels, other.pixels, (size_t)300 * 200 * 3);
    image_release(&own);
    image_release(&other);
    letters_destroy(letters);
}

/* Every byte twice in a row, alone, and cut characters: each is drawn as a sign of something missing. */
static void text_that_is_not_utf8_is_drawn_without_harm(void **state)
{
    (void)state;
    static const char *const odd[] = {"\xFF\xFE",
                                      "\xE7\x8C",
                                      "\xF0\x9F\x98",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xC0\x80",
                                      "\xE2\x80\xAE\x61\x62\x63",
                                      "a\xCC\x81\xCC\x81\xCC\x81",
                                      "\xEF\xBF\xBF"};
    struct letters *letters = letters_create();
    for (unsigned index = 0; index < 256 + sizeof odd / sizeof *odd; index++) {
        char pair[3] = {(char)index, (char)index, 0};
        struct image image = make_grey(120, 80);
        const struct draw_box box = {10, 30, 100, 70, 0.5f, 1, index < 256 ? pair : odd[index - 256]};
        assert_true(draw_boxes(&image, &box, 1, letters));
        assert_true(count_changed(&image) > 0);
        image_release(&image);
    }
    letters_destroy(letters);
    letters_destroy(NULL);
    assert_false(letters_start(NULL, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_runs_along_the_edges_of_its_box),
        cmocka_unit_test(classes_differ_in_colour_and_a_class_keeps_its_own),
        cmocka_unit_test(the_surest_detection_is_in_front),
        cmocka_unit_test(the_order_of_the_input_does_not_change_the_picture),
        cmocka_unit_test(a_label_without_room_above_goes_inside),
        cmocka_unit_test(a_label_at_the_right_edge_moves_to_the_left),
        cmocka_unit_test(boxes_that_make_no_sense_change_nothing),
        cmocka_unit_test(nothing_is_written_outside_the_picture),
        cmocka_unit_test(thousands_of_boxes_are_drawn),
        cmocka_unit_test(every_printable_character_has_a_shape_of_its_own),
        cmocka_unit_test(text_is_as_wide_as_measured),
        cmocka_unit_test(names_in_other_scripts_are_drawn_in_the_systems_fonts),
        cmocka_unit_test(the_systems_letters_fit_the_plate),
        cmocka_unit_test(labels_that_the_own_font_covers_stay_as_they_are),
        cmocka_unit_test(text_that_is_not_utf8_is_drawn_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
