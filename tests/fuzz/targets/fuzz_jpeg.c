/* Fuzzes reading a JPEG picture: the limits of cli/pictures/formats/jpeg.c, the orientation of
 * cli/pictures/formats/exif.c, turning upright. */
#include <string.h>

#include "tests/fuzz/fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        fuzz_read_picture(data, size);
    return 0;
}
