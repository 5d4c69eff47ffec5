/* ghostvk classify: the classes that PyTorch names, as tables and JSON; names from the file, a list or ImageNet's;
 * pictures and models that are refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/cli/json_reader.h"
#include "tests/cli/program.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/siblings/siblings.h"
#include "tests/support/harness.h"

/* timm's golden is of this picture, at this size. */
#define PICTURE    GVK_TEST_DATA_DIR "/images/png-rgb.png"
#define AT_64      "--size", "64x64"
#define CLASSIFIER "timm.safetensors"

/* In the test's folder. */
static void write_timm(void)
{
    struct golden *golden = open_golden("timm.safetensors");
    struct tensor_list list = list_sibling(golden);
    size_t bytes;
    unsigned char *checkpoint = make_checkpoint_of(&list, &bytes);
    assert_non_null(checkpoint);
    write_file(CLASSIFIER, checkpoint, bytes);
    free(checkpoint);
    release_tensor_list(&list);
    close_golden(golden);
}

/* A small one with names of its own, which take no thousandth of the time. */
static void write_small(uint32_t class_count)
{
    const struct network_shape shape = {.kind = NETWORK_CLASSIFIER, .width = 0.1, .class_count = class_count};
    size_t bytes;
    unsigned char *checkpoint = make_checkpoint(&shape, &bytes);
    assert_non_null(checkpoint);
    write_file("small.safetensors", checkpoint, bytes);
    free(checkpoint);
}

/* The first `count` classes of the golden's are those of the first picture in the JSON, with their scores. */
static void assert_torchs_classes(const char *json, const char *interpolation, size_t count)
{
    struct golden *golden = open_golden("timm.safetensors");
    char name[40];
    uint64_t best;
    snprintf(name, sizeof name, "%s.classes", interpolation);
    float *ids = golden_floats(golden, name, &best);
    snprintf(name, sizeof name, "%s.scores", interpolation);
    float *scores = golden_floats(golden, name, &best);
    assert_true(count <= best);
    const char *classes = member(element(member(json, "images"), 0), "classes");
    for (size_t place = 0; place < count; place++) {
        double id = number_of(element(classes, place), "class_id"), score = number_of(element(classes, place), "score");
        if (id != (double)ids[place] || fabs(score - (double)scores[place]) > 1e-4 * (double)scores[place])
            fail_msg("%s, place %zu: class %g, %.9g, instead of %g, %.9g", interpolation, place, id, score,
                     (double)ids[place], (double)scores[place]);
    }
    assert_null(element(classes, count));
    free(scores);
    free(ids);
    close_golden(golden);
}

static void classes_and_scores_are_torchs(void **state)
{
    (void)state;
    write_timm();
    RUN("classify", "-m", CLASSIFIER, AT_64, "--top", "10", "--json", "-", PICTURE);
    assert_done();
    assert_json(ran.out);
    assert_torchs_classes(ran.out, "bilinear", 10);
    const char *image = element(member(ran.out, "images"), 0);
    assert_contains(member(image, "file"), "\"" PICTURE "\"");
    assert_true(number_of(image, "width") == 37 && number_of(image, "height") == 29);
    assert_true(number_of(member(image, "ms"), "total") > 0);
    assert_contains(member(ran.out, "model"), "\"" CLASSIFIER "\"");

    RUN("classify", "-m", CLASSIFIER, AT_64, "--interpolation", "bicubic", "--json", "out.json", PICTURE);
    assert_done();
    assert_contains(ran.out, "class "); /* the table is there beside the file */
    char *saved = read_whole("out.json", NULL);
    assert_json(saved);
    assert_torchs_classes(saved, "bicubic", 5);
    free(saved);
}

/* What run writes is what classify ranks. */
static void raw_logits_are_torchs(void **state)
{
    (void)state;
    write_timm();
    RUN("run", "-m", CLASSIFIER, AT_64, "--interpolation", "bicubic", "--image", PICTURE, "-o", "raw.safetensors");
    assert_done();
    struct golden *raw = open_tensors("raw.safetensors"), *golden = open_golden("timm.safetensors");
    uint64_t count, raw_count;
    float *logits = golden_floats(raw, "logits", &raw_count), *wanted = golden_floats(golden, "bicubic.logits", &count);
    assert_true(raw_count == 1000 && count == 1000);
    assert_true(relative_error(logits, wanted, count) < 1e-5);
    free(wanted);
    free(logits);
    close_golden(golden);
    close_golden(raw);
    RUN("run", "-m", CLASSIFIER, AT_64, "--resize", "63", "--image", PICTURE, "-o", "raw.safetensors");
    assert_refused(2, "--resize 63", "64");
    RUN("run", "-m", MODEL, SMALL, "--resize", "96", "--image", PICTURE, "-o", "raw.safetensors");
    assert_refused(2, "--resize", "classifiers");
}

