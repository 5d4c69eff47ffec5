/* Wrong calls about what stays on the device: its handles, boxes, tensors, and its memory. */
#include "misuse.h"

#include <string.h>

#include <ghostvk/embedding.h>

static void handles(void **state)
{
    (void)state;
    gvk_device_handles handles = {.size = sizeof handles, .queue_family = 77};
    gvk_device_get_handles(NULL, &handles);
    assert_true(handles.size == sizeof handles && !handles.device && !handles.queue && !handles.queue_family);
    gvk_device_get_handles(objects.device, NULL);
    gvk_device_get_handles(NULL, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) { /* no more is written than there is */
        gvk_device_handles pair[2];
        memset(pair, 0x77, sizeof pair);
        pair[0].size = impossible_sizes[i];
        gvk_device_get_handles(objects.device, &pair[0]);
        assert_int_equal(pair[0].size, impossible_sizes[i]);
        assert_int_equal(pair[1].queue_family, 0x77777777);
    }
    gvk_device_get_handles(objects.device, &handles);
    assert_true(handles.get_instance_proc && handles.instance && handles.physical_device && handles.device &&
                handles.queue);
}

static void priorities(void **state)
{
    (void)state;
    gvk_device *device = NULL;
    gvk_device_params params = {.size = sizeof params, .host = &counting_host, .choice = GVK_DEVICE_CPU};
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        params.priority = (gvk_priority)unknown_values[i];
        REFUSED(gvk_device_open(&params, &device));
    }
    params.priority = (gvk_priority)(GVK_PRIORITY_HIGH + 1);
    REFUSED(gvk_device_open(&params, &device));
    params.priority = GVK_PRIORITY_NORMAL;
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        params.queue = (gvk_queue_kind)unknown_values[i];
        REFUSED(gvk_device_open(&params, &device));
    }
    params.queue = (gvk_queue_kind)(GVK_QUEUE_GRAPHICS + 1);
    REFUSED(gvk_device_open(&params, &device));
    assert_null(device);
}

static void boxes(void **state)
{
    (void)state;
    gvk_device_boxes boxes = {.size = sizeof boxes, .batch = 77};
    gvk_stream *detector = objects.detector;
    gvk_ticket ticket = objects.detector_ticket;
    REFUSED_IN_SILENCE(gvk_detector_boxes(NULL, ticket, &boxes));
    REFUSED_IN_SILENCE(gvk_detector_boxes(NULL, 0, NULL));
    REFUSED(gvk_detector_boxes(detector, ticket, NULL));
    REFUSED(gvk_detector_boxes(detector, 0, &boxes));
    REFUSED(gvk_detector_boxes(detector, ticket + 1, &boxes));
    REFUSED(gvk_detector_boxes(detector, UINT64_MAX, &boxes));
    REFUSED(gvk_detector_boxes(objects.stream, objects.ticket, &boxes)); /* no detector */
    assert_int_equal(boxes.batch, 77);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_device_boxes wrong = {.size = impossible_sizes[i], .batch = 77};
        REFUSED(gvk_detector_boxes(detector, ticket, &wrong));
        assert_int_equal(wrong.batch, 77);
    }
    assert_ok(gvk_detector_boxes(detector, ticket, &boxes));
    assert_int_equal(boxes.batch, 1);
}

