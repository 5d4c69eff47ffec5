#include "checkpoint_maker.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filler.h"

enum { MAX_NAME = 96 };

/* ---- parts: each adds its tensors below a prefix, in the order in which the Python module registers them ---- */

static void add(struct tensor_list *list, const char *prefix, const char *part, uint32_t rank, const uint64_t *shape)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity != 0 ? 2 * list->capacity : 512;
        struct named_tensor *grown = realloc(list->tensors, capacity * sizeof *grown);
        if (grown == NULL) {
            list->failed = 1;
            return;
        }
        list->tensors = grown;
        list->capacity = capacity;
    }
    struct named_tensor *tensor = &list->tensors[list->count++];
    memset(tensor, 0, sizeof *tensor);
    (void)snprintf(tensor->name, sizeof tensor->name, "%s.%s", prefix, part);
    tensor->rank = rank;
    memcpy(tensor->shape, shape, rank * sizeof *shape);
}

static void add_vector(struct tensor_list *list, const char *prefix, const char *part, uint64_t count)
{
    add(list, prefix, part, 1, &count);
}

static void add_convolution(struct tensor_list *list, const char *prefix, uint64_t outputs, uint64_t inputs_per_group,
                            uint64_t kernel)
{
    add(list, prefix, "weight", 4, (const uint64_t[]){outputs, inputs_per_group, kernel, kernel});
}

static void add_batch_norm(struct tensor_list *list, const char *prefix, uint64_t channels)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        add_vector(list, prefix, parts[i], channels);
    }
}

/* Prints a name to `out`. */
static const char *join(char out[MAX_NAME], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out, MAX_NAME, format, arguments);
    va_end(arguments);
    return out;
}

static void add_convolution_and_norm(struct tensor_list *list, const char *prefix, const char *convolution,
                                     const char *norm, uint64_t outputs, uint64_t inputs_per_group, uint64_t kernel)
{
    char name[MAX_NAME];
    add_convolution(list, join(name, "%s.%s", prefix, convolution), outputs, inputs_per_group, kernel);
    add_batch_norm(list, join(name, "%s.%s", prefix, norm), outputs);
}

/* ---- the backbone and the classifier ---- */

struct bottleneck {
    uint32_t stage, block, kernel, expansion, outputs;
    int squeeze, stride;
};

static const struct bottleneck bottlenecks[] = {
    {0, 0, 3, 16, 16, 0, 1},   {1, 0, 3, 48, 24, 0, 2},   {2, 0, 3, 72, 24, 0, 1},   {3, 0, 5, 72, 40, 1, 2},
    {4, 0, 5, 120, 40, 1, 1},  {5, 0, 3, 240, 80, 0, 2},  {6, 0, 3, 200, 80, 0, 1},  {6, 1, 3, 184, 80, 0, 1},
    {6, 2, 3, 184, 80, 0, 1},  {6, 3, 3, 480, 112, 1, 1}, {6, 4, 3, 672, 112, 1, 1}, {7, 0, 5, 672, 160, 1, 2},
    {8, 0, 5, 960, 160, 0, 1}, {8, 1, 5, 960, 160, 1, 1}, {8, 2, 5, 960, 160, 0, 1}, {8, 3, 5, 960, 160, 1, 1},
};

static uint64_t make_divisible(double value)
{
    const uint64_t rounded = (uint64_t)(value + 2) / 4 * 4;
    const uint64_t at_least = rounded < 4 ? 4 : rounded;
    return (double)at_least < 0.9 * value ? at_least + 4 : at_least;
}

static void add_ghost_module(struct tensor_list *list, const char *prefix, uint64_t inputs, uint64_t outputs)
{
    char name[MAX_NAME];
    const uint64_t primary = (outputs + 1) / 2;
    add_convolution_and_norm(list, join(name, "%s.primary_conv", prefix), "0", "1", primary, inputs, 1);
    add_convolution_and_norm(list, join(name, "%s.cheap_operation", prefix), "0", "1", primary, 1, 3);
}

static void add_squeeze_excite(struct tensor_list *list, const char *prefix, uint64_t channels)
{
    char name[MAX_NAME];
    const uint64_t reduced = make_divisible((double)channels * 0.25);
    add_convolution(list, join(name, "%s.conv_reduce", prefix), reduced, channels, 1);
    add_vector(list, name, "bias", reduced);
    add_convolution(list, join(name, "%s.conv_expand", prefix), channels, reduced, 1);
    add_vector(list, name, "bias", channels);
}

