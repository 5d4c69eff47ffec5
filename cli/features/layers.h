/* The layers of a network by the names of its checkpoint, and finding the one that a person means. Needs no device. */
#ifndef GHOSTVK_CLI_FEATURES_LAYERS_H
#define GHOSTVK_CLI_FEATURES_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/host/program.h"

#define LAYER_NAME_MAX 160

struct layer {
    const char *name, *op; /* live as long as the list */
    uint32_t channels, height, width;
};

struct layer_list {
    gvk_description plan;
    struct layer *layers;
    uint32_t count;
};

/* For an input of that size. Returns the exit code; what is wrong has been said. */
int layers_open(struct program *program, const gvk_network *network, uint32_t width, uint32_t height,
                struct layer_list *out);
/* Accepts an empty one. */
void layers_close(const struct program *program, struct layer_list *list);

/* The layer of a name: a whole name, a module's (whose result is then meant, as PyTorch's hooks see it), or the end of
 * either behind a dot, where it is the end of one alone. NULL with a sentence that says which names are near. */
const struct layer *layers_find(const struct layer_list *list, const char *name, char *message, size_t message_size);
/* Whether there is anything to look at: more than one value a channel. */
bool layer_has_maps(const struct layer *layer);

/* The two halves of a ghost module. */
struct ghost_layers {
    char name[LAYER_NAME_MAX]; /* of the module */
    const struct layer *intrinsic, *ghosts;
};

/* The ghost modules in order, at most `capacity` of them; returns how many there are. */
uint32_t layers_list_ghosts(const struct layer_list *list, struct ghost_layers *out, uint32_t capacity);
/* The module that a name means: its own, or one of anything inside of it. False with a sentence. */
bool layers_find_ghosts(const struct layer_list *list, const char *name, struct ghost_layers *out, char *message,
                        size_t message_size);

#endif
