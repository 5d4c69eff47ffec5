/* What the program writes, in a world that is not kind: standard streams that are closed, outputs that are inputs or
 * one another under a second name, folders that cannot be written, pipes without a reader. All is said at once. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_reader.h"
#include "program.h"

#define OUT (1u << STDOUT_FILENO)
#define ERR (1u << STDERR_FILENO)
#define IN  (1u << STDIN_FILENO)

/* Long before a model is read: in no more than twice the processor time of starting, which sanitizers stretch. */
static void assert_at_once(void)
{
    static double start = -1;
    if (start < 0) {
        struct child version = {.code = 0};
        run_child(&version, GVK_PROGRAM, (const char *const[]){"--version", NULL});
        start = version.cpu_seconds;
        release_child(&version);
    }
    if (ran.cpu_seconds > 0.1 + 2 * start)
        fail_msg("it took %.2f s of processor time to say:\n%s", ran.cpu_seconds, ran.err);
}

/* The first was the table's text in the middle of the JSON. */
static void a_closed_stream_is_an_error_and_never_another_file(void **state)
{
    static const unsigned closed[] = {OUT, OUT | IN, OUT | ERR, OUT | ERR | IN, ERR, IN, ERR | IN};
    (void)state;
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        RUN_WITH((struct child){.closed = closed[i]}, "detect", "-m", MODEL, SMALL, "--json", "j.json", "-o", "drawn/",
                 SMEAR1);
        bool has_out = (closed[i] & OUT) == 0, has_err = (closed[i] & ERR) == 0;
        if (ran.code != (has_out ? 0 : 1) || !path_exists("drawn/smear-1.jpg"))
            fail_msg("closed 0x%x: exit code %d:\n%s", closed[i], ran.code, ran.err);
        if (!has_out && has_err)
            assert_contains(ran.err, "standard output cannot be written: it is closed");
        char *json = read_whole("j.json", NULL);
        assert_json(json);
        free(json);
        empty_folder(folder);
    }
    static const char *const printers[][3] = {
        {"devices"}, {"devices", "--json"}, {"inspect", MODEL},  {"inspect", "--json", MODEL},
        {"--help"},  {"--version"},         {"detect", "--help"}};
    for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
        RUN_WITH((struct child){.closed = OUT}, printers[i][0], printers[i][1], printers[i][2]);
        assert_refused(1, "standard output", "cannot be written: it is closed");
    }
    RUN_WITH((struct child){.closed = OUT}, "detect", "-m", MODEL, SMALL, "--json", "-", SMEAR1);
    assert_refused(1, "standard output", "cannot be written: it is closed");
    RUN_WITH((struct child){.closed = OUT}, "detect", "-m", MODEL, SMALL, "--json", "/dev/stdout", SMEAR1);
    assert_refused(1, "standard output", "cannot be written");
    RUN_WITH((struct child){.closed = OUT}, "run", "-m", MODEL, SMALL, "--image", SMEAR1, "-o", "maps.safetensors");
    assert_refused(1, "standard output", "cannot be written");
    RUN("detect", "-m", MODEL, SMALL, "--json", "/dev/fd/99", SMEAR1);
    assert_refused(1, "/dev/fd/99", "cannot be written");
}

/* A program beside a model of its own, as it is installed. */
static void install_here(void)
{
    assert_int_equal(mkdir("bin", 0777), 0);
    assert_int_equal(mkdir("models", 0777), 0);
    copy_file(GVK_PROGRAM, "bin/ghostvk");
    assert_int_equal(chmod("bin/ghostvk", 0755), 0);
    copy_file(MODEL, "models/blood-cells.safetensors");
}

