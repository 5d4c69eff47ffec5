/* Decode and suppression on given maps: count, order, class and candidate of every detection are those of PyTorch in
 * double precision (tests/goldens/make_decode.py), and equal input gives equal bytes.
 *
 * The maps go into a graph as its only input, side by side in its channels at the size of the stride-8 map, the coarser
 * ones at every second and fourth place; three 1 x 1 convolutions of zeros and ones with stride 1, 2 and 4 take them
 * out again, exactly. To the detector the input is then an eighth of its size, and so are the anchors. */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_maker.h"
#include "ghostnet/detector.h"

#define MAPS            3
#define BATCH_MAX       2
#define SCORE_TOLERANCE 1e-5
#define BOX_TOLERANCE   0.02 /* pixels of the picture */

static const char *const map_names[MAPS] = {"stride32", "stride16", "stride8"};
static const uint32_t map_steps[MAPS] = {4, 2, 1}; /* places of the stride-8 map from value to value */
static const float anchors[2 * GVK_ANCHORS] = {12, 16, 19,  36,  40,  28,  36,  75,  76,
                                               55, 72, 146, 142, 110, 192, 243, 459, 401};

static gvk_device *device;

/* ---- graphs that give the maps they are given ---------------------------------------------------------------------
 */

/* Weights by name, all of one kind: a selection of channels, or a bias alone. */
struct weights {
    uint32_t channels;    /* of a map */
    uint32_t inputs;      /* channels of the convolutions' input */
    float *select[MAPS];  /* channels x inputs */
    float bias[MAPS][64]; /* where there is one */
    float ones[256];
};

static gvk_array array_of(const float *data, uint32_t rank, const uint64_t *shape)
{
    gvk_array array = {.type = GVK_TYPE_F32, .rank = rank, .data = data, .bytes = sizeof(float)};
    for (uint32_t i = 0; i < rank; i++) {
        array.shape[i] = shape[i];
        array.bytes *= shape[i];
    }
    return array;
}

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
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

