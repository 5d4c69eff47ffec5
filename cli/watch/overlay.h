/* The texts over the picture: rate, times, what is watched and on which device; the keys; what was just done. */
#ifndef GHOSTVK_CLI_WATCH_OVERLAY_H
#define GHOSTVK_CLI_WATCH_OVERLAY_H

#include "drawing.h"

#define OVERLAY_TEXT_SIZE 160

struct overlay_facts {
    const char *device, *model; /* UTF-8 */
    const char *source;
    uint32_t input_width, input_height; /* of the network */
    const char *precision;
    double rate, frame_ms, latency_ms;       /* NaN: not known yet */
    double resize_ms, network_ms, decode_ms; /* NaN: the device has no clock */
    uint64_t number, count, dropped;         /* count 0: not known */
    bool is_video, is_live, is_paused, has_boxes;
    float confidence;
    bool shows_facts, shows_help;
    const char *notice; /* for a moment at the lower edge; NULL: none */
};

struct overlay {
    struct item items[DRAWING_ITEMS_MAX];
    uint32_t count;
};

/* Lays the texts out in a window of that size. What finds no room in a small window is left out. */
void overlay_lay_out(struct overlay *overlay, const struct atlas *atlas, const struct overlay_facts *facts,
                     VkExtent2D window);

#endif
