/* Classes, anchors and metadata: the caller's win over the file's, and malformed ones are refused by key. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opening.h"

static void the_callers_classes_and_anchors_win_over_the_metadata(void **state)
{
    (void)state;
    static const char *const classes[] = {"cat", "d\xc3\xb6g\r", ""};
    struct recorder recorder = {0};
    struct image plain = make_image(NETWORK_DETECTOR, 0.1, 3);
    struct image image = with_metadata(
        &plain, "\"classes\":\"one\\ntwo\",\"anchors\":\"none\",\"input_size\":\"608x320\",\"letterbox\":\"false\","
                "\"confidence\":\"0.25\",\"iou\":\"1\",\"kind\":\"detector\",\"format\":\"pt\"");
    float anchors[2 * GVK_ANCHORS];
    for (uint32_t i = 0; i < 2 * GVK_ANCHORS; i++)
        anchors[i] = (float)i + 0.5f;
    gvk_network *network =
        open_with(&recorder, &image, (gvk_network_params){.classes = classes, .class_count = 3, .anchors = anchors});
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    assert_string_equal(info.classes[0], "cat");
    assert_string_equal(info.classes[1], "d\xc3\xb6g");
    assert_string_equal(info.classes[2], "");
    assert_memory_equal(info.anchors, anchors, sizeof anchors);
    assert_int_equal(info.input_width, 608);
    assert_int_equal(info.input_height, 320);
    assert_int_equal(info.letterbox, 0);
    assert_float_equal(info.confidence, 0.25f, 0);
    assert_float_equal(info.iou, 1.0f, 0);
    close_good(&recorder, network);

    refuse_with(&image, (gvk_network_params){.classes = classes, .class_count = 3}, GVK_ERROR_FORMAT, "\"anchors\"");
    anchors[17] = 0;
    refuse_with(&image, (gvk_network_params){.classes = classes, .class_count = 3, .anchors = anchors},
                GVK_ERROR_ARGUMENT, "anchor");
    anchors[17] = INFINITY;
    refuse_with(&image, (gvk_network_params){.classes = classes, .class_count = 3, .anchors = anchors},
                GVK_ERROR_ARGUMENT, "anchor");
    free(image.bytes);
    free(plain.bytes);
}

static void a_list_of_classes_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "b", "c", "d", "e"}, *const hole[] = {"a", "b", NULL, "d"},
                             *const broken[] = {"a", "b", "\xc3(", "d"}, *const control[] = {"a", "b\tb", "c", "d"};
    struct image image = make_image(NETWORK_CLASSIFIER, 0.1, 4);
    refuse_with(&image, (gvk_network_params){.classes = good, .class_count = 5}, GVK_ERROR_MISMATCH,
                "The model has 4 classes, but the list names 5.");
    refuse_with(&image, (gvk_network_params){.classes = good}, GVK_ERROR_MISMATCH, "the list names 0.");
    refuse_with(&image, (gvk_network_params){.class_count = 2}, GVK_ERROR_MISMATCH, "the list names 2.");
    refuse_with(&image, (gvk_network_params){.classes = hole, .class_count = 4}, GVK_ERROR_ARGUMENT, "class 2");
    refuse_with(&image, (gvk_network_params){.classes = broken, .class_count = 4}, GVK_ERROR_ARGUMENT,
                "class 2, \"?(\", is not valid UTF-8");
    refuse_with(&image, (gvk_network_params){.classes = control, .class_count = 4}, GVK_ERROR_ARGUMENT,
                "class 1, \"b?b\", holds a control character");
    free(image.bytes);
    image = make_image(NETWORK_CLASSIFIER, 0.1, 1);
    refuse_with(&image, (gvk_network_params){.classes = good, .class_count = 2}, GVK_ERROR_MISMATCH,
                "The model has 1 class, but the list names 2.");
    free(image.bytes);
}

#define ANCHORS_OF_17 "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"

static void malformed_metadata_are_refused_by_key(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        gvk_result result;
        const char *words;
    } cases[] = {
        {"\"kind\":\"segmenter\"", GVK_ERROR_FORMAT,
         "\"kind\" as \"segmenter\", but it must be detector or classifier"},
        {"\"kind\":\"\"", GVK_ERROR_FORMAT, "\"kind\""},
        {"\"kind\":\"classifier\"", GVK_ERROR_MISMATCH,
         "call it a classifier, but it has no tensor \"conv_stem.weight\""},
        {"\"classes\":\"a\\nb\"", GVK_ERROR_MISMATCH,
         "has 3 classes, but the \"classes\" of the file's metadata name 2"},
        {"\"classes\":\"a\\nb\\nc\\nd\"", GVK_ERROR_MISMATCH, "name 4."},
        {"\"classes\":\"\"", GVK_ERROR_MISMATCH, "name 0."},
        {"\"classes\":\"a\\nb\\u0007\\nc\"", GVK_ERROR_FORMAT, "class 1, \"b?\", holds a control character"},
        {"\"classes\":\"a\\nb\\u0085\\nc\"", GVK_ERROR_FORMAT, "class 1"},
        {"\"anchors\":\"1,2\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 "\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",18,19\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",18,\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",0\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",-1\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",nan\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",inf\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",1e39\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",1e999999999999\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",1e-99\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",.\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"anchors\":\"" ANCHORS_OF_17 ",1e\"", GVK_ERROR_FORMAT, "\"anchors\""},
        {"\"input_size\":\"416\"", GVK_ERROR_FORMAT, "\"input_size\" as \"416\", but it must be WIDTHxHEIGHT"},
        {"\"input_size\":\"416x\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"416x416 \"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"416X416\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"400x416\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"0x416\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"-416x416\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"65536x416\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"input_size\":\"4294967712x416\"", GVK_ERROR_FORMAT, "\"input_size\""},
        {"\"letterbox\":\"True\"", GVK_ERROR_FORMAT, "\"letterbox\" as \"True\", but it must be true or false"},
        {"\"letterbox\":\"\"", GVK_ERROR_FORMAT, "\"letterbox\""},
        {"\"confidence\":\"1.01\"", GVK_ERROR_FORMAT, "\"confidence\""},
        {"\"confidence\":\"-0.1\"", GVK_ERROR_FORMAT, "\"confidence\""},
        {"\"confidence\":\"0,5\"", GVK_ERROR_FORMAT, "\"confidence\""},
        {"\"iou\":\"nan\"", GVK_ERROR_FORMAT, "\"iou\""},
        {"\"iou\":\"0.3f\"", GVK_ERROR_FORMAT, "\"iou\""},
        {"\"iou\":\"\"", GVK_ERROR_FORMAT, "\"iou\""},
    };
    struct tensor_list list = list_tensors(NETWORK_DETECTOR, 0.1, 3);
    keep_stem_and_heads(&list);
    struct image plain = make_image_of(&list);
    release_tensor_list(&list);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image image = with_metadata(&plain, cases[i].json);
        refuse(&image, cases[i].result, cases[i].words);
        free(image.bytes);
    }
    free(plain.bytes);
}

/* A name is printed with each of its boxes. */
static void names_of_classes_have_a_bound(void **state)
{
    (void)state;
    enum { BOUND = 1024 };
    struct image plain = make_image(NETWORK_CLASSIFIER, 0.1, 2);
    for (size_t extra = 0; extra < 2; extra++) {
        char json[BOUND + 64], name[BOUND + 2] = {0};
        memset(name, 'a', BOUND + extra);
        snprintf(json, sizeof json, "\"classes\":\"b\\n%s\"", name);
        struct image image = with_metadata(&plain, json);
        const char *classes[] = {name, "b"};
        if (extra) {
            refuse(&image, GVK_ERROR_FORMAT, "is longer than 1024 bytes");
            refuse_with(&plain, (gvk_network_params){.classes = classes, .class_count = 2}, GVK_ERROR_ARGUMENT,
                        "is longer than 1024 bytes");
        } else {
            struct recorder recorder = {0};
            close_good(&recorder, open_good(&recorder, &image));
        }
        free(image.bytes);
    }
    free(plain.bytes);
}

