/* Networks from checkpoints: a fitting one opens with the right width, classes and graph, and the graph computes what
 * PyTorch computes; anything else is refused with one sentence, without a crash, a leak or a partial result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ghostnet/ghostnet.h"
#include "../ghostnet/network.h"
#include "../runtime/graph.h"
#include "checkpoint_maker.h"
#include "filler.h"

/* ---- a host that counts ---- */

struct recorder {
    uint32_t errors;
    char last[600];
    long allocations, live;
    long fail_at; /* the allocation that fails, counted from 1; 0: none */
};

static void record_sentence(void *user, gvk_log_level level, const char *sentence)
{
    struct recorder *recorder = user;
    recorder->errors += level == GVK_LOG_ERROR;
    snprintf(recorder->last, sizeof recorder->last, "%s", sentence);
}

static void *record_allocation(void *user, size_t bytes, size_t alignment)
{
    struct recorder *recorder = user;
    (void)alignment;
    if (++recorder->allocations == recorder->fail_at)
        return NULL;
    void *block = malloc(bytes);
    recorder->live += block != NULL;
    return block;
}

static void record_release(void *user, void *block)
{
    struct recorder *recorder = user;
    recorder->live -= block != NULL;
    free(block);
}

static gvk_host recording_host(struct recorder *recorder)
{
    return (gvk_host){.size = sizeof(gvk_host),
                      .user = recorder,
                      .log = record_sentence,
                      .allocate = record_allocation,
                      .release = record_release};
}

/* ---- checkpoints, whole and spoilt ---- */

struct image {
    unsigned char *bytes;
    size_t count;
};

static struct image make_image(enum network_kind kind, double width, uint32_t class_count)
{
    struct image image = {0};
    image.bytes = make_checkpoint(&(struct network_shape){.kind = kind, .width = width, .class_count = class_count},
                                  &image.count);
    assert_non_null(image.bytes);
    return image;
}

static struct tensor_list list_tensors(enum network_kind kind, double width, uint32_t class_count)
{
    struct tensor_list list;
    assert_true(list_network(&(struct network_shape){.kind = kind, .width = width, .class_count = class_count}, &list));
    return list;
}

static struct image make_image_of(const struct tensor_list *list)
{
    struct image image = {0};
    image.bytes = make_checkpoint_of(list, &image.count);
    assert_non_null(image.bytes);
    return image;
}

static struct named_tensor *find_listed(const struct tensor_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->tensors[i].name, name))
            return &list->tensors[i];
    fail_msg("no tensor is called %s", name);
    return NULL;
}

static size_t header_bytes(const struct image *image)
{
    size_t count = 0;
    for (size_t i = 8; i-- > 0;)
        count = count << 8 | image->bytes[i];
    return count;
}

/* A copy with `json` as its metadata, such as "\"kind\":\"detector\"". */
static struct image with_metadata(const struct image *image, const char *json)
{
    size_t old = header_bytes(image), room = strlen(json) + 32;
    struct image out = {.bytes = malloc(image->count + room + 8)};
    assert_non_null(out.bytes);
    char *header = (char *)out.bytes + 8;
    size_t added = (size_t)snprintf(header, room, "{\"__metadata__\":{%s},", json), length = added + old - 1;
    memcpy(header + added, image->bytes + 9, old - 1);
    while (length % 8)
        header[length++] = ' ';
    memcpy(header + length, image->bytes + 8 + old, image->count - 8 - old);
    for (size_t i = 0; i < 8; i++)
        out.bytes[i] = (unsigned char)((uint64_t)length >> (8 * i) & 255);
    out.count = image->count - old + length;
    return out;
}

/* The place of the tensor's quoted name in the header. */
static char *find_name(const struct image *image, const char *name)
{
    char quoted[120];
    size_t length = (size_t)snprintf(quoted, sizeof quoted, "\"%s\":", name), end = 8 + header_bytes(image);
    for (size_t at = 8; at + length <= end; at++)
        if (!memcmp(image->bytes + at, quoted, length))
            return (char *)image->bytes + at + 1;
    fail_msg("the header has no %s", name);
    return NULL;
}

/* The data of the tensor. */
static unsigned char *find_data(const struct image *image, const char *name)
{
    static const char key[] = "\"data_offsets\":";
    const char *offsets = find_name(image, name);
    while (memcmp(offsets, key, sizeof key - 1) != 0)
        offsets++;
    offsets = strchr(offsets, '[') + 1;
    return image->bytes + 8 + header_bytes(image) + strtoull(offsets, NULL, 10);
}

static struct image read_file(const char *path)
{
    struct image image = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("%s cannot be opened", path);
        return image;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    image.count = (size_t)ftell(file);
    rewind(file);
    image.bytes = malloc(image.count);
    assert_non_null(image.bytes);
    assert_int_equal(fread(image.bytes, 1, image.count, file), image.count);
    fclose(file);
    return image;
}

