/* A page with the maps of a layer, each in its colours, with its channel and its least and largest value. */
#ifndef GHOSTVK_CLI_FEATURES_GRID_H
#define GHOSTVK_CLI_FEATURES_GRID_H

#include "cli/features/pages/sheet.h"
#include "maps.h"

struct grid_choice {
    uint32_t first, last; /* channels, the last included */
    bool scale_together;  /* one range of colours for all maps that are shown, else each map's own */
    const char *picture;  /* what is said of the picture */
    struct letters *letters;
};

/* On success the caller releases the sheet; on failure `message` holds a predicate. */
bool grid_draw(const struct maps *maps, const struct grid_choice *choice, struct sheet *out, char *message,
               size_t message_size);

#endif
