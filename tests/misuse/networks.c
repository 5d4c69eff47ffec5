/* Wrong calls about checkpoints, networks and detectors. */
#include "misuse.h"

#include <ghostvk/checkpoint.h>

#include <math.h>
#include <string.h>

#define MODEL GVK_MODEL_DIR "/blood-cells.safetensors" /* of three classes */

static const char rubbish[64] = "neither a checkpoint nor anything else that is known";
static const char *const three_names[] = {"one", "two", "three"};
static const char *const missing_name[] = {"one", NULL, "three"};
static const float no_anchors[2 * GVK_ANCHORS];

static const struct {
    const char *name;
    gvk_network_params params;
    gvk_result expected;
} wrong_networks[] = {
    {"neither path nor bytes", {.path = NULL}, GVK_ERROR_ARGUMENT},
    {"both path and bytes", {.path = MODEL, .bytes = rubbish, .byte_count = sizeof rubbish}, GVK_ERROR_ARGUMENT},
    {"a path of nothing", {.path = ""}, GVK_ERROR_FILE},
    {"a path to nothing", {.path = "/no/such/file"}, GVK_ERROR_FILE},
    {"no bytes", {.bytes = rubbish}, GVK_ERROR_FORMAT},
    {"one byte", {.bytes = rubbish, .byte_count = 1}, GVK_ERROR_FORMAT},
    {"rubbish", {.bytes = rubbish, .byte_count = sizeof rubbish}, GVK_ERROR_FORMAT},
    {"too few classes", {.path = MODEL, .classes = three_names, .class_count = 2}, GVK_ERROR_MISMATCH},
    {"no classes", {.path = MODEL, .classes = three_names}, GVK_ERROR_MISMATCH},
    {"classes without end", {.path = MODEL, .classes = three_names, .class_count = UINT32_MAX}, GVK_ERROR_MISMATCH},
    {"a count of classes alone", {.path = MODEL, .class_count = UINT32_MAX}, GVK_ERROR_MISMATCH},
    {"a class without a name", {.path = MODEL, .classes = missing_name, .class_count = 3}, GVK_ERROR_ARGUMENT},
    {"anchors of no size", {.path = MODEL, .anchors = no_anchors}, GVK_ERROR_ARGUMENT},
    {"weights that are not there", {.path = MODEL, .weights = "no such set"}, GVK_ERROR_FORMAT},
};

static void opening(void **state)
{
    (void)state;
    gvk_network *network = NULL;
    const gvk_network_params right = {.size = sizeof right, .path = MODEL};
    REFUSED_IN_SILENCE(gvk_network_open(NULL, NULL, NULL));
    REFUSED(gvk_network_open(&counting_host, NULL, &network));
    REFUSED(gvk_network_open(&counting_host, &right, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_networks); i++)
        LINE_ENDS_AS(wrong_networks[i].name, gvk_network_open(&counting_host, &wrong_networks[i].params, &network),
                     wrong_networks[i].expected);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_network_params params = right;
        gvk_host host = counting_host;
        params.size = host.size = impossible_sizes[i];
        REFUSED(gvk_network_open(&counting_host, &params, &network));
        REFUSED(gvk_network_open(&host, &right, &network));
        REFUSED(gvk_network_generate(&host, 2, &network));
    }
    REFUSED(gvk_network_generate_named(&counting_host, "no such network", 2, &network));
    REFUSED(gvk_network_generate_named(&counting_host, "", 2, &network));
    for (uint32_t i = 0; gvk_network_name(i); i++) {
        LINE_REFUSED(gvk_network_name(i), gvk_network_generate_named(&counting_host, gvk_network_name(i), 0, &network));
        LINE_REFUSED(gvk_network_name(i),
                     gvk_network_generate_named(&counting_host, gvk_network_name(i), UINT32_MAX, &network));
        LINE_REFUSED(gvk_network_name(i), gvk_network_generate_named(&counting_host, gvk_network_name(i), 2, NULL));
    }
    assert_null(gvk_network_name(UINT32_MAX));
    REFUSED_IN_SILENCE(gvk_network_generate(NULL, 0, NULL));
    REFUSED(gvk_network_generate(&counting_host, 2, NULL));
    REFUSED(gvk_network_generate(&counting_host, 0, &network));
    REFUSED(gvk_network_generate(&counting_host, 21841, &network));
    REFUSED(gvk_network_generate(&counting_host, UINT32_MAX, &network));
    assert_null(network);
    gvk_network_destroy(NULL);
}

