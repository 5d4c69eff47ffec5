/* A checkpoint as a list of named, contiguous tensors, whatever file it came from: safetensors, torch's zip or torch's
 * older stream. A reader trusts nothing: every size is checked before it is used, and nothing that a file names is ever
 * called. */
#ifndef GVK_CHECKPOINT_H
#define GVK_CHECKPOINT_H

#include "runtime/base/host.h"
#include <ghostvk/checkpoint.h>

typedef struct gvk_checkpoint_tensor {
    char *name;             /* as the network calls it: wrappers such as "module." are stripped */
    gvk_array array;        /* contiguous; data lie in the file's bytes or in a block of the checkpoint's */
    bool is_integer;        /* or boolean: a counter, an index, a mask */
    bool is_aside;          /* of a set of weights that was not chosen; gvk_checkpoint_find does not find it ... */
    uint32_t wrapper_bytes; /* ... the first bytes of its name, so many, are that set's prefix */
    bool is_spare_average;  /* ... and that set is a moving average */
    /* How its data are loaded. */
    uint32_t record;
    struct gvk_copy *copy; /* how they are rearranged once loaded; NULL: they are used as they are in the file */
    bool is_loaded;
} gvk_checkpoint_tensor;

/* Which of several sets of weights was taken, when nobody asked for one. */
typedef enum gvk_checkpoint_choice {
    GVK_CHOICE_ONLY,
    GVK_CHOICE_PLAIN,  /* there is a moving average too, but it lacks some of the weights */
    GVK_CHOICE_AVERAGE /* the moving average; there are the weights themselves, too */
} gvk_checkpoint_choice;

/* Opens as gvk_checkpoint_open does, with a label for messages (NULL: the path, or "checkpoint"). Deferred, data are
 * loaded by gvk_checkpoint_load alone, and the bytes must stay until gvk_checkpoint_close. A failure logs exactly one
 * sentence. */
gvk_result gvk_checkpoint_open_as(const gvk_host *host, const gvk_checkpoint_params *params, const char *label,
                                  bool is_deferred, gvk_checkpoint **out);
gvk_result gvk_checkpoint_open_path(const gvk_host *host, const char *path, gvk_checkpoint **out);
gvk_result gvk_checkpoint_open_bytes(const gvk_host *host, const void *bytes, size_t count, const char *label,
                                     gvk_checkpoint **out);
/* Not from a file: copies the names and arrays and takes over `data`, the host's block that the arrays point into, on
 * failure too. `format` is static. */
gvk_result gvk_checkpoint_create(const gvk_host *host, const char *format, const gvk_checkpoint_tensor *tensors,
                                 uint32_t count, void *data, gvk_checkpoint **out);

/* Loads the data of a tensor of a deferred checkpoint. Its array points at where they will be already before. */
gvk_result gvk_checkpoint_load(gvk_checkpoint *checkpoint, uint32_t index);
/* No more data will be loaded. */
void gvk_checkpoint_close(gvk_checkpoint *checkpoint);

uint32_t gvk_checkpoint_count(const gvk_checkpoint *checkpoint);
/* In the file's order; NULL past the last one. */
const gvk_checkpoint_tensor *gvk_checkpoint_at(const gvk_checkpoint *checkpoint, uint32_t index);
/* NULL when there is none. */
const gvk_checkpoint_tensor *gvk_checkpoint_find(const gvk_checkpoint *checkpoint, const char *name);
gvk_checkpoint_choice gvk_checkpoint_chosen(const gvk_checkpoint *checkpoint);
/* The keys of the outermost dict, quoted, for a sentence; NULL where that is the dict of weights or there is none. */
const char *gvk_checkpoint_keys(const gvk_checkpoint *checkpoint);

#endif
