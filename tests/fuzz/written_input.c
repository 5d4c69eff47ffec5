/* See written_input.h. */
#include "written_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

static int make_file(void)
{
    static const char *const folders[] = {"/dev/shm", "/tmp"}; /* in memory, where there is such a folder */
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/ghostvk-fuzz-XXXXXX", folders[i]);
        int descriptor = mkstemp(path);
        if (descriptor >= 0) {
            unlink(path);
            return descriptor;
        }
    }
    return -1;
}

const char *fuzz_write_input(const uint8_t *data, size_t size)
{
    static int descriptor = -1;
    static char path[32];
    if (descriptor < 0) {
        descriptor = make_file();
        FUZZ_CHECK(descriptor >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    FUZZ_CHECK(ftruncate(descriptor, (off_t)size) == 0);
    FUZZ_CHECK(pwrite(descriptor, data, size, 0) == (ssize_t)size);
    return path;
}
