/* ghostvk eval: both protocols against numbers that pycocotools and NumPy computed (make_cases.py,
 * make_voc_case.py), labels that are wrong or hostile, and the report as XML. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <expat.h>

#include "tests/cli/json_reader.h"
#include "tests/cli/program.h"

#define VOC  GVK_EVALUATION_DIR "/voc"
#define COCO GVK_EVALUATION_DIR "/coco/"

static double at_index(const char *array, size_t index)
{
    const char *value = element(array, index);
    assert_non_null(value);
    return strtod(value, NULL);
}

static void assert_near(double value, double expected, double most, const char *what)
{
    if (!(fabs(value - expected) <= most))
        fail_msg("%s: %.9g instead of %.9g", what, value, expected);
}

/* The row of a class in the program's JSON, NULL where it has none. */
static const char *class_row(const char *json, const char *name)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"class\": \"%s\"", name);
    const char *classes = member(json, "classes");
    for (size_t index = 0; element(classes, index); index++)
        if (strncmp(member(element(classes, index), "class"), quoted + 9, strlen(quoted + 9)) == 0)
            return element(classes, index);
    return NULL;
}

static void assert_classes(const char *json, const char *expected)
{
    const char *classes = member(expected, "classes");
    for (size_t index = 0; element(classes, index); index++) {
        const char *row = element(classes, index);
        char name[64] = "";
        sscanf(element(row, 0), "\"%63[^\"]\"", name);
        const char *mine = class_row(json, name);
        assert_non_null(mine);
        if (at_index(row, 1) < 0) { /* no truth */
            assert_int_equal(strncmp(member(mine, "ap50"), "null", 4), 0);
            continue;
        }
        assert_near(number_of(mine, "ap50"), at_index(row, 1), 1e-6, name);
        assert_near(number_of(mine, "ap"), at_index(row, 2), 1e-6, name);
    }
}

static void coco_numbers_are_those_of_pycocotools(void **state)
{
    (void)state;
    static const char *const keys[] = {"ap",   "ap50",  "ap75",   "ap_small", "ap_medium", "ap_large",
                                       "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"};
    static const char *const cases[] = {"plain", "crowded", "large_ids"};
    uint64_t size;
    char *expected = read_whole(COCO "expected.json", &size);
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char instances[512], results[512];
        snprintf(instances, sizeof instances, COCO "%s.instances.json", cases[index]);
        snprintf(results, sizeof results, COCO "%s.results.json", cases[index]);
        RUN("eval", "--protocol", "coco", "--results", results, "--json", "-", instances);
        assert_done();
        assert_json(ran.out);
        const char *wanted = member(expected, cases[index]), *summary = member(wanted, "summary");
        for (size_t key = 0; key < sizeof keys / sizeof *keys; key++)
            assert_near(number_of(member(ran.out, "coco"), keys[key]), at_index(summary, key), 1e-6, keys[key]);
        assert_near(number_of(ran.out, "map"), at_index(summary, 0), 1e-6, "map");
        assert_near(number_of(ran.out, "map50"), at_index(summary, 1), 1e-6, "map50");
        assert_classes(ran.out, wanted);
    }
    free(expected);
}

static void family_numbers_are_those_of_its_formulas(void **state)
{
    (void)state;
    uint64_t size;
    char *expected = read_whole(VOC "/expected.json", &size);
    RUN("eval", "--results", VOC "/results.jsonl", "--json", "-", VOC);
    assert_done();
    assert_json(ran.out);
    assert_near(number_of(ran.out, "map50"), number_of(expected, "map50"), 1e-9, "map50");
    assert_near(number_of(ran.out, "map"), number_of(expected, "map"), 1e-9, "map");
    assert_near(number_of(ran.out, "pictures"), 4, 0, "pictures"); /* the list names one twice */
    assert_classes(ran.out, expected);
    const char *rbc = class_row(ran.out, "RBC"), *half = member(rbc, "at_half");
    assert_near(number_of(half, "precision"), 0.6, 1e-9, "precision");
    assert_near(number_of(half, "recall"), 0.5, 1e-9, "recall");
    assert_near(number_of(half, "f1"), 6 / 11.0, 1e-9, "F1");
    free(expected);
}

