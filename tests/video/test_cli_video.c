/* ghostvk detect on videos: frames in the results, a video with boxes, an interrupt, no ffmpeg. */
#include "tests/cli/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/json_reader.h"

/* Seven frames of 96 x 72 over a sample. */
static void make_film(const char *path)
{
    static char *film;
    static uint64_t size;
    if (!film) {
        struct child child = {.code = 0};
        run_child(&child, "/usr/bin/env",
                  (const char *const[]){"ffmpeg", "-v", "error", "-nostdin", "-loop", "1", "-framerate", "10", "-i",
                                        SMEAR1, "-vf", "scale=120:90,crop=96:72:n:n", "-frames:v", "7", "-c:v", "ffv1",
                                        "film.mkv", NULL});
        if (child.code != 0)
            fail_msg("ffmpeg ended with %d: %s", child.code, child.err);
        release_child(&child);
        film = read_whole("film.mkv", &size);
    }
    write_file(path, film, size);
}

static void frames_are_in_the_results_and_in_a_video(void **state)
{
    (void)state;
    make_film("film.mkv");
    RUN("detect", "-m", MODEL, SMALL, "--every", "3", "--track", "--jsonl", "-", "-o", "found.mkv", "film.mkv");
    assert_done();
    assert_int_equal(count_of(ran.out, "\n"), 3);
    static const char *const frames[] = {"\"frame\": 0, \"time\": 0,", "\"frame\": 3, \"time\": 0.3,",
                                         "\"frame\": 6, \"time\": 0.6,"};
    for (size_t index = 0; index < 3; index++)
        assert_contains(ran.out, frames[index]);
    assert_int_equal(count_of(ran.out, "\"width\": 96, \"height\": 72"), 3);
    struct child child = {.code = 0};
    run_child(&child, "/usr/bin/env",
              (const char *const[]){"ffprobe", "-v", "error", "-count_packets", "-show_entries",
                                    "stream=codec_type,width,height,avg_frame_rate,nb_read_packets", "-of", "csv=p=0",
                                    "found.mkv", NULL});
    assert_string_equal(child.out, "video,96,72,10/3,3\n");
    release_child(&child);
}

static void an_interrupt_leaves_no_part_of_a_video(void **state)
{
    (void)state;
    make_film("film.mkv");
    const struct child asked = {.signal = SIGINT, .signal_entry = ".ghostvk-"};
    RUN_WITH(asked, "detect", "-m", MODEL, "-o", "found.mp4", "film.mkv", "-q");
    if (ran.code != 130)
        fail_msg("code %d, signal %d: %s", ran.code, ran.ended_by, ran.err);
    char *names = list_folder(".");
    assert_string_equal(names, "film.mkv\n");
    free(names);
}

static void without_ffmpeg_the_package_is_named(void **state)
{
    (void)state;
    static const char *const environment[] = {"PATH=/nonexistent", NULL};
    write_text("film.mp4", "-");
    const struct child asked = {.environment = environment};
    RUN_WITH(asked, "detect", "-m", MODEL, SMALL, "-q", "film.mp4");
    assert_refused(1, "film.mp4: needs the program ffprobe", "the package ffmpeg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_are_in_the_results_and_in_a_video),
        TEST(an_interrupt_leaves_no_part_of_a_video),
        TEST(without_ffmpeg_the_package_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
