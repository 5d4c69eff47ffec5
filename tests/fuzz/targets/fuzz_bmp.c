/* Fuzzes reading a BMP picture: the limits of cli/pictures/formats/bmp.c, turning upright. */
#include <string.h>

#include "tests/fuzz/fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && memcmp(data, "BM", 2) == 0)
        fuzz_read_picture(data, size);
    return 0;
}