static void a_model_is_evaluated(void **state)
{
    (void)state;
    RUN("eval", "-m", MODEL, SMALL, "--json", "boxes.json", VOC);
    assert_done();
    assert_contains(ran.out, "4 pictures");
    assert_contains(ran.out, "RBC");
    assert_null(strchr(ran.err, '\r')); /* a pipe is told of no progress */
    uint64_t size;
    char *json = read_whole("boxes.json", &size);
    assert_json(json);
    assert_true(number_of(json, "boxes") > 100);
    assert_true(number_of(json, "map50") >= 0 && number_of(json, "map50") <= 1);
    free(json);
}

static void a_report_is_one_page_of_xml(void **state)
{
    (void)state;
    RUN("eval", "--results", VOC "/results.jsonl", "--report", "out.html", VOC);
    assert_done();
    uint64_t size;
    char *page = read_whole("out.html", &size);
    XML_Parser parser = XML_ParserCreate(NULL);
    assert_non_null(parser);
    if (XML_Parse(parser, page, (int)size, 1) != XML_STATUS_OK)
        fail_msg("line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    assert_int_equal(count_of(page, "<script"), 0);
    assert_int_equal(count_of(page, "href="), 0);
    assert_int_equal(count_of(page, "src="), count_of(page, "src=\"data:image/jpeg;base64,"));
    assert_true(count_of(page, "src=") > 0);
    assert_int_equal(count_of(page, "class=\"curve\""), 2);
    free(page);
    RUN("eval", "--results", VOC "/results.jsonl", "--report", "no/out.html", VOC);
    assert_refused(1, "no/out.html", "cannot be written");
    RUN("eval", "--results", VOC "/results.jsonl", "--json", "voc/Annotations/x.xml", VOC);
    assert_refused(2, "--json voc/Annotations/x.xml", "the name of an annotation or picture");
}

/* ---- what is wrong ----------------------------------------------------------------------------------------------- */

#define OBJECT(name, box) "<object><name>" name "</name><bndbox>" box "</bndbox></object>"
#define SIDES(a, b, c, d) "<xmin>" a "</xmin><ymin>" b "</ymin><xmax>" c "</xmax><ymax>" d "</ymax>"

static void make_voc(const char *list, const char *labels)
{
    mkdir("voc", 0777);
    mkdir("voc/ImageSets", 0777);
    mkdir("voc/ImageSets/Main", 0777);
    mkdir("voc/Annotations", 0777);
    write_text("voc/ImageSets/Main/test.txt", list);
    write_text("voc/Annotations/x.xml", labels);
    write_text("none.jsonl", "");
}

static void hostile_labels_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *reason;
    } cases[] = {
        {"<annotation>", "no element found"},
        {"", "no element found"},
        {"<svg/>", "<annotation>"},
        {"<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><annotation>&b;</annotation>", "document type"},
        {"<annotation>&outside;</annotation>", "undefined entity"},
        {"<annotation>" OBJECT("a", SIDES("1e400", "1", "2", "2")) "</annotation>", "no number"},
        {"<annotation>" OBJECT("a", SIDES("nan", "1", "2", "2")) "</annotation>", "no number"},
        {"<annotation>" OBJECT("a", SIDES("1e8", "1", "2", "2")) "</annotation>", "no number"},
        {"<annotation>" OBJECT("a", SIDES("0x10", "1", "2", "2")) "</annotation>", "no number"},
        {"<annotation>" OBJECT("a", "<xmin>1</xmin>") "</annotation>", "bndbox"},
        {"<annotation>" OBJECT("", SIDES("1", "1", "2", "2")) "</annotation>", "<name>"},
        {"<annotation><size><width>-4</width></size></annotation>", "size"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        make_voc("x\n", cases[index].labels);
        RUN("eval", "--results", "none.jsonl", "voc");
        assert_refused(1, "x.xml", cases[index].reason);
    }
    size_t count = 200000;
    char *text = malloc(8 * count + 64), *at = text;
    at += sprintf(at, "<annotation>");
    for (size_t index = 0; index < count; index++)
        at += sprintf(at, "<p>");
    make_voc("x\n", text);
    RUN("eval", "--results", "none.jsonl", "voc");
    assert_refused(1, "x.xml", "nested too deeply");
    at = text + sprintf(text, "<annotation><object><name>");
    memset(at, 'a', count);
    strcpy(at + count, "</name></object></annotation>");
    make_voc("x\n", text);
    RUN("eval", "--results", "none.jsonl", "voc");
    assert_refused(1, "x.xml", "too long");
    free(text);
    static const char *const lists[] = {"../x\n", "/etc/passwd\n", "a/../../x\n", "..\n"};
    for (size_t index = 0; index < sizeof lists / sizeof *lists; index++) {
        make_voc(lists[index], "<annotation/>");
        RUN("eval", "--results", "none.jsonl", "voc");
        assert_refused(1, "test.txt", "is no picture's id");
    }
    make_voc("\n \n", "<annotation/>");
    RUN("eval", "--results", "none.jsonl", "voc");
    assert_refused(1, "test.txt", "lists no picture");
}