static const struct {
    const char *name;
    gvk_checkpoint_params params;
    gvk_result expected;
} wrong_checkpoints[] = {
    {"neither path nor bytes", {.path = NULL}, GVK_ERROR_ARGUMENT},
    {"both path and bytes", {.path = MODEL, .bytes = rubbish, .byte_count = sizeof rubbish}, GVK_ERROR_ARGUMENT},
    {"weights without a name", {.path = MODEL, .weights = ""}, GVK_ERROR_ARGUMENT},
    {"a path to nothing", {.path = "/no/such/file"}, GVK_ERROR_FILE},
    {"no bytes", {.bytes = rubbish}, GVK_ERROR_FORMAT},
    {"rubbish", {.bytes = rubbish, .byte_count = sizeof rubbish}, GVK_ERROR_FORMAT},
};

static void checkpoints(void **state)
{
    (void)state;
    gvk_checkpoint *checkpoint = NULL;
    gvk_array array = {.rank = 77};
    const gvk_checkpoint_params right = {.size = sizeof right, .path = MODEL};
    REFUSED_IN_SILENCE(gvk_checkpoint_open(NULL, NULL, NULL));
    REFUSED(gvk_checkpoint_open(&counting_host, NULL, &checkpoint));
    REFUSED(gvk_checkpoint_open(&counting_host, &right, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_checkpoints); i++)
        LINE_ENDS_AS(wrong_checkpoints[i].name,
                     gvk_checkpoint_open(&counting_host, &wrong_checkpoints[i].params, &checkpoint),
                     wrong_checkpoints[i].expected);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_checkpoint_params params = right;
        params.size = impossible_sizes[i];
        REFUSED(gvk_checkpoint_open(&counting_host, &params, &checkpoint));
    }
    assert_null(checkpoint);
    REFUSED_IN_SILENCE(gvk_checkpoint_find_weight(NULL, "a", &array));
    assert_null(gvk_checkpoint_tensor_name(NULL, 0, &array));
    assert_null(gvk_checkpoint_metadata(NULL, "classes"));
    assert_null(gvk_checkpoint_format(NULL));
    assert_string_equal(gvk_checkpoint_origin(NULL), "");
    assert_ok(gvk_checkpoint_open(&counting_host, &right, &checkpoint));
    REFUSED_IN_SILENCE(gvk_checkpoint_find_weight(checkpoint, NULL, &array));
    REFUSED_IN_SILENCE(gvk_checkpoint_find_weight(checkpoint, "a", NULL));
    assert_int_equal(gvk_checkpoint_find_weight(checkpoint, "no such tensor", &array), GVK_ERROR_MISMATCH);
    assert_null(gvk_checkpoint_tensor_name(checkpoint, UINT32_MAX, &array));
    assert_null(gvk_checkpoint_metadata(checkpoint, NULL));
    assert_int_equal(array.rank, 77);
    gvk_checkpoint_destroy(checkpoint);
    gvk_checkpoint_destroy(NULL);
}

static void describing(void **state)
{
    (void)state;
    gvk_network_info info = {.size = sizeof info, .class_count = 7};
    gvk_network_describe(NULL, &info);
    assert_true(info.size == sizeof info && info.class_count == 0 && !info.classes);
    gvk_network_describe(objects.network, NULL);
    gvk_network_describe(NULL, NULL);
    assert_null(gvk_network_graph(NULL));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_network_info pair[2];
        memset(pair, 0x77, sizeof pair);
        pair[0].size = impossible_sizes[i];
        gvk_network_describe(objects.network, &pair[0]);
        assert_int_equal(pair[0].size, impossible_sizes[i]);
        assert_int_equal(pair[1].class_count, 0x77777777);
    }
}

static const gvk_stream_params no_height = {.width = 64};
static const gvk_stream_params too_large = {.width = 65536, .height = 65536};
static const gvk_stream_params no_stride = {.width = 65, .height = 64}; /* its maps do not fit together */
static const gvk_stream_params endless_batch = {.width = 64, .height = 64, .batch = UINT32_MAX};
static const gvk_stream_params many_frames = {.width = 64, .height = 64, .frames = 9};
static const gvk_stream_params one_byte = {.size = 1, .width = 64, .height = 64};
static const gvk_stream_params right_stream = {.size = sizeof right_stream, .width = 64, .height = 64};

