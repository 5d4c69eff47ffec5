/* Device memory that is known before anything is created: what gvk_model_memory and its siblings say is what the device
 * counts, byte for byte, while model and stream are made and run; and is just enough for a ceiling. */
#include "tests/support/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/vulkan/device.h"

/* ---- graphs ---- */

static const float zeros[9 * 64 * 64];

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    uint32_t inputs = *(uint32_t *)user, outputs = 8, side = 3;
    if (!strcmp(name, "second.weight")) {
        inputs = 8;
        outputs = 24;
        side = 1;
    }
    *out = (gvk_array){.type = GVK_TYPE_F32,
                       .rank = 4,
                       .shape = {outputs, inputs, side, side},
                       .data = zeros,
                       .bytes = sizeof(float) * outputs * inputs * side * side};
    return GVK_OK;
}

/* Two convolutions; the map has a detector's channels for three classes. `inputs` must live as long. */
static gvk_graph *create_graph(uint32_t *inputs)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, find_weight, inputs, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", *inputs);
    x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION,
                                         .name = "first",
                                         .inputs = {x},
                                         .outputs = 8,
                                         .kernel = 3,
                                         .padding = 1,
                                         .activation = GVK_ACTIVATION_RELU});
    x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "second", .inputs = {x}, .outputs = 24});
    gvk_graph_output(graph, "map", x);
    assert_ok(gvk_graph_finish(graph));
    return graph;
}

/* ---- a way through the library, foreseen and gone ---- */

enum pictures { NONE_SAID, SMALL, WIDE, LETTERBOXED, TENSORS, MIXED };
static const char *const picture_names[] = {
    "pictures of the input's size", "small", "wide", "letterboxed", "tensors", "mixed"};

struct way {
    gvk_network *network; /* or ... */
    gvk_graph *graph;
    bool detector;
    uint32_t side, batch, frames, max_us, kept;
    gvk_precision precision;
    enum pictures pictures;
    bool proves;
};

static void print_way(const struct way *way, char *out, size_t size)
{
    snprintf(out, size, "%s%s, %u a side, batch %u, %u frames, %s, %s%s%s%s", way->network ? "network" : "graph",
             way->detector ? " as a detector" : "", way->side, way->batch, way->frames,
             way->precision == GVK_PRECISION_FP16 ? "fp16" : "fp32", picture_names[way->pictures],
             way->max_us ? ", in several submissions" : "", way->kept ? ", with a kept tensor" : "",
             way->proves ? ", kernels proven" : "");
}

static const uint8_t pixels[640 * 480 * 4];
static const float values[4 * 416 * 416];

static const gvk_picture *fill_pictures(const struct way *way, gvk_picture *pictures)
{
    for (uint32_t i = 0; i < way->batch; i++) {
        gvk_picture *picture = &pictures[i];
        *picture = (gvk_picture){.size = sizeof *picture, .width = way->side, .height = way->side, .pixels = pixels};
        enum pictures kind = way->pictures != MIXED ? way->pictures : i % 2 ? WIDE : TENSORS;
        if (kind == SMALL) {
            picture->width = 13;
            picture->height = 31;
            picture->format = GVK_PIXELS_RGBA8;
        } else if (kind == WIDE || kind == LETTERBOXED) {
            picture->width = way->network ? 640 : 100;
            picture->height = way->network ? 480 : 70;
            picture->letterbox = kind == LETTERBOXED;
        } else if (kind == TENSORS) {
            picture->kind = GVK_PICTURE_TENSOR;
            picture->pixels = values;
        }
    }
    return pictures;
}

static gvk_stream_params stream_params(const struct way *way)
{
    static const char *const kept[] = {"first"};
    return (gvk_stream_params){.size = sizeof(gvk_stream_params),
                               .width = way->side,
                               .height = way->side,
                               .batch = way->batch,
                               .frames = way->frames,
                               .max_submit_us = way->max_us,
                               .kept_tensors = kept,
                               .kept_count = way->kept};
}

static const gvk_detector_map map = {.output = "map", .anchors = {1, 2, 3, 4, 5, 6}};
static const gvk_detector_heads heads = {
    .size = sizeof heads, .maps = &map, .map_size = sizeof map, .map_count = 1, .class_count = 3};

static gvk_model_params model_params(const struct way *way)
{
    return (gvk_model_params){
        .size = sizeof(gvk_model_params), .precision = way->precision, .trust_kernels = !way->proves};
}