static void make_weights(struct weights *weights, uint32_t channels, uint32_t inputs)
{
    *weights = (struct weights){.channels = channels, .inputs = inputs};
    for (int i = 0; i < MAPS; i++) {
        weights->select[i] = calloc((size_t)channels * inputs, sizeof(float));
        assert_non_null(weights->select[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(weights->ones); i++)
        weights->ones[i] = 1;
}

static void release_weights(struct weights *weights)
{
    for (int i = 0; i < MAPS; i++)
        free(weights->select[i]);
}

static gvk_tensor add_picker(gvk_graph *graph, const char *name, gvk_tensor from, uint32_t stride)
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

static gvk_model *finish_model(gvk_graph *graph)
{
    assert_ok(gvk_graph_finish(graph));
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    gvk_graph_destroy(graph);
    return model;
}

/* An input of all three maps' channels. */
static gvk_model *create_maps_model(uint32_t channels)
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

/* The stride-8 map is the input, the coarser ones every second and fourth value of it: no value touches another. */
static gvk_model *create_one_map_model(uint32_t channels)
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

/* ---- cases of the golden ------------------------------------------------------------------------------------------
 */

struct decode_case {
    char name[16];
    uint32_t width, height, classes, batch, candidate_count;
    float confidence, iou;
    bool letterbox;
    uint32_t picture_width[BATCH_MAX], picture_height[BATCH_MAX];
    float *inputs[BATCH_MAX]; /* of the maps model */
    float *expected;          /* rows of 8 */
    uint64_t expected_count;
};

static const char *text_of(const struct golden *golden, uint32_t index, const char *key)
{
    char full[48];
    snprintf(full, sizeof full, "case%02u.%s", index, key);
    const char *text = golden_text(golden, full);
    if (!text)
        fail_msg("the golden says nothing of %s", full);
    return text;
}

static void read_size(const char *text, uint32_t *width, uint32_t *height, const char **end)
{
    char *after;
    *width = (uint32_t)strtoul(text, &after, 10);
    assert_int_equal(*after, 'x');
    *height = (uint32_t)strtoul(after + 1, &after, 10);
    *end = after;
}

static float *read_values(const struct golden *golden, uint32_t index, const char *part, uint64_t *count)
{
    char name[48];
    snprintf(name, sizeof name, "case%02u.%s", index, part);
    return golden_floats(golden, name, count);
}

static void read_case(const struct golden *golden, uint32_t index, struct decode_case *out)
{
    struct decode_case one = {
        .classes = (uint32_t)strtoul(text_of(golden, index, "class_count"), NULL, 10),
        .batch = (uint32_t)strtoul(text_of(golden, index, "batch"), NULL, 10),
        .candidate_count = (uint32_t)strtoul(text_of(golden, index, "candidate_count"), NULL, 10),
        .confidence = strtof(text_of(golden, index, "confidence"), NULL),
        .iou = strtof(text_of(golden, index, "iou"), NULL),
        .letterbox = !strcmp(text_of(golden, index, "letterbox"), "true"),
    };
    snprintf(one.name, sizeof one.name, "case%02u", index);
    assert_in_range(one.batch, 1, BATCH_MAX);
    const char *end;
    read_size(text_of(golden, index, "input_size"), &one.width, &one.height, &end);
    const char *sizes = text_of(golden, index, "image_sizes");
    for (uint32_t i = 0; i < one.batch; i++, sizes = end + 1)
        read_size(sizes, &one.picture_width[i], &one.picture_height[i], &end);
    one.expected = read_values(golden, index, "detections", &one.expected_count);
    one.expected_count /= 8;

    uint32_t channels = 3 * (5 + one.classes);
    size_t width = one.width / 8, plane = width * (one.height / 8);
    for (uint32_t i = 0; i < one.batch; i++) {
        one.inputs[i] = calloc(MAPS * channels * plane, sizeof(float));
        assert_non_null(one.inputs[i]);
    }
    for (uint32_t i = 0; i < MAPS; i++) {
        uint64_t count;
        float *map = read_values(golden, index, map_names[i], &count);
        size_t step = map_steps[i], map_width = width / step, map_plane = plane / (step * step);
        assert_int_equal(count, (uint64_t)one.batch * channels * map_plane);
        for (size_t j = 0; j < count; j++) {
            size_t item = j / (channels * map_plane), c = j / map_plane % channels;
            size_t y = j % map_plane / map_width, x = j % map_width;
            one.inputs[item][(i * channels + c) * plane + y * step * width + x * step] = map[j];
        }
        free(map);
    }
    *out = one;
}

static void release_case(struct decode_case *one)
{
    for (uint32_t i = 0; i < one->batch; i++)
        free(one->inputs[i]);
    free(one->expected);
}

static uint32_t count_cases(const struct golden *golden)
{
    return (uint32_t)strtoul(golden_text(golden, "case_count"), NULL, 10);
}

static struct gvk_detector_setup setup_of(uint32_t classes, float confidence, float iou, float anchor_factor)
{
    struct gvk_detector_setup setup = {.classes = classes, .confidence = confidence, .iou = iou};
    for (int i = 0; i < MAPS; i++)
        setup.maps[i] = map_names[i];
    for (int i = 0; i < 2 * GVK_ANCHORS; i++)
        setup.anchors[i] = anchors[i] * anchor_factor;
    return setup;
}

static gvk_stream *create_detector(gvk_model *model, const struct gvk_detector_setup *setup, uint32_t width,
                                   uint32_t height, uint32_t batch, uint32_t frames)
{
    gvk_stream_params params = {
        .size = sizeof params, .width = width, .height = height, .batch = batch, .frames = frames};
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create_for(model, &params, setup, &stream));
    return stream;
}

static gvk_stream *create_case_detector(gvk_model *model, const struct decode_case *one, uint32_t frames,
                                        uint32_t max_detections)
{
    struct gvk_detector_setup setup = setup_of(one->classes, one->confidence, one->iou, 0.125f);
    setup.max_detections = max_detections;
    return create_detector(model, &setup, one->width / 8, one->height / 8, one->batch, frames);
}

static gvk_picture tensor_picture(uint32_t width, uint32_t height, const float *values)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture), .kind = GVK_PICTURE_TENSOR, .width = width, .height = height, .pixels = values};
}