static const struct {
    const char *name;
    gvk_detector_params params;
} wrong_detectors[] = {
    {"a confidence above one", {.stream = &right_stream, .confidence = 1.5f}},
    {"a confidence without end", {.stream = &right_stream, .confidence = INFINITY}},
    {"a confidence that is no number", {.stream = &right_stream, .confidence = NAN}},
    {"an IoU above one", {.stream = &right_stream, .iou = 2}},
    {"an IoU without end", {.stream = &right_stream, .iou = INFINITY}},
    {"an IoU that is no number", {.stream = &right_stream, .iou = NAN}},
    {"boxes that are neither clipped nor unclipped", {.stream = &right_stream, .unclipped = 2}},
    {"boxes unclipped without end", {.stream = &right_stream, .unclipped = UINT32_MAX}},
    {"a stream without a height", {.stream = &no_height}},
    {"a stream that is too large", {.stream = &too_large}},
    {"a stream whose maps do not fit", {.stream = &no_stride}},
    {"a batch without end", {.stream = &endless_batch}},
    {"too many frames", {.stream = &many_frames}},
    {"a stream's size of one byte", {.stream = &one_byte}},
};

static void detectors(void **state)
{
    (void)state;
    gvk_stream *stream = NULL;
    gvk_model *model = objects.network_model;
    const gvk_detector_params right = {.size = sizeof right, .stream = &right_stream};
    REFUSED_IN_SILENCE(gvk_detector_create(NULL, objects.network, &right, &stream));
    REFUSED_IN_SILENCE(gvk_detector_create(NULL, NULL, NULL, NULL));
    REFUSED(gvk_detector_create(model, NULL, &right, &stream));
    REFUSED(gvk_detector_create(model, objects.network, &right, NULL));
    REFUSED(gvk_detector_create(objects.model, objects.network, &right, &stream)); /* of another graph */
    for (size_t i = 0; i < ARRAY_COUNT(wrong_detectors); i++)
        LINE_REFUSED(wrong_detectors[i].name,
                     gvk_detector_create(model, objects.network, &wrong_detectors[i].params, &stream));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_detector_params params = right;
        params.size = impossible_sizes[i];
        REFUSED(gvk_detector_create(model, objects.network, &params, &stream));
    }
    assert_null(stream);
}

#define ANCHORS                                                                                                        \
    {                                                                                                                  \
        8, 8, 16, 16, 32, 32                                                                                           \
    }

static const gvk_detector_map right_map = {.size = sizeof right_map, .output = "stride8", .anchors = ANCHORS};
static const gvk_detector_map unnamed_map = {.anchors = ANCHORS};
static const gvk_detector_map absent_map = {.output = "no such output", .anchors = ANCHORS};
static const gvk_detector_map other_stride = {.output = "stride8", .stride = 7, .anchors = ANCHORS};
static const gvk_detector_map flat_anchors = {.output = "stride8", .anchors = {8, 8, 0, 16, 32, 32}};
static const gvk_detector_map endless_anchors = {.output = "stride8", .anchors = {8, 8, 16, 16, 32, INFINITY}};
static const gvk_detector_map unknown_anchors = {.output = "stride8", .anchors = {8, NAN, 16, 16, 32, 32}};
static const gvk_detector_map small_map = {.size = 1, .output = "stride8", .anchors = ANCHORS};
static const gvk_detector_map large_map = {.size = 4096, .output = "stride8", .anchors = ANCHORS};