/* ---- opening ---- */

static gvk_network *open_with(struct recorder *recorder, const struct image *image, gvk_network_params params)
{
    gvk_host host = recording_host(recorder);
    gvk_network *network = NULL;
    params.size = sizeof params;
    params.bytes = image->bytes;
    params.byte_count = image->count;
    gvk_result result = gvk_network_open(&host, &params, &network);
    if (result)
        fail_msg("%s: %s", gvk_result_name(result), recorder->last);
    assert_non_null(network);
    assert_int_equal(recorder->errors, 0);
    return network;
}

static gvk_network *open_good(struct recorder *recorder, const struct image *image)
{
    return open_with(recorder, image, (gvk_network_params){0});
}

static void close_good(struct recorder *recorder, gvk_network *network)
{
    gvk_network_destroy(network);
    assert_int_equal(recorder->live, 0);
}

/* Refused with one sentence that has `words` in it, and nothing is left behind. */
static void refuse_with(const struct image *image, gvk_network_params params, gvk_result wanted, const char *words)
{
    struct recorder recorder = {0};
    gvk_host host = recording_host(&recorder);
    gvk_network *const untouched = (gvk_network *)(void *)&recorder;
    gvk_network *network = untouched;
    if (!params.path) {
        params.bytes = image->bytes;
        params.byte_count = image->count;
    }
    gvk_result result = gvk_network_open(&host, &params, &network);
    if (result != wanted || recorder.errors != 1 || !strstr(recorder.last, words))
        fail_msg("%s with %u sentences, \"%s\", instead of %s with \"%s\"", gvk_result_name(result), recorder.errors,
                 recorder.last, gvk_result_name(wanted), words);
    assert_ptr_equal(network, untouched);
    assert_int_equal(recorder.live, 0);
    assert_null(strchr(recorder.last, '\n'));
    assert_int_equal(recorder.last[strlen(recorder.last) - 1], '.');
}

static void refuse(const struct image *image, gvk_result wanted, const char *words)
{
    refuse_with(image, (gvk_network_params){0}, wanted, words);
}

/* ---- what opens ---- */

static void check_opening(enum network_kind kind, double width, uint32_t class_count)
{
    struct recorder recorder = {0};
    struct image image = make_image(kind, width, class_count);
    gvk_network *network = open_good(&recorder, &image);
    free(image.bytes); /* the bytes are copied */
    gvk_network_info info;
    gvk_network_describe(network, &info);
    assert_int_equal(info.kind, kind == NETWORK_DETECTOR ? GVK_NETWORK_DETECTOR : GVK_NETWORK_CLASSIFIER);
    assert_string_equal(info.format, "safetensors");
    if (fabs(info.width - width) > 1e-12)
        fail_msg("width %g was taken for %g", width, info.width);
    assert_int_equal(info.class_count, class_count);
    for (uint32_t i = 0; i < class_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%" PRIu32, i);
        assert_string_equal(info.classes[i], name);
    }
    uint32_t side = kind == NETWORK_DETECTOR ? 416 : 224;
    assert_int_equal(info.input_width, side);
    assert_int_equal(info.input_height, side);
    assert_int_equal(info.letterbox, 0);
    assert_float_equal(info.confidence, 0.5f, 0);
    assert_float_equal(info.iou, 0.3f, 0);
    assert_int_equal(info.unused_count, 0);
    if (kind == NETWORK_DETECTOR) {
        assert_float_equal(info.anchors[0], 12, 0);
        assert_float_equal(info.anchors[17], 401, 0);
    } else {
        assert_null(info.anchors);
    }
    const gvk_graph *graph = gvk_network_graph(network);
    assert_int_equal(graph->input_count, 1);
    assert_string_equal(graph->inputs[0].name, "input");
    assert_int_equal(graph->output_count, kind == NETWORK_DETECTOR ? 3 : 1);
    close_good(&recorder, network);
}

static void a_detector_opens_at_its_width_and_class_count(void **state)
{
    (void)state;
    check_opening(NETWORK_DETECTOR, 0.5, 3);
    check_opening(NETWORK_DETECTOR, 1.0, 80);
    check_opening(NETWORK_DETECTOR, 1.3, 1);
    check_opening(NETWORK_DETECTOR, 0.1, 20);
}

static void a_classifier_opens_at_its_width_and_class_count(void **state)
{
    (void)state;
    check_opening(NETWORK_CLASSIFIER, 0.5, 10);
    check_opening(NETWORK_CLASSIFIER, 1.0, 1000);
    check_opening(NETWORK_CLASSIFIER, 1.3, 37);
    check_opening(NETWORK_CLASSIFIER, 0.1, 1);
    check_opening(NETWORK_CLASSIFIER, 0.375, 2);
    check_opening(NETWORK_CLASSIFIER, 0.83, 2);
}