static void a_thousand_classes_without_names_are_imagenets(void **state)
{
    (void)state;
    write_timm();
    RUN("classify", "-m", CLASSIFIER, AT_64, "--top", "2", PICTURE, SMEAR1);
    assert_done();
    assert_contains(ran.out, "timm.safetensors, 1000 classes, 64x64 of 73, fp32\n");
    assert_contains(ran.out, "png-rgb.png  37x29\n");
    assert_contains(ran.out, "smear-1.jpg  640x480\n");
    assert_contains(ran.out, "  half track  0.194    586\n"); /* class 586, whose score is 0.19380 */
    assert_int_equal(count_of(ran.out, ", network "), 2);
    assert_int_equal(count_of(ran.out, ", total "), 2);
    assert_contains(ran.out, "\n2 pictures, 0 failed, ");
    assert_contains(ran.out, "\n  decode  ");
    assert_int_equal(count_of(ran.out, "\n  save "), 0); /* nothing is */

    char names[8000] = "";
    for (unsigned index = 0; index < 1000; index++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "n%u\n", index);
    write_text("names.txt", names);
    RUN("classify", "-m", CLASSIFIER, AT_64, "--classes", "names.txt", PICTURE);
    assert_done();
    assert_contains(ran.out, "  n586   0.194    586\n");
}

static void other_counts_without_names_are_numbers(void **state)
{
    (void)state;
    write_small(7);
    RUN("classify", "-m", "small.safetensors", AT_64, "--json", "-", "--top", "1000", PICTURE);
    assert_done();
    const char *classes = member(element(member(ran.out, "images"), 0), "classes");
    double sum = 0;
    for (size_t place = 0; place < 7; place++) {
        char number[16];
        snprintf(number, sizeof number, "\"%d\"", (int)number_of(element(classes, place), "class_id"));
        assert_contains(member(element(classes, place), "class"), number);
        sum += number_of(element(classes, place), "score");
    }
    assert_null(element(classes, 7));
    assert_true(fabs(sum - 1) < 1e-6);

    write_text("seven.txt", "a\nb\nc\nd\ne\nf\ng\n");
    RUN("classify", "-m", "small.safetensors", AT_64, "--classes", "seven.txt", PICTURE);
    assert_done();
    write_text("six.txt", "a\nb\nc\nd\ne\nf\n");
    RUN("classify", "-m", "small.safetensors", AT_64, "--classes", "six.txt", PICTURE);
    assert_refused(3, "7", "6");
}

static void a_bad_picture_is_passed_over(void **state)
{
    (void)state;
    write_small(3);
    write_text("bad.jpg", "no picture");
    RUN("classify", "-m", "small.safetensors", AT_64, "--json", "out.json", "missing.png", PICTURE, "bad.jpg");
    assert_int_equal(ran.code, 1);
    assert_contains(ran.err, "missing.png: ");
    assert_contains(ran.err, "bad.jpg: ");
    assert_contains(ran.out, "png-rgb.png");
    char *saved = read_whole("out.json", NULL);
    assert_json(saved);
    assert_contains(member(element(member(saved, "images"), 0), "error"), "\"");
    assert_int_equal(count_of(saved, "\"classes\""), 1);
    assert_non_null(element(member(element(member(saved, "images"), 1), "classes"), 2));
    assert_contains(member(element(member(saved, "images"), 2), "error"), "\"");
    free(saved);
}

static void a_folder_is_looked_through_and_dealt_to_shards(void **state)
{
    (void)state;
    static const char *const shards[] = {"1/2", "2/2"};
    write_small(3);
    assert_int_equal(mkdir("in", 0777), 0);
    assert_int_equal(mkdir("in/below", 0777), 0);
    copy_file(PICTURE, "in/b.png");
    copy_file(PICTURE, "in/a.png");
    copy_file(PICTURE, "in/below/c.png");
    write_text("in/notes.txt", "no picture");
    size_t lines = 0;
    for (size_t shard = 0; shard < 2; shard++) {
        RUN("classify", "-m", "small.safetensors", AT_64, "--shard", shards[shard], "--jsonl", "-", "in");
        assert_done();
        lines += count_of(ran.out, "\n");
    }
    assert_int_equal(lines, 3);
    RUN("classify", "-m", "small.safetensors", AT_64, "in");
    assert_done();
    const char *first = strstr(ran.out, "in/a.png"), *second = strstr(ran.out, "in/b.png");
    assert_true(first && second && first < second && strstr(second, "in/below/c.png"));
}

