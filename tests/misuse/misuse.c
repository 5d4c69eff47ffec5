/* The objects of misuse.h, and the check of a call. */
#include "misuse.h"

#include <limits.h>
#include <string.h>

struct objects objects;
const int unknown_values[4] = {-99, 99, INT_MAX, INT_MIN};
const size_t impossible_sizes[5] = {1, sizeof(size_t), 15, 1 << 20, SIZE_MAX};

static unsigned checked_calls;

void forget_sentences(void)
{
    memset(counter.sentences, 0, sizeof counter.sentences);
    counter.last[0] = 0;
}

void check_call(gvk_result result, gvk_result expected, bool told, const char *call, const char *file, int line)
{
    checked_calls++;
    size_t length = strlen(counter.last);
    bool has_told = counter.sentences[GVK_LOG_ERROR] && length && counter.last[length - 1] == '.';
    if (result == expected && (has_told || !told))
        return;
    print_error("%s\nended as %s with %u sentences, \"%s\"; expected was %s%s\n", call, gvk_result_name(result),
                counter.sentences[GVK_LOG_ERROR], counter.last, gvk_result_name(expected),
                told ? " and a sentence" : "");
    _fail(file, line);
}

static const float ones[OUTPUTS * CHANNELS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    if (strcmp(name, "mix.weight"))
        return GVK_ERROR_MISMATCH;
    *out = (gvk_array){GVK_TYPE_F32, 4, {OUTPUTS, CHANNELS, 1, 1}, ones, sizeof ones};
    return GVK_OK;
}

gvk_graph *begin_graph(gvk_tensor *input)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&counting_host, find_weight, NULL, &graph));
    *input = gvk_graph_input(graph, "input", CHANNELS);
    assert_true(*input);
    return graph;
}

static gvk_graph *build_graph(gvk_find_weight find)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&counting_host, find, NULL, &graph));
    gvk_node node = {.size = sizeof node,
                     .op = GVK_OP_CONVOLUTION,
                     .name = "mix",
                     .inputs = {gvk_graph_input(graph, "input", CHANNELS)},
                     .outputs = OUTPUTS};
    gvk_graph_output(graph, "mix", gvk_graph_add(graph, &node));
    return graph;
}

gvk_picture tensor_picture(void)
{
    static const float values[CHANNELS * SIDE * SIDE] = {1, 2, 3};
    return (gvk_picture){
        .size = sizeof(gvk_picture), .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = values};
}

void objects_are_made(void **state)
{
    (void)state;
    gvk_device_params device_params = {.size = sizeof device_params, .host = &counting_host, .choice = GVK_DEVICE_CPU};
    assert_ok(gvk_device_open(&device_params, &objects.device));
    objects.graph = build_graph(find_weight);
    assert_ok(gvk_graph_finish(objects.graph));
    objects.without_weights = build_graph(NULL);
    assert_ok(gvk_graph_finish(objects.without_weights));
    objects.unfinished = build_graph(find_weight);
    objects.failed = build_graph(find_weight);
    gvk_graph_output(objects.failed, "mix", 1);
    assert_int_equal(gvk_graph_finish(objects.failed), GVK_ERROR_ARGUMENT);
    assert_ok(gvk_model_create(objects.device, objects.graph, NULL, &objects.model));
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .frames = 2, .profile = 1};
    assert_ok(gvk_stream_create(objects.model, &params, &objects.stream));
    gvk_picture picture = tensor_picture();
    assert_ok(gvk_stream_submit(objects.stream, &picture, sizeof picture, 1, &objects.ticket));
    assert_ok(gvk_stream_wait(objects.stream, objects.ticket, UINT64_MAX));

    assert_ok(gvk_network_generate(&counting_host, 2, &objects.network));
    assert_ok(gvk_model_create(objects.device, gvk_network_graph(objects.network), NULL, &objects.network_model));
    gvk_stream_params small = {.size = sizeof small, .width = 64, .height = 64};
    gvk_detector_params detector_params = {.size = sizeof detector_params, .stream = &small};
    assert_ok(gvk_detector_create(objects.network_model, objects.network, &detector_params, &objects.detector));
    static const unsigned char pixels[64 * 64 * 3];
    picture = (gvk_picture){.size = sizeof picture, .width = 64, .height = 64, .pixels = pixels};
    assert_ok(gvk_stream_submit(objects.detector, &picture, sizeof picture, 1, &objects.detector_ticket));
    assert_ok(gvk_stream_wait(objects.detector, objects.detector_ticket, UINT64_MAX));
}

/* What all the calls have left behind still works, and holds no memory afterwards. */
void all_objects_still_work(void **state)
{
    (void)state;
    gvk_array array;
    assert_ok(gvk_stream_read(objects.stream, objects.ticket, "mix", &array));
    assert_int_equal(array.shape[1], OUTPUTS);
    assert_true(((const float *)array.data)[0] == 1.0f && ((const float *)array.data)[1] == 2.0f);
    const gvk_detection *boxes = NULL;
    uint32_t count = 0;
    assert_ok(gvk_detector_read(objects.detector, objects.detector_ticket, &boxes, sizeof boxes[0], &count));
    gvk_stream_destroy(objects.detector);
    gvk_model_destroy(objects.network_model);
    gvk_network_destroy(objects.network);
    gvk_stream_destroy(objects.stream);
    gvk_model_destroy(objects.model);
    gvk_graph_destroy(objects.graph);
    gvk_graph_destroy(objects.unfinished);
    gvk_graph_destroy(objects.failed);
    gvk_graph_destroy(objects.without_weights);
    gvk_device_destroy(objects.device);
    assert_int_equal(atomic_load(&counter.live), 0);
    print_message("             %u wrong calls\n", checked_calls);
    assert_true(checked_calls > 400);
}
