/* ghostvk detect: boxes as tables, JSON and pictures; files that are bad, outputs that cannot be written, an interrupt.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_reader.h"
#include "program.h"

static void class_files_are_checked(void **state)
{
    (void)state;
    write_text("windows.txt", "\xEF\xBB\xBFrote\r\nwei\xC3\x9F"
                              "e\r\nPl\xC3\xA4ttchen\r\n\r\n\r\n");
    RUN("detect", "-m", MODEL, "--classes", "windows.txt", "--json", "-", SMEAR1);
    assert_done();
    assert_json(ran.out);
    assert_contains(ran.out, "\"rote\"");
    assert_contains(ran.out, "\"wei\xC3\x9F"
                             "e\"");
    assert_int_equal(count_of(ran.out, "RBC"), 0);

    /* What Python's strip takes away at both ends, old line ends, blank lines behind. */
    write_text("spaces.txt", "  rote \r\t\xC2\xA0wei\xC3\x9F e\xE3\x80\x80\r Pl\xC3\xA4ttchen\n \n\t\n");
    RUN("detect", "-m", MODEL, "--classes", "spaces.txt", "--json", "-", SMEAR1);
    assert_done();
    assert_contains(ran.out, "\"rote\"");
    assert_contains(ran.out, "\"wei\xC3\x9F e\"");

    write_text("two.txt", "a\nb\n");
    RUN("detect", "-m", MODEL, "--classes", "two.txt", SMEAR1);
    assert_refused(3, "2", "3");
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    write_text("control.txt", "a\nb\tc\nd\n");
    write_text("latin.txt", "a\nb\nd\xE9j\xE0\n");
    write_text("gap.txt", "a\n\nb\n");
    write_text("empty.txt", "");
    write_file("zero.txt", "a\nb\0\nc\n", 7);
    static const char *const files[] = {"missing.txt", "directory", "pipe",     "control.txt", "latin.txt",
                                        "gap.txt",     "empty.txt", "zero.txt", "/dev/zero"};
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        RUN("detect", "-m", MODEL, "--classes", files[index], SMEAR1);
        assert_refused(2, "--classes", files[index]);
    }
    write_file("wide.txt",
               "\xFF\xFE"
               "a\0\n\0b\0\n\0c\0",
               12);
    RUN("detect", "-m", MODEL, "--classes", "wide.txt", SMEAR1);
    assert_refused(2, "--classes wide.txt", "is text in UTF-16; save it as UTF-8");
}

static void anchor_files_are_checked(void **state)
{
    (void)state;
    write_text("family.txt", "12, 16,  19, 36,  40, 28,  36, 75,  76, 55,  72, 146,  142, 110,  192, 243,  459, 401");
    RUN("detect", "-m", MODEL, "--anchors", "family.txt", SMALL, SMEAR1);
    assert_done();
    write_text("marked.txt", "\xEF\xBB\xBF"
                             "12,16, 19,36, 40,28, 36,75, 76,55, 72,146, 142,110, 192,243, 459,401\r\n");
    RUN("detect", "-m", MODEL, "--anchors", "marked.txt", SMALL, SMEAR1);
    assert_done();
    write_file("wide.txt",
               "\xFE\xFF\0"
               "1\0,\0"
               "2",
               8);
    RUN("detect", "-m", MODEL, "--anchors", "wide.txt", SMEAR1);
    assert_refused(2, "--anchors wide.txt", "is text in UTF-16; save it as UTF-8");
    static const char *const wrong[] = {"",
                                        "12,16",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,nan",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,0",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,-3",
                                        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18",
                                        "twelve"};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        write_text("wrong.txt", wrong[index]);
        RUN("detect", "-m", MODEL, "--anchors", "wrong.txt", SMEAR1);
        assert_refused(2, "--anchors", "wrong.txt");
    }
    RUN("detect", "-m", MODEL, "--anchors", "missing.txt", SMEAR1);
    assert_refused(2, "--anchors", "missing.txt");
}