static gvk_memory foresee(gvk_device *device, const struct way *way)
{
    gvk_memory memory = {.size = sizeof memory};
    gvk_picture given[4];
    const gvk_picture *likeness = way->pictures == NONE_SAID ? NULL : fill_pictures(way, given);
    for (uint32_t i = 0; i < way->batch; i++)
        given[i].pixels = NULL; /* which are not looked at */
    const gvk_stream_params stream = stream_params(way);
    const gvk_model_params model = model_params(way);
    const gvk_detector_params detector = {.size = sizeof detector, .stream = &stream};
    if (way->network)
        assert_ok(gvk_network_memory(device, way->network, &model, &detector, likeness, sizeof given[0], &memory));
    else if (way->detector)
        assert_ok(
            gvk_detector_memory(device, way->graph, &model, &heads, &detector, likeness, sizeof given[0], &memory));
    else
        assert_ok(gvk_model_memory(device, way->graph, &model, &stream, likeness, sizeof given[0], &memory));
    return memory;
}

/* What was in use once each stage was done. */
struct used {
    uint64_t model, frames, when_refused;
};

static gvk_result go(gvk_device *device, const struct way *way, struct used *used)
{
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_picture pictures[4];
    const gvk_stream_params params = stream_params(way);
    const gvk_model_params of_model = model_params(way);
    const gvk_detector_params detector = {.size = sizeof detector, .stream = &params};
    const gvk_graph *graph = way->network ? gvk_network_graph(way->network) : way->graph;
    gvk_result result = gvk_model_create(device, graph, &of_model, &model);
    used->model = device->memory_used;
    if (!result)
        result = way->network    ? gvk_detector_create(model, way->network, &detector, &stream)
                 : way->detector ? gvk_detector_create_for(model, &heads, &detector, &stream)
                                 : gvk_stream_create(model, &params, &stream);
    fill_pictures(way, pictures);
    gvk_ticket ticket = 0;
    for (uint32_t i = 0; i < way->frames && !result; i++)
        result = gvk_stream_submit(stream, pictures, sizeof pictures[0], way->batch, &ticket);
    if (ticket)
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    *(result ? &used->when_refused : &used->frames) = device->memory_used;
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

/* A silent device with this ceiling. */
static gvk_device *open_device(uint64_t ceiling)
{
    gvk_device *device = NULL;
    gvk_device_params wanted = wanted_device(getenv("GVK_TEST_ON"));
    wanted.host = NULL;
    wanted.memory_ceiling = ceiling;
    assert_ok(gvk_device_open(&wanted, &device));
    return device;
}

static void expect_nothing_left(const gvk_device *device, const char *name)
{
    if (device->memory_used)
        fail_msg("%s: %" PRIu64 " bytes are still counted", name, device->memory_used);
}

/* Kernels are proven once a device: ways that do it have a device for each run. */
static void check(gvk_device *shared, const struct way *way)
{
    char name[256];
    struct used used = {0};
    print_way(way, name, sizeof name);
    /* Not a byte is taken to know it. */
    gvk_device *device = way->proves ? open_device(1) : shared;
    device->memory_ceiling = 1;
    gvk_memory memory = foresee(device, way);
    gvk_memory again = foresee(device, way);
    assert_memory_equal(&memory, &again, sizeof memory);
    expect_nothing_left(device, name);
    device->memory_ceiling = 0;
    if (go(device, way, &used))
        fail_msg("%s: cannot be run", name);
    if (used.model != memory.weight_bytes || used.frames != memory.weight_bytes + memory.stream_bytes)
        fail_msg("%s: %" PRIu64 " bytes of weights and %" PRIu64 " of the stream were foreseen; it took %" PRIu64
                 " and %" PRIu64,
                 name, memory.weight_bytes, memory.stream_bytes, used.model, used.frames - used.model);
    expect_nothing_left(device, name);
    for (uint64_t less = 0; less < 2; less++) {
        if (way->proves) {
            gvk_device_destroy(device);
            device = open_device(memory.peak_bytes - less);
        }
        device->memory_ceiling = memory.peak_bytes - less;
        gvk_result result = go(device, way, &used);
        if (result != (less ? GVK_ERROR_BUDGET : GVK_OK))
            fail_msg("%s: with a ceiling of %" PRIu64 " bytes, %" PRIu64 " less than foreseen, it ends with %s", name,
                     memory.peak_bytes - less, less, gvk_result_name(result));
        expect_nothing_left(device, name);
    }
    device->memory_ceiling = 0;
    if (way->proves)
        gvk_device_destroy(device);
}

static void a_small_graph_takes_what_was_foreseen(void **state)
{
    gvk_device *device = *state;
    uint32_t colours = 3, planes = 5;
    gvk_graph *graphs[] = {create_graph(&colours), create_graph(&planes)};
    uint32_t ways = 0;
    for (uint32_t i = 0; i < 2 * 2 * 3 * 3 * 6; i += 5) { /* all of each, and many of their pairs */
        struct way way = {
            .graph = graphs[0],
            .side = 32,
            .precision = i % 2 ? GVK_PRECISION_FP16 : GVK_PRECISION_FP32,
            .detector = i / 2 % 2,
            .frames = 1 + i / 4 % 3,
            .batch = 1 + i / 12 % 3,
            .pictures = (enum pictures)(i / 36),
            .kept = i % 3 == 0,
        };
        check(device, &way);
        ways++;
        if (way.pictures == TENSORS) { /* which alone may have other than three channels */
            way.graph = graphs[1];
            check(device, &way);
            ways++;
        }
    }
    print_message("             %u ways\n", ways);
    gvk_graph_destroy(graphs[0]);
    gvk_graph_destroy(graphs[1]);
}

/* For a moment they take more than the stream does in the end: the proof of kernels in buffers of its own, the picture
 * by which a stream in several submissions is timed. */
static void what_is_taken_for_a_moment_is_foreseen_too(void **state)
{
    gvk_device *device = *state;
    uint32_t colours = 3;
    gvk_graph *graph = create_graph(&colours);
    for (int half = 0; half < 2; half++) {
        struct way way = {.graph = graph,
                          .side = 4,
                          .batch = 1,
                          .frames = 1,
                          .precision = half ? GVK_PRECISION_FP16 : GVK_PRECISION_FP32,
                          .pictures = SMALL};
        gvk_memory trusted = foresee(device, &way);
        way.proves = true;
        gvk_device *fresh = open_device(0);
        gvk_memory proven = foresee(fresh, &way);
        gvk_device_destroy(fresh);
        assert_true(proven.peak_bytes > trusted.peak_bytes);
        assert_int_equal(proven.weight_bytes, trusted.weight_bytes);
        assert_int_equal(proven.stream_bytes, trusted.stream_bytes);
        check(device, &way);
        way.proves = false;
        way.max_us = 1000;
        if (device->timestamp_bits)
            assert_true(foresee(device, &way).peak_bytes > trusted.peak_bytes);
        check(device, &way);
        way.frames = 3;
        way.detector = true;
        check(device, &way);
    }
    gvk_graph_destroy(graph);
}

static void a_whole_network_takes_what_was_foreseen(void **state)
{
    gvk_device *device = *state;
    static const struct way ways[] = {
        {.side = 416, .batch = 1, .frames = 1, .pictures = WIDE},
        {.side = 416, .batch = 1, .frames = 3, .pictures = LETTERBOXED, .precision = GVK_PRECISION_FP16},
        {.side = 64, .batch = 3, .frames = 2, .pictures = MIXED},
    };
    gvk_network *network = NULL;
    assert_ok(gvk_network_generate(&test_host, 80, &network));
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        struct way way = ways[i];
        way.network = network;
        if (is_small_scope() && way.frames > 1)
            say_left_out("three frames at %u pixels a side", way.side);
        else
            check(device, &way);
    }
    gvk_network_destroy(network);
}

