/* Between image_io.c and the decoders, one a format: what a decoder gets and what it gives back. Nobody else includes
 * this.
 *
 * A decoder reads the header, calls image_begin with the size found there, and only then takes memory or time. */
#ifndef GHOSTVK_CLI_PICTURES_DECODERS_H
#define GHOSTVK_CLI_PICTURES_DECODERS_H

#include "cli/pictures/image_io.h"

#if defined(__GNUC__)
#define IMAGE_FORMAT(string_index, first_index) __attribute__((format(printf, string_index, first_index)))
#else
#define IMAGE_FORMAT(string_index, first_index)
#endif

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
bool image_refuse(const struct image_file *file, const char *format, ...) IMAGE_FORMAT(2, 3);

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

/* Each fills an empty *out, or leaves a message and whatever it took in *out, which the caller releases. They do not
 * apply the orientation. */
bool image_decode_jpeg(struct image_file *file, struct image *out);
bool image_decode_png(struct image_file *file, struct image *out);
bool image_decode_webp(struct image_file *file, struct image *out);
bool image_decode_tiff(struct image_file *file, struct image *out);
bool image_decode_bmp(struct image_file *file, struct image *out);

/* upright.c: turns the pixels as the orientation says. False when memory ran out; then nothing has changed. */
bool image_turn_upright(struct image *image, unsigned orientation);

#endif
