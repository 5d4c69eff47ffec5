/* ghostvk detect over many pictures: folders mirrored, lists, parts of a list, an interrupt in the middle. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/json_reader.h"
#include "tests/cli/program.h"

static void make_pictures(void)
{
    assert_int_equal(mkdir("in", 0777) | mkdir("in/b", 0777) | mkdir("in/b/deep", 0777), 0);
    copy_file(SMEAR1, "in/c.jpg");
    copy_file(SMEAR2, "in/b/deep/x.jpg");
    copy_file(GVK_TEST_DATA_DIR "/images/bmp-rgb.bmp", "in/a.bmp");
    copy_file(SMEAR1, "in/b/same.jpg");
    write_text("in/b/bad.jpg", "not a picture\n");
    write_text("in/b/notes.txt", "passed over\n");
}

/* The files of the images in a JSON text, in order, a space behind each. */
static char *files_of(const char *json)
{
    static char files[4096];
    size_t used = 0;
    const char *images = member(json, "images");
    for (size_t index = 0; element(images, index); index++) {
        const char *file = member(element(images, index), "file");
        used += (size_t)snprintf(files + used, sizeof files - used, "%.*s ", (int)strcspn(file + 1, "\""), file + 1);
    }
    return files;
}

static void a_folder_comes_out_as_it_went_in(void **state)
{
    (void)state;
    make_pictures();
    RUN("detect", "-m", MODEL, SMALL, "in", "-o", "in/out", "--json", "boxes.json", "--threads", "3");
    assert_int_equal(ran.code, 2); /* the name of a folder that is not there ends in a slash */
    RUN("detect", "-m", MODEL, SMALL, "in", "-o", "in/out/", "--json", "boxes.json", "--threads", "3");
    assert_int_equal(ran.code, 1);
    assert_int_equal(count_of(ran.err, "ghostvk: in/b/bad.jpg: is a text file"), 1);
    static const char *const drawn[] = {"in/out/a.png", "in/out/b/deep/x.jpg", "in/out/b/same.jpg", "in/out/c.jpg"};
    for (size_t index = 0; index < sizeof drawn / sizeof *drawn; index++)
        if (!path_exists(drawn[index]))
            fail_msg("%s is not there", drawn[index]);
    assert_false(path_exists("in/out/b/bad.jpg"));
    char *json = read_whole("boxes.json", NULL);
    assert_json(json);
    assert_int_equal(count_of(json, "\"error\""), 1);
    assert_string_equal(files_of(json), "in/a.bmp in/b/bad.jpg in/b/deep/x.jpg in/b/same.jpg in/c.jpg ");
    free(json);
    /* The outputs lie among the inputs now and are no inputs. */
    RUN("detect", "-m", MODEL, SMALL, "-q", "in", "-o", "in/out/", "--json", "boxes.json");
    json = read_whole("boxes.json", NULL);
    assert_string_equal(files_of(json), "in/a.bmp in/b/bad.jpg in/b/deep/x.jpg in/b/same.jpg in/c.jpg ");
    free(json);
    assert_string_equal(ran.out, "");
    RUN("detect", "-m", MODEL, SMALL, "in", "-o", "in/");
    assert_refused(2, "-o in/", "the output is one of the inputs");
    RUN("detect", "-m", MODEL, SMALL, "in", "--crop", "in/b/..");
    assert_refused(2, "--crop in/b/..", "the output is one of the inputs");
    static const char *const files[] = {"--json", "--jsonl", "--csv", "--coco"};
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        RUN("detect", "-m", MODEL, SMALL, "in", files[index], "in/c.jpg");
        assert_refused(2, files[index], "in/c.jpg: that is the name of a picture or video");
    }
    RUN("detect", "-m", MODEL, SMALL, "in", "--raw", "4x4");
    assert_refused(2, "--raw", "no input is -");
}

static void pictures_that_would_meet_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(mkdir("in", 0777), 0);
    copy_file(SMEAR1, "in/x.jpg");
    copy_file(GVK_TEST_DATA_DIR "/images/webp-lossy.webp", "in/x.webp");
    RUN("detect", "-m", MODEL, SMALL, "in/*", "-o", "out/");
    assert_int_equal(ran.code, 1);
    assert_contains(ran.err, "ghostvk: out/x.jpg: another picture is drawn to this file already");
    assert_contains(ran.out, "in/x.webp  ");
    assert_int_equal(count_of(ran.out, "  drawn to out/x.jpg\n"), 1);
}