static void tensors(void **state)
{
    (void)state;
    gvk_device_tensor tensor = {.size = sizeof tensor, .batch = 77};
    gvk_stream *stream = objects.stream;
    REFUSED_IN_SILENCE(gvk_stream_device_tensor(NULL, objects.ticket, "mix", &tensor));
    REFUSED_IN_SILENCE(gvk_stream_device_tensor(NULL, 0, NULL, NULL));
    REFUSED(gvk_stream_device_tensor(stream, objects.ticket, NULL, &tensor));
    REFUSED(gvk_stream_device_tensor(stream, objects.ticket, "mix", NULL));
    REFUSED(gvk_stream_device_tensor(stream, 0, "mix", &tensor));
    REFUSED(gvk_stream_device_tensor(stream, UINT64_MAX, "mix", &tensor));
    REFUSED(gvk_stream_device_tensor(stream, objects.ticket, "", &tensor));
    REFUSED(gvk_stream_device_tensor(stream, objects.ticket, "no such tensor", &tensor));
    REFUSED(gvk_stream_device_tensor(stream, objects.ticket, "input", &tensor)); /* not kept */
    REFUSED(gvk_stream_device_tensor(objects.detector, objects.detector_ticket, "stride8", &tensor));
    assert_int_equal(tensor.batch, 77);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_device_tensor wrong = {.size = impossible_sizes[i], .batch = 77};
        REFUSED(gvk_stream_device_tensor(stream, objects.ticket, "mix", &wrong));
        assert_int_equal(wrong.batch, 77);
    }
    assert_ok(gvk_stream_device_tensor(stream, objects.ticket, "mix", &tensor));
    assert_int_equal(tensor.batch, 1);
}

/* ---- memory ---- */

static const gvk_stream_params right_stream = {.size = sizeof right_stream, .width = SIDE, .height = SIDE};
static const gvk_stream_params large_stream = {.size = sizeof large_stream, .width = 64, .height = 64};
static const gvk_detector_params right_detector = {.size = sizeof right_detector, .stream = &large_stream};

static const struct {
    const char *name;
    gvk_stream_params params;
} wrong_streams[] = {
    {"no size", {.width = 0}},
    {"too wide", {.width = 65536, .height = SIDE}},
    {"both without end", {.width = UINT32_MAX, .height = UINT32_MAX}},
    {"a batch without end", {.width = SIDE, .height = SIDE, .batch = UINT32_MAX}},
    {"too many frames", {.width = SIDE, .height = SIDE, .frames = 9}},
    {"kept tensors without names", {.width = SIDE, .height = SIDE, .kept_count = 1}},
};

static const struct {
    const char *name;
    gvk_picture picture;
} wrong_pictures[] = {
    {"no width", {.height = 5}},
    {"too high", {.width = 5, .height = 65536}},
    {"a kind that there is not", {.kind = (gvk_picture_kind)99, .width = 5, .height = 5}},
    {"a format that there is not", {.format = (gvk_pixel_format)99, .width = 5, .height = 5}},
    {"a tensor of another size", {.kind = GVK_PICTURE_TENSOR, .width = SIDE + 1, .height = SIDE}},
    {"a size of one byte", {.size = 1, .width = 5, .height = 5}},
};

static void memory_of_models(void **state)
{
    (void)state;
    gvk_memory memory = {.size = sizeof memory, .peak_bytes = 77};
    gvk_device *device = objects.device;
    const gvk_graph *graph = objects.graph;
    REFUSED_IN_SILENCE(gvk_model_memory(NULL, graph, NULL, &right_stream, NULL, 0, &memory));
    REFUSED(gvk_model_memory(device, NULL, NULL, &right_stream, NULL, 0, &memory));
    REFUSED(gvk_model_memory(device, objects.unfinished, NULL, &right_stream, NULL, 0, &memory));
    REFUSED(gvk_model_memory(device, objects.failed, NULL, &right_stream, NULL, 0, &memory));
    REFUSED(gvk_model_memory(device, objects.without_weights, NULL, &right_stream, NULL, 0, &memory));
    REFUSED(gvk_model_memory(device, graph, NULL, NULL, NULL, 0, &memory));
    REFUSED(gvk_model_memory(device, graph, NULL, &right_stream, NULL, 0, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_streams); i++)
        LINE_REFUSED(wrong_streams[i].name,
                     gvk_model_memory(device, graph, NULL, &wrong_streams[i].params, NULL, 0, &memory));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_pictures); i++)
        LINE_REFUSED(wrong_pictures[i].name,
                     gvk_model_memory(device, graph, NULL, &right_stream, &wrong_pictures[i].picture,
                                      sizeof(gvk_picture), &memory));
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        gvk_model_params model = {.size = sizeof model, .precision = (gvk_precision)unknown_values[i]};
        REFUSED(gvk_model_memory(device, graph, &model, &right_stream, NULL, 0, &memory));
    }
    const gvk_picture picture = {.size = sizeof picture, .width = 5, .height = 5};
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_model_params model = {.size = impossible_sizes[i]};
        gvk_stream_params stream = right_stream;
        gvk_memory small = {.size = impossible_sizes[i]};
        stream.size = impossible_sizes[i];
        REFUSED(gvk_model_memory(device, graph, &model, &right_stream, NULL, 0, &memory));
        REFUSED(gvk_model_memory(device, graph, NULL, &stream, NULL, 0, &memory));
        REFUSED(gvk_model_memory(device, graph, NULL, &right_stream, &picture, impossible_sizes[i], &memory));
        REFUSED(gvk_model_memory(device, graph, NULL, &right_stream, NULL, 0, &small));
    }
    assert_int_equal(memory.peak_bytes, 77);
    assert_ok(gvk_model_memory(device, graph, NULL, &right_stream, &picture, sizeof picture, &memory));
    assert_true(memory.weight_bytes && memory.stream_bytes && memory.peak_bytes > 77);
}

