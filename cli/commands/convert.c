/* `ghostvk convert`: a checkpoint of any kind that loads, as a safetensors file that says by itself what the network
 * is: the weights that it needs under its own names, classes, anchors, input size and thresholds in the metadata.
 *
 * Numbers stay as they are stored, so the boxes stay the same to the last bit, unless --precision asks for others. fp16
 * takes the weights of convolutions and linear layers, rounded to the nearest, ties to even; biases and batch norms,
 * which are few, stay fp32. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ghostvk/checkpoint.h>

#include "cli/base/json.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/base/values.h"
#include "cli/files/file_plan.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/system/files.h"
#include "commands.h"

enum stored { AS_IT_IS, AS_FP32, AS_FP16 };

struct request {
    struct model_choice model;
    struct size size;
    const char *output;
    enum stored stored;
    float confidence, iou; /* negative: the model's */
    bool letterbox, letterbox_given;
};

/* A tensor on its way. */
struct item {
    const char *name;
    gvk_array array;
    gvk_type type; /* that it is written as */
    uint64_t count, bytes;
};

struct conversion {
    gvk_checkpoint *checkpoint; /* the arrays are its */
    struct item *items;
    size_t count;
};

static bool read_stored(const char *value, enum stored *out)
{
    *out = strcmp(value, "fp16") == 0 ? AS_FP16 : AS_FP32;
    if (*out == AS_FP16 || strcmp(value, "fp32") == 0)
        return true;
    refuse_usage("--precision %s: fp32 or fp16 is meant", value);
    return false;
}

static bool read_option(void *user, int option, const char *value)
{
    struct request *request = user;
    switch (option) {
    case OPTION_OUTPUT: return read_path("-o", value, &request->output);
    case OPTION_PRECISION: return read_stored(value, &request->stored);
    case OPTION_CLASSES: return read_path("--classes", value, &request->model.classes);
    case OPTION_ANCHORS: return read_path("--anchors", value, &request->model.anchors);
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_LETTERBOX:
    case OPTION_NO_LETTERBOX:
        request->letterbox = option == OPTION_LETTERBOX;
        request->letterbox_given = true;
        return true;
    case OPTION_CONF: return read_fraction("--conf", value, &request->confidence);
    case OPTION_IOU: return read_fraction("--iou", value, &request->iou);
    default: return read_model_option(&request->model, option, value);
    }
}

/* A file by the name of another format would mislead whoever loads it; a device or pipe has a name of its own. */
static int check_name(const char *path)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(path), size = sizeof ending - 1;
    struct file_status status;
    if (output_is_stdout(path) || file_is_descriptor(path) ||
        (file_look(path, &status) && status.kind != FILE_REGULAR && status.kind != FILE_FOLDER))
        return OUTCOME_DONE;
    if (length > size && strcmp(path + length - size, ending) == 0)
        return OUTCOME_DONE;
    return refuse_usage("-o %s: what convert writes is a safetensors file, whose name ends in .safetensors", path);
}

