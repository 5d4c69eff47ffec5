/* The graphs and detectors of maps.h. */
#include "maps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const map_names[MAPS] = {"stride32", "stride16", "stride8"};
const uint32_t map_steps[MAPS] = {4, 2, 1};
const float anchors[2 * GVK_ANCHORS] = {12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401};

gvk_device *device;

static gvk_array array_of(const float *data, uint32_t rank, const uint64_t *shape)
{
    gvk_array array = {.type = GVK_TYPE_F32, .rank = rank, .data = data, .bytes = sizeof(float)};
    for (uint32_t i = 0; i < rank; i++) {
        array.shape[i] = shape[i];
        array.bytes *= shape[i];
    }
    return array;
}

gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    const struct weights *weights = user;
    const uint64_t select[4] = {weights->channels, weights->inputs, 1, 1}, bias[1] = {weights->channels};
    for (int i = 0; i < MAPS; i++) {
        char full[32];
        snprintf(full, sizeof full, "%s.weight", map_names[i]);
        if (!strcmp(name, full)) {
            *out = array_of(weights->select[i], 4, select);
            return GVK_OK;
        }
        snprintf(full, sizeof full, "%s.bias", map_names[i]);
        if (!strcmp(name, full)) {
            *out = array_of(weights->bias[i], 1, bias);
            return GVK_OK;
        }
    }
    /* Anything else takes every stride-th value of each channel. */
    const uint64_t ones[4] = {weights->inputs, 1, 1, 1};
    *out = array_of(weights->ones, 4, ones);
    return GVK_OK;
}

void make_weights(struct weights *weights, uint32_t channels, uint32_t inputs)
{
    *weights = (struct weights){.channels = channels, .inputs = inputs};
    for (int i = 0; i < MAPS; i++) {
        weights->select[i] = calloc((size_t)channels * inputs, sizeof(float));
        assert_non_null(weights->select[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(weights->ones); i++)
        weights->ones[i] = 1;
}

void release_weights(struct weights *weights)
{
    for (int i = 0; i < MAPS; i++)
        free(weights->select[i]);
}

gvk_tensor add_picker(gvk_graph *graph, const char *name, gvk_tensor from, uint32_t stride)
{
    gvk_node node = {
        .op = GVK_OP_CONVOLUTION,
        .name = name,
        .inputs = {from},
        .stride = stride,
        .groups = gvk_graph_channels(graph, from),
    };
    return gvk_graph_add(graph, &node);
}

gvk_model *finish_model(gvk_graph *graph)
{
    assert_ok(gvk_graph_finish(graph));
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    gvk_graph_destroy(graph);
    return model;
}

gvk_model *create_maps_model(uint32_t channels)
{
    struct weights weights;
    make_weights(&weights, channels, MAPS * channels);
    for (uint32_t i = 0; i < MAPS; i++)
        for (uint32_t c = 0; c < channels; c++)
            weights.select[i][(size_t)c * MAPS * channels + i * channels + c] = 1;
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, find_weight, &weights, &graph));
    gvk_tensor input = gvk_graph_input(graph, "input", MAPS * channels);
    for (int i = 0; i < MAPS; i++) {
        gvk_node node = {
            .op = GVK_OP_CONVOLUTION,
            .name = map_names[i],
            .inputs = {input},
            .outputs = channels,
            .stride = map_steps[i],
        };
        gvk_graph_output(graph, map_names[i], gvk_graph_add(graph, &node));
    }
    gvk_model *model = finish_model(graph);
    release_weights(&weights);
    return model;
}

gvk_model *create_one_map_model(uint32_t channels)
{
    struct weights weights;
    make_weights(&weights, 1, channels);
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, find_weight, &weights, &graph));
    gvk_tensor input = gvk_graph_input(graph, "input", channels);
    static const char *const names[MAPS] = {"pick4", "pick2", "pick1"};
    for (int i = 0; i < MAPS; i++)
        gvk_graph_output(graph, map_names[i], add_picker(graph, names[i], input, map_steps[i]));
    gvk_model *model = finish_model(graph);
    release_weights(&weights);
    return model;
}

