/* Fuzzes reading a TIFF picture: the limits of cli/pictures/formats/tiff.c, turning upright. */
#include <string.h>

#include "tests/fuzz/fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && (memcmp(data, "II", 2) == 0 || memcmp(data, "MM", 2) == 0))
        fuzz_read_picture(data, size);
    return 0;
}