static void boxes_are_printed(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMEAR1, SMEAR2);
    assert_done();
    assert_contains(ran.out, "Device   ");
    assert_contains(ran.out, "blood-cells.safetensors, 3 classes, 416x416");
    assert_contains(ran.out, "smear-1.jpg  640x480");
    assert_contains(ran.out, "smear-2.jpg  640x480");
    assert_contains(ran.out, " RBC, ");
    assert_int_equal(count_of(ran.out, ", resize "), 2); /* the table of stages at the end has no commas */
    assert_contains(ran.out, "2 pictures, 0 failed, ");
    assert_int_equal(count_of(ran.out, ", total "), 2);
    RUN("detect", SMEAR1, "--conf", "1", SMALL, "--model", MODEL); /* options after the pictures */
    assert_done();
    assert_contains(ran.out, "  0 objects\n");
    assert_contains(ran.out, "96x96");
}

static void boxes_are_json(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, "--json", "-", SMEAR1, SMEAR2);
    assert_done();
    assert_json(ran.out);
    assert_contains(member(ran.out, "model"), "\"" MODEL "\"");
    const char *images = member(ran.out, "images"), *image = element(images, 1);
    assert_null(element(images, 2));
    assert_contains(member(image, "file"), "\"" SMEAR2 "\"");
    assert_true(number_of(image, "width") == 640 && number_of(image, "height") == 480);
    double last = 1;
    size_t count = 0;
    for (const char *detection; (detection = element(member(image, "detections"), count)) != NULL; count++) {
        double score = number_of(detection, "score"), box[4];
        assert_true(score > 0 && score <= last);
        last = score;
        for (size_t side = 0; side < 4; side++)
            box[side] = strtod(element(member(detection, "box"), side), NULL);
        assert_true(0 <= box[0] && box[0] < box[2] && box[2] <= 640);
        assert_true(0 <= box[1] && box[1] < box[3] && box[3] <= 480);
        assert_in_range(number_of(detection, "class_id"), 0, 2);
        assert_contains(member(detection, "class"), "\"");
    }
    assert_in_range(count, 15, 30); /* the picture shows some twenty */
    const char *ms = member(image, "ms");
    assert_true(number_of(ms, "load") > 0 && number_of(ms, "total") > number_of(ms, "load"));
    member(ms, "resize");
    member(ms, "network");
    member(ms, "decode");

    RUN("detect", "-m", MODEL, SMALL, "--json", "boxes.json", SMEAR1);
    assert_done();
    assert_contains(ran.out, "smear-1.jpg  640x480");
    char *text = read_whole("boxes.json", NULL);
    assert_json(text);
    free(text);
}

static void thresholds_have_their_effect(void **state)
{
    (void)state;
    static const char *const scores[] = {"0", "0.4", "0.9"};
    size_t counts[3];
    for (size_t index = 0; index < 3; index++) {
        RUN("detect", "-m", MODEL, SMALL, "--json", "-", "--conf", scores[index], "--iou", "0.5", SMEAR1);
        assert_done();
        counts[index] = count_of(ran.out, "\"score\"");
    }
    assert_true(counts[0] > counts[1] && counts[1] >= counts[2]);
    RUN("detect", "-m", MODEL, SMALL, "--json", "-", "--conf", "0", "--iou", "1", SMEAR1);
    assert_done();
    assert_int_equal(count_of(ran.out, "\"score\""), 3 * (3 * 3 + 6 * 6 + 12 * 12)); /* every candidate */
}

static void a_bad_picture_stops_no_other(void **state)
{
    (void)state;
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(mkfifo("pipe.jpg", 0666), 0);
    write_text("text.jpg", "not a picture\n");
    write_text("empty.png", "");
    size_t size;
    char *bytes = read_whole(SMEAR1, &size);
    write_file("cut.jpg", bytes, size / 2);
    free(bytes);
    RUN("detect", "-m", MODEL, SMALL, "--json", "boxes.json", "-o", "out/", "text.jpg", SMEAR1, "empty.png",
        "missing.jpg", "directory", "pipe.jpg", "/dev/zero", "cut.jpg", SMEAR2);
    assert_int_equal(ran.code, 1);
    static const char *const bad[] = {"text.jpg", "empty.png", "missing.jpg", "directory",
                                      "pipe.jpg", "/dev/zero", "cut.jpg"};
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        char line[64];
        snprintf(line, sizeof line, "ghostvk: %s: ", bad[index]);
        assert_int_equal(count_of(ran.err, line), 1);
    }
    assert_contains(ran.out, "smear-1.jpg  640x480");
    assert_contains(ran.out, "smear-2.jpg  640x480");
    assert_true(path_exists("out/smear-1.jpg") && path_exists("out/smear-2.jpg"));
    assert_false(path_exists("out/text.jpg"));
    char *text = read_whole("boxes.json", NULL);
    assert_json(text);
    assert_int_equal(count_of(text, "\"error\""), 7);
    assert_int_equal(count_of(text, "\"detections\""), 2);
    assert_contains(member(element(member(text, "images"), 0), "error"), "text file");
    free(text);
    RUN("detect", "-m", MODEL, SMALL, "text.jpg");
    assert_refused(1, "text.jpg", "");
}