struct setup setup_of(uint32_t classes, float confidence, float iou, float anchor_factor)
{
    struct setup setup = {.classes = classes, .confidence = confidence, .iou = iou};
    for (int i = 0; i < 2 * GVK_ANCHORS; i++)
        setup.anchors[i] = anchors[i] * anchor_factor;
    return setup;
}

gvk_result try_detector(gvk_model *model, const struct setup *setup, const gvk_stream_params *stream, gvk_stream **out)
{
    gvk_detector_map maps[MAPS];
    for (int i = 0; i < MAPS; i++) {
        maps[i] = (gvk_detector_map){.output = map_names[i]};
        memcpy(maps[i].anchors, setup->anchors + (size_t)(MAPS - 1 - i) * 6, sizeof maps[i].anchors);
    }
    gvk_detector_heads heads = {.size = sizeof heads,
                                .maps = maps,
                                .map_size = sizeof maps[0],
                                .map_count = MAPS,
                                .class_count = setup->classes};
    gvk_detector_params params = {.size = sizeof params,
                                  .stream = stream,
                                  .confidence = setup->confidence > 0 ? setup->confidence : -1,
                                  .iou = setup->iou > 0 ? setup->iou : -1,
                                  .max_detections = setup->max_detections,
                                  .unclipped = setup->unclipped};
    return gvk_detector_create_for(model, &heads, &params, out);
}

gvk_stream *create_detector(gvk_model *model, const struct setup *setup, uint32_t width, uint32_t height,
                            uint32_t batch, uint32_t frames)
{
    gvk_stream_params params = {
        .size = sizeof params, .width = width, .height = height, .batch = batch, .frames = frames};
    gvk_stream *stream = NULL;
    assert_ok(try_detector(model, setup, &params, &stream));
    return stream;
}

gvk_picture tensor_picture(uint32_t width, uint32_t height, const float *values)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture), .kind = GVK_PICTURE_TENSOR, .width = width, .height = height, .pixels = values};
}

gvk_ticket submit(gvk_stream *stream, const gvk_picture *pictures, uint32_t count)
{
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), count, &ticket));
    return ticket;
}

uint32_t read_detections(gvk_stream *stream, gvk_ticket ticket, const gvk_detection **out)
{
    uint32_t count = 0;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_detector_read(stream, ticket, out, sizeof(gvk_detection), &count));
    return count;
}

gvk_detection *copy_detections(gvk_stream *stream, gvk_ticket ticket, uint32_t *count)
{
    const gvk_detection *found = NULL;
    *count = read_detections(stream, ticket, &found);
    gvk_detection *copy = calloc(*count + (size_t)1, sizeof *copy);
    assert_non_null(copy);
    if (*count)
        memcpy(copy, found, *count * sizeof *copy);
    return copy;
}

uint32_t candidates_of(gvk_stream *stream, gvk_ticket ticket)
{
    const void *result = NULL;
    uint32_t header[4];
    assert_ok(gvk_stream_result(stream, ticket, &result));
    memcpy(header, result, sizeof header);
    return header[1];
}

double to_picture_unclipped(double value, double side, double picture, double given, double other_picture,
                            double other_given, bool letterbox)
{
    value /= side;
    if (letterbox) {
        double size = fmax(1, rint(picture * fmin(given / picture, other_given / other_picture)));
        value = (value - (given - size) / 2 / given) * (given / size);
    }
    return value * picture;
}

double to_picture(double value, double side, double picture, double given, double other_picture, double other_given,
                  bool letterbox)
{
    value = to_picture_unclipped(value, side, picture, given, other_picture, other_given, letterbox);
    return fmin(fmax(value, 0), picture);
}
