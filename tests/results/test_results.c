/* Results on their way to files: what other programs write for the same boxes, names that are hostile, runs that went
 * on where another was killed, outputs that cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/pictures/image_io.h"
#include "cli/results/reading/coco_ids.h"
#include "cli/results/reading/kept_lines.h"
#include "cli/results/results.h"
#include "expected.h"
#include "tests/support/folder.h"

static const char *const classes[] = {"cell", "two words", "comma, \"quoted\"", "line\nbreak"};
static const struct results_header header = {
    .model = "model.safetensors", .device = "a device", .classes = classes, .class_count = 4};

/* As in make_expected.py. */
static const struct found blood[] = {
    {.box = {.class_id = 1, .score = 0.97354198f, .box = {-3.75f, 10.5f, 100.25f, 700.5f}}},
    {.box = {.class_id = 0, .score = 0.5f, .box = {20.25f, 30.75f, 40.125f, 60.625f}}},
    {.box = {.class_id = 1, .score = 0.12345678f, .box = {0.5f, 0.25f, 639.5f, 479.75f}}},
    {.box = {.class_id = 3, .score = 0.001f, .box = {5.5f, 6.5f, 7.5f, 8.5f}}},
    {.box = {.class_id = 2, .score = 0.00099f, .box = {-0.5f, -0.75f, 1.5f, 2.5f}}},
};
static const struct found whole[] = {{.box = {.score = 1.0f, .box = {0.5f, 0.5f, 199.5f, 99.5f}}}};

#define TIMES                                                                                                          \
    {                                                                                                                  \
        1.5, NAN, 2.25, 0.125, 4                                                                                       \
    }
static const struct picture_result pictures[] = {
    {.path = "a/blood, \"one\".jpg",
     .relative = "a/blood, \"one\".jpg",
     .frame = -1,
     .width = 640,
     .height = 480,
     .found = blood,
     .count = 5,
     .ms = TIMES},
    {.path = "000000397133.jpg", .frame = -1, .width = 200, .height = 100, .found = whole, .count = 1, .ms = TIMES},
    {.path = "empty.png", .frame = -1, .width = 32, .height = 32, .ms = TIMES},
};

static struct results *begin(struct results_choice choice)
{
    static struct results_choice kept;
    struct results *results = NULL;
    kept = choice;
    assert_int_equal(results_open(&kept, &results), 0);
    assert_int_equal(results_begin(results, &header), 0);
    return results;
}

static void end(struct results *results)
{
    bool stdout_failed = true;
    assert_true(results_finish(results, &stdout_failed));
    assert_false(stdout_failed);
    results_close(results);
}

static void write_all(struct results_choice choice)
{
    struct results *results = begin(choice);
    for (size_t index = 0; index < sizeof pictures / sizeof *pictures; index++)
        assert_int_equal(results_add(results, &pictures[index]), RESULTS_WRITTEN);
    end(results);
}

