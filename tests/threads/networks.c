/* Two tiny networks: one of runtime/ alone, one with the detector behind it. See networks.h. */
#include "networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/filler/filler.h"
#include <ghostvk/ghostnet.h>

#define CLASSES 2u
#define MAP     (3 * (5 + CLASSES))

const char *last_error(void)
{
    return counter.last;
}

void expect_nothing_held(const char *what)
{
    if (atomic_load(&counter.live) || counter.sentences[GVK_LOG_ERROR])
        fail_msg("%s: %ld blocks were not released; %u errors, the last: \"%s\"", what, atomic_load(&counter.live),
                 counter.sentences[GVK_LOG_ERROR], counter.last);
}

/* ---- two tiny networks --------------------------------------------------------------------------------------------
 */

static float weight_values[1024]; /* filled before the first thread */

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    static const struct {
        const char *name;
        uint32_t rank;
        uint64_t shape[4];
    } list[] = {
        {"wide.weight", 4, {8, 3, 1, 1}},        {"deep.weight", 4, {8, 1, 3, 3}},
        {"head.weight", 4, {OUTPUTS, 16, 1, 1}}, {"head.bias", 1, {OUTPUTS}},
        {"stem.weight", 4, {MAP, 3, 1, 1}},      {"stem.bias", 1, {MAP}},
        {"half.weight", 4, {MAP, 1, 3, 3}},      {"quarter.weight", 4, {MAP, 1, 3, 3}},
        {"stride8.weight", 4, {MAP, 1, 3, 3}},   {"stride16.weight", 4, {MAP, 1, 3, 3}},
        {"stride32.weight", 4, {MAP, 1, 3, 3}},
    };
    (void)user;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (!strcmp(list[i].name, name)) {
            *out = (gvk_array){.type = GVK_TYPE_F32, .rank = list[i].rank, .data = weight_values + 16 * i};
            memcpy(out->shape, list[i].shape, sizeof list[i].shape);
            out->bytes = count_elements(list[i].shape, list[i].rank) * sizeof(float);
            return GVK_OK;
        }
    return GVK_ERROR_MISMATCH;
}

/* Half of a ghost module and a head. */
static void add_plain(gvk_graph *graph, gvk_tensor input)
{
    gvk_node wide = {.op = GVK_OP_CONVOLUTION, .name = "wide", .outputs = 8, .activation = GVK_ACTIVATION_RELU};
    gvk_node deep = {.op = GVK_OP_CONVOLUTION, .name = "deep", .kernel = 3, .padding = 1, .groups = 8};
    gvk_node both = {.op = GVK_OP_CONCAT, .name = "both"};
    gvk_node head = {.op = GVK_OP_CONVOLUTION, .name = "head", .outputs = OUTPUTS, .bias = 1};
    wide.inputs[0] = input;
    both.inputs[0] = deep.inputs[0] = gvk_graph_add(graph, &wide);
    both.inputs[1] = gvk_graph_add(graph, &deep);
    head.inputs[0] = gvk_graph_add(graph, &both);
    gvk_graph_output(graph, "head", gvk_graph_add(graph, &head));
}

/* Three maps, each from the one before. */
static void add_maps(gvk_graph *graph, gvk_tensor input)
{
    static const char *const names[] = {"half", "quarter", "stride8", "stride16", "stride32"};
    gvk_node stem = {.op = GVK_OP_CONVOLUTION, .name = "stem", .inputs = {input}, .outputs = MAP, .bias = 1};
    gvk_tensor last = gvk_graph_add(graph, &stem);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        gvk_node node = {.op = GVK_OP_CONVOLUTION,
                         .name = names[i],
                         .inputs = {last},
                         .kernel = 3,
                         .stride = 2,
                         .padding = 1,
                         .groups = MAP};
        last = gvk_graph_add(graph, &node);
        if (i >= 2)
            gvk_graph_output(graph, names[i], last);
    }
}

gvk_result open_device(gvk_device **out)
{
    const gvk_device_params params = {.size = sizeof params, .host = &counting_host};
    return gvk_device_open(&params, out);
}

gvk_result make_model(gvk_device *device, enum network network, gvk_model **out)
{
    gvk_graph *graph = NULL;
    gvk_result result = gvk_graph_create(&counting_host, find_weight, NULL, &graph);
    if (result)
        return result;
    gvk_tensor input = gvk_graph_input(graph, "input", 3);
    if (network == PLAIN)
        add_plain(graph, input);
    else
        add_maps(graph, input);
    result = gvk_graph_finish(graph);
    if (!result)
        result = gvk_model_create(device, graph, NULL, out);
    gvk_graph_destroy(graph);
    return result;
}

gvk_result make_stream(gvk_model *model, enum network network, gvk_stream **out)
{
    static const gvk_detector_map maps[] = {{.output = "stride32", .anchors = {30, 48, 52, 40, 60, 60}},
                                            {.output = "stride16", .anchors = {12, 18, 20, 14, 24, 26}},
                                            {.output = "stride8", .anchors = {4, 6, 7, 5, 9, 9}}};
    static const gvk_detector_heads heads = {
        .maps = maps, .map_size = sizeof maps[0], .map_count = 3, .class_count = CLASSES};
    const gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .frames = 2};
    const gvk_detector_params detector = {.size = sizeof detector, .stream = &params, .confidence = 0.25f, .iou = 0.5f};
    return network == PLAIN ? gvk_stream_create(model, &params, out)
                            : gvk_detector_create_for(model, &heads, &detector, out);
}

/* ---- frames and their results ---- */

static uint8_t pixels[PICTURES][80 * 72 * 3];

static gvk_picture picture_of(unsigned index)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture), .width = 80 - 8 * index, .height = 72 - 3 * index, .pixels = pixels[index]};
}

void fill_constants(void)
{
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof weight_values / sizeof weight_values[0]; i++)
        weight_values[i] = quarter_step(&random) * 0.5f;
    for (size_t i = 0; i < PICTURES; i++)
        for (size_t j = 0; j < sizeof pixels[i]; j++)
            pixels[i][j] = (uint8_t)random_below(&random, 256);
}

gvk_result submit(gvk_stream *stream, unsigned picture, gvk_ticket *ticket)
{
    const gvk_picture given = picture_of(picture);
    return gvk_stream_submit(stream, &given, sizeof(gvk_picture), 1, ticket);
}

gvk_result read_frame(gvk_stream *stream, enum network network, gvk_ticket ticket, struct frame *out)
{
    gvk_array array;
    const gvk_detection *boxes = NULL;
    gvk_result result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (result)
        return result;
    if (network == PLAIN) {
        result = gvk_stream_read(stream, ticket, "head", &array);
        if (!result)
            memcpy(out->values, array.data, sizeof out->values);
        return result;
    }
    result = gvk_detector_read(stream, ticket, &boxes, sizeof(gvk_detection), &out->count);
    if (!result && out->count > BOXES_MAX)
        return GVK_ERROR_ARGUMENT;
    if (!result)
        memcpy(out->boxes, boxes, out->count * sizeof *boxes);
    return result;
}

bool equal_frames(enum network network, const struct frame *one, const struct frame *other)
{
    if (network == PLAIN)
        return !memcmp(one->values, other->values, sizeof one->values);
    return one->count == other->count && !memcmp(one->boxes, other->boxes, one->count * sizeof one->boxes[0]);
}
