/* Pictures in and out: JPEG, PNG, WebP, TIFF and BMP files as RGB8 pixels, the way a person sees them; JPEG and PNG are
 * also written.
 *
 * Pixels are those of Pillow's convert("RGB"): alpha is dropped, CMYK is inverted as Adobe writes it, gamma and colour
 * profiles are ignored; of 16-bit samples the high byte is taken; of several pictures in a file the first. The
 * orientation that the file's EXIF data give is applied, unless the choice says otherwise.
 *
 * A file is read whole or refused: one that is cut short or damaged never becomes a half grey picture. What does not
 * concern the pixels is passed over: garbage between a JPEG's segments, a PNG that ends behind its pixels. Nothing here
 * prints. On failure `message` holds a predicate without the file's name, "is a folder, not a picture", so that the
 * caller can write the path in front of it.
 *
 * Thread-safety: everything here may be called from several threads for different pictures. */
#ifndef GHOSTVK_CLI_PICTURES_IMAGE_IO_H
#define GHOSTVK_CLI_PICTURES_IMAGE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/pictures/formats/image.h"

#define IMAGE_FILE_BYTES_MAX ((size_t)512 << 20)

enum image_kind { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP, IMAGE_TIFF, IMAGE_BMP };

/* On success the caller owns `out` and gives it to image_release; on failure `out` is empty. `choice` may be NULL. */
bool image_read(const char *path, const struct image_choice *choice, struct image *out, char *message,
                size_t message_size);
/* The same for a file's content in memory. */
bool image_read_bytes(const uint8_t *bytes, size_t count, const struct image_choice *choice, struct image *out,
                      char *message, size_t message_size);
/* What a file's first bytes show; the name does not count. */
enum image_kind image_kind_of_bytes(const uint8_t *bytes, size_t count);
/* What a path's ending says, in either case. */
enum image_kind image_kind_of_path(const char *path);
/* Writes a whole file, JPEG or PNG as the ending of `path` asks for, or none at all (see output_file.h). */
bool image_write(const char *path, const struct image *image, char *message, size_t message_size);

#endif
