/* What the picture targets share. The libraries are not instrumented, so the memory that they write to and
 * read from ends at a page that nobody may touch. */
#ifndef GVK_TESTS_FUZZ_PICTURE_H
#define GVK_TESTS_FUZZ_PICTURE_H

#include "fuzz.h"

/* What calloc, malloc and free are called in the picture sources of these targets. NULL beyond FUZZ_PICTURE_BYTES, as
 * on a machine with little memory. */
void *fuzz_picture_calloc(size_t count, size_t size);
void *fuzz_picture_malloc(size_t bytes);
void fuzz_picture_free(void *block);

#define FUZZ_PICTURE_BYTES ((size_t)2 << 20)

/* Looks for an orientation in the bytes as both kinds of file, then decodes them and checks what comes out. */
void fuzz_read_picture(const uint8_t *data, size_t size);

#endif
