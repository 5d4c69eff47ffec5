/* Colour maps whose lightness rises evenly from dark to bright, so that a brighter colour is a larger number to every
 * eye and on a grey printer, too. */
#ifndef GHOSTVK_CLI_FEATURES_COLOURS_H
#define GHOSTVK_CLI_FEATURES_COLOURS_H

#include <stdint.h>

#define COLOUR_STEPS 256

enum colour_map {
    COLOURS_OF_MAPS, /* violet, blue, green, yellow */
    COLOURS_OF_HEAT  /* black, purple, red, orange, pale yellow */
};

struct colours {
    uint8_t steps[COLOUR_STEPS][3]; /* R, G, B */
};

void colours_make(enum colour_map map, struct colours *out);
/* The step of a value between two others; what is outside counts as the nearer of them. */
unsigned colour_step(double value, double low, double high);

#endif
