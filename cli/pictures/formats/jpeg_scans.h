/* What a JPEG file's markers promise, looked at before libjpeg takes any memory. */
#ifndef GHOSTVK_CLI_PICTURES_JPEG_SCANS_H
#define GHOSTVK_CLI_PICTURES_JPEG_SCANS_H

#include <stddef.h>
#include <stdint.h>

/* NULL, or what is surely wrong, as a predicate: no end-of-image marker follows the last scan, a Huffman-coded scan has
 * fewer bits than it has codes, or so much garbage stands between segments or behind a scan's data that skipping it
 * would take long; or a component has no scan, or none with its averages. *scans is their number. One pass over the
 * bytes, no memory.
 */
const char *jpeg_find_problem(const uint8_t *bytes, size_t count, unsigned *scans);

#endif
