/* Detectors of whole networks: thresholds, and calls that are refused. */
#include "maps.h"

#include <math.h>
#include <stdlib.h>

#include "tests/filler/checkpoint_maker.h"

static gvk_network *open_network(enum network_kind kind, uint32_t classes)
{
    return open_filled_network(&(struct network_shape){.kind = kind, .width = 0.5, .class_count = classes});
}

static gvk_detector_params detector_params(float confidence, float iou)
{
    static const gvk_stream_params stream = {.size = sizeof stream, .width = 64, .height = 64};
    return (gvk_detector_params){
        .size = sizeof(gvk_detector_params), .stream = &stream, .confidence = confidence, .iou = iou};
}

static gvk_detection *detect(gvk_model *model, const gvk_network *network, float confidence, float iou,
                             uint32_t *candidates, uint32_t *count)
{
    gvk_detector_params params = detector_params(confidence, iou);
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create(model, network, &params, &stream));
    static uint8_t pixels[64 * 64 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i * 7 + i / 192 * 5);
    gvk_picture picture = {.size = sizeof picture, .width = 64, .height = 64, .pixels = pixels};
    gvk_ticket ticket = submit(stream, &picture, 1);
    gvk_detection *found = copy_detections(stream, ticket, count);
    *candidates = candidates_of(stream, ticket);
    gvk_stream_destroy(stream);
    return found;
}

static bool overlap(const gvk_detection *left, const gvk_detection *right)
{
    double size[2];
    for (int i = 0; i < 2; i++)
        size[i] = fmin((double)left->box[2 + i], (double)right->box[2 + i]) -
                  fmax((double)left->box[i], (double)right->box[i]);
    return size[0] > 1e-3 && size[1] > 1e-3;
}

static void a_threshold_of_0_is_the_default_and_a_negative_one_is_zero(void **state)
{
    (void)state;
    gvk_network *network = open_network(NETWORK_DETECTOR, 3);
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    uint32_t all = 3 * (2 * 2 + 4 * 4 + 8 * 8), candidates, count, other_candidates, other_count;
    gvk_detection *found = detect(model, network, 0, 0, &candidates, &count);
    gvk_detection *other = detect(model, network, info.confidence, info.iou, &other_candidates, &other_count);
    assert_int_equal(candidates, other_candidates);
    assert_int_equal(count, other_count);
    assert_memory_equal(found, other, count * sizeof *found);
    if (!candidates || candidates >= all)
        fail_msg("the default confidence %.3g lets %u of %u candidates pass, which proves nothing",
                 (double)info.confidence, candidates, all);
    free(found);
    free(other);

    found = detect(model, network, -1, -1, &candidates, &count);
    assert_int_equal(candidates, all);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (found[i].class_id == found[j].class_id && overlap(&found[i], &found[j]))
                fail_msg("detections %u and %u of %u overlap at an IoU threshold of zero", i, j, count);
    free(found);
    /* At 1 nothing is suppressed. */
    found = detect(model, network, -0.001f, 1, &candidates, &other_count);
    assert_int_equal(candidates, all);
    assert_int_equal(other_count, all);
    assert_true(count < all);
    free(found);
    gvk_model_destroy(model);
    gvk_network_destroy(network);
}

static void a_detector_refuses_what_is_none(void **state)
{
    (void)state;
    gvk_network *network = open_network(NETWORK_DETECTOR, 3);
    gvk_network *other = open_network(NETWORK_DETECTOR, 4);
    gvk_network *classifier = open_network(NETWORK_CLASSIFIER, 3);
    gvk_model *model = NULL, *classifier_model = NULL;
    assert_ok(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
    assert_ok(gvk_model_create(device, gvk_network_graph(classifier), NULL, &classifier_model));
    gvk_stream *stream = NULL;
    static const float wrong[] = {1.5f, NAN, INFINITY};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        gvk_detector_params params = detector_params(wrong[i], 0);
        assert_int_equal(gvk_detector_create(model, network, &params, &stream), GVK_ERROR_ARGUMENT);
        params = detector_params(0, wrong[i]);
        assert_int_equal(gvk_detector_create(model, network, &params, &stream), GVK_ERROR_ARGUMENT);
    }
    gvk_detector_params params = detector_params(0, 0);
    assert_int_equal(gvk_detector_create(NULL, network, &params, &stream), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_create(model, NULL, &params, &stream), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_create(model, network, &params, NULL), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_create(model, other, &params, &stream), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_create(model, classifier, &params, &stream), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_create(classifier_model, network, &params, &stream), GVK_ERROR_ARGUMENT);
    assert_null(stream);

    /* Detections are read from a detector alone, and after it is done. */
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    gvk_stream_params plain = {.size = sizeof plain, .width = 64, .height = 64};
    assert_ok(gvk_stream_create(model, &plain, &stream));
    assert_int_equal(gvk_detector_read(stream, 1, &found, sizeof(gvk_detection), &count), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_read(NULL, 1, &found, sizeof(gvk_detection), &count), GVK_ERROR_ARGUMENT);
    gvk_stream_destroy(stream);
    assert_ok(gvk_detector_create(model, network, &params, &stream));
    assert_int_equal(gvk_detector_read(stream, 1, &found, sizeof(gvk_detection), &count), GVK_ERROR_ARGUMENT);
    static const uint8_t pixels[3];
    gvk_picture picture = {.size = sizeof picture, .width = 1, .height = 1, .pixels = pixels};
    gvk_ticket ticket = submit(stream, &picture, 1);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_int_equal(gvk_detector_read(stream, ticket, NULL, sizeof(gvk_detection), &count), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), NULL), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_read(stream, ticket + 1, &found, sizeof(gvk_detection), &count), GVK_ERROR_ARGUMENT);
    assert_ok(gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), &count));
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_model_destroy(classifier_model);
    gvk_network_destroy(network);
    gvk_network_destroy(other);
    gvk_network_destroy(classifier);
}

int run_detector_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_threshold_of_0_is_the_default_and_a_negative_one_is_zero),
        cmocka_unit_test(a_detector_refuses_what_is_none),
    };
    return cmocka_run_group_tests_name("detectors", tests, NULL, NULL);
}