static void memory_of_detectors(void **state)
{
    (void)state;
    static const gvk_detector_map map = {.output = "stride8", .anchors = {8, 8, 16, 16, 32, 32}};
    static const gvk_detector_map absent = {.output = "no such output", .anchors = {8, 8, 16, 16, 32, 32}};
    const gvk_detector_heads right = {.size = sizeof right, .maps = &map, .map_count = 1, .class_count = 2};
    gvk_detector_heads other = right, another = right;
    other.class_count = 3;
    another.maps = &absent;
    gvk_memory memory = {.size = sizeof memory, .peak_bytes = 77};
    gvk_device *device = objects.device;
    const gvk_graph *graph = gvk_network_graph(objects.network);
    const gvk_detector_params endless = {.size = sizeof endless, .stream = &large_stream, .iou = 2};
    REFUSED_IN_SILENCE(gvk_detector_memory(NULL, graph, NULL, &right, &right_detector, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, NULL, NULL, &right, &right_detector, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, objects.unfinished, NULL, &right, &right_detector, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, graph, NULL, NULL, &right_detector, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, graph, NULL, &other, &right_detector, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, graph, NULL, &another, &right_detector, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, graph, NULL, &right, NULL, NULL, 0, &memory)); /* of no size */
    REFUSED(gvk_detector_memory(device, graph, NULL, &right, &endless, NULL, 0, &memory));
    REFUSED(gvk_detector_memory(device, graph, NULL, &right, &right_detector, NULL, 0, NULL));
    REFUSED(gvk_detector_memory(device, objects.graph, NULL, &right, &right_detector, NULL, 0, &memory));
    REFUSED_IN_SILENCE(gvk_network_memory(NULL, objects.network, NULL, NULL, NULL, 0, &memory));
    REFUSED(gvk_network_memory(device, NULL, NULL, NULL, NULL, 0, &memory));
    REFUSED(gvk_network_memory(device, objects.network, NULL, NULL, NULL, 0, NULL));
    REFUSED(gvk_network_memory(device, objects.network, NULL, &endless, NULL, 0, &memory));
    assert_int_equal(memory.peak_bytes, 77);
    assert_ok(gvk_detector_memory(device, graph, NULL, &right, &right_detector, NULL, 0, &memory));
    assert_true(memory.weight_bytes && memory.stream_bytes && memory.peak_bytes > 77);
    assert_ok(gvk_network_memory(device, objects.network, NULL, NULL, NULL, 0, &memory)); /* at its own size */
}

int run_on_device_misuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles), cmocka_unit_test(priorities),       cmocka_unit_test(boxes),
        cmocka_unit_test(tensors), cmocka_unit_test(memory_of_models), cmocka_unit_test(memory_of_detectors),
    };
    return cmocka_run_group_tests_name("misuse of what stays on the device", tests, NULL, NULL);
}