#define PICTURE(name) GVK_TEST_DATA_DIR "/images/" name

static void pictures_are_upright_unless_they_shall_not_be(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMALL, PICTURE("exif-6.jpg"), PICTURE("exif-raw-packed.png"), PICTURE("tiff-exif-6.tif"),
        PICTURE("webp-exif-6.webp"));
    assert_done();
    assert_contains(ran.out, "exif-6.jpg  11x16");
    assert_int_equal(count_of(ran.out, "  29x37\n"), 3);
    RUN("detect", "-m", MODEL, SMALL, "--no-exif", PICTURE("exif-6.jpg"), PICTURE("exif-raw-packed.png"),
        PICTURE("tiff-exif-6.tif"), PICTURE("webp-exif-6.webp"));
    assert_done();
    assert_contains(ran.out, "exif-6.jpg  16x11");
    assert_int_equal(count_of(ran.out, "  37x29\n"), 3);
}

static void what_a_picture_is_drawn_as_follows_its_kind(void **state)
{
    (void)state;
    copy_file(PICTURE("bmp-rgb.bmp"), "named-wrongly.jpg");
    copy_file(PICTURE("bmp-rgb.bmp"), "without-ending");
    RUN("detect", "-m", MODEL, SMALL, "-o", "out/", PICTURE("webp-lossy.webp"), PICTURE("tiff-rgb.tif"),
        PICTURE("bmp-rgb.bmp"), "named-wrongly.jpg", "without-ending");
    assert_done();
    static const char *const drawn[] = {"out/webp-lossy.jpg", "out/tiff-rgb.png", "out/bmp-rgb.png",
                                        "out/named-wrongly.jpg", "out/without-ending.png"};
    for (size_t index = 0; index < sizeof drawn / sizeof *drawn; index++)
        if (!path_exists(drawn[index]))
            fail_msg("%s is not there", drawn[index]);
    RUN("detect", "-m", MODEL, SMALL, "-o", "one.webp", PICTURE("webp-lossy.webp"));
    assert_refused(2, "-o one.webp", ".jpg, .jpeg or .png");
}

static void pictures_are_drawn(void **state)
{
    (void)state;
    copy_file(SMEAR1, "one.JPEG");
    copy_file(SMEAR1, "nameless");
    RUN("detect", "-m", MODEL, SMALL, "-o", "deep/er/", "one.JPEG", "nameless");
    assert_done();
    assert_contains(ran.out, "  drawn to deep/er/one.jpg\n");
    assert_true(path_exists("deep/er/nameless.jpg"));
    RUN("detect", "-m", MODEL, SMALL, "-o", "deep", "one.JPEG"); /* a folder for a single one */
    assert_done();
    assert_true(path_exists("deep/one.jpg"));
    RUN("detect", "-m", MODEL, SMALL, "-o", "drawn.png", "one.JPEG");
    assert_done();
    char *bytes = read_whole("drawn.png", NULL);
    assert_memory_equal(bytes, "\x89PNG", 4);
    free(bytes);
    RUN("detect", "-m", MODEL, SMALL, "-o", "drawn.png", SMEAR2); /* replaced */
    assert_done();
    RUN("detect", "-m", MODEL, SMALL, SMEAR2);
    assert_done();
    assert_false(path_exists("smear-2.jpg"));
    assert_false(has_entry(".", ".ghostvk"));
}