static void the_shipped_model_opens_with_its_metadata(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_host host = recording_host(&recorder);
    gvk_network *network = NULL;
    assert_int_equal(
        gvk_network_open(&host, &(gvk_network_params){.path = GVK_MODEL_DIR "/blood-cells.safetensors"}, &network),
        GVK_OK);
    gvk_network_info info;
    gvk_network_describe(network, &info);
    assert_int_equal(info.kind, GVK_NETWORK_DETECTOR);
    assert_float_equal(info.width, 1.0, 0);
    assert_int_equal(info.class_count, 3);
    assert_string_equal(info.classes[0], "RBC");
    assert_string_equal(info.classes[1], "WBC");
    assert_string_equal(info.classes[2], "Platelets");
    assert_int_equal(info.input_width, 416);
    assert_int_equal(info.input_height, 416);
    assert_int_equal(info.letterbox, 1);
    assert_float_equal(info.confidence, 0.4f, 0);
    assert_float_equal(info.iou, 0.4f, 0);
    assert_float_equal(info.anchors[1], 16, 0);
    assert_int_equal(info.unused_count, 0);
    close_good(&recorder, network);
}

static void tensors_that_no_node_needs_are_listed_but_not_the_counters(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    struct named_tensor *grown = realloc(list.tensors, (list.count + 3) * sizeof *grown);
    assert_non_null(grown);
    list.tensors = grown;
    list.tensors[list.count++] = (struct named_tensor){.name = "optimizer.momentum", .rank = 1, .shape = {5}};
    list.tensors[list.count++] = (struct named_tensor){.name = "bn1.num_batches_tracked", .rank = 1, .shape = {1}};
    list.tensors[list.count++] = (struct named_tensor){.name = "fc.weight", .rank = 2, .shape = {2, 3}};
    struct image image = make_image_of(&list);
    gvk_network *network = open_good(&recorder, &image);
    gvk_network_info info;
    gvk_network_describe(network, &info);
    assert_int_equal(info.unused_count, 2);
    assert_string_equal(info.unused[0], "optimizer.momentum");
    assert_string_equal(info.unused[1], "fc.weight");
    close_good(&recorder, network);
    free(image.bytes);
    release_tensor_list(&list);
}

/* ---- the graph ---- */

static gvk_network *open_made(struct recorder *recorder, enum network_kind kind, double width, uint32_t class_count)
{
    struct image image = make_image(kind, width, class_count);
    gvk_network *network = open_good(recorder, &image);
    free(image.bytes);
    return network;
}

static uint32_t count_nodes(const gvk_graph *graph, int op)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}

static void the_detector_has_218_operations_and_129_batch_norms(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, 80);
    const gvk_graph *graph = gvk_network_graph(network);
    /* The stem; four in each of 16 bottlenecks, one more in each of 4 strided ones, two in each of 7 squeeze-excites
     * and of 5 shortcuts; 44 in the neck, where a separable one counts twice; three in each head. */
    assert_int_equal(count_nodes(graph, GVK_OP_CONVOLUTION), 1 + 16 * 4 + 4 + 7 * 2 + 5 * 2 + 44 + 3 * 3);
    assert_int_equal(count_nodes(graph, GVK_OP_BATCH_NORM), 146 - 7 * 2 - 3); /* all but those with a bias */
    assert_int_equal(count_nodes(graph, GVK_OP_CONCAT), 16 * 2 + 5);
    assert_int_equal(count_nodes(graph, GVK_OP_ADD), 16);
    assert_int_equal(count_nodes(graph, GVK_OP_AVERAGE_POOL), 7);
    assert_int_equal(count_nodes(graph, GVK_OP_MULTIPLY), 7);
    assert_int_equal(count_nodes(graph, GVK_OP_MAX_POOL), 3);
    assert_int_equal(count_nodes(graph, GVK_OP_UPSAMPLE), 2);
    assert_int_equal(graph->node_count - count_nodes(graph, GVK_OP_BATCH_NORM), 218);
    close_good(&recorder, network);
}

static struct gvk_shape *make_shapes(const gvk_graph *graph, uint32_t width, uint32_t height)
{
    struct gvk_shape *shapes = calloc(graph->tensor_count, sizeof *shapes);
    gvk_host host = gvk_host_complete(NULL);
    assert_non_null(shapes);
    assert_int_equal(gvk_graph_shapes(&host, graph, width, height, shapes), GVK_OK);
    return shapes;
}

