/* Videos by ffmpeg: frames of known content come out as they went in, through lossless codecs; times, turns and sizes;
 * a stream that stalls; what a person is told when something is missing; videos written whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/video/reader.h"
#include "cli/video/writer.h"
#include "tests/support/child.h"

static char message[512];

/* ---- videos of known content ------------------------------------------------------------------------------------- */

/* A pixel's channel in a frame: no two frames, rows or columns are alike. */
static uint8_t content(unsigned frame, unsigned x, unsigned y, unsigned channel)
{
    return (uint8_t)(37 * frame + 5 * x + 11 * y + 71 * channel + x * y);
}

static void write_frames(const char *path, unsigned width, unsigned height, unsigned count)
{
    size_t size = 3 * (size_t)width * height;
    uint8_t *bytes = malloc(size * count), *at = bytes;
    assert_non_null(bytes);
    for (unsigned frame = 0; frame < count; frame++)
        for (unsigned y = 0; y < height; y++)
            for (unsigned x = 0; x < width; x++)
                for (unsigned channel = 0; channel < 3; channel++)
                    *at++ = content(frame, x, y, channel);
    write_file(path, bytes, size * count);
    free(bytes);
}

/* Frames that hold `content`, each channel of each pixel; `number` of the video's. */
static void assert_content(const struct image *image, unsigned number)
{
    const uint8_t *at = image->pixels;
    for (unsigned y = 0; y < image->height; y++)
        for (unsigned x = 0; x < image->width; x++)
            for (unsigned channel = 0; channel < 3; channel++, at++)
                if (*at != content(number, x, y, channel))
                    fail_msg("frame %u, x %u, y %u, channel %u: %u instead of %u", number, x, y, channel, *at,
                             content(number, x, y, channel));
}

static void run_ffmpeg(const char *const *arguments)
{
    const char *all[48] = {"ffmpeg", "-v", "error", "-nostdin", "-y"};
    size_t count = 5;
    while (*arguments && count < 47)
        all[count++] = *arguments++;
    struct child child = {.code = 0};
    run_child(&child, "/usr/bin/env", all);
    if (child.code != 0)
        fail_msg("ffmpeg ended with %d: %s", child.code, child.err);
    release_child(&child);
}
#define FFMPEG(...) run_ffmpeg((const char *const[]){__VA_ARGS__, NULL})

/* 12 frames of 32 x 20, lossless, 8 a second, but that nothing comes for a second behind the sixth. Made once. */
static void make_film(const char *path)
{
    static char *film;
    static uint64_t size;
    if (!film) {
        write_frames("film.raw", 32, 20, 12);
        FFMPEG("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "32x20", "-framerate", "8", "-i", "film.raw",
               "-vf", "setpts='(N+8*gte(N,6))/8/TB'", "-fps_mode", "passthrough", "-c:v", "ffv1", "-pix_fmt", "bgr0",
               "film.mkv");
        film = read_file("film.mkv", &size); /* for all tests */
        assert_non_null(film);
    }
    write_file(path, film, size);
}

static double time_of(unsigned frame)
{
    return (frame + (frame >= 6 ? 8 : 0)) / 8.0;
}

static struct video_reader *open_video(const char *url, const struct video_choice *choice)
{
    struct video_reader *reader = NULL;
    if (!video_reader_open(&reader, url, choice, message, sizeof message))
        fail_msg("%s: %s", url, message);
    return reader;
}