static void a_set_or_folder_that_is_none_is_told_what_there_is(void **state)
{
    (void)state;
    make_voc("x\n", "<annotation/>");
    write_text("voc/ImageSets/Main/train.txt", "x\n");
    write_text("voc/ImageSets/Main/dog_train.txt", "x 1\n"); /* of one class alone */
    RUN("eval", "--results", "none.jsonl", "--set", "val", "voc");
    assert_refused(1, "voc: it has no set \"val\"", "--set takes test or train\n");
    RUN("eval", "--results", "none.jsonl", "--set", "val.txt", "voc");
    assert_refused(1, "val.txt", "cannot be opened");
    RUN("eval", "--results", "none.jsonl", ".");
    assert_refused(1, "it is no Pascal VOC folder", "./voc in it is one");
    RUN("eval", "--results", "none.jsonl", "voc/ImageSets/Main");
    assert_refused(1, "it is no Pascal VOC folder", "lists for --set");
    assert_int_equal(rename("voc/ImageSets", "voc/Lists"), 0);
    RUN("eval", "--results", "none.jsonl", "voc");
    assert_refused(1, "it has no ImageSets/Main/test.txt", "--set LIST.txt");
}

static void a_picture_that_is_not_there_is_counted_and_its_objects_are_missed(void **state)
{
    (void)state;
#define LABELS "<annotation>" OBJECT("RBC", SIDES("1", "1", "20", "20")) "</annotation>"
    make_voc("x\ny\n", LABELS);
    write_text("voc/Annotations/y.xml", LABELS);
    RUN("eval", "-m", MODEL, SMALL, "voc");
    assert_refused(1, "voc: not one of its pictures is there", "--images");
    mkdir("voc/JPEGImages", 0777);
    copy_file(SMEAR1, "voc/JPEGImages/x.jpg");
    RUN("eval", "-m", MODEL, SMALL, "--json", "boxes.json", "voc");
    assert_refused(1, "y: the picture is not there", "count as missed");
    assert_contains(ran.out, "2 pictures, 1 of them missing\n");
    char *json = read_whole("boxes.json", NULL);
    assert_near(number_of(json, "missing"), 1, 0, "missing");
    assert_near(number_of(json, "failed"), 0, 0, "failed");
    assert_near(number_of(json, "objects"), 2, 0, "objects");
    free(json);
}

static void hostile_annotations_are_refused(void **state)
{
    (void)state;
#define IMAGES     "\"images\":[{\"id\":1,\"file_name\":\"a.jpg\"}]"
#define CATEGORIES "\"categories\":[{\"id\":1,\"name\":\"a\"}]"
    static const struct {
        const char *annotations, *reason;
    } cases[] = {
        {"", "line"},
        {"[]", "COCO"},
        {"{\"images\":[],\"categories\":[],\"annotations\":[]}", "no image"},
        {"{" IMAGES ",\"categories\":[],\"annotations\":[]}", "no category"},
        {"{\"images\":[{\"id\":1.5}]," CATEGORIES ",\"annotations\":[]}", "image 1"},
        {"{\"images\":[{\"id\":99999999999999999999}]," CATEGORIES ",\"annotations\":[]}", "too big integer"},
        {"{" IMAGES ",\"categories\":[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"a\"}],\"annotations\":[]}",
         "two categories"},
        {"{" IMAGES "," CATEGORIES ",\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3]}]}", "bbox"},
        {"{" IMAGES "," CATEGORIES ",\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,1e300]}]}",
         "bbox"},
        {"{" IMAGES "," CATEGORIES ",\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,-3,4]}]}",
         "bbox"},
        {"{" IMAGES "," CATEGORIES ",\"annotations\":[{\"image_id\":\"1\",\"category_id\":1}]}", "image_id"},
        {"{" IMAGES "," CATEGORIES ",\"annotations\":[1e999]}", "line"},
    };
    write_text("none.jsonl", "");
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        write_text("instances.json", cases[index].annotations);
        RUN("eval", "--protocol", "coco", "--results", "none.jsonl", "instances.json");
        assert_refused(1, "instances.json", cases[index].reason);
    }
    char *text = malloc(300001);
    memset(text, '[', 300000);
    text[300000] = 0;
    write_text("instances.json", text);
    free(text);
    RUN("eval", "--results", "none.jsonl", "instances.json");
    assert_refused(1, "instances.json", "maximum parsing depth");
}