static void check_shape(const gvk_graph *graph, const struct gvk_shape *shapes, const char *name, uint32_t channels,
                        uint32_t height, uint32_t width)
{
    gvk_tensor tensor = gvk_graph_find_tensor(graph, name);
    if (!tensor)
        fail_msg("no tensor is called %s", name);
    const struct gvk_shape *shape = &shapes[tensor];
    if (shape->channels != channels || shape->height != height || shape->width != width)
        fail_msg("%s is %u x %u x %u, not %u x %u x %u", name, shape->channels, shape->height, shape->width, channels,
                 height, width);
}

static void the_maps_have_the_input_divided_by_their_strides(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, 80);
    const gvk_graph *graph = gvk_network_graph(network);
    struct gvk_shape *shapes = make_shapes(graph, 416, 416);
    check_shape(graph, shapes, "stride32", 255, 13, 13);
    check_shape(graph, shapes, "stride16", 255, 26, 26);
    check_shape(graph, shapes, "stride8", 255, 52, 52);
    check_shape(graph, shapes, "backbone.model.blocks.4.0.add", 40, 52, 52);
    check_shape(graph, shapes, "backbone.model.blocks.6.4.add", 112, 26, 26);
    check_shape(graph, shapes, "backbone.model.blocks.8.3.add", 160, 13, 13);
    check_shape(graph, shapes, "backbone.model.blocks.3.0.se.pool", 72, 1, 1);
    check_shape(graph, shapes, "spatial_pyramid.concat", 2048, 13, 13);
    free(shapes);
    shapes = make_shapes(graph, 608, 320);
    check_shape(graph, shapes, "stride32", 255, 10, 19);
    check_shape(graph, shapes, "stride16", 255, 20, 38);
    check_shape(graph, shapes, "stride8", 255, 40, 76);
    free(shapes);
    close_good(&recorder, network);

    network = open_made(&recorder, NETWORK_CLASSIFIER, 1.3, 37);
    graph = gvk_network_graph(network);
    shapes = make_shapes(graph, 224, 224);
    check_shape(graph, shapes, "blocks.8.3.add", 208, 7, 7);
    check_shape(graph, shapes, "blocks.9.0.bn1", 1248, 7, 7);
    check_shape(graph, shapes, "conv_head", 1280, 1, 1);
    check_shape(graph, shapes, "logits", 37, 1, 1);
    free(shapes);
    close_good(&recorder, network);
}

static void check_size(uint32_t class_count, uint64_t wanted_macs, uint64_t wanted_parameters)
{
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, class_count);
    const gvk_graph *graph = gvk_network_graph(network);
    struct gvk_shape *shapes = make_shapes(graph, 416, 416);
    uint64_t macs = 0, parameters = 0; /* what training changes: of a batch norm, weight and bias */
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        const struct gvk_shape *out = &shapes[node->output];
        if (node->op == GVK_OP_BATCH_NORM)
            parameters += 2 * (uint64_t)node->input_channels;
        if (node->op != GVK_OP_CONVOLUTION)
            continue;
        uint64_t weights =
            (uint64_t)node->output_channels * (node->input_channels / node->groups) * node->kernel * node->kernel;
        macs += weights * out->width * out->height;
        parameters += weights + (node->bias.data ? node->output_channels : 0);
    }
    free(shapes);
    close_good(&recorder, network);
    if (macs != wanted_macs || parameters != wanted_parameters)
        fail_msg("%u classes: %" PRIu64 " multiply-adds and %" PRIu64 " parameters", class_count, macs, parameters);
}

static void the_detector_takes_3_27_billion_multiply_adds_and_11_1_million_parameters(void **state)
{
    (void)state;
    check_size(20, UINT64_C(3266803376), UINT64_C(11105445));
    check_size(80, UINT64_C(3484853936), UINT64_C(11428545));
}

/* ---- the graph's numbers, by the plainest interpreter there can be ---- */

static float activate(float x, gvk_activation activation)
{
    switch (activation) {
    case GVK_ACTIVATION_RELU: return x > 0 ? x : 0;
    case GVK_ACTIVATION_RELU6: return x > 0 ? (x < 6 ? x : 6) : 0;
    case GVK_ACTIVATION_HARD_SIGMOID: return activate(x + 3, GVK_ACTIVATION_RELU6) / 6;
    default: return x;
    }
}

static float *copy_floats(const gvk_array *array)
{
    assert_int_equal(array->type, GVK_TYPE_F32);
    float *floats = malloc((size_t)array->bytes + 1);
    assert_non_null(floats);
    memcpy(floats, array->data, (size_t)array->bytes);
    return floats;
}

static size_t count_values(const struct gvk_shape *shape)
{
    return (size_t)shape->channels * shape->height * shape->width;
}

