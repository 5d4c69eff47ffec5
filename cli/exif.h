/* Which way up a picture is: the orientation tag of EXIF data in a JPEG or PNG file. Called by image_io.c. */
#ifndef GHOSTVK_CLI_EXIF_H
#define GHOSTVK_CLI_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Each returns 1 to 8 as EXIF defines them, and 1, upright, where there is no tag or it makes no sense: damaged
 * metadata is no reason to refuse a picture. */
unsigned exif_orientation_of_jpeg(const uint8_t *bytes, size_t count);
unsigned exif_orientation_of_png(const uint8_t *bytes, size_t count);

#endif