static gvk_ticket submit(gvk_stream *stream, const gvk_picture *pictures, uint32_t count)
{
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, count, &ticket));
    return ticket;
}

static gvk_ticket submit_case(gvk_stream *stream, const struct decode_case *one)
{
    gvk_picture pictures[BATCH_MAX];
    for (uint32_t i = 0; i < one->batch; i++)
        pictures[i] = tensor_picture(one->width / 8, one->height / 8, one->inputs[i]);
    return submit(stream, pictures, one->batch);
}

static uint32_t read_detections(gvk_stream *stream, gvk_ticket ticket, const gvk_detection **out)
{
    uint32_t count = 0;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_detector_read(stream, ticket, out, &count));
    return count;
}

/* A copy, which the caller frees. */
static gvk_detection *copy_detections(gvk_stream *stream, gvk_ticket ticket, uint32_t *count)
{
    const gvk_detection *found = NULL;
    *count = read_detections(stream, ticket, &found);
    gvk_detection *copy = calloc(*count + (size_t)1, sizeof *copy);
    assert_non_null(copy);
    if (*count)
        memcpy(copy, found, *count * sizeof *copy);
    return copy;
}

/* ---- comparison ---------------------------------------------------------------------------------------------------
 */

/* A side of a box from the input, `side` long there, to the picture. */
static double to_picture(double value, double side, double picture, double given, double other_picture,
                         double other_given, bool letterbox)
{
    value /= side;
    if (letterbox) {
        double size = fmax(1, rint(picture * fmin(given / picture, other_given / other_picture)));
        value = (value - (given - size) / 2 / given) * (given / size);
    }
    return fmin(fmax(value * picture, 0), picture);
}

struct deviation {
    double score, box;
};

static void compare_case(const struct decode_case *one, const gvk_detection *found, uint32_t count,
                         struct deviation *worst)
{
    if (count != one->expected_count)
        fail_msg("%s: %u detections, not %u", one->name, count, (unsigned)one->expected_count);
    for (uint32_t i = 0; i < count; i++) {
        const float *row = one->expected + (size_t)i * 8;
        const gvk_detection *got = &found[i];
        if (got->class_id != (uint32_t)row[5] || got->candidate != (uint32_t)row[6] || got->item != (uint32_t)row[7])
            fail_msg("%s: detection %u is of class %u, candidate %u, item %u, score %.7g; expected class %u, candidate "
                     "%u, item %u, score %.7g",
                     one->name, i, got->class_id, got->candidate, got->item, (double)got->score, (unsigned)row[5],
                     (unsigned)row[6], (unsigned)row[7], (double)row[4]);
        double distance = fabs((double)got->score - (double)row[4]);
        if (!(distance <= SCORE_TOLERANCE))
            fail_msg("%s: the score of detection %u is %.9g, not %.9g", one->name, i, (double)got->score,
                     (double)row[4]);
        worst->score = fmax(worst->score, distance);
        for (int j = 0; j < 4; j++) {
            double picture[2] = {one->picture_width[got->item], one->picture_height[got->item]};
            double given[2] = {one->width, one->height};
            int axis = j % 2;
            double side = to_picture((double)got->box[j], given[axis] / 8, picture[axis], given[axis],
                                     picture[1 - axis], given[1 - axis], one->letterbox);
            distance = fabs(side - (double)row[j]);
            if (!(distance <= BOX_TOLERANCE))
                fail_msg("%s: side %d of detection %u is at %.6f, not %.6f", one->name, j, i, side, (double)row[j]);
            worst->box = fmax(worst->box, distance);
        }
    }
}