static void assert_refused(const char *url, const struct video_choice *choice, const char *part)
{
    struct video_reader *reader = NULL;
    struct image image = {0};
    bool opened = video_reader_open(&reader, url, choice, message, sizeof message);
    int state = opened ? 1 : -1;
    while (state == 1)
        state = video_reader_next(reader, &image, message, sizeof message);
    if (state != -1 || !strstr(message, part))
        fail_msg("%s: state %d, \"%s\" instead of \"%s\"", url, state, message, part);
    image_release(&image);
    video_reader_close(reader);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void frames_come_out_as_they_went_in_and_when(void **state)
{
    (void)state;
    /* No part of a name is an option, a protocol or a pattern. */
    static const char *const names[] = {"-a:b 50%d 'it'.mkv", "http:film.mkv"};
    make_film(names[0]);
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if (index)
            assert_int_equal(rename(names[index - 1], names[index]), 0);
        struct video_reader *reader = open_video(names[index], NULL);
        struct video_info info;
        struct image image = {0};
        video_reader_describe(reader, &info);
        assert_true(info.width == 32 && info.height == 20 && !info.is_live);
        const uint8_t *pixels = NULL;
        for (unsigned frame = 0; frame < 12; frame++) {
            assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 1);
            assert_content(&image, frame);
            assert_int_equal(video_reader_frame(reader), frame);
            assert_true(fabs(video_reader_seconds(reader) - time_of(frame)) < 1e-3);
            assert_true(!pixels || pixels == image.pixels); /* memory is used again */
            pixels = image.pixels;
        }
        assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 0);
        assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 0);
        assert_null(video_reader_complaint(reader));
        image_release(&image);
        video_reader_close(reader);
    }
}

static void each_so_manyth_frame_is_taken(void **state)
{
    (void)state;
    make_film("film.mkv");
    const struct video_choice choice = {.every = 5};
    struct video_reader *reader = open_video("film.mkv", &choice);
    struct video_info info;
    struct image image = {0};
    video_reader_describe(reader, &info);
    assert_true(5 * info.rate_numerator == 8 * info.rate_denominator);
    for (unsigned frame = 0; frame < 12; frame += 5) {
        assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 1);
        assert_content(&image, frame);
        assert_int_equal(video_reader_frame(reader), frame);
        assert_true(fabs(video_reader_seconds(reader) - time_of(frame)) < 1e-3);
    }
    assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 0);
    image_release(&image);
    video_reader_close(reader);
}

/* A quarter to the right, as a telephone says it: the matrix at the end of a QuickTime track's header. */
static void turn_track(const char *path)
{
    static const uint8_t to_the_right[36] = {[5] = 1, [12] = 0xFF, [13] = 0xFF, [32] = 0x40};
    uint64_t size, at = 4;
    char *bytes = read_file(path, &size);
    assert_non_null(bytes);
    while (at + 4 < size && memcmp(bytes + at, "tkhd", 4) != 0)
        at++;
    assert_true(at + 80 < size);
    memcpy(bytes + at + 44, to_the_right, sizeof to_the_right);
    write_file(path, bytes, size);
    free(bytes);
}

static void videos_are_turned_upright(void **state)
{
    (void)state;
    make_film("film.mkv");
    FFMPEG("-i", "film.mkv", "-c:v", "png", "-pix_fmt", "rgb24", "film.mov");
    turn_track("film.mov");
    struct video_reader *reader = open_video("film.mov", NULL);
    struct image image = {0};
    assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 1);
    assert_true(image.width == 20 && image.height == 32);
    for (unsigned y = 0; y < 32; y++)
        for (unsigned x = 0; x < 20; x++)
            if (image.pixels[3 * (y * 20 + x)] != content(0, y, 19 - x, 0))
                fail_msg("x %u, y %u", x, y);
    image_release(&image);
    video_reader_close(reader);

    const struct video_choice stored = {.image.ignore_orientation = true};
    reader = open_video("film.mov", &stored);
    assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 1);
    assert_true(image.width == 32 && image.height == 20);
    assert_content(&image, 0);
    image_release(&image);
    video_reader_close(reader);
}

static bool accept_none(void *user, uint32_t width, uint32_t height, char *reason, size_t size)
{
    (void)user;
    snprintf(reason, size, "is refused at %u x %u", (unsigned)width, (unsigned)height);
    return false;
}

