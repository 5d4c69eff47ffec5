/* Reads a cache file in one go, writes it beside its place. */
#include "cache_file.h"

#include <stdint.h>
#include <stdio.h>

#include "cli/base/output_file.h"
#include "cli/system/files.h"

gvk_result cache_file_read(int file, uint64_t size, void *bytes, size_t *count)
{
    if (!bytes) {
        *count = size > SIZE_MAX ? SIZE_MAX : (size_t)size;
        return GVK_OK;
    }
    size_t filled = 0;
    while (filled < *count) {
        ptrdiff_t got = file_read(file, (char *)bytes + filled, *count - filled);
        if (got < 0)
            return GVK_ERROR_FILE;
        if (got == 0)
            break; /* it became shorter meanwhile */
        filled += (size_t)got;
    }
    *count = filled;
    return GVK_OK;
}

bool cache_file_write(const char *path, const void *bytes, size_t count)
{
    char message[512];
    struct output_file file;
    if (!output_file_open_private(&file, path, message, sizeof message))
        return false;
    if (fwrite(bytes, 1, count, file.stream) == count)
        return output_file_commit(&file, message, sizeof message);
    output_file_abort(&file);
    return false;
}
