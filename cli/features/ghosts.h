/* A ghost module's halves beside each other: the intrinsic maps, which a convolution made, and the ghost of each, which
 * a cheap operation made out of it alone. The closer their correlation is to 1 or -1, the less a ghost adds; the idea
 * of the network is that many maps of a large layer are such ghosts of each other anyway. */
#ifndef GHOSTVK_CLI_FEATURES_GHOSTS_H
#define GHOSTVK_CLI_FEATURES_GHOSTS_H

#include "cli/features/pages/sheet.h"
#include "maps.h"

struct ghost_pair {
    uint32_t channel;
    double correlation; /* NaN where one of the maps is flat */
};

struct ghost_module {
    char name[160];
    struct maps intrinsic, ghosts; /* of the same shape */
    struct ghost_pair *pairs;
    uint32_t count, flat_count; /* all pairs; those that have no correlation, and count for none of the next */
    double mean_magnitude;      /* of r; NaN where all pairs are flat, as the next */
    double least, largest;
};

/* Takes over both sets of maps in any case. False when memory ran out, or the shapes differ; then `out` is empty. */
bool ghost_module_create(const char *name, struct maps *intrinsic, struct maps *ghosts, struct ghost_module *out);
/* Accepts an empty one. */
void ghost_module_release(struct ghost_module *module);

struct ghost_choice {
    uint32_t first, last; /* channels of the intrinsic maps, the last included */
    bool by_channel;      /* else by falling correlation */
    bool scale_together;  /* one range of colours for a pair's two maps; else each map's own */
    const char *picture;
    struct letters *letters;
};

/* On success the caller releases the sheet; on failure `message` holds a predicate. */
bool ghosts_draw(const struct ghost_module *module, const struct ghost_choice *choice, struct sheet *out, char *message,
                 size_t message_size);

#endif