static void assert_file(const char *path, const char *expected)
{
    char *text = read_file(path, NULL);
    if (!text)
        fail_msg("%s is not there", path);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- formats ---- */

static void lines_csv_and_coco_are_what_python_writes(void **state)
{
    (void)state;
    write_all((struct results_choice){.lines = "boxes.jsonl", .csv = "boxes.csv", .coco = "coco.json"});
    assert_file("boxes.jsonl", expected_lines);
    assert_file("boxes.csv", expected_csv);
    assert_file("coco.json", expected_coco);
}

static void texts_are_those_of_yolo_and_the_family(void **state)
{
    (void)state;
    write_all((struct results_choice){.yolo = "yolo", .family = "family/"});
    assert_file("yolo/a/blood, \"one\".txt", expected_yolo_0);
    assert_file("family/a/blood, \"one\".txt", expected_family_0);
    assert_file("yolo/000000397133.txt", expected_yolo_1);
    assert_file("family/000000397133.txt", expected_family_1);
    assert_file("yolo/empty.txt", ""); /* nothing was found, which is a result */
    assert_file("family/empty.txt", "");
    write_all((struct results_choice){.yolo = "scores", .save_confidence = true});
    assert_file("scores/a/blood, \"one\".txt", expected_scores_0);
    assert_file("scores/000000397133.txt", expected_scores_1);
}

static void json_is_one_object_with_frames_and_tracks(void **state)
{
    (void)state;
    const struct found followed = {.box = {.class_id = 0, .score = 0.25f, .box = {1, 2, 3.5f, 4}}, .track = 7};
    struct results *results = begin((struct results_choice){.json = "boxes.json"});
    const struct picture_result frame = {.path = "clip.mp4",
                                         .frame = 12,
                                         .time = 0.48,
                                         .width = 64,
                                         .height = 48,
                                         .found = &followed,
                                         .count = 1,
                                         .ms = TIMES};
    const struct picture_result bad = {.path = "bad.jpg", .frame = -1, .error = "is a text file, not a picture"};
    assert_int_equal(results_add(results, &frame), RESULTS_WRITTEN);
    assert_int_equal(results_add(results, &bad), RESULTS_WRITTEN);
    end(results);
    assert_file(
        "boxes.json",
        "{\n  \"model\": \"model.safetensors\",\n  \"device\": \"a device\",\n  \"images\": [\n    {\n"
        "      \"file\": \"clip.mp4\",\n      \"frame\": 12,\n      \"time\": 0.48,\n      \"width\": 64,\n"
        "      \"height\": 48,\n      \"detections\": [\n"
        "        {\"class\": \"cell\", \"class_id\": 0, \"score\": 0.25, \"box\": [1, 2, 3.5, 4], \"track\": 7}\n"
        "      ],\n      \"ms\": {\"load\": 1.5, \"resize\": null, \"network\": 2.25, \"decode\": 0.125, "
        "\"total\": 4}\n    },\n    {\n      \"file\": \"bad.jpg\",\n"
        "      \"error\": \"is a text file, not a picture\"\n    }\n  ]\n}\n");
}

static void numbers_that_are_none_stay_out(void **state)
{
    (void)state;
    const struct found odd[] = {{.box = {.score = NAN, .box = {1, 2, 3, 4}}},
                                {.box = {.score = 0.5f, .box = {1, NAN, INFINITY, 4}}},
                                {.box = {.score = 0.5f, .box = {90, 2, 95, 4}}}, /* quite outside */
                                {.box = {.score = 1e-5f, .box = {-0.25f, 2, 3, 4}}}};
    const struct picture_result picture = {.path = "odd.jpg",
                                           .frame = -1,
                                           .width = 64,
                                           .height = 48,
                                           .found = odd,
                                           .count = 4,
                                           .time = NAN,
                                           .ms = {NAN, NAN, NAN, INFINITY, NAN}};
    struct results *results = begin((struct results_choice){.json = "boxes.json",
                                                            .csv = "boxes.csv",
                                                            .lines = "boxes.jsonl",
                                                            .coco = "coco.json",
                                                            .yolo = "yolo",
                                                            .family = "family"});
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    end(results);
    assert_file("yolo/odd.txt", "0 0.023438 0.062500 0.046875 0.041667\n");
    assert_file("family/odd.txt", "cell 0.5 90 2 95 4\ncell 0.0000 0 2 3 4\n");
    assert_file("coco.json",
                "[\n  {\"image_id\": \"odd\", \"category_id\": 1, \"bbox\": [64, 2, 0, 2], \"score\": 0.5},\n"
                "  {\"image_id\": \"odd\", \"category_id\": 1, \"bbox\": [0, 2, 3, 2], \"score\": 0.00001}\n]\n");
    char *lines = read_file("boxes.jsonl", NULL), *table = read_file("boxes.csv", NULL);
    assert_non_null(strstr(lines, "\"score\": null, \"box\": [1, 2, 3, 4]"));
    assert_non_null(strstr(lines, "\"box\": [1, null, 64, 4]"));
    assert_null(strstr(lines, "nan"));
    assert_null(strstr(lines, "inf"));
    assert_non_null(strstr(table, "\nodd.jpg,,,64,48,cell,0,,1,2,3,4,\nodd.jpg,,,64,48,cell,0,0.5,1,,64,4,\n"));
    free(lines);
    free(table);
}

/* ---- COCO's numbers ---- */

static void coco_ids_come_from_names_or_annotations(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int64_t number; /* -1: none */
    } names[] = {{"val/COCO_val2014_000000397133.jpg", 397133},
                 {"0.jpg", 0},
                 {"000.png", 0},
                 {"7", 7},
                 {"cell.jpg", -1},
                 {"frame12b.jpeg", 12},
                 {"9999999999999999999.jpg", -1},
                 {".jpg", -1},
                 {"a.1/b.jpg", -1}};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        int64_t number = -1;
        if (!coco_number_in_name(names[index].path, &number))
            number = -1;
        if (number != names[index].number)
            fail_msg("%s: %lld instead of %lld", names[index].path, (long long)number, (long long)names[index].number);
    }
    /* From COCO's own list: toothbrush is 90, of 80 classes; the first after a gap are stop sign and backpack. */
    assert_int_equal(coco_number_of_class(0), 1);
    assert_int_equal(coco_number_of_class(10), 11);
    assert_int_equal(coco_number_of_class(11), 13);
    assert_int_equal(coco_number_of_class(23), 25);
    assert_int_equal(coco_number_of_class(24), 27);
    assert_int_equal(coco_number_of_class(26), 31);
    assert_int_equal(coco_number_of_class(60), 67);
    assert_int_equal(coco_number_of_class(61), 70);
    assert_int_equal(coco_number_of_class(62), 72);
    assert_int_equal(coco_number_of_class(73), 84);
    assert_int_equal(coco_number_of_class(79), 90);

    static const char annotations[] =
        "{\"info\": {\"deep\": [[1, 2], {}]}, \"images\": [{\"id\": 5, \"file_name\": \"a\\/bl\\u006Fod.jpg\", "
        "\"width\": 3}, {\"file_name\": \"x/twice.jpg\", \"id\": 8}, {\"file_name\": \"y/twice.jpg\", \"id\": 9}],\n"
        "\"categories\": [{\"id\": 40, \"name\": \"cell\"}, {\"id\": 3, \"name\": \"two words\"}, "
        "{\"id\": 4, \"name\": \"comma, \\\"quoted\\\"\"}, {\"id\": 6, \"name\": \"line\\nbreak\"}], \"annotations\": "
        "[]}";
    write_file("annotations.json", annotations, strlen(annotations));
    struct results *results =
        begin((struct results_choice){.coco = "coco.json", .coco_annotations = "annotations.json"});
    struct picture_result picture = pictures[1];
    picture.path = "somewhere/blood.jpg";
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    picture.path = "set/y/twice.jpg";
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    picture.path = "twice.jpg"; /* which of the two? */
    assert_int_equal(results_add(results, &picture), RESULTS_LACKING);
    picture.path = "other.jpg";
    assert_int_equal(results_add(results, &picture), RESULTS_LACKING);
    bool stdout_failed;
    assert_false(results_finish(results, &stdout_failed));
    results_close(results);
    assert_file("coco.json",
                "[\n  {\"image_id\": 5, \"category_id\": 40, \"bbox\": [0.5, 0.5, 199, 99], \"score\": 1},\n"
                "  {\"image_id\": 9, \"category_id\": 40, \"bbox\": [0.5, 0.5, 199, 99], \"score\": 1}\n]\n");

    static const char *const damaged[] = {"",
                                          "[]",
                                          "{",
                                          "{\"images\": [}",
                                          "{\"images\": [{\"id\": 1}]}",
                                          "{\"images\": [{\"id\": \"x\", \"file_name\": \"a\"}]}",
                                          "{\"images\": [{\"id\": 1, \"file_name\": \"a\"}",
                                          "{\"categories\": []}"};
    for (size_t index = 0; index < sizeof damaged / sizeof *damaged; index++) {
        struct coco_ids ids;
        char message[256];
        write_file("damaged.json", damaged[index], strlen(damaged[index]));
        if (coco_ids_read("damaged.json", &ids, message, sizeof message))
            fail_msg("'%s' was taken for annotations", damaged[index]);
        coco_ids_release(&ids);
    }
}