static void add_bottleneck(struct tensor_list *list, const char *prefix, const struct bottleneck *row, uint64_t inputs,
                           uint64_t expansion, uint64_t outputs)
{
    char name[MAX_NAME];
    add_ghost_module(list, join(name, "%s.ghost1", prefix), inputs, expansion);
    if (row->stride > 1) {
        add_convolution_and_norm(list, prefix, "conv_dw", "bn_dw", expansion, 1, row->kernel);
    }
    if (row->squeeze) {
        add_squeeze_excite(list, join(name, "%s.se", prefix), expansion);
    }
    add_ghost_module(list, join(name, "%s.ghost2", prefix), expansion, outputs);
    if (inputs != outputs || row->stride > 1) {
        join(name, "%s.shortcut", prefix);
        add_convolution_and_norm(list, name, "0", "1", inputs, 1, row->kernel);
        add_convolution_and_norm(list, name, "2", "3", outputs, inputs, 1);
    }
}

/* `prefix` is empty or ends in a dot. */
static void add_ghostnet(struct tensor_list *list, const char *prefix, const struct network_shape *shape)
{
    char name[MAX_NAME];
    uint64_t channels = make_divisible(16 * shape->width);
    const uint64_t wide = make_divisible(960 * shape->width);
    add_convolution(list, join(name, "%sconv_stem", prefix), channels, 3, 3);
    add_batch_norm(list, join(name, "%sbn1", prefix), channels);
    if (shape->kind == NETWORK_CLASSIFIER) {
        add_convolution(list, join(name, "%sconv_head", prefix), 1280, wide, 1);
        add_vector(list, name, "bias", 1280);
        add(list, join(name, "%sclassifier", prefix), "weight", 2, (const uint64_t[]){shape->class_count, 1280});
        add_vector(list, name, "bias", shape->class_count);
    }
    for (size_t i = 0; i < sizeof bottlenecks / sizeof bottlenecks[0]; i++) {
        const struct bottleneck *row = &bottlenecks[i];
        const uint64_t expansion = make_divisible(row->expansion * shape->width);
        const uint64_t outputs = make_divisible(row->outputs * shape->width);
        join(name, "%sblocks.%" PRIu32 ".%" PRIu32, prefix, row->stage, row->block);
        add_bottleneck(list, name, row, channels, expansion, outputs);
        channels = outputs;
    }
    if (shape->kind == NETWORK_CLASSIFIER) {
        add_convolution_and_norm(list, join(name, "%sblocks.9.0", prefix), "conv", "bn1", wide, channels, 1);
    }
}

/* ---- the detector's neck and heads ---- */

static void add_pointwise(struct tensor_list *list, const char *prefix, uint64_t inputs, uint64_t outputs)
{
    add_convolution_and_norm(list, prefix, "conv", "bn", outputs, inputs, 1);
}

static void add_separable(struct tensor_list *list, const char *prefix, uint64_t inputs, uint64_t outputs)
{
    add_convolution_and_norm(list, prefix, "0", "1", inputs, 1, 3);
    add_convolution_and_norm(list, prefix, "3", "4", outputs, inputs, 1);
}

/* `count` convolutions, three or five: pointwise to narrow, separable to wide, pointwise to narrow, ... */
static void add_convolutions(struct tensor_list *list, const char *prefix, uint32_t count, uint64_t narrow,
                             uint64_t wide, uint64_t inputs)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[MAX_NAME];
        join(name, "%s.%" PRIu32, prefix, i);
        if (i % 2 == 1) {
            add_separable(list, name, narrow, wide);
        } else {
            add_pointwise(list, name, i == 0 ? inputs : wide, narrow);
        }
    }
}

static void add_head(struct tensor_list *list, const char *prefix, uint64_t inputs, uint64_t hidden, uint64_t outputs)
{
    char name[MAX_NAME];
    add_separable(list, join(name, "%s.0", prefix), inputs, hidden);
    add_convolution(list, join(name, "%s.1", prefix), outputs, hidden, 1);
    add_vector(list, name, "bias", outputs);
}

