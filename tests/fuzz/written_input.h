/* An input as a file, for readers that take a path. */
#ifndef GVK_TESTS_FUZZ_WRITTEN_INPUT_H
#define GVK_TESTS_FUZZ_WRITTEN_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* The path of a regular file with these bytes; the same one for every input, which no folder holds. */
const char *fuzz_write_input(const uint8_t *data, size_t size);

#endif
