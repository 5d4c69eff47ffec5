/* The parts of reading videos that need no ffmpeg: what ffprobe says is held against limits, operands, raw frames, ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "cli/video/probe.h"
#include "cli/video/raw_frames.h"
#include "cli/video/tracking.h"
#include "cli/video/url.h"
#include "tests/support/folder.h"

static char message[512];

/* ---- what ffprobe says ------------------------------------------------------------------------------------------- */

static void what_ffprobe_says_is_held_against_limits(void **state)
{
    (void)state;
#define SIZE "streams.stream.0.width=640\nstreams.stream.0.height=480\n"
    static const struct {
        const char *text;
        uint32_t width, numerator, denominator, frames;
        int turns;
    } cases[] = {
        {SIZE, 640, 25, 1, 0, 0},
        {SIZE "streams.stream.0.avg_frame_rate=\"30000/1001\"\nformat.duration=\"2.002\"\n", 640, 30000, 1001, 60, 0},
        {SIZE "streams.stream.0.avg_frame_rate=\"0/0\"\nstreams.stream.0.r_frame_rate=\"15/1\"\n", 640, 15, 1, 0, 0},
        {SIZE "streams.stream.0.avg_frame_rate=\"99999999999/1\"\n", 640, 25, 1, 0, 0},
        {SIZE "streams.stream.0.avg_frame_rate=\"30/1x\"\n", 640, 25, 1, 0, 0},
        {SIZE "streams.stream.0.nb_frames=\"12\"\nformat.duration=\"9.0\"\n", 640, 25, 1, 12, 0},
        {SIZE "streams.stream.0.nb_frames=\"18446744073709551617\"\n", 640, 25, 1, 0, 0},
        {SIZE "format.duration=\"1e300\"\n", 640, 25, 1, 0, 0},
        {SIZE "format.duration=\"-5\"\n", 640, 25, 1, 0, 0},
        {SIZE "streams.stream.0.side_data_list.side_data.0.rotation=-90\n", 640, 25, 1, 0, 1},
        {SIZE "streams.stream.0.side_data_list.side_data.0.rotation=90\n", 640, 25, 1, 0, 3},
        {SIZE "streams.stream.0.side_data_list.side_data.0.rotation=-180\n", 640, 25, 1, 0, 2},
        {SIZE "streams.stream.0.side_data_list.side_data.0.rotation=45\n", 640, 25, 1, 0, 0},
        {SIZE "streams.stream.0.tags.rotate=\"90\"\n", 640, 25, 1, 0, 1},
        {SIZE "streams.stream.0.tags.rotate=\"nan\"\n", 640, 25, 1, 0, 0},
        {"streams.stream.1.width=9\n" SIZE "streams.stream.0.width=12345678901234\n", 640, 25, 1, 0, 0},
        {"=\n==\n\n\"\nstreams.stream.0.width\n" SIZE "streams.stream.0.height=-1\n", 640, 25, 1, 0, 0},
        {"streams.stream.0.width=0\nstreams.stream.0.height=480\n", 0, 0, 0, 0, 0},
        {"streams.stream.0.width=65536\nstreams.stream.0.height=480\n", 0, 0, 0, 0, 0},
        {"streams.stream.0.width=640 \nstreams.stream.0.height=480\n", 0, 0, 0, 0, 0},
        {"", 0, 0, 0, 0, 0},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct probe probe;
        bool taken = probe_read(cases[index].text, &probe, message, sizeof message);
        if (taken != (cases[index].width != 0))
            fail_msg("%s: taken %d", cases[index].text, taken);
        if (taken && (probe.width != 640 || probe.height != 480 || probe.rate_numerator != cases[index].numerator ||
                      probe.rate_denominator != cases[index].denominator || probe.frame_count != cases[index].frames ||
                      probe.quarter_turns != cases[index].turns))
            fail_msg("%s: %ux%u, %u/%u, %u frames, %d turns", cases[index].text, probe.width, probe.height,
                     probe.rate_numerator, probe.rate_denominator, (unsigned)probe.frame_count, probe.quarter_turns);
    }
}

static void operands_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *operand;
        enum video_kind kind;
    } cases[] = {{"film.mp4", VIDEO_FILE},
                 {"a/FILM.MKV", VIDEO_FILE},
                 {"http:film.avi", VIDEO_FILE},
                 {"-.webm", VIDEO_FILE},
                 {"picture.jpg", VIDEO_NONE},
                 {"film.mp4/", VIDEO_NONE},
                 {"mp4", VIDEO_NONE},
                 {"folder.mp4/picture", VIDEO_NONE},
                 {"rtsp://camera/1", VIDEO_STREAM},
                 {"HTTPS://host/film.mp4", VIDEO_STREAM},
                 {"udp://:5000", VIDEO_STREAM},
                 {"file:///film", VIDEO_NONE},
                 {"concat:a|b", VIDEO_NONE},
                 {"/dev/video0", VIDEO_CAMERA},
                 {"/dev/video", VIDEO_NONE},
                 {"/dev/video0/x", VIDEO_NONE},
                 {"webcam:0", VIDEO_CAMERA},
                 {"webcam:", VIDEO_NONE}};
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++)
        if (video_kind_of(cases[index].operand) != cases[index].kind)
            fail_msg("%s: %d", cases[index].operand, (int)video_kind_of(cases[index].operand));
    write_file("film", "\x1A\x45\xDF\xA3\x01", 5);
    assert_int_equal(video_kind_of("film"), VIDEO_FILE);
}

/* ---- raw frames -------------------------------------------------------------------------------------------------- */