static void outputs_that_cannot_be_written_are_said(void **state)
{
    (void)state;
    write_text("file", "");
    RUN("detect", "-m", MODEL, SMALL, "-o", "file/out/", SMEAR1);
    assert_refused(1, "file/out/", "");
    RUN("detect", "-m", MODEL, SMALL, "--json", "missing/boxes.json", SMEAR1);
    assert_refused(1, "missing/boxes.json", "");
    RUN("run", "-m", MODEL, SMALL, "--image", SMEAR1, "--output", "missing/y.safetensors");
    assert_refused(1, "missing/y.safetensors", "");
    assert_int_equal(mkdir("locked", 0555), 0);
    if (access("locked", W_OK) != 0) { /* the superuser writes everywhere */
        RUN("detect", "-m", MODEL, SMALL, "-o", "locked/", SMEAR1);
        assert_refused(1, "locked/smear-1.jpg", "");
    }
    if (!path_exists("/dev/full"))
        return;
    RUN("detect", "-m", MODEL, SMALL, "--json", "/dev/full", SMEAR1);
    assert_refused(1, "/dev/full", "cannot be written: No space left on device");
    RUN("run", "-m", MODEL, SMALL, "--image", SMEAR1, "--output", "/dev/full");
    assert_refused(1, "/dev/full", "cannot be written: No space left on device");
    assert_int_equal(symlink("/dev/full", "full.jpg"), 0);
    RUN("detect", "-m", MODEL, SMALL, "-o", "full.jpg", SMEAR1);
    assert_refused(1, "full.jpg", "cannot be written: No space left on device");
    const struct child full = {.out_path = "/dev/full"};
    RUN_WITH(full, "detect", "-m", MODEL, SMALL, SMEAR1);
    assert_refused(1, "standard output", "cannot be written: No space left on device");
    RUN_WITH(full, "detect", "-m", MODEL, SMALL, "--json", "-", SMEAR1);
    assert_refused(1, "standard output", "cannot be written: No space left on device");
    RUN_WITH(full, "devices");
    assert_refused(1, "standard output", "cannot be written: No space left on device");
    RUN_WITH(full, "inspect", "--json", MODEL);
    assert_refused(1, "standard output", "cannot be written: No space left on device");
    RUN_WITH(full, "--help");
    assert_refused(1, "standard output", "cannot be written: No space left on device");
}

static void odd_paths_are_taken(void **state)
{
    (void)state;
    copy_file(SMEAR1, "d\xE9j\xE0\n.jpg");
    copy_file(SMEAR1, "\xE8\xA1\x80\xE7\x90\x83.jpg");
    copy_file(SMEAR1, "-v.jpg");
    RUN("detect", "-m", MODEL, SMALL, "--json", "boxes.json", "-o", "out/", "d\xE9j\xE0\n.jpg",
        "\xE8\xA1\x80\xE7\x90\x83.jpg", "--", "-v.jpg");
    assert_done();
    assert_true(path_exists("out/d\xE9j\xE0\n.jpg") && path_exists("out/\xE8\xA1\x80\xE7\x90\x83.jpg") &&
                path_exists("out/-v.jpg"));
    char *text = read_whole("boxes.json", NULL);
    assert_json(text);
    assert_contains(text, "\"d\xEF\xBF\xBDj\xEF\xBF\xBD\\n.jpg\"");
    assert_contains(text, "\"\xE8\xA1\x80\xE7\x90\x83.jpg\"");
    free(text);
    assert_contains(ran.out, "d\xE9j\xE0?.jpg"); /* no line break from a name */

    char *huge = malloc(100001);
    assert_non_null(huge);
    memset(huge, 'x', 100000);
    huge[100000] = 0;
    RUN("detect", "-m", MODEL, SMALL, huge);
    assert_refused(1, "xxx: ", "");
    RUN("detect", "-m", huge, SMEAR1);
    assert_int_equal(ran.code, 3);
    RUN("detect", "-m", MODEL, SMALL, "--json", huge, SMEAR1);
    assert_refused(1, "xxx: ", "");
    free(huge);
}