static double decode_milliseconds(gvk_stream *stream, gvk_ticket ticket)
{
    gvk_timing timings[3];
    uint32_t count = ARRAY_COUNT(timings);
    assert_ok(gvk_stream_timings(stream, ticket, timings, &count));
    if (!count)
        return -1;
    assert_int_equal(count, 3);
    assert_string_equal(timings[2].name, "decode");
    return timings[2].ms;
}

/* The candidates before suppression, from the head of the frame's result. */
static uint32_t candidates_of(gvk_stream *stream, gvk_ticket ticket)
{
    const void *result = NULL;
    uint32_t header[4];
    assert_ok(gvk_stream_result(stream, ticket, &result));
    memcpy(header, result, sizeof header);
    return header[1];
}

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

static void detections_are_those_of_the_reference_and_the_same_each_time(void **state)
{
    (void)state;
    struct golden *golden = open_golden("decode.safetensors");
    for (uint32_t i = 0; i < count_cases(golden); i++) {
        struct decode_case one;
        read_case(golden, i, &one);
        gvk_model *model = create_maps_model(3 * (5 + one.classes));
        gvk_stream *stream = create_case_detector(model, &one, 2, 0);
        /* Two frames in flight, and a third in the place of the first. */
        gvk_ticket tickets[2] = {submit_case(stream, &one), submit_case(stream, &one)};
        struct deviation worst = {0, 0};
        uint32_t count, again;
        gvk_detection *found = copy_detections(stream, tickets[0], &count);
        compare_case(&one, found, count, &worst);
        if (candidates_of(stream, tickets[0]) != one.candidate_count)
            fail_msg("%s: %u candidates, not %u", one.name, candidates_of(stream, tickets[0]), one.candidate_count);
        int others = one.candidate_count > 10000 ? 1 : 2; /* that many candidates take seconds on a CPU device */
        for (int j = 0; j < others; j++) {
            gvk_ticket ticket = j ? submit_case(stream, &one) : tickets[1];
            gvk_detection *other = copy_detections(stream, ticket, &again);
            if (again != count || memcmp(other, found, count * sizeof *found))
                fail_msg("%s: frame %d differs from the first", one.name, j + 1);
            free(other);
        }
        print_message("             %s: %u candidates, %u detections, score off by %.1e, box by %.1e px, %.1f ms\n",
                      one.name, one.candidate_count, count, worst.score, worst.box,
                      decode_milliseconds(stream, tickets[1]));
        free(found);
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
        release_case(&one);
    }
    close_golden(golden);
}

static void max_detections_keeps_the_best_of_each_item(void **state)
{
    (void)state;
    struct golden *golden = open_golden("decode.safetensors");
    static const uint32_t limits[] = {1, 7, 40, 100000};
    for (uint32_t i = 0; i < count_cases(golden); i++) {
        struct decode_case one;
        read_case(golden, i, &one);
        if (one.candidate_count > 1000 || !one.candidate_count) {
            release_case(&one);
            continue;
        }
        gvk_model *model = create_maps_model(3 * (5 + one.classes));
        for (size_t j = 0; j < ARRAY_COUNT(limits); j++) {
            gvk_stream *stream = create_case_detector(model, &one, 1, limits[j]);
            const gvk_detection *found = NULL;
            uint32_t count = read_detections(stream, submit_case(stream, &one), &found);
            uint32_t taken = 0, of_item[BATCH_MAX] = {0};
            for (uint64_t k = 0; k < one.expected_count; k++) {
                const float *row = one.expected + k * 8;
                if (of_item[(uint32_t)row[7]]++ >= limits[j])
                    continue;
                if (taken >= count || found[taken].candidate != (uint32_t)row[6] ||
                    found[taken].item != (uint32_t)row[7])
                    fail_msg("%s, at most %u: detection %u of %u is not candidate %u of item %u", one.name, limits[j],
                             taken, count, (unsigned)row[6], (unsigned)row[7]);
                taken++;
            }
            if (taken != count)
                fail_msg("%s, at most %u: %u detections, not %u", one.name, limits[j], count, taken);
            gvk_stream_destroy(stream);
        }
        gvk_model_destroy(model);
        release_case(&one);
    }
    close_golden(golden);
}