static void shapes_of_raw_frames_are_read(void **state)
{
    (void)state;
    struct raw_shape shape;
    assert_true(raw_shape_read("640x480", &shape, message, sizeof message));
    assert_true(shape.width == 640 && shape.height == 480 && shape.order == RAW_RGB24 && shape.rate_numerator == 25);
    assert_true(raw_shape_read("64x48:nv12@29.97", &shape, message, sizeof message));
    assert_true(shape.order == RAW_NV12 && shape.rate_numerator == 2997 && shape.rate_denominator == 100);
    assert_int_equal(raw_frame_bytes(&shape), 64 * 48 * 3 / 2);
    assert_true(raw_shape_read("3x5:bgr24@30000/1001", &shape, message, sizeof message));
    assert_true(shape.order == RAW_BGR24 && shape.rate_numerator == 30000 && shape.rate_denominator == 1001);
    static const char *const wrong[] = {
        "",     "640",      "640x",     "x480",        "0x480",     "640x0",   "65536x1",         "1x65536",
        "-1x5", "640x480:", "640x480@", "640x480@0",   "640x480:p", "640X480", "640x480@1/0",     "1x1@1e3",
        "2x2 ", "3x2:nv12", "2x3:nv12", "5x4:yuv420p", "4x4:nv12x", "4x4@1.",  "99999999999999x1"};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++)
        if (raw_shape_read(wrong[index], &shape, message, sizeof message))
            fail_msg("\"%s\" was taken", wrong[index]);
}

/* Against the formulas of BT.601 in floating point; the nearest byte. */
static void raw_yuv_becomes_rgb(void **state)
{
    (void)state;
    for (int order = RAW_NV12; order <= RAW_YUV420P; order++) {
        const struct raw_shape shape = {.width = 16, .height = 6, .order = (enum raw_order)order};
        uint8_t from[16 * 6 * 3 / 2], to[16 * 6 * 3];
        for (unsigned round = 0; round < 512; round++) {
            for (size_t index = 0; index < sizeof from; index++)
                from[index] = (uint8_t)((index * 97 + round * 61 + index * round) % 256);
            raw_frame_convert(&shape, from, to);
            for (unsigned y = 0; y < 6; y++)
                for (unsigned x = 0; x < 16; x++) {
                    unsigned pair = (y / 2) * 8 + x / 2;
                    double luma = 255.0 / 219 * (from[y * 16 + x] - 16);
                    double u = 255.0 / 224 * (from[96 + (order == RAW_NV12 ? 2 * pair : pair)] - 128);
                    double v = 255.0 / 224 * (from[96 + (order == RAW_NV12 ? 2 * pair + 1 : pair + 24)] - 128);
                    double rgb[3] = {luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u};
                    for (unsigned channel = 0; channel < 3; channel++) {
                        double wanted = fmin(fmax(rgb[channel], 0), 255);
                        if (fabs(to[3 * (y * 16 + x) + channel] - wanted) > 0.51)
                            fail_msg("order %d, round %u, x %u, y %u, channel %u: %u instead of %.3f", order, round, x,
                                     y, channel, to[3 * (y * 16 + x) + channel], wanted);
                    }
                }
        }
    }
    const struct raw_shape blue_first = {.width = 2, .height = 1, .order = RAW_BGR24};
    uint8_t pixels[6] = {1, 2, 3, 4, 5, 6};
    raw_frame_convert(&blue_first, pixels, pixels);
    assert_memory_equal(pixels, ((uint8_t[]){3, 2, 1, 6, 5, 4}), 6);
}

/* ---- ids --------------------------------------------------------------------------------------------------------- */

static void boxes_keep_their_ids(void **state)
{
    (void)state;
    struct tracking *tracking = tracking_create(0.04);
    assert_non_null(tracking);
    uint64_t first = 0, second = 0;
    for (unsigned frame = 0; frame < 20; frame++) {
        float x = 10 + 3 * (float)frame;
        /* Two of one class that pass each other's rows, and one that is seen in a single frame; the order changes. */
        gvk_detection boxes[3] = {{.box = {x, 10, x + 40, 50}, .score = 0.9f, .class_id = 1},
                                  {.box = {300 - x, 100, 340 - x, 140}, .score = 0.9f, .class_id = 1},
                                  {.box = {500, 300, 540, 340}, .score = 0.5f, .class_id = 1}};
        uint64_t ids[3] = {7, 7, 7};
        if (frame % 2) {
            gvk_detection kept = boxes[0];
            boxes[0] = boxes[1];
            boxes[1] = kept;
        }
        assert_int_equal(tracking_update(tracking, boxes, frame == 10 ? 3 : 2, frame * 0.04, ids), GVK_OK);
        uint64_t of_first = ids[frame % 2], of_second = ids[1 - frame % 2];
        if (frame < 2) {
            assert_true(of_first == 0 && of_second == 0);
        } else {
            first = first ? first : of_first;
            second = second ? second : of_second;
            assert_true(first != 0 && second != 0 && first != second && of_first == first && of_second == second);
        }
        assert_int_equal(ids[2], frame == 10 ? 0 : 7);
    }
    char label[64];
    tracking_label(label, sizeof label, "RBC", first);
    assert_memory_equal(label, "RBC #", 5);
    tracking_label(label, sizeof label, "RBC", 0);
    assert_string_equal(label, "RBC");
    assert_int_equal(tracking_colour(2, 0), 2);
    tracking_destroy(tracking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ffprobe_says_is_held_against_limits),
        TEST_IN_FOLDER(operands_are_told_apart),
        cmocka_unit_test(shapes_of_raw_frames_are_read),
        cmocka_unit_test(raw_yuv_becomes_rgb),
        cmocka_unit_test(boxes_keep_their_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