/* The family's texts are written from boxes that reach beyond the picture; nothing else in the run may show it. */
static void the_familys_boxes_reach_beyond_the_picture_and_no_others(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, "--conf", "0.2", "--json", "plain.json", "--csv", "plain.csv", SMEAR1);
    assert_done();
    RUN("detect", "-m", MODEL, "--conf", "0.2", "--json", "beside.json", "--csv", "beside.csv", "--voc-family",
        "family", SMEAR1);
    assert_done();
    char *plain_csv = read_whole("plain.csv", NULL), *beside_csv = read_whole("beside.csv", NULL);
    assert_string_equal(plain_csv, beside_csv);
    char *plain = read_whole("plain.json", NULL), *beside = read_whole("beside.json", NULL);
    const char *boxes = member(element(member(plain, "images"), 0), "detections");
    const char *others = member(element(member(beside, "images"), 0), "detections");
    size_t count = 0, at_edge = 0, lines = 0, beyond = 0;
    for (; element(boxes, count) && element(others, count); count++)
        for (size_t side = 0; side < 4; side++) {
            double value = strtod(element(member(element(boxes, count), "box"), side), NULL);
            double other = strtod(element(member(element(others, count), "box"), side), NULL),
                   end = side % 2 ? 480 : 640;
            if (value != other || other < 0 || other > end)
                fail_msg("side %zu of box %zu: %.9g, beside the family's text %.9g", side, count, value, other);
            at_edge += value == 0 || value == end;
        }
    assert_null(element(boxes, count));
    assert_null(element(others, count));
    assert_true(count > 5 && at_edge > 0);
    char *text = read_whole("family/smear-1.txt", NULL);
    for (char *line = text; *line; line += strcspn(line, "\n") + 1, lines++) {
        int box[4];
        assert_int_equal(sscanf(line, "%*s %*f %d %d %d %d", &box[0], &box[1], &box[2], &box[3]), 4);
        beyond += box[0] < 0 || box[1] < 0 || box[2] > 640 || box[3] > 480;
    }
    assert_int_equal(lines, count);
    assert_true(beyond > 0);
    free(text);
    free(beside);
    free(plain);
    free(beside_csv);
    free(plain_csv);
}

static void verbosity_goes_to_stderr(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMALL, "-vv", "--json", "-", SMEAR1);
    assert_int_equal(ran.code, 0);
    assert_json(ran.out);
    for (const char *line = ran.err; *line; line += strcspn(line, "\n") + 1)
        assert_memory_equal(line, "ghostvk: ", strlen("ghostvk: "));
}

static void an_interrupt_leaves_nothing(void **state)
{
    (void)state;
    const struct child interrupted = {.signal = SIGINT, .signal_entry = ".ghostvk"};
    RUN_WITH(interrupted, "detect", "-m", MODEL, "--json", "boxes.json", SMEAR1, SMEAR2, SMEAR1, SMEAR2, SMEAR1, SMEAR2,
             SMEAR1, SMEAR2, SMEAR1, SMEAR2);
    assert_int_equal(ran.code, 130);
    assert_false(has_entry(".", ".ghostvk"));
    assert_false(path_exists("boxes.json"));
}

/* GVK_TEST_SCOPE=small: what a driver has a part in. Options, files and folders are the same for all of them, and each
 * start costs some drivers seconds. */
int main(void)
{
    const struct CMUnitTest on_every_driver[] = {
        TEST(boxes_are_printed),
        TEST(boxes_are_json),
        TEST(a_bad_picture_stops_no_other),
        TEST(an_interrupt_leaves_nothing),
    };
    const struct CMUnitTest on_one[] = {
        TEST(class_files_are_checked),
        TEST(anchor_files_are_checked),
        TEST(pictures_are_drawn),
        TEST(outputs_that_cannot_be_written_are_said),
        TEST(odd_paths_are_taken),
        TEST(thresholds_have_their_effect),
        TEST(the_familys_boxes_reach_beyond_the_picture_and_no_others),
        TEST(verbosity_goes_to_stderr),
        TEST(pictures_are_upright_unless_they_shall_not_be),
        TEST(what_a_picture_is_drawn_as_follows_its_kind),
    };
    const char *scope = getenv("GVK_TEST_SCOPE");
    int failed = cmocka_run_group_tests_name("ghostvk detect", on_every_driver, make_folder, remove_folder);
    if (!scope || strcmp(scope, "small") != 0)
        failed += cmocka_run_group_tests_name("its files and options", on_one, make_folder, remove_folder);
    return failed;
}