static void a_number_that_is_not_finite_fails_its_frame_alone(void **state)
{
    (void)state;
    enum { CLASSES = 3, CHANNELS = 3 * (5 + CLASSES), SIDE = 8, PLANE = SIDE * SIDE };
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    /* In all three maps, in the finest, in two, in the finest. */
    static const uint32_t places[] = {0, 9, 34, PLANE - 1};
    gvk_model *model = create_one_map_model(CHANNELS);
    struct gvk_detector_setup setup = setup_of(CLASSES, 0.5f, 0.3f, 0.125f);
    static const char *const kept[] = {"stride8"};
    gvk_stream_params params = {
        .size = sizeof params, .width = SIDE, .height = SIDE, .batch = 2, .kept_tensors = kept, .kept_count = 1};
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create_for(model, &params, &setup, &stream));
    static float good[CHANNELS * PLANE], bad[CHANNELS * PLANE];
    for (uint32_t i = 0; i < CHANNELS * PLANE; i++)
        good[i] = i / PLANE % (5 + CLASSES) == 4 ? -6.0f : 0.25f; /* nothing passes the threshold */
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        for (uint32_t c = 0; c < CHANNELS; c++) {
            uint32_t place = places[(c + i) % ARRAY_COUNT(places)];
            memcpy(bad, good, sizeof good);
            bad[c * PLANE + place] = wrong[i];
            bool second = c / 3 % 2;
            gvk_picture pictures[2] = {tensor_picture(SIDE, SIDE, second ? good : bad),
                                       tensor_picture(SIDE, SIDE, second ? bad : good)};
            gvk_ticket ticket = submit(stream, pictures, 2);
            assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
            gvk_result result = gvk_detector_read(stream, ticket, &found, &count);
            if (result != GVK_ERROR_NUMBER)
                fail_msg("%g in channel %u, place %u, item %d: %s, not GVK_ERROR_NUMBER", (double)wrong[i], c, place,
                         second, gvk_result_name(result));
            gvk_array array;
            assert_int_equal(gvk_stream_read(stream, ticket, "stride8", &array), GVK_ERROR_NUMBER);
            pictures[second] = tensor_picture(SIDE, SIDE, good);
            assert_int_equal(read_detections(stream, submit(stream, pictures, 2), &found), 0);
        }
    /* A box whose side is beyond fp32 has no place either. */
    memcpy(bad, good, sizeof good);
    bad[2 * PLANE + 9] = 100;
    bad[4 * PLANE + 9] = 20;
    bad[5 * PLANE + 9] = 20;
    gvk_picture pictures[2] = {tensor_picture(SIDE, SIDE, good), tensor_picture(SIDE, SIDE, bad)};
    gvk_ticket ticket = submit(stream, pictures, 2);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_int_equal(gvk_detector_read(stream, ticket, &found, &count), GVK_ERROR_NUMBER);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

/* Maps of one value a channel, behind a picture of 608 x 320: every cell of two anchors has a small box at its place,
 * and the picture's size decides where that is. */
