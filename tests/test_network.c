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
    image.bytes =
        make_checkpoint(&(struct network_shape){.kind = kind, .width = width, .class_count = class_count}, &image.count);
    assert_non_null(image.bytes);
    return image;
}

static struct tensor_list list_tensors(enum network_kind kind, double width, uint32_t class_count)
{
    struct tensor_list list;
    assert_true(
        list_network(&(struct network_shape){.kind = kind, .width = width, .class_count = class_count}, &list));
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
    size_t length = (size_t)snprintf(quoted, sizeof quoted, "\"%s\":{", name), end = 8 + header_bytes(image);
    for (size_t at = 8; at + length <= end; at++)
        if (!memcmp(image->bytes + at, quoted, length))
            return (char *)image->bytes + at + 1;
    fail_msg("the header has no %s", name);
    return NULL;
}

/* The data of the tensor. */
static unsigned char *find_data(const struct image *image, const char *name)
{
    const char *entry = find_name(image, name), *key = "\"data_offsets\":[";
    const char *offsets = entry;
    while (memcmp(offsets, key, strlen(key)) != 0)
        offsets++;
    return image->bytes + 8 + header_bytes(image) + strtoull(offsets + strlen(key), NULL, 10);
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

static void the_detector_has_the_nodes_of_the_paper(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, 80);
    const gvk_graph *graph = gvk_network_graph(network);
    /* 16 bottlenecks of two ghost modules; 5 strided, 7 with squeeze-excite, 7 whose shortcut has two convolutions. */
    assert_int_equal(count_nodes(graph, GVK_OP_CONVOLUTION), EXPECT);
    close_good(&recorder, network);
}