static void parts_of_a_folder_are_its_whole(void **state)
{
    (void)state;
    make_pictures();
    static const char *const shards[] = {"1/2", "2/2"};
    static const char *const files[] = {"in/a.bmp", "in/b/deep/x.jpg", "in/b/same.jpg", "in/c.jpg"};
    size_t found[4] = {0};
    assert_int_equal(remove("in/b/bad.jpg"), 0);
    for (size_t part = 0; part < 2; part++) {
        RUN("detect", "-m", MODEL, SMALL, "--shard", shards[part], "in", "--json", "-");
        assert_done();
        for (size_t index = 0; index < 4; index++)
            found[index] += count_of(ran.out, files[index]);
    }
    for (size_t index = 0; index < 4; index++)
        assert_int_equal(found[index], 1);
    RUN("detect", "-m", MODEL, SMALL, "--shard", "3/2", "in");
    assert_refused(2, "--shard 3/2", "I from 1 to N");
}

static void an_interrupt_leaves_whole_pictures(void **state)
{
    (void)state;
    assert_int_equal(mkdir("in", 0777), 0);
    for (unsigned index = 0; index < 400; index++) {
        char name[32];
        snprintf(name, sizeof name, "in/%03u.jpg", index);
        assert_int_equal(symlink(SMEAR1, name), 0);
    }
    const struct child interrupted = {.signal = SIGINT, .signal_entry = "003.jpg"};
    RUN_WITH(interrupted, "detect", "-m", MODEL, SMALL, "in", "-o", "./", "--json", "boxes.json");
    assert_int_equal(ran.code, 130);
    assert_int_equal(count_of(ran.err, "ghostvk: interrupted after "), 1);
    unsigned long said = strtoul(strstr(ran.err, "interrupted after ") + strlen("interrupted after "), NULL, 10);
    assert_false(has_entry(".", ".ghostvk"));
    assert_false(path_exists("boxes.json"));
    char *names = list_folder(".");
    size_t count = count_of(names, ".jpg\n");
    assert_in_range(count, 4, 100);
    assert_int_equal(said, count);
    for (char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n")) {
        if (!strstr(name, ".jpg"))
            continue;
        uint64_t size;
        char *bytes = read_whole(name, &size);
        if (size < 1000 || memcmp(bytes, "\xFF\xD8\xFF", 3) != 0 || memcmp(bytes + size - 2, "\xFF\xD9", 2) != 0)
            fail_msg("%s is not whole", name);
        free(bytes);
    }
    free(names);
}

/* The lines of each picture of the folder, and none that is torn. */
static void assert_lines(const char *path, size_t count, size_t errors)
{
    char *lines = read_whole(path, NULL);
    if (count_of(lines, "{\"file\": \"in/") != count || count_of(lines, "\n") != count ||
        count_of(lines, "\"error\"") != errors)
        fail_msg("%zu lines and %zu errors were expected:\n%s", count, errors, lines);
    free(lines);
}

static void a_reader_that_leaves_ends_the_run_without_a_word(void **state)
{
    (void)state;
    make_pictures();
    signal(SIGPIPE, SIG_DFL); /* whatever we were started with */
    write_text("run.sh", "\"$@\" 2>said | head -n 1\n");
    static const char *const outputs[][2] = {{"--jsonl", "-"}, {"--threads", "1"}};
    for (size_t index = 0; index < 2; index++) {
        run_program("/bin/sh", (struct child){.code = 0},
                    (const char *const[]){"run.sh", GVK_PROGRAM, "detect", "-m", MODEL, SMALL, outputs[index][0],
                                          outputs[index][1], "in/c.jpg", "in/a.bmp", "in/b/same.jpg", NULL});
        assert_int_equal(count_of(ran.out, "\n"), 1);
        char *said = read_whole("said", NULL);
        if (count_of(said, "ghostvk: ") != count_of(said, "ghostvk: note: "))
            fail_msg("%s: nothing was to be said:\n%s", outputs[index][0], said);
        free(said);
    }
    static const char *const printers[][3] = {{"inspect", "--layers"}, {"inspect", "--json"}, {"convert", "-o", "-"}};
    for (size_t index = 0; index < sizeof printers / sizeof *printers; index++) {
        const char *const *words = printers[index];
        run_program("/bin/sh", (struct child){.code = 0},
                    (const char *const[]){"run.sh", GVK_PROGRAM, words[0], MODEL, words[1], words[2], NULL});
        char *said = read_whole("said", NULL);
        assert_string_equal(said, "");
        free(said);
    }
}

/* Whether a lock on the file is there for whoever asks, as flock knows it. */
static bool is_free(const char *path)
{
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    bool free = flock(file, LOCK_EX | LOCK_NB) == 0;
    close(file);
    return free;
}