/* ---- files of a picture's own ---- */

static void two_pictures_never_share_a_file(void **state)
{
    (void)state;
    struct results *results = begin((struct results_choice){.yolo = "yolo"});
    struct picture_result picture = pictures[1];
    picture.path = "one/a.jpg";
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    picture.path = "two/a.png"; /* without a tree of its own: the same a.txt */
    picture.count = 0;
    assert_int_equal(results_add(results, &picture), RESULTS_LACKING);
    picture.relative = "two/a.png";
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    picture.relative = "../../up.jpg"; /* no way out of the folder */
    picture.path = "../../up.jpg";
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    picture.relative = "/absolute.jpg";
    picture.path = "/absolute.jpg";
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    picture.relative = picture.path = "clip.mp4";
    for (picture.frame = 0; picture.frame < 2; picture.frame++)
        assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    bool stdout_failed;
    assert_false(results_finish(results, &stdout_failed));
    results_close(results);
    assert_file("yolo/a.txt", expected_yolo_1);
    char *names = list_folder("yolo");
    assert_string_equal(names, "a.txt\nabsolute.txt\nclip_000000.txt\nclip_000001.txt\ntwo\nup.txt\n");
    free(names);
    assert_true(path_exists("yolo/two/a.txt"));
}

static void crops_are_the_pixels_of_the_boxes(void **state)
{
    (void)state;
    struct image image, crop;
    char message[256];
    assert_true(image_create(64, 48, &image, message, sizeof message));
    for (size_t row = 8; row < 24; row++) /* a red field from 16, 8 to 40, 24 */
        for (size_t column = 16; column < 40; column++)
            image.pixels[(row * 64 + column) * 3] = 255;
    const struct found boxes[] = {{.box = {.class_id = 0, .score = 0.9f, .box = {16, 8, 40, 24}}},
                                  {.box = {.class_id = 1, .score = 0.8f, .box = {-9.5f, 40.5f, 8.25f, 90}}},
                                  {.box = {.class_id = 2, .score = 0.7f, .box = {70, 2, 80, 9}}},
                                  {.box = {.class_id = 3, .score = 0.6f, .box = {5, 5, 5, 9}}},
                                  {.box = {.class_id = 4, .score = 0.5f, .box = {62.5f, 46.5f, 64, 48}}}};
    static const char *const hostile[] = {"cell", "../up", "out", "empty", "a/b\\c:\n\xFF\xE8\xA1\x80."};
    const struct picture_result picture = {
        .path = "dir/pic.jpg", .frame = -1, .width = 64, .height = 48, .found = boxes, .count = 5, .image = &image};
    const struct results_choice choice = {.crops = "crops"};
    const struct results_header names = {.model = "", .device = "", .classes = hostile, .class_count = 5};
    struct results *results;
    assert_int_equal(results_open(&choice, &results), 0);
    assert_int_equal(results_begin(results, &names), 0);
    assert_int_equal(results_add(results, &picture), RESULTS_WRITTEN);
    end(results);
    char *list = list_folder("crops");
    assert_string_equal(list, "pic_0_cell.jpg\npic_1____up.jpg\npic_4_a_b_c___\xE8\xA1\x80_.jpg\n");
    free(list);
    assert_true(image_read("crops/pic_0_cell.jpg", NULL, &crop, message, sizeof message));
    assert_int_equal(crop.width, 24);
    assert_int_equal(crop.height, 16);
    for (size_t pixel = 0; pixel < 24 * 16; pixel++)
        assert_true(crop.pixels[pixel * 3] > 240 && crop.pixels[pixel * 3 + 1] < 16); /* JPEG is not exact */
    image_release(&crop);
    assert_true(image_read("crops/pic_1____up.jpg", NULL, &crop, message, sizeof message));
    assert_int_equal(crop.width, 9);
    assert_int_equal(crop.height, 8);
    image_release(&crop);
    image_release(&image);
}