static void the_shipped_model_is_never_an_output(void **state)
{
    static const char *const commands[][6] = {
        {"detect", SMEAR1, "--json", NULL},
        {"run", "--image", SMEAR1, "--output", NULL},
        {"bench", "--json", NULL},
        {"bench", "--trace", NULL},
    };
    static const char *const paths[] = {"models/blood-cells.safetensors", "link", "hard",
                                        "folder/blood-cells.safetensors", "bin/../models/blood-cells.safetensors"};
    (void)state;
    install_here();
    assert_int_equal(symlink("models/blood-cells.safetensors", "link"), 0);
    assert_int_equal(link("models/blood-cells.safetensors", "hard"), 0);
    assert_int_equal(symlink("models", "folder"), 0);
    uint64_t size, size_after;
    char *model = read_whole(MODEL, &size);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        for (size_t j = 0; j < sizeof paths / sizeof paths[0]; j++) {
            const char *arguments[8] = {0};
            size_t count = 0;
            for (; commands[i][count]; count++)
                arguments[count] = commands[i][count];
            arguments[count] = paths[j];
            run_program("bin/ghostvk", (struct child){.code = 0}, arguments);
            assert_refused(2, paths[j], "the output is one of the inputs");
            assert_at_once();
            char *after = read_whole("models/blood-cells.safetensors", &size_after);
            assert_true(size == size_after && memcmp(model, after, size) == 0);
            free(after);
        }
    free(model);
}

static void outputs_that_meet_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("a", 0777) | mkdir("b", 0777) | mkdir("out", 0777), 0);
    copy_file(SMEAR1, "a/x.jpg");
    copy_file(SMEAR2, "b/x.jpg");
    copy_file(SMEAR2, "y.png");
    write_text("there.png", "");
    write_text("there.json", "");
    assert_int_equal(symlink("there.png", "soft.json"), 0);
    assert_int_equal(symlink("not there.png", "dangling.json"), 0);
    assert_int_equal(link("there.png", "hard.json"), 0);
    assert_int_equal(symlink("out", "folder"), 0);
    assert_int_equal(symlink("y.png", "out/z.jpg"), 0);
    static const struct {
        const char *output, *json, *image, *other, *said;
    } cases[] = {
        {"out/", NULL, "a/x.jpg", "b/x.jpg", "two outputs would be this file"},
        {"out/", NULL, "a/x.jpg", "a/x.jpg", "two outputs would be this file"},
        {"new/", NULL, "a/x.jpg", "b/x.jpg", "two outputs would be this file"},
        {"there.png", "there.png", "a/x.jpg", NULL, "-o writes that file, too"},
        {"there.png", "soft.json", "a/x.jpg", NULL, "-o writes that file, too"},
        {"there.png", "hard.json", "a/x.jpg", NULL, "-o writes that file, too"},
        {"not there.png", "dangling.json", "a/x.jpg", NULL, "-o writes that file, too"},
        {"out/", "folder/x.jpg", "a/x.jpg", NULL, "-o writes that file, too"},
        {"out/", "./out//x.jpg", "a/x.jpg", NULL, "-o writes that file, too"},
        {"new/deep/", "./new/../new/deep/x.jpg", "a/x.jpg", NULL, "-o writes that file, too"},
        {"a/", NULL, "a/x.jpg", NULL, "the output is one of the inputs"},
        {"folder/../a", NULL, "a/x.jpg", NULL, "the output is one of the inputs"},
        {"new.png", "folder/../a/x.jpg", "a/x.jpg", NULL, "the output is one of the inputs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *arguments[12] = {"detect", "-o", cases[i].output, cases[i].image};
        size_t count = 4;
        if (cases[i].other)
            arguments[count++] = cases[i].other;
        if (cases[i].json) {
            arguments[count++] = "--json";
            arguments[count] = cases[i].json;
        }
        char *before = list_folder("."), *after;
        run_program(GVK_PROGRAM, (struct child){.code = 0}, arguments);
        after = list_folder(".");
        if (ran.code != 2 || !only_sentence(&ran) || !strstr(ran.err, cases[i].said) || strcmp(before, after) != 0)
            fail_msg("-o %s --json %s: exit code %d, files\n%s%s", cases[i].output, cases[i].json ? cases[i].json : "",
                     ran.code, after, ran.err);
        assert_at_once();
        free(before);
        free(after);
    }
    RUN("bench", "--random", "1", "--json", "there.json", "--trace", "./there.json");
    assert_refused(2, "--trace", "--json writes that file, too");
    RUN_WITH((struct child){.out_path = "there.json"}, "detect", "a/x.jpg", "--json", "there.json");
    assert_refused(2, "there.json", "standard output writes that file, too");
}

