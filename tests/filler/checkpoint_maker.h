/* Checkpoints in memory: the state dict of a detector or classifier, named and shaped as the PyTorch modules in
 * tests/goldens/reference.py name and shape it (num_batches_tracked left out) and filled by tests/filler/filler.h. */
#ifndef GVK_TESTS_CHECKPOINT_MAKER_H
#define GVK_TESTS_CHECKPOINT_MAKER_H

#include <stddef.h>
#include <stdint.h>

enum network_kind { NETWORK_DETECTOR, NETWORK_CLASSIFIER };

struct network_shape {
    enum network_kind kind;
    double width; /* multiplier of the backbone's channels */
    uint32_t class_count;
};

struct named_tensor {
    char name[96];
    uint32_t rank;
    uint64_t shape[4];
};

struct tensor_list {
    struct named_tensor *tensors; /* in the state dict's order */
    size_t count, capacity;
    int failed; /* memory ran out; the list is incomplete */
};

/* Nonzero on success. Release the list in both cases. */
int list_network(const struct network_shape *shape, struct tensor_list *list);
void release_tensor_list(struct tensor_list *list);

/* A safetensors image of a list or of a whole network, all F32, without metadata. The caller frees it; NULL when memory
 * ran out. */
unsigned char *make_checkpoint_of(const struct tensor_list *list, size_t *bytes);
unsigned char *make_checkpoint(const struct network_shape *shape, size_t *bytes);

#endif
