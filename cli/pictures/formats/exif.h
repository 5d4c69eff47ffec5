/* Which way up a picture is, by its metadata. */
#ifndef GHOSTVK_CLI_PICTURES_EXIF_H
#define GHOSTVK_CLI_PICTURES_EXIF_H

#include <stddef.h>
#include <stdint.h>

#define EXIF_UPRIGHT 1u

/* Each returns 1 to 8 as EXIF defines them, and 1, upright, where there is no tag or it makes no sense: damaged
 * metadata is no reason to refuse a picture. Where a file says it several times, that counts which counts for Pillow's
 * ImageOps.exif_transpose. */
unsigned exif_orientation_of_jpeg(const uint8_t *bytes, size_t count);
unsigned exif_orientation_of_png(const uint8_t *bytes, size_t count);
/* Of a block of EXIF data, with or without "Exif" in front. */
unsigned exif_orientation_of_block(const uint8_t *bytes, size_t count);
/* The same, 0 where it has no such tag. */
unsigned exif_find_orientation(const uint8_t *bytes, size_t count);

#endif