/* The first of two waits for its list when the second comes, and is killed then. */
static void of_two_programs_on_one_output_the_second_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *output, *locked;
    } cases[] = {{"lines", "boxes.jsonl", "boxes.jsonl"},
                 {"texts", "out", "out/.ghostvk-part-1-of-1.lock"},
                 {"drawn", "new/drawn/", "new/drawn/.ghostvk-part-1-of-1.lock"}};
    write_text("run.sh", "try() { name=$1; locked=$2; shift 2; mkfifo $name; \"$@\" - <$name 2>first-$name & first=$!\n"
                         "exec 3>$name; until [ -e \"$locked\" ]; do sleep 0.05; done\n"
                         "\"$@\" - </dev/null 2>said-$name; echo $? >>said-$name; kill -KILL $first; }\n"
                         "try lines boxes.jsonl \"$@\" --jsonl boxes.jsonl &\n"
                         "try texts out/.ghostvk-part-1-of-1.lock \"$@\" --yolo out &\n"
                         "try drawn new/drawn/.ghostvk-part-1-of-1.lock \"$@\" -o new/drawn/ &\nwait\n");
    run_program("/bin/sh", (struct child){.code = 0},
                (const char *const[]){"run.sh", GVK_PROGRAM, "detect", "-m", MODEL, SMALL, "-q", "--resume", NULL});
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char path[32], wanted[128];
        snprintf(path, sizeof path, "said-%s", cases[index].name);
        snprintf(wanted, sizeof wanted, "%s: another ghostvk is writing to it; one at a time may\n1\n",
                 cases[index].output);
        char *said = read_whole(path, NULL);
        assert_contains(said, wanted);
        free(said);
        if (!is_free(cases[index].locked))
            fail_msg("%s: it is locked still", cases[index].locked);
    }
    RUN("detect", "-m", MODEL, SMALL, "-q", "--resume", "--yolo", "out", SMEAR1);
    assert_done();
    char *names = list_folder("out");
    assert_string_equal(names, "smear-1.txt\n"); /* the killed program's lock is gone, too */
    free(names);
}

static void standard_input_with_nothing_in_it_is_told(void **state)
{
    (void)state;
    RUN_WITH((struct child){.closed = 1u << STDIN_FILENO}, "detect", "-m", MODEL, SMALL, "-");
    assert_refused(1, "standard input: cannot be read", "it is closed");
    write_text("run.sh", "\"$@\" </dev/null\n");
    run_program(
        "/bin/sh", (struct child){.code = 0},
        (const char *const[]){"run.sh", GVK_PROGRAM, "detect", "-m", MODEL, SMALL, "--raw", "64x64", "-", NULL});
    assert_refused(1, "standard input, frame 0", "ends before the first frame");
}

static void a_run_is_gone_on_with(void **state)
{
    (void)state;
    make_pictures();
    RUN("detect", "-m", MODEL, SMALL, "-q", "in", "--jsonl", "boxes.jsonl", "--yolo", "texts/");
    assert_int_equal(ran.code, 1);
    assert_lines("boxes.jsonl", 5, 1);
    /* The last line is torn, and the picture that failed has become one. */
    char *lines = read_whole("boxes.jsonl", NULL);
    lines[strlen(lines) - 20] = 0;
    write_text("boxes.jsonl", lines);
    free(lines);
    assert_int_equal(remove("in/b/bad.jpg"), 0);
    copy_file(SMEAR1, "in/b/bad.jpg");
    RUN("detect", "-m", MODEL, SMALL, "--resume", "in", "--jsonl", "boxes.jsonl");
    assert_done();
    assert_contains(ran.out, "2 pictures, 0 failed, 3 done before");
    assert_lines("boxes.jsonl", 5, 0);
    RUN("detect", "-m", MODEL, SMALL, "--resume", "in", "--yolo", "texts/");
    assert_done();
    assert_contains(ran.out, "1 picture, 0 failed, 4 done before");
    assert_true(path_exists("texts/b/bad.txt"));
    write_text("in/b/bad.jpg", "not a picture\n");
    RUN("detect", "-m", MODEL, SMALL, "-q", "in/b", "-o", "drawn/");
    assert_int_equal(ran.code, 1);
    copy_file(SMEAR1, "in/b/bad.jpg");
    RUN("detect", "-m", MODEL, SMALL, "--resume", "in/b", "-o", "drawn/");
    assert_done();
    assert_contains(ran.out, "1 picture, 0 failed, 2 done before");
    assert_true(path_exists("drawn/bad.jpg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_comes_out_as_it_went_in),
        TEST(pictures_that_would_meet_are_told_apart),
        TEST(parts_of_a_folder_are_its_whole),
        TEST(an_interrupt_leaves_whole_pictures),
        TEST(of_two_programs_on_one_output_the_second_is_told),
        TEST(standard_input_with_nothing_in_it_is_told),
        TEST(a_run_is_gone_on_with),
        TEST(a_reader_that_leaves_ends_the_run_without_a_word),
    };
    return cmocka_run_group_tests_name("ghostvk detect over many pictures", tests, make_folder, remove_folder);
}