static void boxes_of_letterboxed_pictures_lie_where_the_family_puts_them(void **state)
{
    (void)state;
    enum { WIDTH = 608, HEIGHT = 320, CLASSES = 2, CHANNELS = 3 * (5 + CLASSES) };
    static const struct {
        uint32_t width, height;
        bool letterbox;
    } sizes[] = {{1216, 601, true}, {1005, 640, true}, {413, 777, true}, {1333, 751, false}, {608, 320, true},
                 {19, 10, true},    {1, 4000, true},   {4000, 1, true},  {123, 457, false},  {640, 480, true}};
    static const struct {
        int map, anchor;
        float raw[5]; /* x, y, width, height, objectness */
        uint32_t label;
    } seen[2] = {{0, 0, {0.5f, -0.25f, -2.0f, -1.75f, 3}, 0}, {2, 2, {-1, 1, -2.0f, -1.5f, 2}, 1}};
    struct weights weights;
    make_weights(&weights, CHANNELS, 3);
    for (int i = 0; i < MAPS; i++)
        for (int c = 0; c < CHANNELS; c++)
            weights.bias[i][c] = c % (5 + CLASSES) == 4 ? -20.0f : -1.0f;
    for (int i = 0; i < 2; i++) {
        float *bias = weights.bias[seen[i].map] + seen[i].anchor * (5 + CLASSES);
        memcpy(bias, seen[i].raw, sizeof seen[i].raw);
        bias[5 + seen[i].label] = 4;
    }
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, find_weight, &weights, &graph));
    gvk_tensor at[MAPS];
    at[2] = add_picker(graph, "pick8", add_picker(graph, "pick4", gvk_graph_input(graph, "input", 3), 4), 2);
    at[1] = add_picker(graph, "pick16", at[2], 2);
    at[0] = add_picker(graph, "pick32", at[1], 2);
    for (int i = 0; i < MAPS; i++) {
        gvk_node node = {
            .op = GVK_OP_CONVOLUTION, .name = map_names[i], .inputs = {at[i]}, .outputs = CHANNELS, .bias = 1};
        gvk_graph_output(graph, map_names[i], gvk_graph_add(graph, &node));
    }
    gvk_model *model = finish_model(graph);
    release_weights(&weights);
    struct gvk_detector_setup setup = setup_of(CLASSES, 0.5f, 0.3f, 1);
    gvk_stream *stream = create_detector(model, &setup, WIDTH, HEIGHT, 2, 1);
    uint8_t *pixels = calloc((size_t)4000 * 1000, 3);
    assert_non_null(pixels);
    double worst = 0;
    for (size_t first = 0; first < ARRAY_COUNT(sizes); first++) {
        size_t of[2] = {first, (first + 3) % ARRAY_COUNT(sizes)};
        gvk_picture pictures[2];
        for (int item = 0; item < 2; item++)
            pictures[item] = (gvk_picture){.size = sizeof(gvk_picture),
                                           .width = sizes[of[item]].width,
                                           .height = sizes[of[item]].height,
                                           .letterbox = sizes[of[item]].letterbox,
                                           .pixels = pixels};
        const gvk_detection *found = NULL;
        uint32_t count = read_detections(stream, submit(stream, pictures, 2), &found), next = 0;
        for (uint32_t item = 0; item < 2; item++)
            for (int i = 0; i < 2; i++) {
                uint32_t stride = 8 * map_steps[seen[i].map];
                uint32_t map_width = WIDTH / stride, cells = map_width * (HEIGHT / stride);
                uint32_t row = seen[i].map ? 3 * (WIDTH / 32 * (HEIGHT / 32) + WIDTH / 16 * (HEIGHT / 16)) : 0;
                const float *anchor = anchors + (size_t)(MAPS - 1 - seen[i].map) * 6 + (size_t)seen[i].anchor * 2;
                for (uint32_t cell = 0; cell < cells; cell++, next++) {
                    uint32_t candidate = row + (uint32_t)seen[i].anchor * cells + cell;
                    if (next >= count || found[next].item != item || found[next].candidate != candidate ||
                        found[next].class_id != seen[i].label)
                        fail_msg("%ux%u: detection %u of %u is not candidate %u of item %u", pictures[item].width,
                                 pictures[item].height, next, count, candidate, item);
                    double picture[2] = {pictures[item].width, pictures[item].height};
                    const double given[2] = {WIDTH, HEIGHT};
                    for (int j = 0; j < 4; j++) {
                        int axis = j % 2;
                        double centre =
                            (1 / (1 + exp(-(double)seen[i].raw[axis])) + (axis ? cell / map_width : cell % map_width)) *
                            stride;
                        double size = exp((double)seen[i].raw[2 + axis]) * (double)anchor[axis];
                        double side =
                            to_picture(centre + (j < 2 ? -size : size) / 2, given[axis], picture[axis], given[axis],
                                       picture[1 - axis], given[1 - axis], pictures[item].letterbox);
                        double distance = fabs(side - (double)found[next].box[j]);
                        if (!(distance <= BOX_TOLERANCE))
                            fail_msg("%ux%u, letterbox %d, item %u: side %d of candidate %u is at %.6f, not %.6f",
                                     pictures[item].width, pictures[item].height, pictures[item].letterbox, item, j,
                                     candidate, (double)found[next].box[j], side);
                        worst = fmax(worst, distance);
                    }
                }
            }
        assert_int_equal(next, count);
    }
    print_message("             boxes off by %.1e px at most\n", worst);
    free(pixels);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static gvk_network *open_filled_network(enum network_kind kind, uint32_t classes)
{
    struct network_shape shape = {.kind = kind, .width = 0.5, .class_count = classes};
    gvk_network_params params = {.size = sizeof params};
    unsigned char *bytes = make_checkpoint(&shape, &params.byte_count);
    assert_non_null(bytes);
    params.bytes = bytes;
    gvk_network *network = NULL;
    assert_ok(gvk_network_open(&test_host, &params, &network));
    free(bytes);
    return network;
}

