/* Boxes of a picture that is cropped and turned are those of the same part by itself, counted from the whole's corner.
 */
#include "intake.h"

#include "tests/filler/checkpoint_maker.h"

enum { WIDE = 90, HIGH = 70, INPUT = 64, CROP_X = 11, CROP_Y = 17, CROP_WIDE = 40, CROP_HIGH = 50 };

static gvk_stream *create_detector(gvk_model *model, const gvk_network *network)
{
    static const gvk_stream_params stream_params = {.size = sizeof stream_params, .width = INPUT, .height = INPUT};
    gvk_detector_params params = {.size = sizeof params, .stream = &stream_params, .confidence = -0.0f, .iou = 1};
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create(model, network, &params, &stream));
    return stream;
}

static uint32_t detect(gvk_stream *stream, const gvk_picture *picture, gvk_detection *out, uint32_t capacity)
{
    const gvk_detection *boxes = NULL;
    uint32_t count = 0;
    gvk_ticket ticket = submit_pictures(stream, picture, 1);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_detector_read(stream, ticket, &boxes, sizeof boxes[0], &count));
    assert_in_range(count, 1, capacity);
    memcpy(out, boxes, count * sizeof *out);
    return count;
}

static void boxes_of_a_crop_count_from_the_whole_pictures_corner(void **state)
{
    (void)state;
    enum { CAPACITY = 3 * (2 * 2 + 4 * 4 + 8 * 8) };
    static uint8_t upright[HIGH][WIDE][3], stored[WIDE][HIGH][3], part[CROP_HIGH][CROP_WIDE][3];
    static gvk_detection expected[CAPACITY], got[CAPACITY];
    uint64_t random = 21;
    for (uint32_t y = 0; y < HIGH; y++)
        for (uint32_t x = 0; x < WIDE; x++)
            for (uint32_t c = 0; c < 3; c++) {
                upright[y][x][c] = (uint8_t)random_below(&random, 256);
                stored[WIDE - 1 - x][y][c] = upright[y][x][c]; /* a quarter turn clockwise makes it upright */
            }
    for (uint32_t y = 0; y < CROP_HIGH; y++)
        memcpy(part[y], upright[CROP_Y + y][CROP_X], sizeof part[y]);
    gvk_network *network =
        open_filled_network(&(struct network_shape){.kind = NETWORK_DETECTOR, .width = 0.5, .class_count = 3});
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(host.device, gvk_network_graph(network), NULL, &model));
    gvk_stream *stream = create_detector(model, network);
    for (int letterbox = 0; letterbox < 2; letterbox++) {
        gvk_picture alone = {.size = sizeof alone, .letterbox = letterbox};
        gvk_picture cropped = alone, turned;
        alone.width = CROP_WIDE;
        alone.height = CROP_HIGH;
        alone.pixels = part;
        cropped.width = WIDE;
        cropped.height = HIGH;
        cropped.pixels = upright;
        cropped.crop_x = CROP_X;
        cropped.crop_y = CROP_Y;
        cropped.crop_width = CROP_WIDE;
        cropped.crop_height = CROP_HIGH;
        turned = cropped;
        turned.width = HIGH;
        turned.height = WIDE;
        turned.pixels = stored;
        turned.orientation = 6;
        uint32_t count = detect(stream, &alone, expected, CAPACITY);
        for (uint32_t i = 0; i < 2; i++) {
            assert_int_equal(detect(stream, i ? &turned : &cropped, got, CAPACITY), count);
            for (uint32_t j = 0; j < count; j++)
                for (int side = 0; side < 4; side++) {
                    float right = expected[j].box[side] + (float)(side % 2 ? CROP_Y : CROP_X);
                    if (got[j].box[side] != right || got[j].score != expected[j].score)
                        fail_msg("%s, letterbox %d: side %d of box %u is %g, not %g; score %g, not %g",
                                 i ? "turned" : "upright", letterbox, side, j, (double)got[j].box[side], (double)right,
                                 (double)got[j].score, (double)expected[j].score);
                }
        }
        print_message("             %u boxes, letterbox %d\n", count, letterbox);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_network_destroy(network);
}

int run_box_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_of_a_crop_count_from_the_whole_pictures_corner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
