/* Fuzzes reading a WebP picture: the limits of cli/pictures/formats/webp.c, turning upright. */
#include <string.h>

#include "tests/fuzz/fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
        fuzz_read_picture(data, size);
    return 0;
}
