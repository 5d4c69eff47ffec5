/* Fuzzes the way from a model file to a memory plan: gvk_network_open, then gvk_plan_describe. The input is a script of
 * edits to a small valid safetensors file, because bytes changed at random hardly ever get past the file's header.
 *
 * A classifier goes all the way. A detector's neck has 10 million weights whatever its width, so that a file with it
 * takes long to read; the detector's file here lacks it and is refused there at the latest, and detectors (and
 * classifiers of any width and class count) are planned as graphs without weights. */
#include <stdio.h>
#include <string.h>

#include "ghostnet/networks/heads.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/filler/filler.h"
#include "tests/fuzz/fuzz.h"
#include <ghostvk/ghostnet.h>

#define HEAD_BYTES 8u
#define TENSORS    512u
#define ROOM       ((size_t)3 << 20)

enum { CLASSIFIER_FILE, DETECTOR_FILE, CLASSIFIER_GRAPH, DETECTOR_GRAPH, MODES };

#define CHOOSE(table, byte) ((table)[(byte) % (sizeof(table) / sizeof((table)[0]))])

static const struct {
    const char *name;
    uint32_t bytes;
} types[] = {{"BF16", 2}, {"F16", 2}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U8", 1}, {"F8", 1}, {"", 2}};

struct tensor {
    const char *name;
    size_t name_length;
    uint32_t type, rank;
    uint64_t shape[9];
    bool is_poked;
    uint8_t poke_at, poke;
};

static struct base {
    struct tensor_list list;
    struct tensor tensors[TENSORS];
    uint32_t count;
} bases[2];

/* ---- the script's reader ---- */

struct script {
    const uint8_t *data;
    size_t size, at;
};

static uint8_t next_byte(struct script *script)
{
    return script->at < script->size ? script->data[script->at++] : 0;
}

static uint32_t next_index(struct script *script, uint32_t count)
{
    uint32_t low = next_byte(script);
    return (low | (uint32_t)next_byte(script) << 8) % count;
}

static const char *next_text(struct script *script, size_t *length)
{
    size_t wanted = next_byte(script), left = script->size - script->at;
    const char *text = (const char *)script->data + script->at;
    *length = wanted < left ? wanted : left;
    script->at += *length;
    return text;
}

/* ---- the file of a script ---- */

struct file {
    struct tensor tensors[TENSORS];
    uint32_t count;
    const char *prefix; /* in front of every name */
    size_t header_bytes, bytes;
    bool is_full;
    unsigned metadata;
    uint8_t text[ROOM]; /* the file itself */
};

static void put(struct file *to, const void *text, size_t length)
{
    if (length > ROOM - to->bytes) {
        to->is_full = true;
        return;
    }
    if (length)
        memcpy(to->text + to->bytes, text, length);
    to->bytes += length;
}

static void put_text(struct file *to, const char *text)
{
    put(to, text, strlen(text));
}

static void put_number(struct file *to, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(to, digits + at, sizeof digits - at);
}

/* As it stands in the script, so that it need not be a valid string; newlines, which lists have, are escaped. */
static void put_metadata(struct file *to, struct script *script)
{
    static const char *const keys[] = {"kind",       "classes", "input_size", "letterbox",
                                       "confidence", "iou",     "anchors",    "other"};
    size_t length;
    put_text(to, to->metadata++ ? ",\"" : "{\"__metadata__\":{\"");
    put_text(to, CHOOSE(keys, next_byte(script)));
    put_text(to, "\":\"");
    const char *text = next_text(script, &length);
    for (size_t i = 0; i < length; i++)
        text[i] == '\n' ? put_text(to, "\\n") : put(to, text + i, 1);
    put_text(to, "\"");
}

static uint64_t data_bytes(const struct tensor *tensor)
{
    uint64_t bytes = CHOOSE(types, tensor->type).bytes;
    for (uint32_t i = 0; i < tensor->rank; i++)
        bytes = tensor->shape[i] && bytes > UINT64_MAX / tensor->shape[i] ? UINT64_MAX : bytes * tensor->shape[i];
    return bytes > ROOM ? ROOM : bytes; /* more is not there */
}

static void put_tensor(struct file *to, const struct tensor *tensor, uint64_t begin, bool is_first)
{
    put_text(to, is_first ? "\"" : ",\"");
    put_text(to, to->prefix);
    put(to, tensor->name, tensor->name_length);
    put_text(to, "\":{\"dtype\":\"");
    put_text(to, CHOOSE(types, tensor->type).name);
    put_text(to, "\",\"shape\":[");
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (i)
            put_text(to, ",");
        put_number(to, tensor->shape[i]);
    }
    put_text(to, "],\"data_offsets\":[");
    put_number(to, begin);
    put_text(to, ",");
    put_number(to, begin + data_bytes(tensor));
    put_text(to, "]}");
}