static void convolve(const struct gvk_graph_node *node, const float *in, const struct gvk_shape *from, float *out,
                     const struct gvk_shape *to)
{
    float *weights = copy_floats(&node->weight), *bias = node->bias.data ? copy_floats(&node->bias) : NULL;
    uint32_t inputs = node->input_channels / node->groups, kernel = node->kernel;
    for (uint32_t c = 0; c < to->channels; c++)
        for (uint32_t y = 0; y < to->height; y++)
            for (uint32_t x = 0; x < to->width; x++) {
                double sum = bias ? (double)bias[c] : 0;
                for (uint32_t i = 0; i < inputs; i++)
                    for (uint32_t ky = 0; ky < kernel; ky++)
                        for (uint32_t kx = 0; kx < kernel; kx++) {
                            uint32_t sy = y * node->stride + ky - node->padding; /* wraps above the input */
                            uint32_t sx = x * node->stride + kx - node->padding;
                            size_t source = node->groups > 1 ? c : i;
                            if (sy < from->height && sx < from->width)
                                sum += (double)in[(source * from->height + sy) * from->width + sx] *
                                       (double)weights[(((size_t)c * inputs + i) * kernel + ky) * kernel + kx];
                        }
                out[((size_t)c * to->height + y) * to->width + x] = activate((float)sum, node->activation);
            }
    free(weights);
    free(bias);
}

static void normalise(const struct gvk_graph_node *node, const float *in, float *out, const struct gvk_shape *shape)
{
    float *weight = copy_floats(&node->norm.weight), *bias = copy_floats(&node->norm.bias);
    float *mean = copy_floats(&node->norm.mean), *variance = copy_floats(&node->norm.variance);
    size_t plane = (size_t)shape->height * shape->width;
    for (size_t i = 0; i < count_values(shape); i++) {
        size_t c = i / plane;
        double scaled = ((double)in[i] - (double)mean[c]) / sqrt((double)variance[c] + GVK_BATCH_NORM_EPSILON);
        out[i] = activate((float)(scaled * (double)weight[c] + (double)bias[c]), node->activation);
    }
    free(weight);
    free(bias);
    free(mean);
    free(variance);
}

static void pool_largest(uint32_t kernel, const float *in, float *out, const struct gvk_shape *shape)
{
    uint32_t half = kernel / 2;
    for (uint32_t c = 0; c < shape->channels; c++)
        for (uint32_t y = 0; y < shape->height; y++)
            for (uint32_t x = 0; x < shape->width; x++) {
                const float *plane = in + (size_t)c * shape->height * shape->width;
                float largest = -INFINITY;
                for (uint32_t sy = y > half ? y - half : 0; sy <= y + half && sy < shape->height; sy++)
                    for (uint32_t sx = x > half ? x - half : 0; sx <= x + half && sx < shape->width; sx++)
                        largest = fmaxf(largest, plane[sy * shape->width + sx]);
                out[((size_t)c * shape->height + y) * shape->width + x] = largest;
            }
}

static void average(const float *in, const struct gvk_shape *from, float *out)
{
    size_t plane = (size_t)from->height * from->width;
    for (size_t c = 0; c < from->channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < plane; i++)
            sum += (double)in[c * plane + i];
        out[c] = (float)(sum / (double)plane);
    }
}

static void upsample(const float *in, float *out, const struct gvk_shape *to)
{
    for (size_t c = 0; c < to->channels; c++)
        for (size_t y = 0; y < to->height; y++)
            for (size_t x = 0; x < to->width; x++)
                out[(c * to->height + y) * to->width + x] =
                    in[(c * (to->height / 2) + y / 2) * (to->width / 2) + x / 2];
}

static void run_node(const struct gvk_graph_node *node, const struct gvk_shape *shapes, float **tensors)
{
    const struct gvk_shape *from = &shapes[node->inputs[0]], *to = &shapes[node->output];
    const float *in = tensors[node->inputs[0]];
    size_t count = count_values(to), plane = (size_t)to->height * to->width, used = 0;
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    tensors[node->output] = out;
    switch (node->op) {
    case GVK_OP_CONVOLUTION:
    case GVK_OP_LINEAR: convolve(node, in, from, out, to); break;
    case GVK_OP_BATCH_NORM: normalise(node, in, out, to); break;
    case GVK_OP_MAX_POOL: pool_largest(node->kernel, in, out, to); break;
    case GVK_OP_AVERAGE_POOL: average(in, from, out); break;
    case GVK_OP_UPSAMPLE: upsample(in, out, to); break;
    case GVK_OP_MULTIPLY:
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] * tensors[node->inputs[1]][i / plane];
        break;
    case GVK_OP_ADD:
        for (size_t i = 0; i < count; i++)
            out[i] = in[i] + tensors[node->inputs[1]][i];
        break;
    case GVK_OP_CONCAT:
        for (uint32_t i = 0; i < node->input_count; i++) {
            size_t part = count_values(&shapes[node->inputs[i]]);
            memcpy(out + used, tensors[node->inputs[i]], part * sizeof *out);
            used += part;
        }
        break;
    default: fail_msg("%s has an op that networks do not use", node->name);
    }
}

