/* The formats of picture files: a decoder each, and the two that are also written. Which format a file is in is not
 * decided here. */
#ifndef GHOSTVK_CLI_PICTURES_FORMATS_H
#define GHOSTVK_CLI_PICTURES_FORMATS_H

#include <stdio.h>

#include "image.h"

#define IMAGE_JPEG_QUALITY 92

/* Each fills an empty *out, or leaves a message and whatever it took in *out, which the caller releases. They do not
 * apply the orientation. */
bool image_decode_jpeg(struct image_file *file, struct image *out);
bool image_decode_png(struct image_file *file, struct image *out);
bool image_decode_webp(struct image_file *file, struct image *out);
bool image_decode_tiff(struct image_file *file, struct image *out);
bool image_decode_bmp(struct image_file *file, struct image *out);

/* Write to a stream that the caller has opened and will flush and close. */
bool image_write_jpeg(FILE *stream, const struct image *image, char *message, size_t message_size);
bool image_write_png(FILE *stream, const struct image *image, char *message, size_t message_size);

#endif