static int read_request(struct program *program, const struct command_line *line, struct request *request)
{
    struct operands operands;
    struct file_plan plan = {0};
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (operands.count != 1)
        return refuse_usage("convert takes one checkpoint, and -o FILE for the outcome");
    if (!read_path("MODEL", operands.words[0], &request->model.path))
        return OUTCOME_USAGE;
    if (!request->output)
        return refuse_usage("convert needs -o FILE, such as -o model.safetensors");
    outcome = check_name(request->output);
    if (outcome != OUTCOME_DONE)
        return outcome;
    model_choice_plan(program, &request->model, &plan);
    file_plan_write_stdout(&plan);
    file_plan_write(&plan, "-o", request->output);
    outcome = file_plan_check(&plan);
    file_plan_release(&plan);
    return outcome;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static uint32_t load_bits(const gvk_array *array, uint64_t index)
{
    const unsigned char *at = (const unsigned char *)array->data;
    if (array->type == GVK_TYPE_F32) {
        at += index * 4;
        return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    at += index * 2;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

/* Exact: fp32 has all numbers of the others. */
static uint32_t load_fp32(const gvk_array *array, uint64_t index)
{
    uint32_t bits = load_bits(array, index);
    if (array->type == GVK_TYPE_F32)
        return bits;
    if (array->type == GVK_TYPE_BF16)
        return bits << 16;
    uint32_t sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31)
        return sign | 0x7F800000 | fraction << 13;
    if (exponent)
        return sign | (exponent + 112) << 23 | fraction << 13;
    if (!fraction)
        return sign;
    for (exponent = 113; !(fraction & 1024); exponent--)
        fraction <<= 1;
    return sign | exponent << 23 | (fraction & 1023) << 13;
}

/* Nearest, ties to even; past 65504 an infinity. */
static uint32_t round_to_fp16(uint32_t bits)
{
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude >= 0x7F800000)
        return sign | 0x7C00 | (magnitude > 0x7F800000 ? 0x200 : 0);
    int exponent = (int)(magnitude >> 23) - 112; /* of fp16 */
    uint32_t fraction = (magnitude & 0x7FFFFF) | (magnitude >> 23 ? 0x800000 : 0);
    unsigned shift = exponent > 0 ? 13 : (unsigned)(14 - exponent); /* the small ones lose more */
    if (exponent >= 31)
        return sign | 0x7C00;
    if (shift > 24)
        return sign;
    uint32_t kept = fraction >> shift, lost = fraction & ((1u << shift) - 1), half = 1u << (shift - 1);
    kept += lost > half || (lost == half && (kept & 1));
    /* With the leading one, which a carry may have moved into the exponent. */
    uint32_t rounded = exponent > 0 ? ((uint32_t)(exponent - 1) << 10) + kept : kept;
    return sign | rounded;
}

static uint32_t store_bits(const struct item *item, uint64_t index)
{
    if (item->type == item->array.type)
        return load_bits(&item->array, index);
    uint32_t bits = load_fp32(&item->array, index);
    return item->type == GVK_TYPE_F16 ? round_to_fp16(bits) : bits;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static bool is_unused(const gvk_network_info *info, const char *name)
{
    for (uint32_t index = 0; index < info->unused_count; index++)
        if (strcmp(info->unused[index], name) == 0)
            return true;
    return false;
}

static gvk_type choose_type(const gvk_array *array, enum stored stored)
{
    if (stored == AS_FP16)
        return array->rank >= 2 ? GVK_TYPE_F16 : GVK_TYPE_F32;
    return stored == AS_FP32 ? GVK_TYPE_F32 : array->type;
}

/* Tensors of 4 bytes a number come first, so that each lies at a multiple of its numbers' size. */
static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    bool a_wide = a->type == GVK_TYPE_F32, b_wide = b->type == GVK_TYPE_F32;
    return a_wide != b_wide ? (a_wide ? -1 : 1) : strcmp(a->name, b->name);
}

/* Those of the set that the network was made of. An exit code. */
static int gather(struct program *program, const struct request *request, const struct model_file *model,
                  struct conversion *out)
{
    gvk_checkpoint_params params = {.size = sizeof params, .path = model->path, .weights = request->model.weights};
    gvk_result result = gvk_checkpoint_open(&program->host, &params, &out->checkpoint);
    if (result)
        return report_failure(program, model->path, result);
    size_t capacity = 0;
    while (gvk_checkpoint_tensor_name(out->checkpoint, (uint32_t)capacity, NULL))
        capacity++;
    out->items = calloc(capacity ? capacity : 1, sizeof *out->items);
    if (!out->items)
        return refuse_memory();
    for (uint32_t index = 0; index < capacity; index++) {
        gvk_array array, found;
        const char *name = gvk_checkpoint_tensor_name(out->checkpoint, index, &array);
        if (array.type == GVK_TYPE_OTHER || is_unused(&model->info, name) ||
            gvk_checkpoint_find_weight(out->checkpoint, name, &found) || found.data != array.data)
            continue;
        struct item *item = &out->items[out->count++];
        *item = (struct item){.name = name, .array = array, .type = choose_type(&array, request->stored), .count = 1};
        for (uint32_t axis = 0; axis < array.rank; axis++)
            item->count *= array.shape[axis]; /* the library has checked the product */
        item->bytes = item->count * (item->type == GVK_TYPE_F32 ? 4 : 2);
        for (uint64_t number = 0; item->type == GVK_TYPE_F16 && number < item->count; number++) {
            if ((store_bits(item, number) & 0x7FFF) < 0x7C00)
                continue;
            uint32_t bits = load_fp32(&array, number);
            float value;
            memcpy(&value, &bits, sizeof value);
            say("%s: the tensor %s holds %g, which fp16 cannot; leave --precision fp16 out", model->path, name,
                (double)value);
            return OUTCOME_MODEL_REFUSED;
        }
    }
    qsort(out->items, out->count, sizeof *out->items, compare_items);
    return OUTCOME_DONE;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void put_float(struct json *json, const char *key, float value)
{
    struct json number;
    json_start(&number, NULL);
    json_float(&number, value);
    json->failed = json->failed || number.failed;
    json_key(json, key);
    json_quoted(json, number.text);
    json_release(&number);
}

/* One text of all of them, with `separator` between. */
static void put_list(struct json *json, const char *key, const char *const *words, const float *numbers, size_t count,
                     const char *separator)
{
    struct json word = {0};
    char *text = NULL;
    size_t length = 0;
    for (size_t index = 0; index < count && !json->failed; index++) {
        const char *next = words ? words[index] : NULL;
        if (!words) {
            json_start(&word, NULL);
            json_float(&word, numbers[index]);
            next = word.text ? word.text : "";
        }
        size_t more = strlen(next) + strlen(separator);
        char *longer = realloc(text, length + more + 1);
        json->failed = !longer;
        if (longer) {
            text = longer;
            length += (size_t)snprintf(text + length, more + 1, "%s%s", index ? separator : "", next);
        }
        json_release(&word);
    }
    json_key(json, key);
    json_quoted(json, text ? text : "");
    free(text);
}

static void put_metadata(struct json *json, const struct request *request, const gvk_network_info *info)
{
    bool is_detector = info->task == GVK_TASK_DETECTOR;
    struct size size = request->size;
    char side[64];
    if (!size.width)
        size = (struct size){.width = info->input_width, .height = info->input_height};
    snprintf(side, sizeof side, "%ux%u", (unsigned)size.width, (unsigned)size.height);
    json_key(json, "__metadata__");
    json_open_object(json, JSON_LINE);
    json_key(json, "kind");
    json_quoted(json, is_detector ? "detector" : "classifier");
    put_list(json, "classes", info->classes, NULL, info->class_count, "\n");
    if (is_detector)
        put_list(json, "anchors", NULL, info->anchors, 2 * GVK_ANCHORS, ",");
    json_key(json, "input_size");
    json_quoted(json, side);
    if (is_detector) {
        json_key(json, "letterbox");
        json_quoted(json, (request->letterbox_given ? request->letterbox : info->letterbox != 0) ? "true" : "false");
        put_float(json, "confidence", request->confidence < 0 ? info->confidence : request->confidence);
        put_float(json, "iou", request->iou < 0 ? info->iou : request->iou);
    }
    json_key(json, "format"); /* as readers of PyTorch's files want it */
    json_quoted(json, "pt");
    json_close(json);
}

/* Into the buffer of `json`; the data's bytes. */
static uint64_t describe(struct json *json, const struct request *request, const gvk_network_info *info,
                         const struct conversion *conversion)
{
    uint64_t offset = 0;
    json_start(json, NULL);
    json_open_object(json, JSON_LINE);
    put_metadata(json, request, info);
    for (size_t index = 0; index < conversion->count; index++) {
        const struct item *item = &conversion->items[index];
        json_key(json, item->name);
        json_open_object(json, JSON_LINE);
        json_key(json, "dtype");
        json_quoted(json, item->type == GVK_TYPE_F32 ? "F32" : item->type == GVK_TYPE_F16 ? "F16" : "BF16");
        json_key(json, "shape");
        json_open_array(json, JSON_LINE);
        for (uint32_t axis = 0; axis < item->array.rank; axis++)
            json_unsigned(json, item->array.shape[axis]);
        json_close(json);
        json_key(json, "data_offsets");
        json_open_array(json, JSON_LINE);
        json_unsigned(json, offset);
        json_unsigned(json, offset += item->bytes);
        json_close(json);
        json_close(json);
    }
    json_close(json);
    if (json_finish(json))
        json->length--; /* the line's end: the format wants nothing but spaces behind the object */
    return offset;
}

static void put_number(FILE *stream, uint64_t value, unsigned bytes)
{
    for (unsigned byte = 0; byte < bytes; byte++)
        fputc((int)(value >> (8 * byte) & 0xFF), stream);
}

static void put_data(FILE *stream, const struct item *item)
{
    if (item->type == item->array.type) {
        fwrite(item->array.data, 1, (size_t)item->bytes, stream);
        return;
    }
    for (uint64_t index = 0; index < item->count && !ferror(stream); index++)
        put_number(stream, store_bits(item, index), item->type == GVK_TYPE_F32 ? 4 : 2);
}

/* The sentence of what was written, where it does not stand between the bytes. */
static void print_outcome(const struct request *request, const struct model_file *model,
                          const struct conversion *conversion, uint64_t bytes)
{
    if (output_is_stdout(request->output))
        return;
    print_text(stdout, request->output);
    printf(": %s, ", model->info.name);
    print_class_count(stdout, model->info.class_count);
    printf(", %zu tensors, ", conversion->count);
    print_bytes(stdout, bytes);
    putchar('\n');
}

static int write_file(const struct request *request, const struct model_file *model,
                      const struct conversion *conversion)
{
    char message[512];
    struct json json;
    struct output_file file;
    uint64_t bytes = describe(&json, request, &model->info, conversion);
    if (json.failed) {
        json_release(&json);
        return refuse_memory();
    }
    bool written = output_file_open(&file, request->output, message, sizeof message);
    if (written) {
        size_t padding = (8 - json.length % 8) % 8; /* so that the data are aligned */
        put_number(file.stream, json.length + padding, 8);
        fwrite(json.text, 1, json.length, file.stream);
        for (size_t index = 0; index < padding; index++)
            fputc(' ', file.stream);
        for (size_t index = 0; index < conversion->count; index++)
            put_data(file.stream, &conversion->items[index]);
        written = output_file_commit(&file, message, sizeof message);
        bytes += 8 + json.length + padding;
    }
    if (written)
        print_outcome(request, model, conversion, bytes);
    else
        say("%s: %s", output_is_stdout(request->output) ? "standard output" : request->output, message);
    json_release(&json);
    return written ? OUTCOME_DONE : OUTCOME_SOME_FAILED;
}

static int convert(struct program *program, const struct command_line *line)
{
    struct request request = {.confidence = -1, .iou = -1};
    struct model_file model = {0};
    struct conversion conversion = {0};
    int outcome = read_request(program, line, &request);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */
    outcome = model_file_open(program, &request.model, &model);
    if (outcome == OUTCOME_DONE) {
        say_unused_tensors(program, &model);
        outcome = gather(program, &request, &model, &conversion);
    }
    if (outcome == OUTCOME_DONE)
        outcome = write_file(&request, &model, &conversion);
    if (outcome == OUTCOME_SOME_FAILED && output_is_stdout(request.output))
        program->output_failed = true;
    free(conversion.items);
    gvk_checkpoint_destroy(conversion.checkpoint);
    model_file_close(&model);
    return outcome;
}

static const int shared_options[] = {OPTION_WEIGHTS, OPTION_ALLOW_UNUSED, OPTION_CLASSES,      OPTION_ANCHORS,
                                     OPTION_SIZE,    OPTION_LETTERBOX,    OPTION_NO_LETTERBOX, OPTION_CONF,
                                     OPTION_IOU,     OPTION_OUTPUT,       OPTION_PRECISION,    OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_OUTPUT,
     .letter = 'o',
     .name = "output",
     .value = "FILE",
     .text = "the safetensors file to write",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},
    {.id = OPTION_PRECISION,
     .name = "precision",
     .value = "P",
     .text = "fp32, or fp16 for the weights of convolutions; default: as they are stored",
     .group = GROUP_OUTPUT,
     .kind = VALUE_CHOICE,
     .choices = "fp32 fp16"},
    {.id = OPTION_CONF,
     .name = "conf",
     .value = "SCORE",
     .text = "the least score of a box that the file will say, 0 to 1; default: the model's",
     .group = GROUP_BOXES},
    {.id = OPTION_IOU,
     .name = "iou",
     .value = "OVERLAP",
     .text = "the overlap that the file will say, 0 to 1; default: the model's",
     .group = GROUP_BOXES},
    {.id = OPTION_END},
};

const struct command convert_command = {
    .name = "convert",
    .summary = "write a checkpoint as safetensors that says what it is",
    .sentence = "writes a checkpoint as a safetensors file with classes, anchors and size in it.",
    .usage = "MODEL",
    .kind = OPERAND_MODEL,
    .shared = shared_options,
    .own = own_options,
    .notes = "The outcome needs neither --classes nor --anchors any more, and loads without PyTorch's pickles.",
    .example = "ghostvk convert yolov4_ghostnet.pth --classes names.txt -o cells.safetensors",
    .execute = convert,
};