static void compare_output(const char *golden, const char *name, const gvk_array *wanted, const float *got,
                           size_t count)
{
    float *expected = copy_floats(wanted), largest = 0, worst = 0;
    assert_true(wanted->bytes / 4 >= count); /* the golden may hold further items of a batch */
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(expected[i]));
        worst = fmaxf(worst, fabsf(expected[i] - got[i]));
    }
    free(expected);
    if (!(worst <= largest * 1e-5f))
        fail_msg("%s: %s is off by %g of %g", golden, name, (double)worst, (double)largest);
}

static void check_golden(const char *golden, enum network_kind kind, double width, uint32_t class_count, uint32_t side)
{
    struct recorder recorder = {0};
    gvk_host host = recording_host(&recorder);
    gvk_network *network = open_made(&recorder, kind, width, class_count);
    const gvk_graph *graph = gvk_network_graph(network);
    struct gvk_shape *shapes = make_shapes(graph, side, side);
    float **tensors = calloc(graph->tensor_count, sizeof *tensors);
    assert_non_null(tensors);
    gvk_tensor input = graph->inputs[0].tensor;
    tensors[input] = malloc(count_values(&shapes[input]) * sizeof(float));
    assert_non_null(tensors[input]);
    fill_input("input", (const uint64_t[4]){1, 3, side, side}, tensors[input]);
    for (uint32_t i = 0; i < graph->node_count; i++)
        run_node(&graph->nodes[i], shapes, tensors);

    char path[512];
    snprintf(path, sizeof path, GVK_TEST_DATA_DIR "/goldens/%s.safetensors", golden);
    gvk_checkpoint *expected = NULL;
    if (gvk_checkpoint_open(&host, path, &expected))
        fail_msg("%s", recorder.last);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        const struct gvk_graph_port *output = &graph->outputs[i];
        const gvk_checkpoint_tensor *wanted = gvk_checkpoint_find(expected, output->name);
        assert_non_null(wanted);
        compare_output(golden, output->name, &wanted->array, tensors[output->tensor],
                       count_values(&shapes[output->tensor]));
    }
    gvk_checkpoint_destroy(expected);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        free(tensors[i]);
    free(tensors);
    free(shapes);
    close_good(&recorder, network);
}

static void the_graphs_compute_what_pytorch_computes(void **state)
{
    (void)state;
    check_golden("detector_w050_c3_64x64_b1", NETWORK_DETECTOR, 0.5, 3, 64);
    check_golden("detector_w100_c20_64x64_b1", NETWORK_DETECTOR, 1.0, 20, 64);
    check_golden("detector_w130_c80_64x64_b1", NETWORK_DETECTOR, 1.3, 80, 64);
    check_golden("classifier_w050_c10_224x224_b2", NETWORK_CLASSIFIER, 0.5, 10, 224);
}

/* ---- tensors that are missing, misshapen or spoilt ---- */

static void check_missing(struct image *image, const char *name)
{
    char *entry = find_name(image, name), first = *entry;
    *entry = '#';
    refuse(image, GVK_ERROR_MISMATCH, name);
    *entry = first;
}

static void a_missing_tensor_is_refused_by_name(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    struct image image = make_image_of(&list);
    for (size_t i = 0; i < list.count; i++)
        check_missing(&image, list.tensors[i].name);
    free(image.bytes);
    release_tensor_list(&list);

    list = list_tensors(NETWORK_DETECTOR, 0.1, 3);
    image = make_image_of(&list);
    for (size_t i = 0; i < list.count; i += 97)
        check_missing(&image, list.tensors[i].name);
    check_missing(&image, "yolo_head1.1.weight");
    check_missing(&image, "yolo_head2.1.weight");
    check_missing(&image, "yolo_head3.1.bias");
    free(image.bytes);
    release_tensor_list(&list);
}

static void a_misshapen_tensor_is_refused_by_name(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < list.count; i++) {
        struct named_tensor *tensor = &list.tensors[i];
        /* The count of classes comes from the first side of classifier.weight. */
        uint64_t *side = &tensor->shape[strcmp(tensor->name, "classifier.weight") ? 0 : 1];
        *side += 4;
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, tensor->name);
        free(image.bytes);
        *side -= 4;
    }
    struct named_tensor *vector = find_listed(&list, "blocks.0.0.ghost1.primary_conv.1.bias");
    vector->rank = 2;
    vector->shape[1] = 1;
    struct image image = make_image_of(&list);
    refuse(&image, GVK_ERROR_MISMATCH, "\"blocks.0.0.ghost1.primary_conv.1.bias\" is 2x1 in the checkpoint, but ");
    free(image.bytes);
    release_tensor_list(&list);
}

