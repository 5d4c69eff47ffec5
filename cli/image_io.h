/* Pictures in and out: JPEG and PNG files as RGB8 pixels, the way a person sees them.
 *
 * Called by every command that reads a picture (detect, classify, run, bench) and by those that write one.
 * Pixels are those of Pillow's convert("RGB"): alpha is dropped, CMYK is inverted as Adobe writes it, gamma and colour
 * profiles are ignored; of a 16-bit PNG the high byte is taken. The EXIF orientation is applied.
 *
 * A file is read whole or refused: one that is cut short or damaged never becomes a half grey picture. Nothing here
 * prints. On failure `message` holds a predicate without the file's name, "is a folder, not a picture", so that the
 * caller can write the path in front of it.
 *
 * Thread-safety: everything here may be called from several threads for different pictures. */
#ifndef GHOSTVK_CLI_IMAGE_IO_H
#define GHOSTVK_CLI_IMAGE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IMAGE_FILE_BYTES_MAX ((size_t)256 << 20)
#define IMAGE_SIDE_MAX       65535u
#define IMAGE_PIXELS_MAX     100000000u

#define IMAGE_JPEG_QUALITY 92

struct image {
    uint32_t width, height;
    uint8_t *pixels; /* RGB8, rows without padding, from malloc; NULL when empty */
};

enum image_kind { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG };

/* On success the caller owns `out` and gives it to image_release; on failure `out` is empty. */
bool image_read(const char *path, struct image *out, char *message, size_t message_size);
/* The same for a file's content in memory. */
bool image_read_bytes(const uint8_t *bytes, size_t count, struct image *out, char *message, size_t message_size);
/* Accepts an empty picture. */
void image_release(struct image *image);

/* Whether a picture of this size may be read at all. */
bool image_check_size(uint32_t width, uint32_t height, char *message, size_t message_size);
/* Zeroed pixels of a size that keeps to the ceilings. */
bool image_create(uint32_t width, uint32_t height, struct image *out, char *message, size_t message_size);

/* What a path's ending asks for: .jpg, .jpeg or .png in either case. */
enum image_kind image_kind_of_path(const char *path);
/* Writes a whole file in the format that the ending of `path` asks for, or none at all (see output_file.h). */
bool image_write(const char *path, const struct image *image, char *message, size_t message_size);

/* Write to a stream that the caller has opened and will flush and close. */
bool image_write_jpeg(FILE *stream, const struct image *image, char *message, size_t message_size);
bool image_write_png(FILE *stream, const struct image *image, char *message, size_t message_size);

/* The two decoders, in jpeg.c and png.c; image_read_bytes chooses. They do not apply the orientation. */
bool image_decode_jpeg(const uint8_t *bytes, size_t count, struct image *out, char *message, size_t message_size);
bool image_decode_png(const uint8_t *bytes, size_t count, struct image *out, char *message, size_t message_size);

#endif