static void what_is_no_video_is_said(void **state)
{
    (void)state;
    write_file("text.mp4", "no video\n", 9);
    assert_int_equal(mkdir("folder.mp4", 0777), 0);
    assert_int_equal(mkfifo("pipe.mp4", 0666), 0);
    make_film("film.mkv");
    assert_refused("missing.mp4", NULL, "cannot be opened: No such file or directory");
    assert_refused("folder.mp4", NULL, "is a folder, not a video file");
    assert_refused("pipe.mp4", NULL, "is a device or pipe, not a video file");
    assert_refused("text.mp4", NULL, "cannot be read as video: Invalid data found when processing input");
    assert_refused("webcam:77", NULL, "cannot be read as video: ");
    assert_refused("http://127.0.0.1:9/film.mp4", NULL, "cannot be read as video: ");
    const struct video_choice choice = {.image.accept = accept_none};
    assert_refused("film.mkv", &choice, "is refused at 32 x 20");
    /* A list that names another file, in a file that looks like a video. */
    write_file("list.mp4", "ffconcat version 1.0\nfile http://127.0.0.1:9/film.mkv\n", 55);
    assert_refused("list.mp4", NULL, "cannot be read as video: ");
}

static void a_missing_ffmpeg_is_one_clear_sentence(void **state)
{
    (void)state;
    make_film("film.mkv");
    char *kept = strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    assert_refused("film.mkv", NULL, "needs the program ffprobe, which is not installed (it is in the package ffmpeg)");
    struct video_writer *writer = NULL;
    const struct video_info info = {.width = 32, .height = 20, .rate_numerator = 8, .rate_denominator = 1};
    assert_false(video_writer_open(&writer, "out.mp4", &info, message, sizeof message));
    assert_string_equal(message, "needs the program ffmpeg, which is not installed (it is in the package ffmpeg)");
    assert_false(path_exists("out.mp4"));
    setenv("PATH", kept, 1);
    free(kept);
}