/* What is looked at before any other weight, so that a small file is enough. */
static void keep_stem_and_heads(struct tensor_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (strstr(list->tensors[i].name, "conv_stem") || strstr(list->tensors[i].name, ".1.weight"))
            list->tensors[kept++] = list->tensors[i];
    list->count = kept;
}

static void heads_that_contradict_each_other_or_no_class_count_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t outputs1, outputs2;
        const char *words;
    } cases[] = {{24, 27, "\"yolo_head1.1.weight\" has 24 outputs, but \"yolo_head2.1.weight\" has 27"},
                 {25, 25, "has 25 outputs"},
                 {15, 15, "has 15 outputs"},
                 {3, 3, "has 3 outputs"}};
    struct tensor_list list = list_tensors(NETWORK_DETECTOR, 0.1, 3);
    keep_stem_and_heads(&list);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        find_listed(&list, "yolo_head1.1.weight")->shape[0] = cases[i].outputs1;
        find_listed(&list, "yolo_head2.1.weight")->shape[0] = cases[i].outputs2;
        find_listed(&list, "yolo_head3.1.weight")->shape[0] = cases[i].outputs2;
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, cases[i].words);
        free(image.bytes);
    }
    release_tensor_list(&list);
}

static void channels_that_no_width_explains_are_refused(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < list.count; i++)
        if (list.tensors[i].rank == 4)
            list.tensors[i].shape[0] = 7;
    struct image image = make_image_of(&list);
    refuse(&image, GVK_ERROR_MISMATCH, "not GhostNet's at any width");
    free(image.bytes);
    release_tensor_list(&list);
}

static void a_file_of_another_network_is_refused_with_some_of_its_names(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    struct tensor_list few = {.tensors = list.tensors + 6, .count = 5};
    struct image image = make_image_of(&few);
    refuse(&image, GVK_ERROR_MISMATCH, "\"conv_stem.weight\"; it has \"conv_head.bias\", \"classifier.weight\", ");
    refuse(&image, GVK_ERROR_MISMATCH, "backbone.model.conv_stem.weight");
    refuse(&image, GVK_ERROR_MISMATCH, "and 2 more.");
    free(image.bytes);
    release_tensor_list(&list);
}

static void write_float(unsigned char *data, uint32_t bits)
{
    for (uint32_t i = 0; i < 4; i++)
        data[i] = (unsigned char)(bits >> (8 * i) & 255);
}

static void a_weight_that_is_no_number_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t index;
        uint32_t bits;
        const char *words; /* NULL: it is fine */
    } cases[] = {
        {"conv_stem.weight", 0, 0x7fc00000, "\"conv_stem.weight\" holds an infinity or a not-a-number"},
        {"classifier.weight", 4 * 1280 - 1, 0x7f800000, "\"classifier.weight\" holds an infinity"},
        {"classifier.bias", 3, 0xff800000, "\"classifier.bias\" holds an infinity"},
        {"bn1.running_mean", 1, 0x7f800001, "\"bn1.running_mean\" holds an infinity or a not-a-number"},
        {"bn1.running_var", 1, 0xffc00000, "\"bn1.running_var\" holds an infinity or a not-a-number"},
        {"bn1.running_var", 1, 0xbf800000, "\"bn1.running_var\" holds a variance below zero"},
        {"bn1.running_var", 1, 0x80000001, "\"bn1.running_var\" holds a variance below zero"},
        {"bn1.running_var", 1, 0x80000000, NULL},
        {"bn1.running_var", 1, 0, NULL},
        {"bn1.running_mean", 1, 0xbf800000, NULL},
        {"conv_stem.weight", 2, 0x7f7fffff, NULL},
        {"conv_stem.weight", 2, 0x00000001, NULL},
    };
    struct image image = make_image(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *data = find_data(&image, cases[i].name) + 4 * cases[i].index, old[4];
        memcpy(old, data, 4);
        write_float(data, cases[i].bits);
        if (cases[i].words) {
            refuse(&image, GVK_ERROR_FORMAT, cases[i].words);
        } else {
            struct recorder recorder = {0};
            close_good(&recorder, open_good(&recorder, &image));
        }
        memcpy(data, old, 4);
    }
    free(image.bytes);
}

