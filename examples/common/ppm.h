/* Pictures as PPM (P6, 8 bits): the simplest format that there is, so that the examples need no library for it. */
#ifndef EXAMPLES_PPM_H
#define EXAMPLES_PPM_H

#include <stdbool.h>
#include <stdint.h>

struct ppm {
    uint32_t width, height;
    unsigned char *rgb; /* rows from the top, tight; free() releases it */
};

/* Both print a sentence where they return false. */
bool read_ppm(const char *path, struct ppm *out);
bool write_ppm(const char *path, uint32_t width, uint32_t height, const unsigned char *rgb);

#endif
