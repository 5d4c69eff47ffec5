/* Checkpoints in memory, and networks opened from them; opening.h says what each part is for. */
#include "opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image make_image(enum network_kind kind, double width, uint32_t class_count)
{
    struct image image = {0};
    image.bytes = make_checkpoint(&(struct network_shape){.kind = kind, .width = width, .class_count = class_count},
                                  &image.count);
    assert_non_null(image.bytes);
    return image;
}

struct tensor_list list_tensors(enum network_kind kind, double width, uint32_t class_count)
{
    struct tensor_list list;
    assert_true(list_network(&(struct network_shape){.kind = kind, .width = width, .class_count = class_count}, &list));
    return list;
}

struct image make_image_of(const struct tensor_list *list)
{
    struct image image = {0};
    image.bytes = make_checkpoint_of(list, &image.count);
    assert_non_null(image.bytes);
    return image;
}

struct named_tensor *find_listed(const struct tensor_list *list, const char *name)
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

struct image with_metadata(const struct image *image, const char *json)
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

char *find_name(const struct image *image, const char *name)
{
    char quoted[120];
    size_t length = (size_t)snprintf(quoted, sizeof quoted, "\"%s\":", name), end = 8 + header_bytes(image);
    for (size_t at = 8; at + length <= end; at++)
        if (!memcmp(image->bytes + at, quoted, length))
            return (char *)image->bytes + at + 1;
    fail_msg("the header has no %s", name);
    return NULL;
}

unsigned char *find_data(const struct image *image, const char *name)
{
    static const char key[] = "\"data_offsets\":";
    const char *offsets = find_name(image, name);
    while (memcmp(offsets, key, sizeof key - 1) != 0)
        offsets++;
    offsets = strchr(offsets, '[') + 1;
    return image->bytes + 8 + header_bytes(image) + strtoull(offsets, NULL, 10);
}

struct image read_image(const char *path)
{
    uint64_t count = 0;
    unsigned char *bytes = (unsigned char *)read_file(path, &count);
    if (!bytes)
        fail_msg("%s cannot be read", path);
    return (struct image){.bytes = bytes, .count = (size_t)count};
}

gvk_network *open_with(struct recorder *recorder, const struct image *image, gvk_network_params params)
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

gvk_network *open_good(struct recorder *recorder, const struct image *image)
{
    return open_with(recorder, image, (gvk_network_params){0});
}

void close_good(struct recorder *recorder, gvk_network *network)
{
    gvk_network_destroy(network);
    assert_int_equal(recorder->live, 0);
}

void refuse_with(const struct image *image, gvk_network_params params, gvk_result wanted, const char *words)
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

void refuse(const struct image *image, gvk_result wanted, const char *words)
{
    refuse_with(image, (gvk_network_params){0}, wanted, words);
}

gvk_network *open_made(struct recorder *recorder, enum network_kind kind, double width, uint32_t class_count)
{
    struct image image = make_image(kind, width, class_count);
    gvk_network *network = open_good(recorder, &image);
    free(image.bytes);
    return network;
}

void keep_stem_and_heads(struct tensor_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (strstr(list->tensors[i].name, "conv_stem") || strstr(list->tensors[i].name, ".1.weight"))
            list->tensors[kept++] = list->tensors[i];
    list->count = kept;
}

struct gvk_shape *make_shapes(const gvk_graph *graph, uint32_t width, uint32_t height)
{
    struct gvk_shape *shapes = calloc(graph->tensor_count, sizeof *shapes);
    gvk_host host = gvk_host_complete(NULL);
    assert_non_null(shapes);
    assert_int_equal(gvk_graph_shapes(&host, graph, width, height, shapes), GVK_OK);
    return shapes;
}