static void an_output_that_cannot_be_is_said_before_the_model_is_read(void **state)
{
    (void)state;
    write_text("file", "");
    assert_int_equal(mkdir("closed", 0777), 0);
    static const char *const folders[] = {"file/", "file/below/", "/proc/ghostvk/", "/dev/null/",
                                          "/proc/self/ghostvk/x/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        RUN("detect", "-o", folders[i], SMEAR1);
        assert_refused(1, folders[i], "cannot be");
        assert_at_once();
    }
    RUN("detect", "-o", "missing/x.png", SMEAR1);
    assert_refused(1, "missing/x.png", "No such file or directory");
    assert_at_once();
    RUN("detect", "--json", "missing/x.json", SMEAR1);
    assert_refused(1, "missing/x.json", "No such file or directory");
    assert_at_once();
    RUN("run", "--image", SMEAR1, "--output", "missing/x");
    assert_refused(1, "missing/x", "No such file or directory");
    assert_at_once();
    RUN("bench", "--json", "missing/x");
    assert_refused(1, "missing/x", "No such file or directory");
    assert_at_once();
    RUN("bench", "--trace", "missing/x");
    assert_refused(1, "missing/x", "No such file or directory");
    assert_at_once();
    if (geteuid() != 0) { /* root may write everywhere */
        assert_int_equal(chmod("closed", 0555), 0);
        RUN("detect", "-o", "closed/", SMEAR1);
        assert_refused(1, "closed/", "Permission denied");
        RUN("detect", "-o", "closed/new/", SMEAR1);
        assert_refused(1, "closed/new/", "Permission denied");
    }
    /* A run that ends before its first picture leaves no folder that it made. */
    write_text("model.safetensors", "");
    RUN("detect", "-m", "model.safetensors", "-o", "a/new/folder/", SMEAR1);
    assert_refused(3, "model.safetensors", "");
    assert_false(path_exists("a"));
}

static void a_pipe_without_a_reader_is_said_at_once(void **state)
{
    (void)state;
    assert_int_equal(
        mkfifo("pipe", 0666) | mkfifo("pipe.png", 0666) | mkdir("out", 0777) | mkfifo("out/smear-1.jpg", 0666), 0);
    RUN("detect", "--json", "pipe", SMEAR1);
    assert_refused(1, "pipe", "a pipe that nobody reads");
    assert_at_once();
    RUN("detect", "-o", "pipe.png", SMEAR1);
    assert_refused(1, "pipe.png", "a pipe that nobody reads");
    assert_at_once();
    RUN("run", "--image", SMEAR1, "--output", "pipe");
    assert_refused(1, "pipe", "a pipe that nobody reads");
    assert_at_once();
    RUN("bench", "--trace", "pipe");
    assert_refused(1, "pipe", "a pipe that nobody reads");
    assert_at_once();
    RUN("detect", "-m", MODEL, SMALL, "-o", "out", SMEAR1); /* inside of a folder in the end, but without waiting */
    assert_refused(1, "out/smear-1.jpg", "a pipe that nobody reads");
    RUN("detect", "--json", "pipe", "-o", "pipe.png", SMEAR1);
    assert_refused(1, "a pipe that nobody reads", "");
}

static void a_pipe_with_a_reader_gets_the_whole_output(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe.png", 0666), 0);
    int reader = open("pipe.png", O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    /* Small enough for the pipe, which nobody empties meanwhile: the box is drawn onto a small picture. */
    copy_file(GVK_TEST_DATA_DIR "/images/png-rgb.png", "small.png");
    RUN("detect", "-m", MODEL, SMALL, "-o", "pipe.png", "small.png");
    assert_done();
    unsigned char start[8] = {0};
    assert_int_equal(read(reader, start, sizeof start), sizeof start);
    assert_memory_equal(start, "\x89PNG\r\n\x1A\n", 8);
    close(reader);
}

static void inputs_that_never_end_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0666), 0);
    static const char *const paths[] = {"pipe", "/dev/zero", "/dev/full", "."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        RUN("detect", "-m", paths[i], SMEAR1);
        assert_refused(3, paths[i], "");
        assert_at_once();
        RUN("detect", "-m", MODEL, "--classes", paths[i], SMEAR1);
        assert_refused(2, paths[i], "");
        assert_at_once();
        RUN("detect", "-m", MODEL, "--anchors", paths[i], SMEAR1);
        assert_refused(2, paths[i], "");
        assert_at_once();
        RUN("run", "-m", MODEL, "--input", paths[i], "-o", "x");
        assert_refused(1, paths[i], "");
        RUN("run", "-m", MODEL, "--image", paths[i], "-o", "x");
        assert_refused(1, paths[i], "");
        RUN("detect", "-m", MODEL, SMALL, "-o", "drawn/", paths[i]);
        assert_refused(1, paths[i], "");
        assert_false(path_exists("x") || path_exists("drawn"));
        RUN("inspect", paths[i]);
        assert_refused(3, paths[i], "");
        RUN("bench", "-m", paths[i]);
        assert_refused(3, paths[i], "");
        RUN("tune", "-m", paths[i]);
        assert_refused(3, paths[i], "");
    }
}