/* ---- counting ---- */

static void classes_are_counted_and_followed_objects_once(void **state)
{
    (void)state;
    const struct found first[] = {{.box = {.class_id = 0, .score = 0.9f, .box = {1, 1, 9, 9}}, .track = 1},
                                  {.box = {.class_id = 1, .score = 0.8f, .box = {1, 1, 9, 9}}, .track = 2}};
    const struct found second[] = {{.box = {.class_id = 0, .score = 0.9f, .box = {1, 1, 9, 9}}, .track = 1},
                                   {.box = {.class_id = 0, .score = 0.7f, .box = {5, 1, 9, 9}}, .track = 3}};
    struct picture_result frame = {.path = "clip.mp4", .width = 64, .height = 48, .found = first, .count = 2};
    fflush(stdout);
    int terminal = dup(STDOUT_FILENO), file = open("counts", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(terminal >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    write_all((struct results_choice){.count = true});
    struct results *results = begin((struct results_choice){.count = true});
    results_add(results, &frame);
    frame.frame = 1;
    frame.found = second;
    results_add(results, &frame);
    end(results);
    fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    close(file);
    assert_file("counts", "a/blood, \"one\".jpg: 5 objects: 1 cell, 2 two words, 1 comma, \"quoted\", 1 line?break\n"
                          "000000397133.jpg: 1 object: 1 cell\n"
                          "empty.png: 0 objects\n"
                          "total of 3 pictures: 6 objects: 2 cell, 2 two words, 1 comma, \"quoted\", 1 line?break\n"
                          "clip.mp4 frame 0: 2 objects: 1 cell, 1 two words\n"
                          "clip.mp4 frame 1: 2 objects: 2 cell\n"
                          "total of 2 frames: 3 objects: 2 cell, 1 two words; 4 boxes\n");
}

/* ---- going on ---- */

static void lines_are_there_at_once_and_a_killed_run_goes_on(void **state)
{
    (void)state;
    const struct results_choice choice = {.lines = "boxes.jsonl", .resume = true};
    struct results *results = begin(choice);
    assert_false(results_have(results, &pictures[0]));
    results_add(results, &pictures[0]);
    results_add(results, &pictures[1]);
    char *text = read_file("boxes.jsonl", NULL);
    size_t length = strlen(text);
    assert_memory_equal(text, expected_lines, length);
    assert_int_equal(text[length - 1], '\n');
    free(text);
    results_close(results); /* as after a failure: what is written stays */

    FILE *file = fopen("boxes.jsonl", "ab"); /* and as after a kill in the middle of a line */
    fputs("{\"file\": \"empty.png\", \"wid", file);
    fclose(file);
    results = begin(choice);
    assert_int_equal(results_kept(results), 2);
    assert_true(results_have(results, &pictures[0]));
    assert_true(results_have(results, &pictures[1]));
    assert_false(results_have(results, &pictures[2]));
    struct picture_result frame = pictures[1];
    frame.frame = 0; /* the same path, but a frame of it */
    assert_false(results_have(results, &frame));
    results_add(results, &pictures[2]);
    end(results);
    assert_file("boxes.jsonl", expected_lines);

    write_all((struct results_choice){.lines = "boxes.jsonl"}); /* not going on: from the beginning */
    assert_file("boxes.jsonl", expected_lines);
}

static void names_that_are_no_utf8_are_told_apart(void **state)
{
    (void)state;
    const struct results_choice choice = {.lines = "boxes.jsonl", .resume = true};
    struct picture_result picture = {.path = "d\xE9j\xE0.jpg", .frame = -1, .width = 1, .height = 1, .ms = TIMES};
    struct results *results = begin(choice);
    results_add(results, &picture);
    end(results);
    char *text = read_file("boxes.jsonl", NULL);
    assert_non_null(strstr(text, "\"file\": \"d\xEF\xBF\xBDj\xEF\xBF\xBD.jpg\", \"file_bytes\": \"64e96ae02e6a7067\""));
    free(text);
    results = begin(choice);
    assert_true(results_have(results, &picture));
    picture.path = "d\xE8j\xE0.jpg";
    assert_false(results_have(results, &picture));
    picture.path = "d\xEF\xBF\xBDj\xEF\xBF\xBD.jpg"; /* a name that looks like the first one's line */
    assert_false(results_have(results, &picture));
    end(results);
}

static void texts_show_what_was_done_where_there_are_no_lines(void **state)
{
    (void)state;
    const struct results_choice choice = {.yolo = "yolo", .resume = true};
    struct results *results = begin(choice);
    results_add(results, &pictures[0]);
    end(results);
    results = begin(choice);
    assert_true(results_have(results, &pictures[0]));
    assert_false(results_have(results, &pictures[1]));
    end(results);
}

static void a_file_of_something_else_is_not_added_to(void **state)
{
    (void)state;
    static const char *const foreign[] = {"hello\n",
                                          "{}\n",
                                          "{\"file\": 3}\n",
                                          "{\"file\": \"a\"} x\n",
                                          "[1]\n",
                                          "\n",
                                          "{\"file\": \"a\", \"file_bytes\": \"6\"}\n"};
    for (size_t index = 0; index < sizeof foreign / sizeof *foreign; index++) {
        const struct results_choice choice = {.lines = "list", .resume = true};
        struct results *results;
        write_file("list", foreign[index], strlen(foreign[index]));
        if (results_open(&choice, &results) != 1)
            fail_msg("'%s' was added to", foreign[index]);
        assert_file("list", foreign[index]);
    }
    const struct results_choice whole_files[] = {{.json = "a", .resume = true},
                                                 {.csv = "a", .resume = true},
                                                 {.coco = "a", .resume = true},
                                                 {.json = "-", .lines = "-"},
                                                 {.csv = "-", .count = true}};
    for (size_t index = 0; index < sizeof whole_files / sizeof *whole_files; index++) {
        struct results *results;
        assert_int_equal(results_open(&whole_files[index], &results), 2);
    }
    assert_false(path_exists("a"));
}

/* ---- failures ---- */

static void what_cannot_be_written_is_noticed(void **state)
{
    (void)state;
    const struct results_choice full[] = {
        {.json = "/dev/full"}, {.lines = "/dev/full"}, {.csv = "/dev/full"}, {.coco = "/dev/full"}};
    for (size_t index = 0; index < sizeof full / sizeof *full && path_exists("/dev/full"); index++) {
        struct results *results = begin(full[index]);
        enum results_state state_of_add = RESULTS_WRITTEN;
        for (size_t run = 0; run < 200 && state_of_add == RESULTS_WRITTEN;
             run++) /* until the stream's buffer is full */
            state_of_add = results_add(results, &pictures[0]);
        assert_int_equal(state_of_add, RESULTS_BROKEN);
        bool stdout_failed;
        assert_false(results_finish(results, &stdout_failed));
        assert_false(stdout_failed);
        results_close(results);
    }
    const struct results_choice nowhere[] = {{.json = "missing/a"}, {.lines = "missing/a"}, {.csv = "missing/a"},
                                             {.coco = "missing/a"}, {.yolo = "file/a"},     {.family = "file/a"},
                                             {.crops = "file/a"},   {.lines = "."}};
    write_file("file", "", 0);
    for (size_t index = 0; index < sizeof nowhere / sizeof *nowhere; index++) {
        struct results *results;
        assert_int_equal(results_open(&nowhere[index], &results), 1);
        assert_null(results);
    }
    char *names = list_folder(".");
    assert_string_equal(names, "file\n");
    free(names);
}

static void what_is_not_finished_leaves_nothing(void **state)
{
    (void)state;
    const struct results_choice all = {.json = "a.json",
                                       .lines = "a.jsonl",
                                       .csv = "a.csv",
                                       .coco = "c.json",
                                       .yolo = "deep/yolo",
                                       .family = "family",
                                       .crops = "crops"};
    struct results *results;
    assert_int_equal(results_open(&all, &results), 0);
    results_close(results);
    results = begin(all);
    results_close(results);
    results_close(NULL);
    char *names = list_folder(".");
    assert_string_equal(names, "");
    free(names);
}

static void the_hash_is_siphash(void **state)
{
    (void)state;
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0F0E0D0C0B0A0908)};
    unsigned char bytes[15];
    for (unsigned char index = 0; index < 15; index++)
        bytes[index] = index;
    assert_true(name_hash(key, bytes, 15) == UINT64_C(0xA129CA6149BE45E5)); /* the paper's appendix */
    struct name_map map = {0};
    for (int index = 0; index < 5000; index++) {
        int64_t *place;
        bool is_new;
        assert_true(name_map_put(&map, &index, sizeof index, index * 3, &place, &is_new) && is_new);
    }
    for (int index = 0; index < 10000; index++) {
        const int64_t *number = name_map_get(&map, &index, sizeof index);
        assert_true(index < 5000 ? number && *number == index * 3 : !number);
    }
    name_map_release(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(lines_csv_and_coco_are_what_python_writes),
        TEST_IN_FOLDER(texts_are_those_of_yolo_and_the_family),
        TEST_IN_FOLDER(json_is_one_object_with_frames_and_tracks),
        TEST_IN_FOLDER(numbers_that_are_none_stay_out),
        TEST_IN_FOLDER(coco_ids_come_from_names_or_annotations),
        TEST_IN_FOLDER(two_pictures_never_share_a_file),
        TEST_IN_FOLDER(crops_are_the_pixels_of_the_boxes),
        TEST_IN_FOLDER(classes_are_counted_and_followed_objects_once),
        TEST_IN_FOLDER(lines_are_there_at_once_and_a_killed_run_goes_on),
        TEST_IN_FOLDER(names_that_are_no_utf8_are_told_apart),
        TEST_IN_FOLDER(texts_show_what_was_done_where_there_are_no_lines),
        TEST_IN_FOLDER(a_file_of_something_else_is_not_added_to),
        TEST_IN_FOLDER(what_cannot_be_written_is_noticed),
        TEST_IN_FOLDER(what_is_not_finished_leaves_nothing),
        TEST_IN_FOLDER(the_hash_is_siphash),
    };
    return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