/* All weights are 0x3f80: about 1 in each type. */
static void put_data(struct file *to, const struct tensor *tensor)
{
    static uint8_t ones[ROOM];
    if (!ones[0])
        for (size_t i = 0; i < sizeof ones; i++)
            ones[i] = i % 2 ? 0x3f : 0x80;
    size_t bytes = (size_t)data_bytes(tensor);
    put(to, ones, bytes);
    if (tensor->is_poked && bytes && !to->is_full)
        to->text[to->bytes - bytes + tensor->poke_at % bytes] = tensor->poke;
}

static void edit(struct file *file, struct script *script)
{
    static const char *const prefixes[] = {"", "module.", "model.", "_orig_mod.module.", "x."};
    static const uint64_t sizes[] = {0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     5,
                                     6,
                                     8,
                                     15,
                                     18,
                                     21,
                                     24,
                                     48,
                                     65520,
                                     65521,
                                     65536,
                                     65537,
                                     1 << 30,
                                     UINT64_C(1) << 32,
                                     UINT64_C(1) << 62,
                                     UINT64_MAX};
    uint8_t kind = next_byte(script) % 10;
    if (kind == 0) {
        put_metadata(file, script);
        return;
    }
    if (file->count == 0)
        return;
    struct tensor *tensor = &file->tensors[next_index(script, file->count)];
    switch (kind) {
    case 1: *tensor = file->tensors[--file->count]; break;
    case 2: {
        struct tensor *other = &file->tensors[next_index(script, file->count)], kept = *other;
        *other = *tensor;
        *tensor = kept;
        break;
    }
    case 3: tensor->shape[next_byte(script) % 9] = CHOOSE(sizes, next_byte(script)); break;
    case 4: tensor->rank = next_byte(script) % 10; break;
    case 5: tensor->type = next_byte(script); break;
    case 6:
        tensor->is_poked = true;
        tensor->poke_at = next_byte(script);
        tensor->poke = next_byte(script);
        break;
    case 7: tensor->name = next_text(script, &tensor->name_length); break;
    case 8:
        if (file->count < TENSORS) {
            file->tensors[file->count] = *tensor;
            tensor = &file->tensors[file->count++];
            tensor->name = next_text(script, &tensor->name_length);
        }
        break;
    default: file->prefix = CHOOSE(prefixes, next_byte(script)); break;
    }
}

static void write_file(struct file *file, const struct base *base, struct script *script)
{
    uint64_t begin = 0;
    memcpy(file->tensors, base->tensors, base->count * sizeof *base->tensors);
    file->count = base->count;
    file->prefix = "";
    file->is_full = false;
    file->metadata = 0;
    file->bytes = 8;
    for (unsigned edits = 0; script->at < script->size && edits < 64; edits++)
        edit(file, script);
    put_text(file, file->metadata ? "}," : "{");
    for (uint32_t i = 0; i < file->count; i++) {
        put_tensor(file, &file->tensors[i], begin, i == 0);
        begin += data_bytes(&file->tensors[i]);
    }
    put_text(file, "}");
    for (size_t i = 0; i < 8; i++)
        file->text[i] = (uint8_t)((file->bytes - 8) >> 8 * i & 0xff);
    for (uint32_t i = 0; i < file->count; i++)
        put_data(file, &file->tensors[i]);
}

/* Once: the tensors of both networks at width 0.1 with one class. */
static void make_bases(void)
{
    static const enum network_kind kinds[] = {NETWORK_CLASSIFIER, NETWORK_DETECTOR};
    for (size_t k = 0; k < 2; k++) {
        struct base *base = &bases[k];
        const struct network_shape shape = {.kind = kinds[k], .width = 0.1, .class_count = 1};
        FUZZ_CHECK(list_network(&shape, &base->list));
        for (size_t i = 0; i < base->list.count; i++) {
            const struct named_tensor *from = &base->list.tensors[i];
            bool is_neck = kinds[k] == NETWORK_DETECTOR && strncmp(from->name, "backbone.", 9) != 0 &&
                           strncmp(from->name, "yolo_head", 9) != 0;
            if (is_neck || count_elements(from->shape, from->rank) > 200000)
                continue;
            FUZZ_CHECK(base->count < TENSORS);
            struct tensor *tensor = &base->tensors[base->count++];
            *tensor = (struct tensor){.name = from->name, .name_length = strlen(from->name), .rank = from->rank};
            memcpy(tensor->shape, from->shape, sizeof from->shape);
        }
    }
}

