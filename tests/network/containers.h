/* Networks in the containers that torch writes: a state dict of any names, under any keys, in a zip, a legacy stream or
 * a safetensors file. All tensors lie in one storage, one after the other. */
#ifndef GVK_TESTS_NETWORK_CONTAINERS_H
#define GVK_TESTS_NETWORK_CONTAINERS_H

#include "opening.h"
#include "tests/checkpoint/build_files.h"

enum container { CONTAINER_ZIP, CONTAINER_LEGACY, CONTAINER_SAFETENSORS, CONTAINERS };

extern const char *const container_names[CONTAINERS];

/* One set of weights: the list's tensors with `prefix` in front of their names, each value `scale` times the filler's.
 */
struct weight_set {
    const struct tensor_list *list;
    const char *keys; /* of the dicts around it, joined by '/', outermost first; "" for none; not in safetensors */
    const char *prefix;
    float scale;
};

/* A file of up to four sets and, where `extra` is not NULL, of these opcodes among the root's items. */
struct image make_file_of(enum container container, const struct weight_set *sets, size_t count, const char *extra);

#endif