/* A model of 46 MB of weights, staged or not, takes a few MiB more at most while it is made. */
static void weights_have_no_second_copy_on_the_device(void **state)
{
    gvk_device *device = *state;
    gvk_network *network = NULL;
    assert_ok(gvk_network_generate(&test_host, 80, &network));
    const struct way way = {.network = network, .side = 32, .batch = 1, .frames = 1};
    gvk_memory memory = foresee(device, &way);
    assert_in_range(memory.weight_bytes, 40000000, 60000000);
    assert_true(memory.peak_bytes <= memory.weight_bytes + (4 << 20) + memory.stream_bytes);
    assert_true(memory.stream_bytes < 4 << 20);
    gvk_network_destroy(network);
}

/* Neither a model nor a stream begins to take memory that will not do. */
static void what_does_not_fit_takes_nothing(void **state)
{
    gvk_device *device = *state;
    uint32_t colours = 3;
    const struct way way = {.graph = create_graph(&colours), .side = 256, .batch = 2, .frames = 3, .pictures = WIDE};
    struct used used = {0};
    const gvk_memory memory = foresee(device, &way);
    assert_int_equal(device->memory_used, 0);
    device->memory_ceiling = memory.weight_bytes - 1;
    assert_int_equal(go(device, &way, &used), GVK_ERROR_BUDGET);
    assert_int_equal(used.model, 0);
    /* Room for the arena and a frame, and not for three. */
    device->memory_ceiling = memory.weight_bytes + memory.stream_bytes / 3;
    assert_int_equal(go(device, &way, &used), GVK_ERROR_BUDGET);
    assert_int_equal(used.model, memory.weight_bytes);
    assert_int_equal(used.when_refused, memory.weight_bytes);
    device->memory_ceiling = 0;
    gvk_graph_destroy(way.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_graph_takes_what_was_foreseen),
        cmocka_unit_test(what_is_taken_for_a_moment_is_foreseen_too),
        cmocka_unit_test(a_whole_network_takes_what_was_foreseen),
        cmocka_unit_test(weights_have_no_second_copy_on_the_device),
        cmocka_unit_test(what_does_not_fit_takes_nothing),
    };
    return cmocka_run_group_tests(tests, open_device_fixture, close_device_fixture);
}