/* Programs in ffmpeg's place: one that gives no frame, one that dies in the middle, one that says too much. */
static void programs_that_do_not_behave_are_ended(void **state)
{
    (void)state;
    static const char probe[] = "#!/bin/sh\n"
                                "printf 'streams.stream.0.width=32\\nstreams.stream.0.height=20\\n'\n";
    write_file("film.mkv", "-", 1);
    char *kept = strdup(getenv("PATH")), here[64], path[4096];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(path, sizeof path, "%s:%s", here, kept);
    write_file("ffprobe", probe, sizeof probe - 1);
    assert_true(chmod("ffprobe", 0755) == 0);
    setenv("PATH", path, 1);
    static const struct {
        const char *script, *sentence;
    } cases[] = {
        {"#!/bin/sh\necho $$ >child\nexec sleep 60\n", "gives no frame for 1 seconds"},
        {"#!/bin/sh\necho $$ >child\nhead -c 3000 /dev/zero\necho '[x @ 0x12] it broke' >&2\nexit 3\n",
         "cannot be read as video: it broke"},
        {"#!/bin/sh\necho $$ >child\nhead -c 3000 /dev/zero\nkill -KILL $$\n",
         "cannot be read as video: ffmpeg ended with code 137"},
        {"#!/bin/sh\necho $$ >child\nhead -c 3000 /dev/zero\n", "ends in the middle of frame 1"},
        {"#!/bin/sh\necho $$ >child\n", "there is no frame in it"},
        /* Much on standard error does not make it wait. */
        {"#!/bin/sh\necho $$ >child\nyes 'a line that is said again and again' | head -n 80000 >&2\n"
         "head -c 1920 /dev/zero\necho last >&2\nexit 1\n",
         "cannot be read as video: last"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        write_file("ffmpeg", cases[index].script, strlen(cases[index].script));
        assert_true(chmod("ffmpeg", 0755) == 0);
        /* The machine may be busy: only what stalls on purpose is not waited for. */
        const struct video_choice choice = {.stall_seconds = index ? 120 : 1};
        assert_refused("film.mkv", &choice, cases[index].sentence);
        char *child = read_file("child", NULL);
        assert_non_null(child);
        if (kill((pid_t)atoi(child), 0) == 0)
            fail_msg("case %zu: process %s is still there", index, child);
        free(child);
    }
    setenv("PATH", kept, 1);
    free(kept);
}

/* ---- raw frames ----------------------------------------------------------------------------------------------------
 */

static void raw_frames_are_read_from_standard_input(void **state)
{
    (void)state;
    int kept = dup(STDIN_FILENO);
    write_frames("film.raw", 32, 20, 12);
    const struct raw_shape shape = {.width = 32, .height = 20, .rate_numerator = 8, .rate_denominator = 1};
    for (uint32_t every = 1; every <= 5; every += 4) {
        assert_non_null(freopen("film.raw", "rb", stdin));
        const struct video_choice choice = {.raw = &shape, .every = every};
        struct video_reader *reader = open_video("-", &choice);
        struct image image = {0};
        for (unsigned frame = 0; frame < 12; frame += every) {
            assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 1);
            assert_content(&image, frame);
            assert_int_equal(video_reader_frame(reader), frame);
            assert_true(fabs(video_reader_seconds(reader) - frame / 8.0) < 1e-9);
        }
        assert_int_equal(video_reader_next(reader, &image, message, sizeof message), 0);
        image_release(&image);
        video_reader_close(reader);
    }
    assert_int_equal(truncate("film.raw", 32 * 20 * 3 * 2 + 7), 0);
    assert_non_null(freopen("film.raw", "rb", stdin));
    const struct video_choice choice = {.raw = &shape};
    assert_refused("-", &choice, "ends in the middle of frame 2");
    dup2(kept, STDIN_FILENO);
    close(kept);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* A picture that compresses well: a gradient and a square that moves. */
static void paint(struct image *image, unsigned frame)
{
    for (unsigned y = 0; y < image->height; y++)
        for (unsigned x = 0; x < image->width; x++) {
            bool inside = x >= 4 * frame && x < 4 * frame + 16 && y >= 8 && y < 24;
            uint8_t *pixel = image->pixels + 3 * (y * image->width + x);
            pixel[0] = inside ? 220 : (uint8_t)(2 * x);
            pixel[1] = inside ? 60 : (uint8_t)(3 * y);
            pixel[2] = inside ? 40 : 100;
        }
}

static double mean_difference(const struct image *a, const struct image *b, size_t columns, size_t rows)
{
    double sum = 0;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < 3 * columns; x++)
            sum += abs(a->pixels[3 * y * a->width + x] - b->pixels[3 * y * b->width + x]);
    return sum / (double)(3 * columns * rows);
}

static void videos_are_written_whole(void **state)
{
    (void)state;
    static const char path[] = "-o:dd.mp4";
    const struct video_info info = {.width = 63, .height = 47, .rate_numerator = 25, .rate_denominator = 2};
    struct video_writer *writer = NULL;
    struct image image, read = {0};
    assert_true(image_create(info.width, info.height, &image, message, sizeof message));
    if (!video_writer_open(&writer, path, &info, message, sizeof message))
        fail_msg("%s: %s", path, message);
    for (unsigned frame = 0; frame < 6; frame++) {
        assert_false(path_exists(path)); /* not before it is whole */
        paint(&image, frame);
        assert_true(video_writer_write(writer, &image, message, sizeof message));
    }
    if (!video_writer_finish(writer, message, sizeof message))
        fail_msg("%s: %s", path, message);
    struct video_reader *reader = open_video(path, NULL);
    struct video_info found;
    video_reader_describe(reader, &found);
    assert_int_equal(found.width, 64);
    assert_int_equal(found.height, 48);
    if (fabs((double)found.rate_numerator / found.rate_denominator - 12.5) > 0.1)
        fail_msg("%s: %u/%u frames a second", path, found.rate_numerator, found.rate_denominator);
    for (unsigned frame = 0; frame < 6; frame++) {
        assert_int_equal(video_reader_next(reader, &read, message, sizeof message), 1);
        paint(&image, frame);
        double by = mean_difference(&image, &read, info.width, info.height);
        if (by > 6) /* mean, of bytes: chroma is halved, and the codec loses */
            fail_msg("%s, frame %u: off by %.2f", path, frame, by);
    }
    assert_int_equal(video_reader_next(reader, &read, message, sizeof message), 0);
    image_release(&read);
    image_release(&image);
    video_reader_close(reader);
    char *names = list_folder(".");
    assert_null(strstr(names, ".part"));
    free(names);
}

