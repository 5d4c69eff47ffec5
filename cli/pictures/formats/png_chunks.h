/* A PNG file's chunks, walked without libpng: whether all pixels are there, and texts. */
#ifndef GHOSTVK_CLI_PICTURES_PNG_CHUNKS_H
#define GHOSTVK_CLI_PICTURES_PNG_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct png_chunk {
    char type[5];
    const uint8_t *data;
    size_t count;  /* of `data`; fewer than the chunk says where the file is cut short */
    bool is_whole; /* with its checksum */
};

/* The chunk at *at, which moves behind it; *at starts at PNG_FIRST_CHUNK. False at the file's end. */
#define PNG_FIRST_CHUNK 8u
bool png_next_chunk(const uint8_t *bytes, size_t count, size_t *at, struct png_chunk *out);

/* Whether the file goes on to its end chunk. */
bool png_is_whole(const uint8_t *bytes, size_t count);
/* Whether the packed data give every row of the picture that the header promises, each with a filter that there is; and
 * `with_sums`, whether their checksums are right. One pass over the data, little memory. */
bool png_holds_its_pixels(const uint8_t *bytes, size_t count, bool with_sums);

#endif