static void wrong_results_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *results, *reason;
    } cases[] = {
        {"{\"images\":[{\"file\":\"a.jpg\"}]}", "picture 1"},
        {"{\"file\":\"a.jpg\",\"detections\":[{\"class\":\"RBC\",\"score\":1,\"box\":[1,2,3,\"4\"]}]}\n{}\n",
         "detection 1"},
        {"{\"file\":\"a.jpg\",\"detections\":[]}\n{\"file\":\"b.jpg\",\"det\n", "line 2"},
        {"[{\"image_id\":1,\"category_id\":1,\"score\":null,\"bbox\":[1,2,3,4]}]", "result 1"},
        {"no", "line 1"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        write_text("results.json", cases[index].results);
        RUN("eval", "--results", "results.json", VOC);
        assert_refused(1, "results.json", cases[index].reason);
    }
    RUN("eval");
    assert_refused(2, "eval", "dataset");
    RUN("eval", "--protocol", "voc", VOC);
    assert_refused(2, "--protocol voc", "coco");
}

static void anchors_are_a_line_that_anchors_reads(void **state)
{
    (void)state;
    RUN("anchors", "--set", "test", "-o", "anchors.txt", VOC);
    assert_int_equal(ran.code, 0);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "boxes in 4 pictures, input 416x416: mean IoU 0.");
    uint64_t size;
    char *line = read_whole("anchors.txt", &size);
    assert_int_equal(count_of(line, ","), 17);
    RUN("anchors", "--set", "test", "-q", VOC); /* the same again */
    assert_done();
    assert_string_equal(ran.out, line);
    free(line);
    RUN("anchors", "--set", "test", "-q", "--seed", "2", "--size", "96x64", COCO "plain.instances.json");
    assert_done();
    assert_int_equal(count_of(ran.out, ","), 17);
    RUN("eval", "-m", MODEL, SMALL, "--anchors", "anchors.txt", VOC);
    assert_done();
    RUN("anchors", VOC);
    assert_refused(1, "it has no set \"trainval\"", "--set takes test");
    RUN("anchors");
    assert_refused(2, "anchors", "dataset");
    RUN("anchors", "--set", "test", "--seed", "0", VOC);
    assert_refused(2, "--seed 0", "");
    RUN("anchors", "--set", "test", "-o", COCO "plain.instances.json", COCO "plain.instances.json");
    assert_int_equal(ran.code, 2);
    write_text("instances.json", "{\"images\":[{\"id\":1,\"file_name\":\"a.jpg\",\"width\":9,\"height\":9}],"
                                 "\"categories\":[{\"id\":1,\"name\":\"a\"}],\"annotations\":["
                                 "{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,0,3]},"
                                 "{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,2,3]}]}");
    RUN("anchors", "-q", "instances.json");
    assert_refused(1, "instances.json", "fewer than 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(coco_numbers_are_those_of_pycocotools),
        TEST(family_numbers_are_those_of_its_formulas),
        TEST(a_model_is_evaluated),
        TEST(a_report_is_one_page_of_xml),
        TEST(hostile_labels_are_refused),
        TEST(a_set_or_folder_that_is_none_is_told_what_there_is),
        TEST(a_picture_that_is_not_there_is_counted_and_its_objects_are_missed),
        TEST(hostile_annotations_are_refused),
        TEST(wrong_results_are_refused),
        TEST(anchors_are_a_line_that_anchors_reads),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