/* ---- from there to a plan ---- */

static void check_network(const gvk_network *network)
{
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    FUZZ_CHECK(info.class_count > 0 && info.width >= 0.1 && info.width <= 4);
    FUZZ_CHECK(info.input_width % 32 == 0 && info.input_width > 0 && info.input_height % 32 == 0 &&
               info.input_height > 0);
    FUZZ_CHECK(info.confidence >= 0 && info.confidence <= 1 && info.iou >= 0 && info.iou <= 1);
    FUZZ_CHECK((info.anchors != NULL) == (info.task == GVK_TASK_DETECTOR));
    for (uint32_t i = 0; i < info.class_count; i++)
        if (*info.classes[i])
            fuzz_check_sentence(info.classes[i]);
    for (uint32_t i = 0; i < info.unused_count; i++)
        fuzz_check_sentence(info.unused[i]);
}

static void check_plan(const gvk_host *host, const gvk_graph *graph, const uint8_t *head)
{
    static const uint32_t odd_sides[] = {0, 1, 31, 33, 65504, 65535, 65536, 0xffffffff};
    gvk_description description = {.size = sizeof description};
    const gvk_model_params model = {.size = sizeof model, .rewrites_off = head[1]};
    const gvk_stream_params stream = {.size = sizeof stream,
                                      .width = head[2] < 200 ? head[2] * 32u : CHOOSE(odd_sides, head[2]),
                                      .height = head[3] < 200 ? head[3] * 32u : CHOOSE(odd_sides, head[3]),
                                      .batch = head[4] < 250 ? head[4] % 5 : 1024};
    gvk_result result = gvk_plan_describe(NULL, graph, &model, &stream, &description);
    fuzz_check_result(result);
    if (result)
        return;
    FUZZ_CHECK(description.layer_count > 0 && description.arena_bytes > 0 && description.weight_bytes > 0);
    FUZZ_CHECK(description.dispatches_after > 0 && description.barriers_after < description.dispatches_after);
    for (uint32_t i = 0; i < description.layer_count; i++)
        fuzz_check_sentence(description.layers[i].name);
    gvk_description_release(host, &description);
}

static void plan_file(const gvk_host *host, const uint8_t *data, size_t size, const struct base *base)
{
    static struct file file;
    struct script script = {.data = data, .size = size, .at = HEAD_BYTES};
    gvk_network *network = NULL;
    write_file(&file, base, &script);
    if (file.is_full)
        return;
    const gvk_network_params params = {.size = sizeof params, .bytes = file.text, .byte_count = file.bytes};
    gvk_result result = gvk_network_open(host, &params, &network);
    fuzz_check_result(result);
    FUZZ_CHECK((result == GVK_OK) == (network != NULL));
    FUZZ_CHECK(result == GVK_OK || result == GVK_ERROR_FORMAT || result == GVK_ERROR_MISMATCH ||
               result == GVK_ERROR_HOST_MEMORY);
    if (network) {
        check_network(network);
        check_plan(host, gvk_network_graph(network), data);
    }
    gvk_network_destroy(network);
}

static void plan_graph(const gvk_host *host, const uint8_t *data, bool is_detector)
{
    static const uint32_t classes[] = {1, 2, 3, 20, 80, 1000, 21840, 21841, 65536, 65537};
    gvk_graph *graph = NULL;
    double width = 0.1 + data[5] * (3.9 / 255);
    if (gvk_graph_create(host, NULL, NULL, &graph) == GVK_OK) {
        gvk_tensor input = gvk_graph_input(graph, "input", 3);
        if (is_detector)
            gvk_add_yolov4(graph, input, &gvk_ghostnet, width, CHOOSE(classes, data[6]));
        else
            gvk_add_classifier(graph, input, &gvk_ghostnet, width, CHOOSE(classes, data[6]));
        gvk_result result = gvk_graph_finish(graph);
        fuzz_check_result(result);
        if (!result)
            check_plan(host, graph, data);
    }
    gvk_graph_destroy(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    if (!bases[0].count)
        make_bases();
    const gvk_host *host = fuzz_begin((size_t)24 << 20);
    unsigned mode = data[0] % MODES;
    if (mode == CLASSIFIER_FILE || mode == DETECTOR_FILE)
        plan_file(host, data, size, &bases[mode == DETECTOR_FILE]);
    else
        plan_graph(host, data, mode == DETECTOR_GRAPH);
    fuzz_end();
    return 0;
}