static void numbers_in_metadata_are_read_to_the_last_bit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        float value;
    } cases[] = {{"0.1", 0.1f},    {"0.30000001192092896", 0.3f},
                 {"1e-05", 1e-5f}, {"5E-1", 0.5f},
                 {".25", 0.25f},   {"1.", 1.0f},
                 {"+0.7", 0.7f},   {"0.0010", 0.001f},
                 {"-0", 0.0f},     {"0e400", 0.0f},
                 {"1e+0", 1.0f},   {"0.333333333333333333333333", 0.333333333333f},
                 {"1e-999", 0.0f}};
    struct image plain = make_image(NETWORK_CLASSIFIER, 0.1, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[96];
        snprintf(json, sizeof json, "\"classes\":\"a\\r\\nb\\r\\n\",\"confidence\":\"%s\"", cases[i].text);
        struct image image = with_metadata(&plain, json);
        struct recorder recorder = {0};
        gvk_network *network = open_good(&recorder, &image);
        gvk_network_info info = {.size = sizeof info};
        gvk_network_describe(network, &info);
        if (info.confidence < cases[i].value || info.confidence > cases[i].value)
            fail_msg("%s was read as %.9g", cases[i].text, (double)info.confidence);
        assert_string_equal(info.classes[0], "a");
        assert_string_equal(info.classes[1], "b");
        close_good(&recorder, network);
        free(image.bytes);
    }
    free(plain.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_callers_classes_and_anchors_win_over_the_metadata),
        cmocka_unit_test(a_list_of_classes_that_does_not_fit_is_refused),
        cmocka_unit_test(malformed_metadata_are_refused_by_key),
        cmocka_unit_test(names_of_classes_have_a_bound),
        cmocka_unit_test(numbers_in_metadata_are_read_to_the_last_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
