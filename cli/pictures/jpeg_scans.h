/* What a JPEG file's markers promise, looked at before libjpeg takes any memory. */
#ifndef GHOSTVK_CLI_PICTURES_JPEG_SCANS_H
#define GHOSTVK_CLI_PICTURES_JPEG_SCANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False where the file surely lacks pixels: no end-of-image marker follows the last scan, or a Huffman-coded scan has
 * fewer bits than it has codes. One pass over the bytes, no memory. */
bool jpeg_holds_its_pixels(const uint8_t *bytes, size_t count);

#endif