static gvk_detector_params detector_params(float confidence, float iou)
{
    return (gvk_detector_params){.size = sizeof(gvk_detector_params),
                                 .stream = {.size = sizeof(gvk_stream_params), .width = 64, .height = 64},
                                 .confidence = confidence,
                                 .iou = iou};
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
    gvk_network *network = open_filled_network(NETWORK_DETECTOR, 3);
    gvk_model *model = NULL;
    assert_ok(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
    gvk_network_info info;
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
    gvk_network *network = open_filled_network(NETWORK_DETECTOR, 3);
    gvk_network *other = open_filled_network(NETWORK_DETECTOR, 4);
    gvk_network *classifier = open_filled_network(NETWORK_CLASSIFIER, 3);
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
    assert_int_equal(gvk_detector_read(stream, 1, &found, &count), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_read(NULL, 1, &found, &count), GVK_ERROR_ARGUMENT);
    gvk_stream_destroy(stream);
    assert_ok(gvk_detector_create(model, network, &params, &stream));
    assert_int_equal(gvk_detector_read(stream, 1, &found, &count), GVK_ERROR_ARGUMENT);
    static const uint8_t pixels[3];
    gvk_picture picture = {.size = sizeof picture, .width = 1, .height = 1, .pixels = pixels};
    gvk_ticket ticket = submit(stream, &picture, 1);
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_int_equal(gvk_detector_read(stream, ticket, NULL, &count), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_read(stream, ticket, &found, NULL), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_detector_read(stream, ticket + 1, &found, &count), GVK_ERROR_ARGUMENT);
    assert_ok(gvk_detector_read(stream, ticket, &found, &count));
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_model_destroy(classifier_model);
    gvk_network_destroy(network);
    gvk_network_destroy(other);
    gvk_network_destroy(classifier);
}

static int set_up(void **state)
{
    int failed = open_device_fixture(state);
    device = *state;
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detections_are_those_of_the_reference_and_the_same_each_time),
        cmocka_unit_test(max_detections_keeps_the_best_of_each_item),
        cmocka_unit_test(a_number_that_is_not_finite_fails_its_frame_alone),
        cmocka_unit_test(boxes_of_letterboxed_pictures_lie_where_the_family_puts_them),
        cmocka_unit_test(a_threshold_of_0_is_the_default_and_a_negative_one_is_zero),
        cmocka_unit_test(a_detector_refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, set_up, close_device_fixture);
}