/* An escape sequence, as C0 and as both forms of C1, and a turn of the reading direction. */
#define STEERING                                                                                                       \
    "\x1B[31m\x9B"                                                                                                     \
    "31m\xC2\x9B"                                                                                                      \
    "31m\xE2\x80\xAE"

static void assert_nothing_raw(const char *what)
{
    static const char *const raw[] = {"\x1B", "\x9B", "\xE2\x80\xAE"};
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++)
        if (strstr(ran.out, raw[i]) || strstr(ran.err, raw[i]))
            fail_msg("%s: sequence %zu is in:\n%s%s", what, i, ran.out, ran.err);
}

static void no_name_steers_the_terminal(void **state)
{
    static const char picture[] = "a" STEERING ".jpg", model[] = "m" STEERING ".safetensors", json[] = "j" STEERING;
    (void)state;
    copy_file(SMEAR1, picture);
    copy_file(MODEL, model);
    write_text("names.txt", "\xE2\x80\xAEone\ntwo\xE2\x80\xAE\n\xD8\x9Cthree\n");
    RUN("detect", "-v", "-m", model, "--classes", "names.txt", "--json", json, "-o", "d" STEERING "/", picture);
    assert_done();
    assert_nothing_raw("detect");
    assert_contains(ran.out, "m?[31m?31m?31m?.safetensors");
    assert_contains(ran.out, "?one");
    char *text = read_whole(json, NULL);
    assert_json(text);
    assert_contains(text, "a\\u001b[31m\xEF\xBF\xBD"
                          "31m\\u009b31m\\u202e.jpg");
    assert_contains(text, "\"\\u202eone\"");
    free(text);
    RUN("inspect", "-v", "--layers", model);
    assert_done();
    assert_nothing_raw("inspect");
    RUN("detect", "-m", MODEL, "no" STEERING);
    assert_refused(1, "no?[31m", "");
    assert_nothing_raw("a picture that is missing");
    RUN("detect", "-m", "no" STEERING, picture);
    assert_refused(3, "no?[31m", "");
    assert_nothing_raw("a model that is missing");
    RUN("detect", "--device", "no" STEERING, picture);
    assert_refused(4, "no?[31m", "");
    assert_nothing_raw("a device that is missing");
    RUN("detect", "--conf", STEERING, picture);
    assert_nothing_raw("a value");
    RUN("detect", "--" STEERING, picture);
    assert_nothing_raw("an option");
    RUN("detect", "-\x9B", picture);
    assert_nothing_raw("a short option");
    RUN("no" STEERING);
    assert_refused(2, "no?[31m", "");
    assert_nothing_raw("a command");
    RUN("run", "-m", MODEL, "--input", "no" STEERING, "-o", "x" STEERING);
    assert_nothing_raw("run");
    static const char *const wrong_driver[] = {"VK_DRIVER_FILES=/no" STEERING, NULL};
    const struct child without_driver = {.environment = wrong_driver};
    RUN_WITH(without_driver, "devices");
    assert_nothing_raw("a driver's file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_closed_stream_is_an_error_and_never_another_file),
        TEST(the_shipped_model_is_never_an_output),
        TEST(outputs_that_meet_are_refused),
        TEST(an_output_that_cannot_be_is_said_before_the_model_is_read),
        TEST(a_pipe_without_a_reader_is_said_at_once),
        TEST(a_pipe_with_a_reader_gets_the_whole_output),
        TEST(inputs_that_never_end_are_refused),
        TEST(no_name_steers_the_terminal),
    };
    return cmocka_run_group_tests_name("the program's outputs", tests, make_folder, remove_folder);
}
