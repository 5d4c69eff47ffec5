/* A checkpoint as a list of named, contiguous tensors, whatever file it came from: safetensors, torch's zip or torch's
 * older stream. A reader trusts nothing: every size is checked before it is used, and nothing that a file names is ever
 * called. */
#ifndef GVK_CHECKPOINT_H
#define GVK_CHECKPOINT_H

#include "runtime/base/host.h"

typedef struct gvk_checkpoint_tensor {
    char *name;      /* as the network calls it: wrappers such as "module." are stripped */
    gvk_array array; /* contiguous; data lie in the file's bytes or in a block of the checkpoint's */
    bool is_integer; /* or boolean: a counter, an index, a mask */
    bool is_aside;   /* of another set of weights than the one that was chosen; it cannot be found by its name ... */
    uint32_t wrapper_bytes; /* ... in which this many bytes are the other set's prefix */
    bool is_spare_average;  /* ... and the other set is a moving average */
    /* How its data are loaded. */
    uint32_t record;
    struct gvk_copy *copy; /* how they are arranged anew; NULL: they stay where they are */
    bool is_loaded;
} gvk_checkpoint_tensor;

typedef struct gvk_checkpoint gvk_checkpoint;

/* Which of several sets of weights was taken, when nobody asked for one. */
typedef enum gvk_checkpoint_choice {
    GVK_CHOICE_ONLY,
    GVK_CHOICE_PLAIN,  /* there is an average too, but it is not whole */
    GVK_CHOICE_AVERAGE /* there are the weights themselves too */
} gvk_checkpoint_choice;

typedef struct gvk_checkpoint_params {
    const char *path;  /* UTF-8 ... */
    const void *bytes; /* ... or the content, which is copied, and what it is called in messages */
    size_t byte_count;
    const char *label;
    bool is_deferred;    /* data are loaded by gvk_checkpoint_load; the bytes must stay until gvk_checkpoint_close */
    const char *weights; /* the set of weights: keys of dicts and the prefix of names, joined by dots; NULL: chosen */
} gvk_checkpoint_params;

/* The first bytes decide the format, not the name. The path is UTF-8.
 * Files up to 4 GiB, 16384 tensors. Doubles of a .pth arrive as floats; integers and other types that no network here
 * has as weights are kept as GVK_TYPE_OTHER. A failure logs exactly one sentence: GVK_ERROR_FILE when the file cannot
 * be read, GVK_ERROR_FORMAT when it is damaged or of another kind, GVK_ERROR_HOST_MEMORY. */
gvk_result gvk_checkpoint_open(const gvk_host *host, const char *path, gvk_checkpoint **out);
/* The same from memory; the bytes are copied. `label` names the source in messages. */
gvk_result gvk_checkpoint_open_bytes(const gvk_host *host, const void *bytes, size_t count, const char *label,
                                     gvk_checkpoint **out);
gvk_result gvk_checkpoint_open_with(const gvk_host *host, const gvk_checkpoint_params *params, gvk_checkpoint **out);
/* Not from a file: copies the names and arrays and takes over `data`, the host's block that the arrays point into, on
 * failure too. `format` is static. */
gvk_result gvk_checkpoint_create(const gvk_host *host, const char *format, const gvk_checkpoint_tensor *tensors,
                                 uint32_t count, void *data, gvk_checkpoint **out);
/* Names, arrays and metadata that the calls below gave live until this. Accepts NULL. */
void gvk_checkpoint_destroy(gvk_checkpoint *checkpoint);

/* Of a deferred checkpoint: the data of a tensor, whose array points at them already. */
gvk_result gvk_checkpoint_load(gvk_checkpoint *checkpoint, uint32_t index);
/* No more data will be loaded. */
void gvk_checkpoint_close(gvk_checkpoint *checkpoint);

uint32_t gvk_checkpoint_count(const gvk_checkpoint *checkpoint);
/* In the file's order; NULL past the last one. */
const gvk_checkpoint_tensor *gvk_checkpoint_at(const gvk_checkpoint *checkpoint, uint32_t index);
/* NULL when there is none. */
const gvk_checkpoint_tensor *gvk_checkpoint_find(const gvk_checkpoint *checkpoint, const char *name);
/* A safetensors metadata string, or NULL. */
const char *gvk_checkpoint_metadata(const gvk_checkpoint *checkpoint, const char *key);
/* Where the weights came from: keys and prefix, joined by dots; "" for the top level. */
const char *gvk_checkpoint_origin(const gvk_checkpoint *checkpoint);
gvk_checkpoint_choice gvk_checkpoint_chosen(const gvk_checkpoint *checkpoint);
/* The keys of the outermost dict, quoted, for a sentence; NULL where that is the dict of weights or there is none. */
const char *gvk_checkpoint_keys(const gvk_checkpoint *checkpoint);
/* "safetensors", "torch zip" or "torch legacy"; or as it was created. */
const char *gvk_checkpoint_format(const gvk_checkpoint *checkpoint);

#endif