static void videos_that_cannot_be_written_leave_nothing(void **state)
{
    (void)state;
    const struct video_info info = {.width = 64, .height = 48, .rate_numerator = 25, .rate_denominator = 1};
    struct video_writer *writer = NULL;
    struct image image;
    assert_true(image_create(64, 48, &image, message, sizeof message));
    assert_false(video_writer_takes("out.jpg") || video_writer_takes(".mp4") || video_writer_takes("out.mp4/x"));
    assert_false(video_writer_open(&writer, "out.txt", &info, message, sizeof message));
    assert_false(video_writer_open(&writer, "missing/out.mp4", &info, message, sizeof message));
    assert_string_equal(message, "cannot be written: No such file or directory");

    /* Programs in ffmpeg's place: one that takes what comes, and one that dies, which is no signal that ends us. */
    static const char patient[] = "#!/bin/sh\n[ \"$3\" = -encoders ] && echo ' V....D libx264   H.264' && exit\n"
                                  "exec cat >/dev/null\n";
    static const char failing[] = "#!/bin/sh\n[ \"$3\" = -encoders ] && echo ' V....D libx264   H.264' && exit\n"
                                  "echo 'No space left on device' >&2\nexit 1\n";
    char *kept = strdup(getenv("PATH")), here[64], path[4096];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(path, sizeof path, "%s:%s", here, kept);
    write_file("ffmpeg", patient, sizeof patient - 1);
    assert_true(chmod("ffmpeg", 0755) == 0);
    setenv("PATH", path, 1);

    write_file("out.mp4", "before", 6);
    assert_true(video_writer_open(&writer, "out.mp4", &info, message, sizeof message));
    assert_true(video_writer_write(writer, &image, message, sizeof message));
    video_writer_abort(writer);
    assert_true(video_writer_open(&writer, "out.mp4", &info, message, sizeof message));
    assert_false(video_writer_finish(writer, message, sizeof message));
    assert_string_equal(message, "cannot be written: there is no frame for it");

    write_file("ffmpeg", failing, sizeof failing - 1);
    assert_true(video_writer_open(&writer, "out.mp4", &info, message, sizeof message));
    bool written = true;
    for (unsigned frame = 0; frame < 1000 && written; frame++)
        written = video_writer_write(writer, &image, message, sizeof message);
    assert_false(written);
    assert_string_equal(message, "cannot be written: No space left on device");
    video_writer_abort(writer);
    setenv("PATH", kept, 1);
    free(kept);

    char *bytes = read_file("out.mp4", NULL), *names = list_folder(".");
    assert_string_equal(bytes, "before");
    assert_string_equal(names, "ffmpeg\nout.mp4\n");
    free(bytes);
    free(names);
    image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(frames_come_out_as_they_went_in_and_when),
        TEST_IN_FOLDER(each_so_manyth_frame_is_taken),
        TEST_IN_FOLDER(videos_are_turned_upright),
        TEST_IN_FOLDER(what_is_no_video_is_said),
        TEST_IN_FOLDER(a_missing_ffmpeg_is_one_clear_sentence),
        TEST_IN_FOLDER(programs_that_do_not_behave_are_ended),
        TEST_IN_FOLDER(raw_frames_are_read_from_standard_input),
        TEST_IN_FOLDER(videos_are_written_whole),
        TEST_IN_FOLDER(videos_that_cannot_be_written_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