static void add_detector(struct tensor_list *list, const struct network_shape *shape)
{
    const uint64_t c3 = make_divisible(40 * shape->width);
    const uint64_t c4 = make_divisible(112 * shape->width);
    const uint64_t c5 = make_divisible(160 * shape->width);
    const uint64_t outputs = 3 * (5 + (uint64_t)shape->class_count);
    add_ghostnet(list, "backbone.model.", shape);
    add_convolutions(list, "conv1", 3, 512, 1024, c5);
    add_convolutions(list, "conv2", 3, 512, 1024, 2048);
    add_pointwise(list, "upsample1.upsample.0", 512, 256);
    add_pointwise(list, "conv_for_P4", c4, 256);
    add_convolutions(list, "make_five_conv1", 5, 256, 512, 512);
    add_pointwise(list, "upsample2.upsample.0", 256, 128);
    add_pointwise(list, "conv_for_P3", c3, 128);
    add_convolutions(list, "make_five_conv2", 5, 128, 256, 256);
    add_head(list, "yolo_head3", 128, 256, outputs);
    add_separable(list, "down_sample1", 128, 256);
    add_convolutions(list, "make_five_conv3", 5, 256, 512, 512);
    add_head(list, "yolo_head2", 256, 512, outputs);
    add_separable(list, "down_sample2", 256, 512);
    add_convolutions(list, "make_five_conv4", 5, 512, 1024, 1024);
    add_head(list, "yolo_head1", 512, 1024, outputs);
}

int list_network(const struct network_shape *shape, struct tensor_list *list)
{
    memset(list, 0, sizeof *list);
    if (shape->kind == NETWORK_DETECTOR) {
        add_detector(list, shape);
    } else {
        add_ghostnet(list, "", shape);
    }
    return !list->failed;
}

void release_tensor_list(struct tensor_list *list)
{
    free(list->tensors);
    memset(list, 0, sizeof *list);
}

/* ---- the file ---- */

static uint64_t bytes_of(const struct named_tensor *tensor)
{
    return 4 * (uint64_t)count_elements(tensor->shape, tensor->rank);
}

/* Writes the JSON header to the `space` bytes at `out` and returns its length, a multiple of 8. */
static size_t write_header(const struct tensor_list *list, char *out, size_t space)
{
    uint64_t begin = 0;
    size_t length = 0;
    out[length++] = '{';
    for (size_t i = 0; i < list->count; i++) {
        const struct named_tensor *tensor = &list->tensors[i];
        const uint64_t end = begin + bytes_of(tensor);
        length += (size_t)snprintf(out + length, space - length, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
                                   i != 0 ? "," : "", tensor->name);
        for (uint32_t j = 0; j < tensor->rank; j++) {
            length += (size_t)snprintf(out + length, space - length, "%s%" PRIu64, j != 0 ? "," : "", tensor->shape[j]);
        }
        length +=
            (size_t)snprintf(out + length, space - length, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", begin, end);
        begin = end;
    }
    out[length++] = '}';
    while (length % 8 != 0) {
        out[length++] = ' ';
    }
    return length;
}

static unsigned char *write_little_endian(unsigned char *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        *out++ = (unsigned char)(value >> (8 * i) & 255);
    }
    return out;
}

unsigned char *make_checkpoint_of(const struct tensor_list *list, size_t *bytes)
{
    /* An entry's fixed text takes less than 64 bytes, a number at most 20 digits. */
    const size_t header_space = 16 + list->count * (MAX_NAME + 64 + 6 * 21);
    size_t data_bytes = 0, largest = 1;
    for (size_t i = 0; i < list->count; i++) {
        const size_t size = (size_t)bytes_of(&list->tensors[i]);
        data_bytes += size;
        largest = size > largest ? size : largest;
    }
    unsigned char *image = malloc(8 + header_space + data_bytes);
    float *values = malloc(largest);
    if (image == NULL || values == NULL) {
        free(image);
        free(values);
        return NULL;
    }
    const size_t header_bytes = write_header(list, (char *)image + 8, header_space);
    (void)write_little_endian(image, header_bytes, 8);
    unsigned char *out = image + 8 + header_bytes;
    for (size_t i = 0; i < list->count; i++) {
        const struct named_tensor *tensor = &list->tensors[i];
        fill_tensor(tensor->name, tensor->shape, tensor->rank, values);
        for (size_t j = 0; j < bytes_of(tensor) / 4; j++) {
            uint32_t bits;
            memcpy(&bits, &values[j], sizeof bits);
            out = write_little_endian(out, bits, 4);
        }
    }
    free(values);
    *bytes = 8 + header_bytes + data_bytes;
    return image;
}

unsigned char *make_checkpoint(const struct network_shape *shape, size_t *bytes)
{
    struct tensor_list list;
    unsigned char *image = list_network(shape, &list) ? make_checkpoint_of(&list, bytes) : NULL;
    release_tensor_list(&list);
    return image;
}