static void the_frames_of_a_video_are_classified(void **state)
{
    (void)state;
    struct child ffmpeg = {.code = 0};
    run_child(&ffmpeg, "/usr/bin/env",
              (const char *const[]){"ffmpeg", "-v", "error", "-nostdin", "-loop", "1", "-framerate", "10", "-i", SMEAR1,
                                    "-vf", "scale=120:90", "-frames:v", "5", "-c:v", "ffv1", "film.mkv", NULL});
    int code = ffmpeg.code;
    release_child(&ffmpeg);
    if (code == 127) {
        say_not_here("ffmpeg, which makes and reads videos");
        skip();
    }
    assert_int_equal(code, 0);
    write_small(3);
    RUN("classify", "-m", "small.safetensors", AT_64, "--every", "2", "--jsonl", "lines.jsonl", "film.mkv");
    assert_done();
    assert_contains(ran.out, "film.mkv  frame 4  120x90\n");
    assert_contains(ran.out, "\n3 frames, 0 failed, ");
    assert_contains(ran.out, "\n  save  ");
    char *lines = read_whole("lines.jsonl", NULL);
    assert_int_equal(count_of(lines, "\n"), 3);
    assert_contains(lines, "\"frame\": 2, \"time\": 0.2, \"width\": 120, \"height\": 90");
    free(lines);
}

static void lines_and_rows_are_written_and_gone_on_with(void **state)
{
    (void)state;
    write_small(3);
    write_text("names.txt", "a,b\nc\nd\n");
    RUN("classify", "-m", "small.safetensors", "--classes", "names.txt", AT_64, "-q", "--jsonl", "out.jsonl", "--csv",
        "out.csv", PICTURE);
    assert_done();
    assert_string_equal(ran.out, "");
    char *rows = read_whole("out.csv", NULL), *first = read_whole("out.jsonl", NULL);
    assert_int_equal(strncmp(rows, "file,frame,time,width,height,place,class,class_id,score\n" PICTURE ",,,37,29,1,",
                             strlen("file,frame,time,width,height,place,class,class_id,score\n" PICTURE ",,,37,29,1,")),
                     0);
    assert_int_equal(count_of(rows, "\n"), 4);
    assert_int_equal(count_of(rows, ",\"a,b\",0,0."), 1);
    assert_int_equal(count_of(first, "\n"), 1);
    assert_int_equal(count_of(first, "\"class\""), 3);

    RUN("classify", "-m", "small.safetensors", "--classes", "names.txt", AT_64, "--resume", "--jsonl", "out.jsonl",
        PICTURE, SMEAR1);
    assert_done();
    char *both = read_whole("out.jsonl", NULL);
    assert_int_equal(count_of(both, "\n"), 2);
    assert_int_equal(strncmp(both, first, strlen(first)), 0);
    assert_contains(both + strlen(first), "smear-1.jpg");
    assert_int_equal(count_of(ran.out, "png-rgb.png"), 0);
    free(both);
    free(first);
    free(rows);
    RUN("classify", "-m", "small.safetensors", AT_64, "--resume", PICTURE);
    assert_refused(2, "--resume", "--jsonl");
}

static void a_detector_and_a_classifier_are_told_apart_in_a_sentence(void **state)
{
    (void)state;
    write_small(3);
    RUN("classify", "-m", MODEL, PICTURE);
    assert_refused(3, "it is a detector (GhostNet-YOLOv4), which `ghostvk detect` is for", "classifier");
    RUN("detect", "-m", "small.safetensors", PICTURE);
    assert_refused(3, "it is a classifier, which `ghostvk classify` is for", "detector");
    RUN("classify", PICTURE);
    assert_refused(2, "classify needs a classifier, given by -m", "detector");
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    write_small(3);
    static const char *const values[][2] = {
        {"--top", "0"},          {"--top", "1001"},  {"--top", "five"},     {"--interpolation", "nearest"},
        {"--interpolation", ""}, {"--resize", "0"},  {"--resize", "16385"}, {"--size", "100x100"},
        {"--resize", "223"},     {"--shard", "3/2"}, {"--threads", "0"}};
    for (size_t index = 0; index < sizeof values / sizeof *values; index++) {
        RUN("classify", "-m", "small.safetensors", values[index][0], values[index][1], PICTURE);
        assert_refused(2, values[index][0], values[index][1]);
    }
    RUN("classify", "-m", "small.safetensors", "--letterbox", PICTURE);
    assert_refused(2, "--letterbox", "ghostvk");
    RUN("classify", "-m", "small.safetensors");
    assert_refused(2, "classify needs a picture", "");
    RUN("classify", "-m", "small.safetensors", "--json", "small.safetensors", PICTURE);
    assert_int_equal(ran.code, 2);
    assert_contains(ran.err, "small.safetensors");
    RUN("classify", "-m", "small.safetensors", "--resize", "64", AT_64, PICTURE);
    assert_done();
    assert_contains(ran.out, "64x64 of 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_and_scores_are_torchs),
        TEST(raw_logits_are_torchs),
        TEST(a_thousand_classes_without_names_are_imagenets),
        TEST(other_counts_without_names_are_numbers),
        TEST(a_bad_picture_is_passed_over),
        TEST(a_folder_is_looked_through_and_dealt_to_shards),
        TEST(the_frames_of_a_video_are_classified),
        TEST(lines_and_rows_are_written_and_gone_on_with),
        TEST(a_detector_and_a_classifier_are_told_apart_in_a_sentence),
        TEST(wrong_options_are_named),
    };
    return cmocka_run_group_tests_name("ghostvk classify", tests, make_folder, remove_folder);
}
