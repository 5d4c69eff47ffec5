/* Files of weights: what PyTorch and safetensors save, as named arrays, for a graph of the host's own.
 *
 *     gvk_checkpoint_open(&host, &params, &checkpoint);
 *     gvk_graph_create(&host, gvk_checkpoint_find_weight, checkpoint, &graph);
 *
 * gvk_network_open of ghostnet.h does this for the networks that it knows. The rules of gvk.h hold here too. No device
 * is needed; a checkpoint belongs to one thread at a time, or to several that only read. */
#ifndef GVK_CHECKPOINT_FILE_H
#define GVK_CHECKPOINT_FILE_H

#include <ghostvk/gvk.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gvk_checkpoint gvk_checkpoint;

typedef struct gvk_checkpoint_params {
    size_t size;
    const char *path;  /* UTF-8 ... */
    const void *bytes; /* ... or a file's content, which is copied */
    size_t byte_count;
    const char *weights; /* the set of weights to take: keys of dicts and the prefix of names, joined by dots, or "."
                            for the top level; NULL: chosen, as gvk_network_open says */
    /* 0.1 ends here. */
} gvk_checkpoint_params;

/* Reads a .safetensors or .pth file of up to 4 GiB and 16384 tensors, all of it. The first bytes decide the format, not
 * the name. Nothing that a file names is ever called. Wrappers such as "module." are stripped from the names. Doubles
 * of a .pth arrive as floats. GVK_ERROR_FILE when the file cannot be read, GVK_ERROR_FORMAT when it is damaged or of
 * another kind. */
GVK_API gvk_result gvk_checkpoint_open(const gvk_host *host, const gvk_checkpoint_params *params, gvk_checkpoint **out);
/* After the models that take its weights were created. Names, arrays and strings that the calls below gave live until
 * this. */
GVK_API void gvk_checkpoint_destroy(gvk_checkpoint *checkpoint);

/* A gvk_find_weight whose `user` is the gvk_checkpoint: GVK_ERROR_MISMATCH when there is no tensor of the name. */
GVK_API gvk_result gvk_checkpoint_find_weight(void *checkpoint, const char *name, gvk_array *out);
/* Every tensor of the file in its order, also those of other sets of weights, which are not found by their names: NULL
 * past the last one. `out` may be NULL. Types that are no weights', such as integers, are GVK_TYPE_OTHER. */
GVK_API const char *gvk_checkpoint_tensor_name(const gvk_checkpoint *checkpoint, uint32_t index, gvk_array *out);
/* A string of a safetensors file's metadata; NULL when there is none. */
GVK_API const char *gvk_checkpoint_metadata(const gvk_checkpoint *checkpoint, const char *key);
/* Where in the file the weights are: keys of dicts and the prefix of names, joined by dots; "" at the top level. */
GVK_API const char *gvk_checkpoint_origin(const gvk_checkpoint *checkpoint);
/* "safetensors", "torch zip" or "torch legacy". */
GVK_API const char *gvk_checkpoint_format(const gvk_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif
