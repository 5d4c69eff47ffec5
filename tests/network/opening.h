/* What the tests of networks share: checkpoints in memory, whole and spoilt, that open without a leak or are refused
 * with one sentence. */
#ifndef GVK_TESTS_NETWORK_OPENING_H
#define GVK_TESTS_NETWORK_OPENING_H

#include "ghostnet/network_inside.h"
#include "runtime/graph/graph.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/support/folder.h"
#include "tests/support/recorder.h"
#include <ghostvk/ghostnet.h>

struct image {
    unsigned char *bytes;
    size_t count;
};

struct image make_image(enum network_kind kind, double width, uint32_t class_count);
struct tensor_list list_tensors(enum network_kind kind, double width, uint32_t class_count);
struct image make_image_of(const struct tensor_list *list);
struct named_tensor *find_listed(const struct tensor_list *list, const char *name);
/* What is looked at before any other weight, so that a small file is enough. */
void keep_stem_and_heads(struct tensor_list *list);
/* A copy with `json` as its metadata, such as "\"kind\":\"detector\"". */
struct image with_metadata(const struct image *image, const char *json);
/* The place of the tensor's quoted name in the header. */
char *find_name(const struct image *image, const char *name);
/* The data of the tensor. */
unsigned char *find_data(const struct image *image, const char *name);
struct image read_image(const char *path);

gvk_network *open_with(struct recorder *recorder, const struct image *image, gvk_network_params params);
gvk_network *open_good(struct recorder *recorder, const struct image *image);
/* Of a checkpoint made for it. */
gvk_network *open_made(struct recorder *recorder, enum network_kind kind, double width, uint32_t class_count);
void close_good(struct recorder *recorder, gvk_network *network);
/* Refused with one sentence that has `words` in it, and nothing is left behind. */
void refuse_with(const struct image *image, gvk_network_params params, gvk_result wanted, const char *words);
void refuse(const struct image *image, gvk_result wanted, const char *words);

/* Of all tensors; the caller frees. */
struct gvk_shape *make_shapes(const gvk_graph *graph, uint32_t width, uint32_t height);

#endif