static const struct {
    const char *name;
    gvk_detector_heads heads;
} wrong_heads[] = {
    {"nothing", {.class_count = 0}},
    {"no maps", {.map_count = 1, .class_count = 2}},
    {"none of the maps", {.maps = &right_map, .class_count = 2}},
    {"too many maps", {.maps = &right_map, .map_count = GVK_DETECTOR_MAPS + 1, .class_count = 2}},
    {"maps without end", {.maps = &right_map, .map_count = UINT32_MAX, .class_count = 2}},
    {"no classes", {.maps = &right_map, .map_count = 1}},
    {"other classes than the graph has", {.maps = &right_map, .map_count = 1, .class_count = 3}},
    {"classes without end", {.maps = &right_map, .map_count = 1, .class_count = UINT32_MAX}},
    {"elements of one byte", {.maps = &right_map, .map_size = 1, .map_count = 1, .class_count = 2}},
    {"elements without end", {.maps = &right_map, .map_size = SIZE_MAX, .map_count = 1, .class_count = 2}},
    {"a map without an output", {.maps = &unnamed_map, .map_count = 1, .class_count = 2}},
    {"a map of no output that there is", {.maps = &absent_map, .map_count = 1, .class_count = 2}},
    {"a map of another stride", {.maps = &other_stride, .map_count = 1, .class_count = 2}},
    {"an anchor without a width", {.maps = &flat_anchors, .map_count = 1, .class_count = 2}},
    {"an anchor without end", {.maps = &endless_anchors, .map_count = 1, .class_count = 2}},
    {"an anchor that is no number", {.maps = &unknown_anchors, .map_count = 1, .class_count = 2}},
    {"a map's size of one byte", {.maps = &small_map, .map_count = 1, .class_count = 2}},
    {"a map longer than the array's elements", {.maps = &large_map, .map_count = 1, .class_count = 2}},
};

static void detectors_of_any_graph(void **state)
{
    (void)state;
    gvk_stream *stream = NULL;
    gvk_model *model = objects.network_model;
    const gvk_detector_params params = {.size = sizeof params, .stream = &right_stream};
    const gvk_detector_params no_size = {.size = sizeof no_size};
    const gvk_detector_heads right = {.size = sizeof right, .maps = &right_map, .map_count = 1, .class_count = 2};
    REFUSED_IN_SILENCE(gvk_detector_create_for(NULL, &right, &params, &stream));
    REFUSED_IN_SILENCE(gvk_detector_create_for(NULL, NULL, NULL, NULL));
    REFUSED(gvk_detector_create_for(model, NULL, &params, &stream));
    REFUSED(gvk_detector_create_for(model, &right, NULL, &stream)); /* of no size */
    REFUSED(gvk_detector_create_for(model, &right, &no_size, &stream));
    REFUSED(gvk_detector_create_for(model, &right, &params, NULL));
    REFUSED(gvk_detector_create_for(objects.model, &right, &params, &stream)); /* of another graph */
    for (size_t i = 0; i < ARRAY_COUNT(wrong_heads); i++)
        LINE_REFUSED(wrong_heads[i].name, gvk_detector_create_for(model, &wrong_heads[i].heads, &params, &stream));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_detectors); i++)
        LINE_REFUSED(wrong_detectors[i].name,
                     gvk_detector_create_for(model, &right, &wrong_detectors[i].params, &stream));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_detector_heads heads = right;
        heads.size = impossible_sizes[i];
        REFUSED(gvk_detector_create_for(model, &heads, &params, &stream));
    }
    assert_null(stream);
    assert_ok(gvk_detector_create_for(model, &right, &params, &stream));
    gvk_stream_destroy(stream);
}

static void boxes_that_cannot_be_read(void **state)
{
    (void)state;
    const gvk_detection *boxes = NULL;
    uint32_t count = 77;
    gvk_stream *detector = objects.detector;
    gvk_ticket ticket = objects.detector_ticket;
    REFUSED_IN_SILENCE(gvk_detector_read(NULL, ticket, &boxes, sizeof boxes[0], &count));
    REFUSED_IN_SILENCE(gvk_detector_read(NULL, 0, NULL, 0, NULL));
    REFUSED(gvk_detector_read(detector, ticket, NULL, sizeof boxes[0], &count));
    REFUSED(gvk_detector_read(detector, ticket, &boxes, sizeof boxes[0], NULL));
    REFUSED(gvk_detector_read(objects.stream, objects.ticket, &boxes, sizeof boxes[0], &count)); /* no detector */
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++)
        REFUSED(gvk_detector_read(detector, ticket, &boxes, impossible_sizes[i], &count));
    assert_null(boxes);
    assert_int_equal(count, 77);
}

int run_network_misuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(opening),
        cmocka_unit_test(describing),
        cmocka_unit_test(detectors),
        cmocka_unit_test(detectors_of_any_graph),
        cmocka_unit_test(boxes_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("misuse of networks and detectors", tests, NULL, NULL);
}