static void a_half_float_that_is_no_number_is_refused_by_name(void **state)
{
    (void)state;
    struct image image = read_file(GVK_MODEL_DIR "/blood-cells.safetensors");
    unsigned char *data = find_data(&image, "conv1.0.conv.weight");
    data[0] = 0;
    data[1] = 0xfc;
    refuse(&image, GVK_ERROR_FORMAT, "\"conv1.0.conv.weight\" holds an infinity");
    data[0] = 0xff;
    data[1] = 0xfb; /* the lowest number there is */
    struct recorder recorder = {0};
    close_good(&recorder, open_good(&recorder, &image));
    free(image.bytes);
}

/* ---- classes, anchors and metadata ---- */

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
    gvk_network_info info;
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
        gvk_network_info info;
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

/* ---- wrong calls, and memory that runs out ---- */

static void a_call_without_a_source_is_refused(void **state)
{
    (void)state;
    struct image image = {.bytes = NULL};
    refuse(&image, GVK_ERROR_ARGUMENT, "either a path or bytes");
    image.bytes = (unsigned char *)&image;
    refuse_with(&image, (gvk_network_params){.path = "a", .bytes = &image, .byte_count = 1}, GVK_ERROR_ARGUMENT,
                "either a path or bytes");
    refuse_with(&image, (gvk_network_params){.size = 8}, GVK_ERROR_ARGUMENT, "gvk_network_open");
    gvk_network *network = NULL;
    assert_int_equal(gvk_network_open(NULL, NULL, &network), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_network_open(NULL, &(gvk_network_params){.path = "a"}, NULL), GVK_ERROR_ARGUMENT);
    assert_null(network);
    gvk_network_destroy(NULL);
    assert_null(gvk_network_graph(NULL));
}

static void a_file_that_is_not_there_is_refused(void **state)
{
    (void)state;
    refuse_with(NULL, (gvk_network_params){.path = GVK_MODEL_DIR "/nowhere.safetensors"}, GVK_ERROR_FILE,
                "nowhere.safetensors");
}

/* Every step-th allocation of the open fails once, from the first to the last. */
static void sweep_allocations(const struct image *image, long step)
{
    struct recorder counting = {0};
    close_good(&counting, open_good(&counting, image));
    for (long fail_at = 1; fail_at <= counting.allocations; fail_at += step) {
        struct recorder recorder = {.fail_at = fail_at};
        gvk_host host = recording_host(&recorder);
        gvk_network *network = NULL;
        gvk_result result =
            gvk_network_open(&host, &(gvk_network_params){.bytes = image->bytes, .byte_count = image->count}, &network);
        if (result != GVK_ERROR_HOST_MEMORY || network || recorder.errors != 1 || recorder.live)
            fail_msg("allocation %ld failed: %s, %u sentences, %ld blocks left", fail_at, gvk_result_name(result),
                     recorder.errors, recorder.live);
    }
}

static void memory_that_runs_out_anywhere_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    struct image plain = make_image(NETWORK_CLASSIFIER, 0.1, 3);
    struct image image = with_metadata(&plain, "\"kind\":\"classifier\",\"classes\":\"a\\nb\\nc\"");
    sweep_allocations(&image, 1);
    free(image.bytes);
    free(plain.bytes);
    image = make_image(NETWORK_DETECTOR, 0.1, 2);
    sweep_allocations(&image, 61);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_opens_at_its_width_and_class_count),
        cmocka_unit_test(a_classifier_opens_at_its_width_and_class_count),
        cmocka_unit_test(the_shipped_model_opens_with_its_metadata),
        cmocka_unit_test(tensors_that_no_node_needs_are_listed_but_not_the_counters),
        cmocka_unit_test(the_detector_has_218_operations_and_129_batch_norms),
        cmocka_unit_test(the_maps_have_the_input_divided_by_their_strides),
        cmocka_unit_test(the_detector_takes_3_27_billion_multiply_adds_and_11_1_million_parameters),
        cmocka_unit_test(the_graphs_compute_what_pytorch_computes),
        cmocka_unit_test(a_missing_tensor_is_refused_by_name),
        cmocka_unit_test(a_misshapen_tensor_is_refused_by_name),
        cmocka_unit_test(heads_that_contradict_each_other_or_no_class_count_are_refused),
        cmocka_unit_test(channels_that_no_width_explains_are_refused),
        cmocka_unit_test(a_file_of_another_network_is_refused_with_some_of_its_names),
        cmocka_unit_test(a_weight_that_is_no_number_is_refused_by_name),
        cmocka_unit_test(a_half_float_that_is_no_number_is_refused_by_name),
        cmocka_unit_test(the_callers_classes_and_anchors_win_over_the_metadata),
        cmocka_unit_test(a_list_of_classes_that_does_not_fit_is_refused),
        cmocka_unit_test(malformed_metadata_are_refused_by_key),
        cmocka_unit_test(numbers_in_metadata_are_read_to_the_last_bit),
        cmocka_unit_test(a_call_without_a_source_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_refused),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_reported_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
