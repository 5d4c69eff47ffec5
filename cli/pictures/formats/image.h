/* A picture in memory, and what every format has in common: a file's content on its way to pixels, the limits that a
 * picture must keep before memory or time is spent on it, and how a refusal is said.
 *
 * A decoder reads the header, calls image_begin with the size found there, and only then takes memory or time. */
#ifndef GHOSTVK_CLI_PICTURES_IMAGE_H
#define GHOSTVK_CLI_PICTURES_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/system/format.h"

#define IMAGE_SIDE_MAX 65535u

struct image {
    uint32_t width, height;
    uint8_t *pixels; /* RGB8, rows without padding, from malloc; NULL when empty */
};

/* How pictures are read. All zeros: upright, of any size that memory holds. */
struct image_choice {
    bool ignore_orientation; /* the orientation is not applied */
    /* Called with the size that a header says (sides as they will be handed out), before anything is decoded. False
     * refuses the picture with the predicate that it wrote into `message`. NULL: every size. */
    bool (*accept)(void *user, uint32_t width, uint32_t height, char *message, size_t message_size);
    void *user;
};

/* Zeroed pixels. The caller owns `out` and gives it to image_release; on failure `out` is empty and `message` holds a
 * predicate. */
bool image_create(uint32_t width, uint32_t height, struct image *out, char *message, size_t message_size);
/* Accepts an empty picture. */
void image_release(struct image *image);

/* A file's content on its way to pixels. */
struct image_file {
    const uint8_t *bytes;
    size_t count;
    const struct image_choice *choice; /* never NULL */
    unsigned orientation;              /* 1 to 8 as EXIF counts; the decoder sets it where there is one */
    char *message;
    size_t message_size;
};

/* The sentence's predicate into the message; false, for `return image_refuse(...)`. */
bool image_refuse(const struct image_file *file, const char *format, ...) GHOSTVK_FORMAT(2, 3);

/* The size that the header says: refused where a side is too long, where the choice's `accept` refuses it, or where the
 * pixels and `further` bytes that the decoder is going to take do not fit into half of the machine's memory. Otherwise
 * *out gets zeroed pixels, of which the system takes no memory before they are written. */
bool image_begin(const struct image_file *file, uint32_t width, uint32_t height, uint64_t further, struct image *out);

/* Formats that say how much data each pixel takes at least are held to it. For the others a picture of more than
 * `free_pixels` must have a byte for each 4,096 pixels: what claims more is no photograph but a bomb. */
bool image_is_plausible(const struct image_file *file, uint32_t width, uint32_t height, uint64_t free_pixels);

/* Whether so few bytes claim so many pixels that a damaged end would be found only after much memory: such files are
 * decoded once without keeping the pixels. */
bool image_is_suspicious(const struct image_file *file, uint32_t width, uint32_t height);

/* What Pillow's convert makes of CMYK where 255 is no ink. */
void image_convert_inverted_cmyk(const uint8_t *from, uint8_t *to, size_t width);

#endif
